import { comparePairs } from '../budget/compare-pairs.js'
import type { ComparedMetric, Pair } from '../budget/comparison.js'
import { detectableChange, detectableMetrics } from '../budget/noise-floor.js'

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
  const changes = detectableMetrics(of).flatMap((name) => {
    const metric = metrics.find((each) => each.metric === name)
    const change = metric === undefined ? null : detectableChange(metric, count, rounds)
    if (metric === undefined || change === null) return []
    return [[name, metric.difference === null ? Math.max(within, change) : change] as const]
  })
  return { pairs: count, changes: Object.fromEntries(changes) }
}
