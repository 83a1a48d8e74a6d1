import type { Finding } from '../../result/validity.js'
import { student } from '../../statistics/student.js'
import { percent } from '../../text/number.js'
import { tailAt } from './checkpoints.js'
import type { ComparedMetric, MetricComparison, Pair } from './comparison.js'

/** The probability of missing a difference as large as the noise floor. */
const MISSED = 0.05
/** Degrees of freedom at which Student's t is the normal distribution. */
const NORMAL = 1e9

/** The metrics whose detectable change is of interest: with the mean of latency, the part of it that does not wait. */
export const detectableMetrics = (of: ComparedMetric): readonly ComparedMetric[] =>
  of === 'mean' ? ['mean', 'service.mean'] : [of]

/**
 * Estimates the smallest change of a metric that a comparison of `rounds` pairs finds in 95 of 100 cases, from the interval
 * of `count` pairs: a fraction, or the difference of error rates. Null without an interval.
 */
export function detectableChange(
  { interval: { low, high, reason }, difference }: MetricComparison,
  count: number,
  rounds: number,
): number | null {
  if (low === null || high === null || reason !== undefined) return null
  const halfWidth = difference === null ? Math.log(high / low) / 2 : (high - low) / 2
  const error = (halfWidth / student(tailAt(count, count), NORMAL)) * Math.sqrt(count / rounds)
  // the error is itself an estimate, from `count` pairs
  const t = (tail: number) => student(tail, count - 1)
  const distance = error * (t(tailAt(rounds, rounds)) + t(MISSED))
  return difference === null ? Math.expm1(distance) : distance
}

/**
 * Estimates the machine's noise from base compared with itself: the difference between the two rounds of a pair, and the
 * smallest difference that as many pairs find in 95 of 100 comparisons, from the width of the interval.
 */
export function noiseFloor(pairs: readonly Pair[], metrics: readonly MetricComparison[], of: ComparedMetric): Finding {
  const floors = detectableMetrics(of).flatMap((name) => {
    const found = metrics.find(({ metric }) => metric === name)
    const floor = found === undefined ? null : detectableChange(found, pairs.length, pairs.length)
    return floor === null ? [] : [{ name, floor }]
  })
  const apart = pairs
    .map(({ base, head }) => Math.abs(Math.log((head.figures[of] ?? Number.NaN) / (base.figures[of] ?? Number.NaN))))
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
  const median = apart[Math.floor(apart.length / 2)]
  const floorText =
    floors.length === 0
      ? 'too few pairs to estimate the noise floor of this machine; at least 8 are needed'
      : `noise floor of this machine, from ${pairs.length} pairs: a difference of ${floors.map(({ name, floor }) => `${percent(floor)} in ${name}`).join(', or of ')} is found in 95 of 100 comparisons`
  const each =
    median === undefined
      ? ''
      : `. In half of the pairs, two rounds of the same code differed by at least ${percent(Math.expm1(median))}`
  return {
    code: 'noise-floor',
    severity: 'info',
    message: `${floorText}${each}`,
    figures: {
      ...Object.fromEntries(floors.map(({ name, floor }) => [name, floor])),
      ...(median !== undefined && { medianApart: Math.expm1(median) }),
    },
  }
}
