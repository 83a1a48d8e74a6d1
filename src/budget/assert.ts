import { z } from 'zod'
import type { Result } from '../result/result.js'
import type { Summary } from '../result/summary.js'
import type { Budget } from '../scenario/budget.js'
import { options } from '../scenario/units.js'
import { throwFaults } from '../validation/validation-error.js'
import { type BudgetCheck, checkBudget } from './check.js'
import { headline, renderBudget } from './render.js'

/** Options of `assertBudget`, `assertNotSlower` and the matchers. */
export interface BudgetOptions {
  /**
   * How to treat an inconclusive verdict.
   *
   * @default 'fail'
   */
  onInconclusive?: 'fail' | 'pass' | undefined
}

const schema = options({ onInconclusive: z.enum(['fail', 'pass'], { error: "must be 'fail' or 'pass'" }).optional() })

/**
 * Thrown if a run fails its budget or is inconclusive. The message is the table of its rules.
 *
 * @example
 * const result = simulate({ arrivals: '400/s', service: '1ms' })
 * try {
 *   assertBudget(result, { p99: '1ms' })
 * } catch (error) {
 *   if (error instanceof BudgetError) console.log(error.verdict, error.check.rules[0]?.metric) // fail p99
 * }
 */
export class BudgetError extends Error {
  override readonly name = 'BudgetError'
  readonly verdict: 'fail' | 'inconclusive'
  readonly check: BudgetCheck

  constructor(check: BudgetCheck) {
    super(`${headline(check)}\n\n${renderBudget(check)}\n`)
    this.verdict = check.verdict === 'fail' ? 'fail' : 'inconclusive'
    this.check = check
  }
}

/**
 * Throws unless a run meets a budget, as `checkBudget` judges it.
 *
 * @example
 * const result = simulate({ arrivals: '400/s', service: '1ms' })
 * assertBudget(result, { p99: '20ms', throughput: '>= 390/s' })
 *
 * @param of a Result, or a Summary of durations in milliseconds
 * @param budget limits by metric: `{ p99: '100ms', errorRate: '< 1%' }`
 * @throws BudgetError if the verdict is `fail`, or `inconclusive` and `onInconclusive` is not `'pass'`
 * @throws ValidationError if the budget or an option is invalid, or the result has another version or contradicts itself
 */
export function assertBudget(of: Result | Summary, budget: Budget, given: BudgetOptions = {}): void {
  const { onInconclusive = 'fail' } = parseBudgetOptions(given)
  const check = checkBudget(of, budget)
  if (check.verdict === 'pass' || (check.verdict === 'inconclusive' && onInconclusive === 'pass')) return
  throw new BudgetError(check)
}

/** @throws ValidationError if an option is unknown or invalid */
export function parseBudgetOptions(given: BudgetOptions): BudgetOptions {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'options', given)
  return asked.data
}
