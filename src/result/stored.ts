import { NS_PER_MS, nanoseconds } from '../scenario/units.js'
import { decode, forEachBucketOf } from './histogram.js'
import type { Result } from './result.js'
import { percentile } from './summary.js'
import { Tally } from './tally.js'

/** What a summary, or a segment's latency, tells of a distribution. */
interface Stored {
  count: number
  min: number
  mean: number
  stdDev?: number
  max: number
  histogram: string
}

/** The tally that a summary was made of: its moments as it has them, its buckets as its histogram has. */
export function tallyOf({ count, min, mean, stdDev = 0, max, histogram }: Stored): Tally {
  const tally = new Tally()
  forEachBucketOf(decode(histogram), (bucket, times) => {
    tally.buckets[bucket] = times
  })
  tally.setMoments(count, mean * NS_PER_MS, stdDev * NS_PER_MS, nanoseconds(min), nanoseconds(max))
  return tally
}

/**
 * A percentile of latency over every request offered, those without an answer taken as slower than any other; null if
 * it is one that was never answered.
 */
export function percentileOverOffered({ latencyMs, counts }: Result, p: number): number | null {
  const rank = (p * counts.offered) / counts.completed
  return rank > 100 ? null : percentile(latencyMs, rank)
}
