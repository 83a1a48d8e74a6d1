import { readFile } from 'node:fs/promises'
import { checkComparison, checkIsComparison } from '../budget/check-comparison.js'
import type { Comparison } from '../budget/comparison.js'
import { checkedResult, checkIsResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import { type Budget, checkedBudget } from '../scenario/budget.js'
import type { Scenario } from '../scenario/scenario.js'
import { messageOf, permissionMissing, show, ValidationError } from '../validation/validation-error.js'
import { replaceFile } from './replace.js'

/** Reads a scenario from a JSON file; it is checked where it is run. */
export async function readScenario(path: string): Promise<Scenario> {
  return toScenario(path, await readJson(path))
}

/** What a file holds, taken for a scenario. */
export function toScenario(path: string, value: unknown): Scenario {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if ('schema' in value && 'scenario' in value) {
      throw new ValidationError(path, `must hold a scenario, and holds a result; what it was of is its 'scenario'`)
    }
    return omitSchema(value) as Scenario
  }
  throw new ValidationError(path, `must hold a scenario, such as { arrivals: '800/s', … }, got ${show(value)}`)
}

/**
 * Reads a result from a JSON file.
 *
 * @throws ValidationError if it is missing, of another version, or contradicts itself
 */
export async function readResult(path: string): Promise<Result> {
  return checkedResult(await readJson(path), path)
}

/** Reads a result from a file that may as well hold a scenario: null where it does. */
export async function readIfResult(path: string): Promise<Result | null> {
  if (!path.endsWith('.json')) return null
  const read = await readJson(path)
  return typeof read === 'object' && read !== null && 'schema' in read ? checkedResult(read, path) : null
}

/**
 * Reads a comparison from a JSON file.
 *
 * @throws ValidationError if it is missing, of another version, or contradicts itself
 */
export async function readComparison(path: string): Promise<Comparison> {
  return checkComparison(await readJson(path), path)
}

/**
 * Writes a comparison to a JSON file, whole or not at all.
 *
 * @throws ValidationError if it is no comparison, such as the promise of one, or the file cannot be written
 */
export async function writeComparison(path: string, comparison: Comparison): Promise<void> {
  checkIsComparison(comparison)
  await writeText(path, `${JSON.stringify(comparison, null, 2)}\n`)
}

/**
 * Reads a budget from a JSON file, such as `{ "p99": "100ms" }`.
 *
 * @throws ValidationError if the file is missing, or does not hold a budget
 */
export async function readBudget(path: string): Promise<Budget> {
  return checkedBudget(omitSchema(await readJson(path)), path)
}

/**
 * Writes a result to a JSON file, whole or not at all.
 *
 * @throws ValidationError if it is no result, such as the promise of one, or the file cannot be written
 */
export async function writeResult(path: string, result: Result): Promise<void> {
  checkIsResult(result)
  await writeText(path, `${JSON.stringify(result, null, 2)}\n`)
}

/** What an editor checks a file by is no part of what it holds. */
function omitSchema(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('$schema' in value)) return value
  const { $schema: _, ...rest } = value
  return rest
}

/**
 * Writes a text to a file, whole or not at all.
 *
 * @throws ValidationError if it cannot be written
 */
export async function writeText(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'EISDIR'
        ? 'is a folder'
        : code === 'ENOENT' || code === 'ENOTDIR'
          ? 'is in no folder that there is'
          : `cannot be written (${code}${permissionMissing(error)})`
    throw new ValidationError(path, why, { cause: error })
  }
}

/** How deep lists and objects are nested in a text of JSON. */
function nestingDepth(text: string): number {
  let deepest = 0
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else inString = code !== 0x22
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x5d || code === 0x7d) depth--
  }
  return deepest
}

/**
 * The text of a file: UTF-8, or UTF-16 that begins with a mark of its byte order, as some shells and spreadsheets write
 * it. The mark is left out.
 *
 * @throws ValidationError if it cannot be read, or is no text
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path)
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
  let text: string
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new ValidationError(path, messageOf(error), { cause: error })
    throw new ValidationError(path, `is no text in ${encoding.toUpperCase()}; write it as UTF-8`, { cause: error })
  }
  if (text.includes('\0')) throw new ValidationError(path, 'holds bytes of 0, which no text does; write it as UTF-8')
  return text
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'is a folder'
          : `cannot be read (${code}${permissionMissing(error)})`
    throw new ValidationError(path, why, { cause: error })
  }
}

/** Nothing of ours is nested as deep as that; what follows a value into its depths would run out of stack. */
const DEEPEST = 100

/** What a JSON file holds. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path)
  const depth = nestingDepth(text)
  if (depth > DEEPEST) throw new ValidationError(path, `is nested ${depth} levels deep; at most ${DEEPEST} are read`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ValidationError(path, `is not JSON: ${messageOf(error)}`, { cause: error })
  }
}
