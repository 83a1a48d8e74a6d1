import { readFile } from 'node:fs/promises'
import { checkedComparison, checkIsComparison } from '../budget/check-comparison.js'
import type { Comparison } from '../budget/comparison.js'
import { replaceFile } from '../files/replace.js'
import { checkedResult, checkIsResult } from '../result/check.js'
import type { Result } from '../result/result.js'
import { type Budget, checkedBudget } from '../scenario/budget.js'
import { messageOf, permissionMissing, ScenarioError, show } from '../scenario/error.js'
import type { Scenario } from '../scenario/scenario.js'

/** Reads a scenario from a JSON file; it is checked where it is run. */
export async function readScenario(path: string): Promise<Scenario> {
  return asScenario(path, await readJson(path))
}

/** What a file holds, taken for a scenario. */
export function asScenario(path: string, value: unknown): Scenario {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if ('schema' in value && 'scenario' in value) {
      throw new ScenarioError(path, `must hold a scenario, and holds a result; what it was of is its 'scenario'`)
    }
    return withoutSchema(value) as Scenario
  }
  throw new ScenarioError(path, `must hold a scenario, such as { arrivals: '800/s', … }, got ${show(value)}`)
}

/**
 * Reads a result from a JSON file.
 *
 * @throws ScenarioError where there is none, one of another version, or one that contradicts itself
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
 * @throws ScenarioError where there is none, one of another version, or one that contradicts itself
 */
export async function readComparison(path: string): Promise<Comparison> {
  return checkedComparison(await readJson(path), path)
}

/**
 * Writes a comparison to a JSON file, whole or not at all.
 *
 * @throws ScenarioError if it is no comparison, such as the promise of one, or the file cannot be written
 */
export async function writeComparison(path: string, comparison: Comparison): Promise<void> {
  checkIsComparison(comparison)
  await writeText(path, `${JSON.stringify(comparison, null, 2)}\n`)
}

/**
 * Reads a budget from a JSON file, such as `{ "p99": "100ms" }`.
 *
 * @throws ScenarioError where there is none
 */
export async function readBudget(path: string): Promise<Budget> {
  return checkedBudget(withoutSchema(await readJson(path)), path)
}

/**
 * Writes a result to a JSON file, whole or not at all.
 *
 * @throws ScenarioError if it is no result, such as the promise of one, or the file cannot be written
 */
export async function writeResult(path: string, result: Result): Promise<void> {
  checkIsResult(result)
  await writeText(path, `${JSON.stringify(result, null, 2)}\n`)
}

/** What an editor checks a file by is no part of what it holds. */
function withoutSchema(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('$schema' in value)) return value
  const { $schema: _, ...rest } = value
  return rest
}

/**
 * Writes a text to a file, whole or not at all.
 *
 * @throws ScenarioError where it cannot be written
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
    throw new ScenarioError(path, why, { cause: error })
  }
}

/** The text of a file. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'is a folder'
          : `cannot be read (${code}${permissionMissing(error)})`
    throw new ScenarioError(path, why, { cause: error })
  }
}

/** What a JSON file holds. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path)
  try {
    // some editors and shells put a mark of the byte order before it
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new ScenarioError(path, `is not JSON: ${messageOf(error)}`, { cause: error })
  }
}
