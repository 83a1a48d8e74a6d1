import { tailAt } from '../budget/checkpoints.js'
import { comparePairs } from '../budget/compare-pairs.js'
import type { ComparedMetric, Pair } from '../budget/comparison.js'
import { student } from '../statistics/student.js'

/** The probability of missing a change of the detectable size. */
const MISSED = 0.05
/** Enough degrees of freedom for Student's t to equal the normal distribution. */
const NORMAL = 1e9

/** The smallest changes that a comparison detects, estimated from pairs of base with itself. */
export interface Detectable {
  /** number of pairs of base with itself */
  pairs: number
  /** smallest change detected in 95 of 100 comparisons, as a fraction: for the metric and for service time */
  changes: Partial<Record<ComparedMetric, number>>
}

/**
 * Estimates the smallest change that a comparison detects in 95 of 100 cases, from the differences between runs of the
 * same code. The width of their interval is scaled to the number of pairs of the comparison. Differences within `within`
 * count as the same and are never detected. `changes` is empty if there are too few pairs.
 *
 * @param nulls at least 8 pairs of base with itself
 * @param rounds maximum number of pairs of the comparison
 */
export function estimateDetectable(
  nulls: readonly Pair[],
  { of, within, rounds }: { of: ComparedMetric; within: number; rounds: number },
): Detectable {
  const count = nulls.length
  const { metrics } = comparePairs(nulls, { within, rounds: count })
  const z = (tail: number) => student(tail, NORMAL)
  const distance = z(tailAt(rounds, rounds)) + z(MISSED)
  const names: readonly ComparedMetric[] = of === 'mean' ? ['mean', 'service.mean'] : [of]
  const changes = names.flatMap((name) => {
    const metric = metrics.find((each) => each.metric === name)
    const { low, high, reason } = metric?.interval ?? { low: null, high: null }
    if (metric === undefined || low === null || high === null || reason !== undefined) return []
    const isRatio = metric.difference === null
    const halfWidth = isRatio ? Math.log(high / low) / 2 : (high - low) / 2
    const error = (halfWidth / z(tailAt(count, count))) * Math.sqrt(count / rounds)
    const change = isRatio ? Math.max(within, Math.expm1(error * distance)) : error * distance
    return [[name, change] as const]
  })
  return { pairs: count, changes: Object.fromEntries(changes) }
}
