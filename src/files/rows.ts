import { fileURLToPath } from 'node:url'
import { isPlain } from '../validation/realm.js'
import { show, ValidationError } from '../validation/validation-error.js'
import { parseCsv, SEPARATORS } from './csv.js'
import { parseJsonValues } from './json-values.js'
import { readText } from './stored.js'

/** A row of a file: its columns by name, and its place, such as `users.csv:7`. */
export interface FileRow {
  place: string
  columns: Readonly<Record<string, unknown>>
}

/**
 * Reads the rows of a file: CSV with names of columns in the first line, whose separator is detected, JSON lines of
 * objects, or one JSON list of them.
 *
 * @param file a path, relative to the working directory, or a file URL
 * @throws ValidationError naming the file and the line
 */
export async function readRows(file: string): Promise<FileRow[]> {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  return parseRows(path, await readLines(path))
}

/** Reads a text file, with `\n` at the ends of lines: it may mix those of Windows and of old systems. */
export const readLines = async (path: string): Promise<string> => (await readText(path)).replace(/\r\n?/g, '\n')

/**
 * Parses the text of a file into rows.
 *
 * @param format that of the file's name if omitted
 * @throws ValidationError naming the file and the line
 */
export function parseRows(path: string, text: string, format?: FileFormat): FileRow[] {
  const rows = isJson(path, text, format) ? parseJsonValues(path, text, jsonRow) : csvRows(path, text)
  if (rows.length === 0) throw new ValidationError(path, 'holds no rows')
  return rows
}

/** The formats of files with rows. */
export type FileFormat = 'csv' | 'json-lines'

/** Whether a file holds JSON: by its format if that is given, else by its name, or because it begins with an object. */
export const isJson = (path: string, text: string, format: FileFormat | undefined): boolean =>
  format === undefined ? /\.(jsonl|ndjson|json)$/i.test(path) || /^\s*\{\s*"/.test(text) : format === 'json-lines'

function csvRows(path: string, text: string): FileRow[] {
  const { records, openQuote } = parseCsv(text, detectSeparator(text))
  if (openQuote !== null) throw new ValidationError(`${path}:${openQuote}`, 'has a quote that is not closed')
  const [header, ...rest] = records
  if (header === undefined) return []
  const names = header.fields
  const missing = names.indexOf('')
  if (missing >= 0 && names.slice(missing).some((name) => name !== '')) {
    throw new ValidationError(`${path}:${header.line}`, `must name its columns, but column ${missing + 1} has no name`)
  }
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) < i)
  if (twice !== undefined) throw new ValidationError(`${path}:${header.line}`, `has the column ${show(twice)} twice`)
  return rest.map(({ line, fields }) => {
    const place = `${path}:${line}`
    if (fields.slice(names.length).some((field) => field !== '')) {
      throw new ValidationError(
        place,
        `has ${fields.length} fields, but the first line has ${names.length}; quote fields that hold the separator`,
      )
    }
    const columns = names.flatMap((name, i) => (name === '' ? [] : [[name, fields[i] ?? ''] as const]))
    return { place, columns: Object.fromEntries(columns) }
  })
}

/** The separator that gives the first line the most fields. */
function detectSeparator(text: string): string {
  const counts = SEPARATORS.map((separator) => parseCsv(text, separator, 1).records[0]?.fields.length ?? 0)
  return SEPARATORS[counts.indexOf(Math.max(...counts))] as string
}

function jsonRow(place: string, value: unknown): FileRow {
  if (isPlain(value)) return { place, columns: value as Record<string, unknown> }
  throw new ValidationError(place, `must be an object, such as {"path":"/users/7"}, got ${show(value)}`)
}
