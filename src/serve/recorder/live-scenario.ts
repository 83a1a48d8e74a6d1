import { z } from 'zod'
import { type ArrivalsInput, poisson, renewal, replay } from '../../scenario/arrivals/arrivals.js'
import type { Batching } from '../../scenario/batching.js'
import type { Good } from '../../scenario/good.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { evenly, groupsOf, overheadOf, type SizeGroup, summarizeTimes } from '../../scenario/service/observed.js'
import { byBatchSize, type Cause, recorded, type ServiceInput } from '../../scenario/service/service.js'
import { empirical } from '../../scenario/service/variation.js'
import { options } from '../../scenario/units.js'
import { mean, sum } from '../../statistics/descriptive.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import type { Recent, RecentBatch } from './recent.js'
import type { ResolvedRecorderOptions } from './recorder-options.js'

/** Options of a recorder's `scenario`. */
export interface LiveScenarioOptions {
  /**
   * `trace` replays the newest arrivals. `renewal` has their rate and their distribution of gaps, which are independent,
   * for any length. `poisson` has their rate.
   *
   * @default 'trace'
   */
  arrivals?: 'trace' | 'renewal' | 'poisson' | undefined
  /**
   * `byBatchSize` draws service times from those recorded for the batch size, and dispatch times by why a batch left.
   * `order` repeats the recorded times one after another, for any batch size. `time` takes the times that were recorded
   * nearest in time, so that slow periods stay where they were.
   *
   * @default 'byBatchSize'
   */
  service?: 'byBatchSize' | 'order' | 'time' | undefined
}

/** A scenario for `simulate`, made of recorded requests. */
export interface LiveScenario {
  arrivals: ArrivalsInput
  service: ServiceInput
  batching: { maxBatchSize: number | null; maxWait: number | null }
  servers: number
  queue: { capacity: number | null; timeout: number | null }
  /** absent if the recorder does not say which requests are good */
  good?: Good | undefined
}

const arrivalsError = "must be 'trace', 'renewal' or 'poisson'"
const serviceError = "must be 'byBatchSize', 'order' or 'time'"
const schema = options({
  arrivals: z.enum(['trace', 'renewal', 'poisson'], { error: arrivalsError }).default('trace'),
  service: z.enum(['byBatchSize', 'order', 'time'], { error: serviceError }).default('byBatchSize'),
})

/** Service times are extrapolated to this many times the largest recorded batch. */
const BEYOND = 4
const LARGEST_BATCH = 1_000_000
const MOST_SERVERS = 1000

/**
 * Makes a scenario of the newest requests and batches: their arrivals, their service times by batch size (rare sizes
 * together with their neighbours), and their dispatch times as overhead. If two sizes or more were recorded, sizes up to
 * four times the largest are extrapolated by a least-squares line; `simulate` rejects larger ones.
 */
export function liveScenario(
  recent: Recent | null,
  { batching, servers, queue, good }: ResolvedRecorderOptions,
  given: LiveScenarioOptions,
): LiveScenario {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'scenario', given)
  if (recent === null) throw new ValidationError('recorder.keep', 'must be above 0 to make a scenario')
  const { dues, batches } = recent
  if (dues.length < 2 || batches.length === 0) {
    throw new ValidationError(
      'recorder',
      `must have recorded at least 2 requests and 1 batch to make a scenario, but has ${dues.length} and ${batches.length}`,
    )
  }
  return {
    arrivals: arrivalsOf(dues, asked.data.arrivals),
    service: serviceOf(batches, dues[0] as number, asked.data.service, batching),
    batching,
    servers: servers ?? mostAtOnce(batches),
    queue,
    ...(good !== undefined && { good }),
  }
}

function arrivalsOf(dues: Float64Array, how: 'trace' | 'renewal' | 'poisson'): ArrivalsInput {
  const first = dues[0] as number
  if (how === 'trace') return replay(Array.from(dues, (due) => (due - first) / NS_PER_MS))
  const spanMs = ((dues.at(-1) as number) - first) / NS_PER_MS
  if (spanMs === 0)
    throw new ValidationError('recorder', 'must have recorded requests at two different times: their rate is unknown')
  const rate = (1000 * (dues.length - 1)) / spanMs
  if (how === 'poisson') return poisson(rate)
  const gaps = Array.from(dues.subarray(1), (due, i) => (due - (dues[i] as number)) / NS_PER_MS)
  return renewal({ rate, variation: empirical(evenly(gaps)) })
}

function serviceOf(
  batches: RecentBatch[],
  originNs: number,
  how: 'byBatchSize' | 'order' | 'time',
  batching: Batching,
): ServiceInput {
  const observed = batches.map((batch) => ({ ...batch, cause: causeOf(batch, batching) }))
  const overhead = overheadOf(observed)
  const time = ({ startNs, endNs }: RecentBatch) => (endNs - startNs) / NS_PER_MS
  if (how === 'order') return recorded({ by: 'order', times: batches.map(time), overhead })
  if (how === 'time') {
    const since = batches.filter(({ startNs }) => startNs >= originNs)
    const times = since.map((batch) => ({
      at: (batch.startNs - originNs) / NS_PER_MS,
      size: batch.size,
      time: time(batch),
    }))
    return recorded({ by: 'time', times, overhead })
  }
  const groups = groupsOf(observed)
  const points = groups.map(({ size, times }) => [size, summarizeTimes(times)] as const)
  return byBatchSize(Object.fromEntries([...points, ...beyond(groups)]), { overhead })
}

/** A point beyond the largest batch, on the least-squares line through all batches; none for a single size. */
function beyond(groups: readonly SizeGroup[]): [number, ReturnType<typeof summarizeTimes>][] {
  const largest = groups.at(-1) as SizeGroup
  if (groups.length < 2) return []
  const all = groups.flatMap(({ size, times }) => times.map((time) => ({ size, time })))
  const [size, time] = [mean(all.map((each) => each.size)), mean(all.map((each) => each.time))]
  const covariance = sum(all.map((each) => (each.size - size) * (each.time - time)))
  const perItem = Math.max(0, covariance / sum(all.map((each) => (each.size - size) ** 2)))
  const last = summarizeTimes(largest.times)
  const furthest = Math.min(BEYOND * largest.size, LARGEST_BATCH)
  return [[furthest, { ...last, mean: last.mean + perItem * (furthest - largest.size) }]]
}

/** Why a batch left, from its time and its size. */
function causeOf({ size, idleNs, leaveNs }: RecentBatch, { maxBatchSize, maxWait }: Batching): Cause {
  if (leaveNs === idleNs) return 'turnaround'
  if (maxWait === 0 || maxBatchSize === 1) return 'wake'
  return size === maxBatchSize ? 'filled' : 'deadline'
}

/** The most servers that were busy at a time, if their number is unknown. */
function mostAtOnce(batches: readonly RecentBatch[]): number {
  const ends = batches.map(({ endNs }) => endNs).sort((a, b) => a - b)
  let ended = 0
  let most = 1
  batches.forEach(({ startNs }, i) => {
    while ((ends[ended] as number) <= startNs) ended++
    most = Math.max(most, i + 1 - ended)
  })
  return Math.min(most, MOST_SERVERS)
}
