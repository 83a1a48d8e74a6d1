import type { Fraction } from '../../scenario/units.js'
import { fraction } from '../../scenario/units.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { type Comparison, isFraction, type MetricComparison } from './comparison.js'

/**
 * Judges whether head is faster than base by at least a fraction: the whole interval must show it. Without a fraction, the
 * verdict of the comparison decides. A head that fails more is not faster.
 *
 * @param by `'10%'` or 0.1: head takes at most 90 % of base's time, or for throughput completes at least 10 % more
 * @throws ValidationError if `by` is not a fraction, or the comparison is of error rate or goodput, which have no ratio
 */
export function judgeFaster(comparison: Comparison, by?: Fraction): 'pass' | 'fail' | 'inconclusive' {
  const { verdict, of, metrics, findings } = comparison
  if (by === undefined) return verdict === 'faster' ? 'pass' : verdict === 'inconclusive' ? verdict : 'fail'
  const asked = fraction.safeParse(by)
  if (!asked.success) throwFaults(asked.error, 'by', by)
  if (isFraction(of)) throw new ValidationError('by', `must be omitted for ${of}, which has no ratio`)
  if (findings.some(({ severity }) => severity === 'error')) return 'inconclusive'
  const named = (name: string) => metrics.find(({ metric }) => metric === name) as MetricComparison
  const { interval, verdict: ofMetric } = named(of)
  const errors = named('errorRate').verdict
  if (ofMetric === 'slower' || errors === 'slower') return 'fail'
  if (errors === 'inconclusive') return 'inconclusive'
  const { low, high } = interval
  const [near, far] = of === 'throughput' ? [high, low] : [low, high]
  const holds = (ratio: number) => (of === 'throughput' ? ratio >= 1 + asked.data : ratio <= 1 - asked.data)
  if (far !== null && holds(far)) return 'pass'
  return near !== null && !holds(near) ? 'fail' : 'inconclusive'
}
