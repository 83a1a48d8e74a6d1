import { expect } from 'vitest'
import { type BudgetOptions, checkedOptions } from './budget/assert.js'
import { checkBudget } from './budget/check.js'
import { headline, renderBudget } from './budget/render.js'
import type { Result } from './result/result.js'
import type { Summary } from './result/summary.js'
import type { Budget } from './scenario/budget.js'

interface BudgetMatchers<T> {
  /**
   * Holds where a run keeps to its budget, as `checkBudget` judges it. A run that does not tell, because the limit lies
   * within an interval, it is too short or invalid, fails the test, and does so under `.not` too; with
   * `{ onInconclusive: 'pass' }` it does not, with `.not` or without.
   */
  toMeetBudget: Awaited<T> extends Result | Summary ? (budget: Budget, options?: BudgetOptions) => void : never
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: a declaration can only be merged with one of the same parameters
  interface Matchers<T = any> extends BudgetMatchers<T> {}
}

expect.extend({
  toMeetBudget(result: Result | Summary, budget: Budget, options: BudgetOptions = {}) {
    const { onInconclusive = 'fail' } = checkedOptions(options)
    const check = checkBudget(result, budget)
    const { verdict } = check
    const negated = this.isNot === true
    // what is not told is no success, whichever way it is asked
    const pass = verdict === 'inconclusive' ? (onInconclusive === 'pass') !== negated : verdict === 'pass'
    const asked = negated && verdict === 'pass' ? ', where it should not have been' : ''
    return { pass, message: () => `${headline(check)}${asked}\n\n${renderBudget(check)}\n` }
  },
})
