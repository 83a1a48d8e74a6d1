import { BUCKETS, bucketCeiling, bucketFloor, bucketOf, HIGHEST_NS } from '../../histogram/buckets.js'
import { decode } from '../../histogram/hdr.js'
import type { BucketCounts } from '../../histogram/latency-histogram.js'
import { NS_PER_MS, nanoseconds } from '../../scenario/nanoseconds.js'
import type { Summary } from '../summary.js'
import { ROUNDING } from './rounding.js'

/** How far the mean of buckets may be from that of the values in them, relative to it. */
export const PRECISION = 2e-3

/** Decodes a histogram, or says what is wrong with it. */
export function decodeHistogram(base64: string): BucketCounts | string {
  try {
    return decode(base64)
  } catch {
    return 'must have a histogram in the compressed base64 of HdrHistogram'
  }
}

/** The buckets of a histogram that was found to be valid. */
export const bucketsOf = ({ histogram }: { histogram: string }) => decodeHistogram(histogram) as BucketCounts

/** The figures that summaries and segments both have. */
type Moments = Pick<Summary, 'count' | 'min' | 'mean' | 'max'>

/** A contradiction between count, mean and extremes, and a histogram; null if there is none. */
export function faultAgainst(
  histogram: BucketCounts,
  meanOfBuckets: number,
  { count, min, mean, max }: Moments,
): string | null {
  if (histogram.count !== count) {
    return `must have as many values as its histogram, which holds ${histogram.count.toLocaleString('en')}`
  }
  if (mean < min * (1 - ROUNDING) || mean > max * (1 + ROUNDING)) return 'must have its mean between min and max'
  if (bucketIn(min) !== histogram.buckets[0] || bucketIn(max) !== histogram.buckets.at(-1)) {
    return 'must have the min and max that its histogram has'
  }
  if (!isBeyond(max) && Math.abs(mean - meanOfBuckets) > PRECISION * mean) {
    return 'must have the mean that its histogram has'
  }
  return null
}

interface BucketMoments {
  mean: number
  stdDev: number
}

/** The moments of histograms that are kept decoded. */
const knownMoments = new WeakMap<BucketCounts, BucketMoments>()

/** Mean and standard deviation of the middles of a histogram's buckets, in milliseconds. */
export function momentsOf(histogram: BucketCounts): BucketMoments {
  const moments = knownMoments.get(histogram) ?? computeMoments(histogram)
  knownMoments.set(histogram, moments)
  return moments
}

function computeMoments({ count, buckets, counts }: BucketCounts): BucketMoments {
  let sum = 0
  let squares = 0
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i] as number
    const times = counts[i] as number
    const middle = (bucketFloor(bucket) + bucketCeiling(bucket)) / 2
    sum += times * middle
    squares += times * middle ** 2
  }
  const mean = sum / count
  const variance = Math.max(0, squares / count - mean ** 2)
  return { mean: mean / NS_PER_MS, stdDev: Math.sqrt(variance) / NS_PER_MS }
}

/** Durations from an hour on are counted in the last bucket. */
export const isBeyond = (ms: number) => nanoseconds(ms) >= HIGHEST_NS
const bucketIn = (ms: number) => bucketOf(Math.min(nanoseconds(ms), HIGHEST_NS))

/** Counts by bucket, summed over several histograms. */
export class Buckets {
  readonly #counts = new Float64Array(BUCKETS)

  add({ buckets, counts }: BucketCounts): void {
    for (let i = 0; i < buckets.length; i++) {
      const bucket = buckets[i] as number
      this.#counts[bucket] = (this.#counts[bucket] as number) + (counts[i] as number)
    }
  }

  /** Whether they hold what a histogram of as many values holds. */
  hold({ buckets, counts }: BucketCounts): boolean {
    return buckets.every((bucket, i) => this.#counts[bucket] === counts[i])
  }
}
