import { bucketCeiling, bucketOf, HIGHEST_NS } from './buckets.js'
import type { BucketCounts, HistogramSnapshot } from './latency-histogram.js'

/** The rank of a percentile among `count` values in ascending order. Rounding may put 0.95 times a whole number just above it. */
export const rankOf = (percentile: number, count: number) =>
  Math.max(1, Math.ceil((percentile / 100) * count * (1 - 2 ** -52)))

/** The counts of a histogram, and the exact extremes in nanoseconds. */
export type BoundedCounts = BucketCounts & Pick<HistogramSnapshot, 'min' | 'max'>

/**
 * Percentiles of a histogram, in ascending order, in nanoseconds: each is the highest value of its bucket, within the exact
 * extremes.
 */
export function percentilesNs(snapshot: BoundedCounts, percentiles: readonly number[]): number[] {
  const { count, buckets, counts, min, max } = snapshot
  const ranks = percentiles.map((percentile) => rankOf(percentile, count))
  const values: number[] = []
  let below = 0
  for (let i = 0; i < buckets.length && values.length < ranks.length; i++) {
    below += counts[i] as number
    while (values.length < ranks.length && below >= (ranks[values.length] as number)) {
      // HdrHistogram's last value is an hour
      const ceiling = Math.min(bucketCeiling(buckets[i] as number), LAST_NS)
      values.push(Math.max(min, Math.min(max, ceiling)))
    }
  }
  return values
}

/** A percentile of a histogram, in nanoseconds. */
export function percentileNs(snapshot: BoundedCounts, percentile: number): number {
  return percentilesNs(snapshot, [percentile])[0] as number
}
const LAST_NS = bucketCeiling(bucketOf(HIGHEST_NS))
