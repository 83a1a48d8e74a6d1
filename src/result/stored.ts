import { NS_PER_MS, nanoseconds } from '../scenario/units.js'
import { decode, forEachBucketOf } from './histogram.js'
import { percentileInterval } from './intervals.js'
import type { Result } from './result.js'
import type { Interval } from './summary.js'
import { BUCKETS, bucketFloor, type CompactTally, Tally } from './tally.js'

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

/** Beyond an hour: no latency is counted there. */
const NEVER_BUCKET = BUCKETS - 1
const NEVER_NS = bucketFloor(NEVER_BUCKET)

/** A percentile over all requests offered; null where it is one that was never answered. */
export interface OverOffered {
  observed: number | null
  /** a bound of Infinity is one that was never answered */
  interval: Interval
}

/**
 * A percentile of latency over every request offered, those without an answer taken as slower, or as faster, than any
 * other. It needs what each stretch of the window has of both.
 */
export function latencyOverOffered(
  { latencyMs, counts, segments, window, replications, looks }: Result,
  percentile: number,
  unanswered: 'slowest' | 'fastest',
): OverOffered {
  const bucket = unanswered === 'slowest' ? NEVER_BUCKET : 0
  const total = withUnanswered(tallyOf(latencyMs), counts.offered - counts.completed, bucket)
  const stretches = segments.flatMap((segment): CompactTally[] => {
    const { offered, completed } = segment.counts
    if (offered === 0) return []
    const tally = segment.latencyMs === null ? new Tally() : tallyOf(segment.latencyMs)
    return [withUnanswered(tally, offered - completed, bucket).compact()]
  })
  const windowNs = replications === undefined ? (window.endMs - window.startMs) * NS_PER_MS : null
  const interval = percentileInterval(percentile, total, stretches, windowNs, looks?.planned)
  const rank = Math.max(1, Math.ceil((percentile / 100) * total.count * (1 - 2 ** -52)))
  let below = 0
  let observedNs = 0
  total.forEach((each, times) => {
    if (below < rank) observedNs = each === NEVER_BUCKET ? NEVER_NS : bucketFloor(each + 1) - 1
    below += times
  })
  return {
    observed: observedNs >= NEVER_NS ? null : Math.min(observedNs / NS_PER_MS, latencyMs.max),
    interval: { ...interval, low: orNever(interval.low), high: orNever(interval.high) },
  }
}

function withUnanswered(tally: Tally, times: number, bucket: number): Tally {
  if (times === 0) return tally
  const { count, sum, stdDev } = tally
  // a latency of 0 in the mean: it only serves to tell how alike the stretches are
  const all = count + times
  const mean = sum / all
  const squares = count === 0 ? 0 : count * (stdDev ** 2 + (sum / count) ** 2)
  tally.buckets[bucket] = (tally.buckets[bucket] as number) + times
  const min = bucket === 0 || count === 0 ? 0 : tally.min
  const max = bucket === 0 ? tally.max : NEVER_NS
  tally.setMoments(all, mean, Math.sqrt(Math.max(0, squares / all - mean ** 2)), min, max)
  return tally
}

const orNever = (ms: number | null) => (ms !== null && ms * NS_PER_MS >= NEVER_NS ? Number.POSITIVE_INFINITY : ms)
