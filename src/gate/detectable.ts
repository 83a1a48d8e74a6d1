import { comparePairs } from '../budget/comparison/compare-pairs.js'
import type { ComparedMetric, Comparison } from '../budget/comparison/comparison.js'
import { detectableChange, detectableMetrics } from '../budget/comparison/noise-floor.js'

/** The smallest changes that a comparison detects, estimated from the spread of its pairs. */
export interface Detectable {
  /** number of pairs from which they are estimated */
  pairs: number
  /** smallest change detected in 95 of 100 comparisons, as a fraction: for the metric and for service time */
  changes: Partial<Record<ComparedMetric, number>>
}

/**
 * Estimates the smallest change that a comparison detects in 95 of 100 cases. A change shifts the ratios of all pairs, and
 * leaves their spread, so that the width of their interval tells how large a change has to be. The width is scaled to the
 * maximum number of pairs. Differences within `within` count as the same and are never detected. `changes` is empty if
 * there are fewer than 8 pairs.
 */
export function estimateDetectable({
  pairs,
  of,
  within,
  rounds,
}: Pick<Comparison, 'pairs' | 'of' | 'within' | 'rounds'>): Detectable {
  const count = pairs.length
  const { metrics } = comparePairs(pairs, { within, rounds: count })
  const changes = detectableMetrics(of).flatMap((name) => {
    const metric = metrics.find((each) => each.metric === name)
    const change = metric === undefined ? null : detectableChange(metric, count, rounds)
    if (metric === undefined || change === null) return []
    return [[name, metric.difference === null ? Math.max(within, change) : change] as const]
  })
  return { pairs: count, changes: Object.fromEntries(changes) }
}
