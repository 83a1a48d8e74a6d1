import { expect } from 'vitest'
import { type BudgetOptions, parseBudgetOptions } from './budget/assert.js'
import { checkBudget, type Verdict } from './budget/check.js'
import { checkComparison } from './budget/check-comparison.js'
import { type CompareResultsOptions, compareResults } from './budget/compare-results.js'
import type { Comparison } from './budget/comparison.js'
import { judgeFaster } from './budget/faster.js'
import { headline, renderBudget } from './budget/render.js'
import { renderComparison } from './budget/render-comparison.js'
import type { Result } from './result/result.js'
import type { Summary } from './result/summary.js'
import type { Budget } from './scenario/budget.js'
import type { Fraction } from './scenario/units.js'

interface BudgetMatchers<T> {
  /**
   * Holds where a run keeps to its budget, as `checkBudget` judges it. A run that does not tell, because the limit lies
   * within an interval, it is too short or invalid, fails the test, and does so under `.not` too; with
   * `{ onInconclusive: 'pass' }` it does not, with `.not` or without.
   */
  toMeetBudget: Awaited<T> extends Result | Summary ? (budget: Budget, options?: BudgetOptions) => void : never
}

/** What a matcher asks of two stored results. */
export interface FasterThanOptions extends CompareResultsOptions, FasterOptions {}

export interface FasterOptions extends BudgetOptions {
  /** By which fraction of base's time at least, such as '10%'. */
  by?: Fraction | undefined
}

interface ComparisonMatchers<T> {
  /**
   * Holds where a run is faster than another, as `compareResults` judges it: `expect(head).toBeFasterThan(base, { of:
   * 'p99', by: '10%' })`. What the two do not tell fails, under `.not` too.
   */
  toBeFasterThan: Awaited<T> extends Result ? (base: Result, options?: FasterThanOptions) => void : never
  /** Holds where a comparison finds head faster. What it does not tell fails, under `.not` too. */
  toBeFaster: Awaited<T> extends Comparison ? (options?: FasterOptions) => void : never
  /**
   * Holds where a comparison finds head slower; `expect(await compare(…)).not.toBeSlower()` keeps a regression out.
   * What it does not tell fails, under `.not` too.
   */
  toBeSlower: Awaited<T> extends Comparison ? (options?: BudgetOptions) => void : never
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: a declaration can only be merged with one of the same parameters
  interface Matchers<T = any> extends BudgetMatchers<T>, ComparisonMatchers<T> {}
}

expect.extend({
  toMeetBudget(result: Result | Summary, budget: Budget, options: BudgetOptions = {}) {
    const { onInconclusive = 'fail' } = parseBudgetOptions(options)
    const check = checkBudget(result, budget)
    const { verdict } = check
    const negated = this.isNot === true
    const asked = negated && verdict === 'pass' ? ', where it should not have been' : ''
    return {
      pass: passes(verdict, onInconclusive, negated),
      message: () => `${headline(check)}${asked}\n\n${renderBudget(check)}\n`,
    }
  },

  toBeFasterThan(head: Result, base: Result, { onInconclusive, by, ...options }: FasterThanOptions = {}) {
    return faster(compareResults(base, head, options), { onInconclusive, by }, this.isNot === true)
  },

  toBeFaster(comparison: Comparison, { by, ...options }: FasterOptions = {}) {
    return faster(checkComparison(comparison), { ...options, by }, this.isNot === true)
  },

  toBeSlower(given: Comparison, options: BudgetOptions = {}) {
    const { onInconclusive = 'fail' } = parseBudgetOptions(options)
    const comparison = checkComparison(given)
    const { verdict } = comparison
    const told = verdict === 'inconclusive' ? verdict : verdict === 'slower' ? 'pass' : 'fail'
    return answer(comparison, 'slower', passes(told, onInconclusive, this.isNot === true), this.isNot === true)
  },
})

/** What is not told is no success, whichever way it is asked. */
function passes(verdict: Verdict, onInconclusive: 'fail' | 'pass', negated: boolean): boolean {
  return verdict === 'inconclusive' ? (onInconclusive === 'pass') !== negated : verdict === 'pass'
}

function faster(comparison: Comparison, { by, ...options }: FasterOptions, negated: boolean) {
  const { onInconclusive = 'fail' } = parseBudgetOptions(options)
  const pass = passes(judgeFaster(comparison, by), onInconclusive, negated)
  return answer(comparison, by === undefined ? 'faster' : `faster by ${by}`, pass, negated)
}

function answer(comparison: Comparison, asked: string, pass: boolean, negated: boolean) {
  const message = () => `head was ${negated ? 'not ' : ''}to be ${asked}\n\n${renderComparison(comparison)}\n`
  return { pass, message }
}
