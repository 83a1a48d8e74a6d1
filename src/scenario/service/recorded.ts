import { z } from 'zod'
import { mean, sumBy } from '../../statistics/descriptive.js'
import { type Listed, listed, valuesOf } from '../by-hash.js'
import { type Duration, duration, nanoseconds, options, whole } from '../units.js'

/** A batch of a recorded run: when it started, how many requests it held, and how long it was served. */
export interface RecordedBatch {
  at: Duration
  /** Default 1. */
  size?: number | undefined
  time: Duration
}

/** The same in milliseconds. */
interface Batch {
  at: number
  size: number
  time: number
}

const inOrderError = 'must be a list of one or more service times, in the order that the batches started in'
const inOrder = z.array(duration, { error: inOrderError }).min(1, { error: inOrderError })
const inTimeError = 'must be a list of one or more batches, each { at, size, time }'
const inTime = z
  .array(options({ at: duration, size: whole(1, 1_000_000).default(1), time: duration }), { error: inTimeError })
  .min(1, { error: inTimeError })

/** @param extras what any service model may have beside its times */
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
    { error: "must say by what the recorded times are taken, { by: 'order' } or { by: 'time' }" },
  )

/** Times that were recorded of something that takes time beside the service. */
export const recordedAlone = recordedSchema({})

export type Recorded = { by: 'order'; times: Listed<number> } | { by: 'time'; times: Listed<Batch> }

/** A straight line in the batch size, in nanoseconds. */
export interface Line {
  base: number
  perItem: number
}

/**
 * The mean service time of what was recorded, by batch size. In order, sizes are not known and do not matter. By time
 * it is the line of least squares through the batches, neither falling nor below 0.
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
  // a line that would cross 0 goes through it, one that would fall is level
  const perItem = Math.min(Math.max(0, slope), time / size)
  return { base: time - perItem * size, perItem }
}

/** The mean of what was recorded, in nanoseconds, whatever the batch sizes. */
export function recordedMeanNs(recorded: Recorded): number {
  const times =
    recorded.by === 'order' ? valuesOf<number>(recorded.times) : valuesOf<Batch>(recorded.times).map(({ time }) => time)
  return mean(times.map(nanoseconds))
}

/** The batches that were recorded by time, in order, in nanoseconds. */
export function recordedBatches(times: Listed<Batch>): { atNs: number; size: number; timeNs: number }[] {
  return valuesOf<Batch>(times)
    .map(({ at, size, time }) => ({ atNs: nanoseconds(at), size, timeNs: nanoseconds(time) }))
    .sort((a, b) => a.atNs - b.atNs)
}
