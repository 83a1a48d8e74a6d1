import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkEntry, type HistoryEntry } from '../budget/comparison/history-entry.js'
import { parseJson } from '../files/json-values.js'
import { readText } from '../files/stored.js'
import { messageOf, permissionMissing, ValidationError } from '../validation/validation-error.js'

/**
 * Reads a history: a file with one entry per line, in the order of adding.
 *
 * @throws ValidationError with the number of the line if a line is invalid, or if the file is missing
 */
export async function readHistory(path: string): Promise<HistoryEntry[]> {
  const text = await readText(path)
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return []
    const at = `${path}:${i + 1}`
    return [checkEntry(parseJson(at, line, messageOf), { file: at })]
  })
}

/**
 * Adds entries to a history, and creates the file if it is missing. An incomplete last line, such as after a full disk, stays
 * a separate line.
 *
 * @throws ValidationError if the file cannot be written
 */
export async function addToHistory(path: string, entries: readonly HistoryEntry[]): Promise<void> {
  const text = await readText(path).catch((error: ValidationError) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return ''
    throw error
  })
  const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
  try {
    await mkdir(dirname(path), { recursive: true })
    // in one write, so that two processes do not mix their lines
    await appendFile(path, text === '' || text.endsWith('\n') ? lines : `\n${lines}`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ValidationError(path, `cannot be written (${code}${permissionMissing(error)})`, { cause: error })
  }
}
