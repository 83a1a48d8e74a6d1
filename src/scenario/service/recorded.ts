import { z } from 'zod'
import { mean, sumBy } from '../../statistics/descriptive.js'
import { type Listed, valuesOf } from '../by-hash.js'
import { listed } from '../listed.js'
import { nanoseconds } from '../nanoseconds.js'
import { type Duration, duration, options, whole } from '../units.js'

/** A batch of a recorded run. */
export interface RecordedBatch {
  /** When it started, from the start of the run. */
  at: Duration
  /**
   * How many requests it held.
   *
   * @default 1
   */
  size?: number | undefined
  /** Its service time. */
  time: Duration
}

/** A recorded batch, in milliseconds. */
interface Batch {
  at: number
  size: number
  time: number
}

const inOrderError = 'must be a non-empty list of service times, in the order in which the batches started'
const inOrder = z.array(duration, { error: inOrderError }).min(1, { error: inOrderError })
const inTimeError = 'must be a non-empty list of batches, each { at, size, time }'
const inTime = z
  .array(options({ at: duration, size: whole(1, 1_000_000).default(1), time: duration }), { error: inTimeError })
  .min(1, { error: inTimeError })

/** @param extras the fields that all service models have */
export const recordedSchema = <Extras extends z.core.$ZodLooseShape>(extras: Extras) =>
  z.discriminatedUnion(
    'by',
    [
      options({
        model: z.literal('recorded'),
        by: z.literal('order'),
        times: listed(inOrder, inOrderError),
        ...extras,
      }),
      options({ model: z.literal('recorded'), by: z.literal('time'), times: listed(inTime, inTimeError), ...extras }),
    ],
    { error: "must say how to look up the recorded times: { by: 'order' } or { by: 'time' }" },
  )

/** Recorded times of something other than service, such as dispatch. */
export const recordedAlone = recordedSchema({})

export type Recorded = { by: 'order'; times: Listed<number> } | { by: 'time'; times: Listed<Batch> }

/** A linear function of the batch size, in nanoseconds. */
export interface Line {
  base: number
  perItem: number
}

/**
 * Fits the mean recorded service time as a function of batch size. By order, sizes are unknown and the line is constant.
 * By time, it is the least-squares line through the batches, constrained not to decrease and not to go below 0.
 */
export function recordedLine(recorded: Recorded): Line {
  if (recorded.by === 'order') return { base: mean(valuesOf<number>(recorded.times).map(nanoseconds)), perItem: 0 }
  const batches = valuesOf<Batch>(recorded.times)
  const sizes = batches.map(({ size }) => size)
  const times = batches.map(({ time }) => nanoseconds(time))
  const [size, time] = [mean(sizes), mean(times)]
  const spread = sumBy(sizes, (each) => (each - size) ** 2)
  const slope =
    spread === 0 ? 0 : sizes.reduce((sum, each, i) => sum + (each - size) * ((times[i] as number) - time), 0) / spread
  // a slope below 0 becomes 0; a base below 0 becomes 0
  const perItem = Math.min(Math.max(0, slope), time / size)
  return { base: time - perItem * size, perItem }
}

/** The mean of the recorded times over all batch sizes, in nanoseconds. */
export function recordedMeanNs(recorded: Recorded): number {
  const times =
    recorded.by === 'order' ? valuesOf<number>(recorded.times) : valuesOf<Batch>(recorded.times).map(({ time }) => time)
  return mean(times.map(nanoseconds))
}

/** The batches recorded by time, in time order, in nanoseconds. */
export function recordedBatches(times: Listed<Batch>): { atNs: number; size: number; timeNs: number }[] {
  return valuesOf<Batch>(times)
    .map(({ at, size, time }) => ({ atNs: nanoseconds(at), size, timeNs: nanoseconds(time) }))
    .sort((a, b) => a.atNs - b.atNs)
}
