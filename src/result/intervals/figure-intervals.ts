import { betaQuantile } from '../../statistics/beta.js'
import { sumBy } from '../../statistics/descriptive.js'
import { student, tailOf } from '../../statistics/student.js'
import { type Interval, noInterval } from '../summary.js'
import { estimateError, type Order, tooFewSegments } from './spread.js'

/** The terms that one segment of a run, or one replication, adds to a ratio of two sums. */
export interface RatioPart {
  amount: number
  of: number
}

/** With this many degrees of freedom, t is normal. */
const VERY_MANY = 1e9

/**
 * Computes the 95 % interval of a fraction of requests, such as those that failed: the exact binomial one (Clopper and
 * Pearson 1934) for as many independent requests as the run is worth by the spread between segments (Korn and Graubard,
 * Survey Methodology 24, 1998). If none or all of the requests count, all are taken as independent, which gives at most
 * 3.7 / n for none (the rule of three, two-sided): then it is unknown how they would cluster.
 */
export function fractionInterval(parts: readonly RatioPart[], order: Order, checkpoints = 1): Interval {
  const tail = tailOf(checkpoints)
  const amount = sumBy(parts, (part) => part.amount)
  const n = sumBy(parts, (part) => part.of)
  if (n === 0) return noInterval('no request was offered')
  const fraction = amount / n
  let worth = n
  if (fraction > 0 && fraction < 1) {
    const few = tooFewSegments(parts.length, order)
    if (few !== null) return noInterval(few)
    const off = parts.map((part) => part.amount - fraction * part.of)
    const { independentInLongRun } = estimateError(off, n, fraction * (1 - fraction), order)
    worth = Math.min(n, independentInLongRun * (student(tail, VERY_MANY) / student(tail, parts.length - 1)) ** 2)
  }
  const k = fraction * worth
  return {
    low: k === 0 ? 0 : betaQuantile(tail, k, worth - k + 1),
    high: k === worth ? 1 : betaQuantile(1 - tail, k + 1, worth - k),
    level: 0.95,
  }
}

/**
 * Computes the 95 % interval of a ratio of two sums, such as requests over time: batch means with Student's t over the
 * segments (the ratio estimator of Law and Kelton, 9.5.3, widened by the correlation found between segments).
 */
export function ratioInterval(parts: readonly RatioPart[], order: Order, checkpoints = 1): Interval {
  const few = tooFewSegments(parts.length, order)
  if (few !== null) return noInterval(few)
  const of = sumBy(parts, (part) => part.of)
  const ratio = sumBy(parts, (part) => part.amount) / of
  const off = parts.map((part) => part.amount - ratio * part.of)
  const margin = (student(tailOf(checkpoints), parts.length - 1) * estimateError(off, of, 1, order).error) / of
  return { low: Math.max(0, ratio - margin), high: ratio + margin, level: 0.95 }
}
