import type { z } from 'zod'
import { checkStoredScenario } from '../scenario/scenario.js'
import { checkVersion, type Source, sourceOf, throwFaults } from '../validation/validation-error.js'
import { resultSchema, SCHEMA } from './consistency/schema.js'
import { summary } from './consistency/summaries.js'
import type { Result } from './result.js'
import type { Summary } from './summary.js'

/**
 * Checks that a value is a result, and not the promise of one, but not its contents.
 *
 * @throws ValidationError
 */
export function checkIsResult(value: unknown, name: Source = 'result'): void {
  checkVersion(value, { name, kind: 'result', schema: SCHEMA })
}

/**
 * Checks a value that should be a result, such as one read from a file.
 *
 * @throws ValidationError if it has another version, or its figures contradict each other
 */
export function checkResult(value: unknown, name: Source = 'result'): Result {
  checkIsResult(value, name)
  parseWith(resultSchema, value, name)
  const result = value as Result
  if (result.scenario !== null) checkStoredScenario(result.scenario, sourceOf(name, 'scenario'))
  return result
}

/** The same for a summary. */
export function checkSummary(value: unknown, name: Source = 'summary'): Summary {
  parseWith(summary, value, name)
  return value as Summary
}

function parseWith(schema: z.ZodType, value: unknown, name: Source): void {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
}
