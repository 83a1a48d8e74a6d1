import { expect } from 'vitest'
import { type BudgetOptions, parseBudgetOptions } from './budget/assert.js'
import { checkBudget, type Verdict } from './budget/check.js'
import { checkComparison } from './budget/comparison/check-comparison.js'
import { type CompareResultsOptions, compareResults } from './budget/comparison/compare-results.js'
import type { Comparison } from './budget/comparison/comparison.js'
import { judgeFaster } from './budget/comparison/faster.js'
import { renderComparison } from './budget/comparison/render-comparison.js'
import { headline, renderBudget } from './budget/render.js'
import type { Result } from './result/result.js'
import type { Summary } from './result/summary.js'
import type { Budget } from './scenario/budget.js'
import type { Fraction } from './scenario/units.js'

interface BudgetMatchers<T> {
  /**
   * Passes if a run meets its budget by `checkBudget`. An inconclusive verdict (the limit is within an interval, or the
   * run is too short or invalid) fails the test, also with `.not`; with `{ onInconclusive: 'pass' }` it passes, also with
   * `.not`.
   *
   * @example
   * expect(result).toMeetBudget({ p99: '100ms', errorRate: '< 1%' })
   */
  toMeetBudget: Awaited<T> extends Result | Summary ? (budget: Budget, options?: BudgetOptions) => void : never
}

/** Options of `toBeFasterThan`. */
export interface FasterThanOptions extends CompareResultsOptions, FasterOptions {}

/** Options of `toBeFaster`. */
export interface FasterOptions extends BudgetOptions {
  /**
   * The minimum improvement, as a fraction of base's time, such as '10%'.
   *
   * @default any improvement beyond `within`
   */
  by?: Fraction | undefined
}

interface ComparisonMatchers<T> {
  /**
   * Passes if a run is faster than another by `compareResults`. An inconclusive comparison fails, also with `.not`.
   *
   * @example
   * expect(head).toBeFasterThan(base, { of: 'p99', by: '10%' })
   */
  toBeFasterThan: Awaited<T> extends Result ? (base: Result, options?: FasterThanOptions) => void : never
  /**
   * Passes if a comparison finds head faster. An inconclusive comparison fails, also with `.not`.
   *
   * @example
   * expect(await compare({ arrivals: '200/s', base, head })).toBeFaster({ by: '10%' })
   */
  toBeFaster: Awaited<T> extends Comparison ? (options?: FasterOptions) => void : never
  /**
   * Passes if a comparison finds head slower. An inconclusive comparison fails, also with `.not`. Use it with `.not` to
   * catch regressions.
   *
   * @example
   * expect(await compare({ arrivals: '200/s', base, head })).not.toBeSlower()
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
    const unexpected = negated && verdict === 'pass' ? '; expected it to be broken' : ''
    return {
      pass: passes(verdict, onInconclusive, negated),
      message: () => `${headline(check)}${unexpected}\n\n${renderBudget(check)}\n`,
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
    const slower = verdict === 'inconclusive' ? verdict : verdict === 'slower' ? 'pass' : 'fail'
    return matcherResult(comparison, 'slower', passes(slower, onInconclusive, this.isNot === true), this.isNot === true)
  },
})

/** Whether a matcher passes before negation. An inconclusive verdict must fail with and without `.not`. */
function passes(verdict: Verdict, onInconclusive: 'fail' | 'pass', negated: boolean): boolean {
  return verdict === 'inconclusive' ? (onInconclusive === 'pass') !== negated : verdict === 'pass'
}

function faster(comparison: Comparison, { by, ...options }: FasterOptions, negated: boolean) {
  const { onInconclusive = 'fail' } = parseBudgetOptions(options)
  const pass = passes(judgeFaster(comparison, by), onInconclusive, negated)
  return matcherResult(comparison, by === undefined ? 'faster' : `faster by ${by}`, pass, negated)
}

function matcherResult(comparison: Comparison, expected: string, pass: boolean, negated: boolean) {
  const message = () => `expected head ${negated ? 'not ' : ''}to be ${expected}\n\n${renderComparison(comparison)}\n`
  return { pass, message }
}
