import { type BudgetOptions, parseBudgetOptions } from './assert.js'
import { checkComparison } from './check-comparison.js'
import type { Comparison } from './comparison.js'
import { renderComparison } from './render-comparison.js'

/** A comparison that did not come out as it was to: the message is its table. */
export class ComparisonError extends Error {
  override readonly name = 'ComparisonError'
  readonly verdict: Comparison['verdict']
  readonly comparison: Comparison

  constructor(comparison: Comparison) {
    super(`${renderComparison(comparison).trimStart()}\n`)
    this.verdict = comparison.verdict
    this.comparison = comparison
  }
}

/**
 * Throws unless head was found to be the same as base, or faster: where it is slower, or fails more, and where what was
 * seen does not tell.
 *
 * @param options `onInconclusive: 'pass'` lets what does not tell pass
 * @throws ComparisonError with the table
 * @throws ValidationError if it is not a comparison, or contradicts itself
 */
export function assertNotSlower(comparison: Comparison, options: BudgetOptions = {}): void {
  const { onInconclusive = 'fail' } = parseBudgetOptions(options)
  const { verdict } = checkComparison(comparison)
  if (verdict === 'same' || verdict === 'faster') return
  if (verdict === 'inconclusive' && onInconclusive === 'pass') return
  throw new ComparisonError(comparison)
}
