import { betaQuantile } from '../statistics/beta.js'
import { sumBy } from '../statistics/descriptive.js'
import { student, tailOf } from '../statistics/student.js'
import { type Order, spreadOf, tooFewStretches } from './spread.js'
import { type Interval, noInterval } from './summary.js'

/** What one stretch of a run, or one replication, adds to a ratio of two sums. */
export interface Part {
  amount: number
  of: number
}

/** More degrees of freedom than make a difference. */
const VERY_MANY = 1e9

/**
 * The 95 % interval of a fraction of requests, such as those that failed: the exact one of a binomial fraction (Clopper and
 * Pearson 1934) for as many independent requests as the spread between stretches says that the run is worth (Korn and
 * Graubard, Survey Methodology 24, 1998). Where none was seen it is that of all requests: at most 3.7 / n (the rule of
 * three, two-sided), for then nothing tells how they would cluster.
 */
export function fractionInterval(parts: readonly Part[], order: Order, checkpoints = 1): Interval {
  const tail = tailOf(checkpoints)
  const amount = sumBy(parts, (part) => part.amount)
  const n = sumBy(parts, (part) => part.of)
  if (n === 0) return noInterval('no request was offered')
  const fraction = amount / n
  let worth = n
  if (fraction > 0 && fraction < 1) {
    const few = tooFewStretches(parts.length, order)
    if (few !== null) return noInterval(few)
    const off = parts.map((part) => part.amount - fraction * part.of)
    const { ofLongRun } = spreadOf(off, n, fraction * (1 - fraction), order)
    worth = Math.min(n, ofLongRun * (student(tail, VERY_MANY) / student(tail, parts.length - 1)) ** 2)
  }
  const k = fraction * worth
  return {
    low: k === 0 ? 0 : betaQuantile(tail, k, worth - k + 1),
    high: k === worth ? 1 : betaQuantile(1 - tail, k + 1, worth - k),
    level: 0.95,
  }
}

/**
 * The 95 % interval of a ratio of two sums, such as requests over time: batch means with Student's t over the stretches
 * (the ratio estimator of Law and Kelton, 9.5.3, its stretches taken as alike as they are found).
 */
export function ratioInterval(parts: readonly Part[], order: Order, checkpoints = 1): Interval {
  const few = tooFewStretches(parts.length, order)
  if (few !== null) return noInterval(few)
  const of = sumBy(parts, (part) => part.of)
  const ratio = sumBy(parts, (part) => part.amount) / of
  const off = parts.map((part) => part.amount - ratio * part.of)
  const margin = (student(tailOf(checkpoints), parts.length - 1) * spreadOf(off, of, 1, order).error) / of
  return { low: Math.max(0, ratio - margin), high: ratio + margin, level: 0.95 }
}
