import { BUCKETS, bucketOf } from '../../histogram/latency-histogram.js'
import type { Counts } from '../../result/recording.js'
import { NS_PER_MS, nanoseconds } from '../../scenario/units.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import {
  ABORTED,
  ALONE,
  BATCHED,
  BATCHES,
  BATCHING,
  COMPLETED,
  DISPATCH,
  FAILED,
  LATENCY,
  OFFERED,
  pendingIn,
  QUEUEING,
  REJECTED,
  SERVICE,
  type Segments,
  START,
  STARTED_SERVING,
  TIMED_OUT,
  WAIT,
} from './segments.js'

/** What metrics are exported of; lag is none of a live service's. */
export const EXPORTED = ['latency', 'wait', 'service', 'queueing', 'batching', 'dispatch'] as const
export type ExportedMetric = (typeof EXPORTED)[number]

/** How many requests took at most so long, of those completed. */
export interface TotalDurations {
  count: number
  sumMs: number
  /** for each of the bounds, rising: a duration within 0.1 % above one counts as being at it */
  atMost: number[]
}

/** Counts of everything since the start; they never fall. */
export interface Totals extends Omit<Counts, 'unfinished'> {
  /** when the recorder was made, in milliseconds of its clock */
  startMs: number
  /** requests under way now; 0 if more are over than came, which makes snapshots invalid */
  inFlight: number
  /** batches served, requests in them, and how long all were served */
  batches: number
  batched: number
  servingMs: number
  durations: Record<ExportedMetric, TotalDurations>
}

const TALLIES: readonly (readonly [ExportedMetric, number[]])[] = [
  ['latency', [LATENCY, ALONE]],
  ['wait', [WAIT]],
  ['service', [SERVICE, ALONE]],
  ['queueing', [QUEUEING]],
  ['batching', [BATCHING]],
  ['dispatch', [DISPATCH]],
]
const COUNT = 0
const SUM = 1

/**
 * @param boundsMs rising
 * @throws ValidationError where they do not rise, or one is no duration
 */
export function totalsOf(segments: Segments, boundsMs: readonly number[]): Totals {
  const below = boundsByBucket(boundsMs)
  const { sums } = segments
  const total = (field: number) => {
    let sum = 0
    for (let i = 0; i < segments.length; i++) sum += sums[segments.at(i) + field] as number
    return sum
  }
  let inFlight = 0
  for (let i = 0; i < segments.length; i++) inFlight += pendingIn(sums, segments.at(i))
  const completed = total(COMPLETED)

  const durations = TALLIES.map(([metric, histograms]) => {
    const counts = new Float64Array(boundsMs.length + 1)
    const add = (bucket: number, times: number) => {
      const bound = below[bucket] as number
      counts[bound] = (counts[bound] as number) + times
    }
    let told = 0
    let sumNs = 0
    for (let i = 0; i < segments.length; i++) {
      const at = segments.at(i)
      for (const histogram of histograms) {
        const moments = segments.momentsOf(at, histogram)
        if (moments[COUNT] === 0) continue
        told += moments[COUNT] as number
        sumNs += moments[SUM] as number
        segments.forEachBucket(at, histogram, add)
      }
    }
    // those that took none of this
    add(0, completed - told)
    let sum = 0
    const atMost = boundsMs.map((_, bound) => {
      sum += counts[bound] as number
      return sum
    })
    return [metric, { count: completed, sumMs: sumNs / NS_PER_MS, atMost }] as const
  })
  return {
    startMs: (sums[segments.at(0) + START] as number) / NS_PER_MS,
    offered: total(OFFERED),
    completed,
    failed: total(FAILED),
    rejected: total(REJECTED),
    timedOut: total(TIMED_OUT),
    aborted: total(ABORTED),
    inFlight: Math.max(0, inFlight),
    batches: total(BATCHES),
    batched: total(BATCHED),
    servingMs: total(STARTED_SERVING) / NS_PER_MS,
    durations: Object.fromEntries(durations) as Totals['durations'],
  }
}

/** The first bound that the durations of a bucket are at most, by bucket; the number of bounds where there is none. */
function boundsByBucket(boundsMs: readonly number[]): Uint16Array {
  if (!Array.isArray(boundsMs)) {
    throw new ValidationError('bounds', `must be a list of milliseconds, rising, got ${show(boundsMs)}`)
  }
  const below = new Uint16Array(BUCKETS).fill(boundsMs.length)
  let from = 0
  boundsMs.forEach((ms, bound) => {
    const last = boundsMs[bound - 1] ?? -1
    if (!(typeof ms === 'number' && ms > last))
      throw new ValidationError(`bounds[${bound}]`, `must be milliseconds above the bound before it, got ${show(ms)}`)
    const to = bucketOf(nanoseconds(ms))
    below.fill(bound, from, to + 1)
    from = Math.max(from, to + 1)
  })
  return below
}
