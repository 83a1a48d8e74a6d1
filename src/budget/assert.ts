import { z } from 'zod'
import type { Result } from '../result/result.js'
import type { Summary } from '../result/summary.js'
import type { Budget } from '../scenario/budget.js'
import { options } from '../scenario/units.js'
import { throwFaults } from '../validation/validation-error.js'
import { type BudgetCheck, checkBudget } from './check.js'
import { headline, renderBudget } from './render.js'

export interface BudgetOptions {
  /** What to do where the run does not tell whether the budget is kept. Default: fail. */
  onInconclusive?: 'fail' | 'pass' | undefined
}

const schema = options({ onInconclusive: z.enum(['fail', 'pass'], { error: "must be 'fail' or 'pass'" }).optional() })

/** A run that does not keep to its budget, or does not tell: the message is a table of its rules. */
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
 * Throws unless a run keeps to a budget, as `checkBudget` judges it.
 *
 * @throws BudgetError if it fails, or is inconclusive and `onInconclusive` is not 'pass'
 * @throws ValidationError if the budget or the result cannot be read
 */
export function assertBudget(of: Result | Summary, budget: Budget, given: BudgetOptions = {}): void {
  const { onInconclusive = 'fail' } = parseBudgetOptions(given)
  const check = checkBudget(of, budget)
  if (check.verdict === 'pass' || (check.verdict === 'inconclusive' && onInconclusive === 'pass')) return
  throw new BudgetError(check)
}

/** @throws ValidationError if an option is unknown */
export function parseBudgetOptions(given: BudgetOptions): BudgetOptions {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'options', given)
  return asked.data
}
