import { type BudgetOptions, parseBudgetOptions } from '../assert.js'
import { checkComparison } from './check-comparison.js'
import type { Comparison } from './comparison.js'
import { renderComparison } from './render-comparison.js'

/**
 * Thrown if a comparison has another verdict than asserted. The message is its table.
 *
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1ms' })
 * const head = simulate({ arrivals: '500/s', service: '1.2ms' })
 * try {
 *   assertNotSlower(compareResults(base, head))
 * } catch (error) {
 *   if (error instanceof ComparisonError) console.log(error.verdict, error.comparison.of) // slower mean
 * }
 */
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
 * Throws if head is slower than base or fails more, and if the comparison is inconclusive.
 *
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1.2ms' })
 * const head = simulate({ arrivals: '500/s', service: '1ms' })
 * assertNotSlower(compareResults(base, head))
 *
 * @param comparison from `compare`, `compareResults` or a file
 * @param options `onInconclusive: 'pass'` accepts an inconclusive comparison; default `'fail'`
 * @throws ComparisonError if the verdict is `slower`, or `inconclusive` and not accepted; the message is the table
 * @throws ValidationError if the value is not a comparison, or its verdict contradicts its figures
 */
export function assertNotSlower(comparison: Comparison, options: BudgetOptions = {}): void {
  const { onInconclusive = 'fail' } = parseBudgetOptions(options)
  const { verdict } = checkComparison(comparison)
  if (verdict === 'same' || verdict === 'faster') return
  if (verdict === 'inconclusive' && onInconclusive === 'pass') return
  throw new ComparisonError(comparison)
}
