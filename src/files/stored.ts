import { readFile } from 'node:fs/promises'
import { checkComparison, checkIsComparison } from '../budget/comparison/check-comparison.js'
import type { Comparison } from '../budget/comparison/comparison.js'
import { checkIsResult, checkResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import { type Budget, parseBudget } from '../scenario/budget.js'
import type { Scenario } from '../scenario/scenario.js'
import { messageOf, permissionMissing, show, ValidationError } from '../validation/validation-error.js'
import { parseJson } from './json-values.js'
import { replaceFile } from './replace.js'

/**
 * Reads a scenario from a JSON file. It is checked when it runs.
 *
 * @example
 * import { writeFile } from 'node:fs/promises'
 *
 * await writeFile('scenario.json', '{ "arrivals": "400/s", "service": "1ms" }')
 * const result = simulate(await readScenario('scenario.json'))
 */
export async function readScenario(path: string): Promise<Scenario> {
  return toScenario(path, await readJson(path))
}

/** Reads the content of a file as a scenario. */
export function toScenario(path: string, value: unknown): Scenario {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if ('schema' in value && 'scenario' in value) {
      throw new ValidationError(path, `must hold a scenario, but holds a result; use the value of its field 'scenario'`)
    }
    return omitSchema(value) as Scenario
  }
  throw new ValidationError(path, `must hold a scenario, such as { arrivals: '800/s', … }, got ${show(value)}`)
}

/**
 * Reads a result from a JSON file and checks it.
 *
 * @example
 * await writeResult('result.json', simulate({ arrivals: '400/s', service: '1ms' }))
 * const { latencyMs } = await readResult('result.json')
 *
 * @throws ValidationError if the file is missing or invalid, or the result has another version or contradicts itself
 */
export async function readResult(path: string): Promise<Result> {
  return checkResult(await readJson(path), { file: path })
}

/** Reads a result from a file that may hold a scenario instead; null if it does. */
export async function readIfResult(path: string): Promise<Result | null> {
  if (!path.endsWith('.json')) return null
  const read = await readJson(path)
  return typeof read === 'object' && read !== null && 'schema' in read ? checkResult(read, { file: path }) : null
}

/**
 * Reads a comparison from a JSON file and checks it.
 *
 * @throws ValidationError if the file is missing or invalid, or the comparison has another version or contradicts itself
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1ms' })
 * await writeComparison('comparison.json', compareResults(base, base))
 * console.log((await readComparison('comparison.json')).verdict) // same
 */
export async function readComparison(path: string): Promise<Comparison> {
  return checkComparison(await readJson(path), { file: path })
}

/**
 * Writes a comparison to a JSON file, atomically.
 *
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1ms' })
 * const head = simulate({ arrivals: '500/s', service: '1.2ms' })
 * await writeComparison('comparison.json', compareResults(base, head))
 * const { verdict } = await readComparison('comparison.json')
 *
 * @throws ValidationError if the value is not a comparison (a promise, for instance), or the file cannot be written
 */
export async function writeComparison(path: string, comparison: Comparison): Promise<void> {
  checkIsComparison(comparison)
  await writeText(path, jsonText(comparison))
}

/**
 * Reads a budget from a JSON file, such as `{ "p99": "100ms" }`.
 *
 * @throws ValidationError if the file is missing or does not hold a budget
 * @example
 * import { writeFile } from 'node:fs/promises'
 *
 * await writeFile('budget.json', '{ "p99": "100ms" }')
 * const budget = await readBudget('budget.json')
 * assertBudget(simulate({ arrivals: '400/s', service: '1ms' }), budget)
 */
export async function readBudget(path: string): Promise<Budget> {
  return parseBudget(omitSchema(await readJson(path)), { file: path })
}

/**
 * Writes a result to a JSON file, atomically.
 *
 * @throws ValidationError if the value is not a result (a promise, for instance), or the file cannot be written
 * @example
 * await writeResult('result.json', simulate({ arrivals: '400/s', service: '1ms' }))
 * const { counts } = await readResult('result.json')
 */
export async function writeResult(path: string, result: Result): Promise<void> {
  checkIsResult(result)
  await writeText(path, jsonText(result))
}

/** Drops the `$schema` by which editors check a file. */
function omitSchema(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('$schema' in value)) return value
  const { $schema: _, ...rest } = value
  return rest
}

/** A value as JSON, as it is written to files and printed. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Writes a text to a file, atomically.
 *
 * @throws ValidationError if the file cannot be written
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
          ? 'is in a folder that does not exist'
          : `cannot be written (${code}${permissionMissing(error)})`
    throw new ValidationError(path, why, { cause: error })
  }
}

/**
 * Reads a text file in UTF-8, or in UTF-16 with a byte order mark, as some shells and spreadsheets write it. The mark is
 * dropped.
 *
 * @throws ValidationError if the file cannot be read or is not text
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
    throw new ValidationError(path, `is not valid ${encoding.toUpperCase()} text; write it as UTF-8`, { cause: error })
  }
  if (text.includes('\0'))
    throw new ValidationError(path, 'holds null bytes, so it is not a text file; write it as UTF-8')
  return text
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EISDIR'
          ? 'is a folder'
          : `cannot be read (${code}${permissionMissing(error)})`
    throw new ValidationError(path, why, { cause: error })
  }
}

/** Reads and parses a JSON file. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path)
  return parseJson(path, text, messageOf)
}
