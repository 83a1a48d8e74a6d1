import { student } from '../statistics/student.js'
import { tailAt } from './checkpoints.js'
import { comparePairs } from './compare-pairs.js'
import type { ComparedMetric, Pair } from './comparison.js'

/** How often a change as large as the detectable one is missed. */
const MISSED = 0.05
/** As many degrees of freedom as make no difference. */
const NORMAL = 1e9

/** What a comparison could have found, by pairs of base with itself. */
export interface Detectable {
  /** how many pairs of base with itself it rests on */
  pairs: number
  /** the smallest changes that are found in 95 of 100 comparisons, as fractions: of the metric, of the time of service */
  changes: Partial<Record<ComparedMetric, number>>
}

/**
 * The smallest change that a comparison of so many pairs finds in 95 of 100, by how far apart pairs of the same code
 * are. The width of their interval is scaled to the pairs of the comparison; a change within what counts as the same is
 * never found. It is empty if there are too few pairs.
 *
 * @param nulls pairs of base with itself, 8 or more
 * @param rounds how many pairs the comparison may have
 */
export function detectableChanges(
  nulls: readonly Pair[],
  { of, within, rounds }: { of: ComparedMetric; within: number; rounds: number },
): Detectable {
  const count = nulls.length
  const { metrics } = comparePairs(nulls, { within, rounds: count })
  const z = (tail: number) => student(tail, NORMAL)
  const found = z(tailAt(rounds, rounds)) + z(MISSED)
  const names: readonly ComparedMetric[] = of === 'mean' ? ['mean', 'service.mean'] : [of]
  const changes = names.flatMap((name) => {
    const metric = metrics.find((each) => each.metric === name)
    const { low, high, reason } = metric?.interval ?? { low: null, high: null }
    if (metric === undefined || low === null || high === null || reason !== undefined) return []
    const isRatio = metric.difference === null
    const halfWidth = isRatio ? Math.log(high / low) / 2 : (high - low) / 2
    const error = (halfWidth / z(tailAt(count, count))) * Math.sqrt(count / rounds)
    const change = isRatio ? Math.max(within, Math.expm1(error * found)) : error * found
    return [[name, change] as const]
  })
  return { pairs: count, changes: Object.fromEntries(changes) }
}
