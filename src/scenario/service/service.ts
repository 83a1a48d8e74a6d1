import { z } from 'zod'
import type { Cause } from '../policy.js'
import { type Duration, duration, NS_PER_SECOND, nanoseconds, options } from '../units.js'
import {
  type Line,
  type Recorded,
  type RecordedBatch,
  recordedAlone,
  recordedLine,
  recordedMeanNs,
  recordedSchema,
} from './recorded.js'
import { type Variation, type VariedDuration, type VariedInput, variationSchema, variedDuration } from './variation.js'

const pointsError = 'must be an object of service times by batch size, such as { 1: "2ms", 8: "5ms" }'
const points = z
  .record(z.string(), variedDuration, { error: pointsError })
  .refine((value) => Object.keys(value).length > 0 && Object.keys(value).every((size) => /^[1-9]\d{0,6}$/.test(size)), {
    error: `${pointsError}, each size a whole number of at least 1`,
  })

const dispatchError =
  "must be a duration of 0 or more ('5ms', or a number of milliseconds), { mean, variation }, or recorded times"
type Alone = typeof recordedAlone
type DispatchInput = VariedInput | z.input<Alone>
const dispatch: z.ZodType<VariedDuration | z.output<Alone>, DispatchInput> = z.union([variedDuration, recordedAlone], {
  error: dispatchError,
})

const probabilityError = 'must be a probability from 0 to 1'
const anyModel = {
  stalls: options({
    probability: z
      .number({ error: probabilityError })
      .min(0, { error: probabilityError })
      .max(1, { error: probabilityError }),
    time: duration,
  }).optional(),
  overhead: options({
    wake: dispatch.optional(),
    filled: dispatch.optional(),
    deadline: dispatch.optional(),
    turnaround: dispatch.optional(),
  }).optional(),
}

const serviceError =
  "must be a duration of 0 or more ('10ms', or a number of milliseconds) or a service model: { model: affine | byBatchSize | recorded, … }"
const model = z.discriminatedUnion(
  'model',
  [
    options({
      model: z.literal('affine'),
      base: duration.default(0),
      perItem: duration.default(0),
      variation: variationSchema.optional(),
      ...anyModel,
    }),
    options({ model: z.literal('byBatchSize'), points, ...anyModel }),
    recordedSchema(anyModel),
  ],
  { error: serviceError },
)

/** How long a server takes for a batch. A duration alone is the same for every size. */
export const serviceSchema = z
  .union([duration, model], { error: serviceError })
  .transform((value): Service => (typeof value === 'number' ? { model: 'affine', base: value, perItem: 0 } : value))
export type ServiceInput = z.input<typeof model>
export type Service = z.output<typeof model>

export { CAUSES, type Cause } from '../policy.js'

type RecordedInput = Extract<ServiceInput, { model: 'recorded' }>
/** What any service model may have beside its times. */
export interface ServiceExtras {
  /** Now and then a batch takes `time` longer: each batch with this probability. */
  stalls?: { probability: number; time: Duration }
  /**
   * Dispatch: from the moment a batch leaves the queue until its server starts on it, by what let it leave. Times that
   * were `recorded` of a cause are taken in order, or from the batch of that cause that left nearest in time.
   */
  overhead?: { [cause in Cause]?: DispatchInput }
}

/**
 * A batch of b requests takes `base + perItem * b` on average. The line through 10 requests in 10 ms and 50 in 20 ms is
 * `affine({ base: '7.5ms', perItem: '0.25ms' })`.
 */
export const affine = (
  o: { base?: Duration; perItem?: Duration; variation?: Variation } & ServiceExtras,
): ServiceInput => ({ model: 'affine', ...o })

/**
 * Service time by batch size, linear between the sizes given. A batch smaller than the first size takes the
 * first size's time; one larger than the last is refused, since nothing is known of it.
 */
export const byBatchSize = (points: Record<number, VariedInput>, extras: ServiceExtras = {}): ServiceInput => ({
  model: 'byBatchSize',
  points,
  ...extras,
})

/**
 * A run's own service times again, in one of two ways.
 *
 * - `by: 'order'`: the batch that starts i-th takes the i-th of `times`, whatever its size. A run that starts more
 *   batches than there are times fails, rather than invent any.
 * - `by: 'time'`: a batch takes what the recorded batch did that started nearest to it in time (of two as near, the
 *   earlier), so that a server's slow periods stay where they were. Where their sizes differ, that time is scaled by the
 *   line of least squares through all recorded batches, of service time by size. A run that goes on for longer than the
 *   recorded one and a tenth of it fails.
 */
export const recorded = (
  o: ({ times: Duration[]; by: 'order' } | { times: RecordedBatch[]; by: 'time' }) & ServiceExtras,
): RecordedInput => ({ model: 'recorded', ...o })

/** The mean service time of a batch of this size, in nanoseconds, unrounded. */
export type MeanServiceNs = (batchSize: number) => number

/** The largest batch that the service knows the time of; Infinity where there is no limit. */
export function largestKnownBatch(service: Service): number {
  return service.model === 'byBatchSize'
    ? Math.max(...Object.keys(service.points).map(Number))
    : Number.POSITIVE_INFINITY
}

/** Whether batches of one size may take different times, dispatch included. */
export function varies(service: Service): boolean {
  const { stalls, overhead = {} } = service
  const times = Object.values(service.model === 'byBatchSize' ? { ...service.points, ...overhead } : overhead)
  if (service.model === 'recorded' || (service.model === 'affine' && isRandom(service.variation))) return true
  return (
    (stalls?.probability ?? 0) > 0 ||
    times.some((time) => time !== undefined && (isRecorded(time) || isRandom(time.variation)))
  )
}

/** How long dispatch takes, for one cause. */
export type Dispatch = VariedDuration | ({ model: 'recorded' } & Recorded)

export const isRecorded = (dispatch: Dispatch): dispatch is { model: 'recorded' } & Recorded => 'model' in dispatch

const meanDispatchNs = (dispatch: Dispatch) =>
  isRecorded(dispatch) ? recordedMeanNs(dispatch) : nanoseconds(dispatch.mean)

const isRandom = (variation: Variation | undefined) => variation !== undefined && variation.distribution !== 'none'

export interface ServicePoint {
  size: number
  meanNs: number
  variation: Variation | undefined
}

/** The points of a service by batch size, in order of size. */
export function servicePoints(service: Extract<Service, { model: 'byBatchSize' }>): ServicePoint[] {
  return Object.entries(service.points)
    .map(([size, point]) => ({
      size: Number(size),
      meanNs: nanoseconds(point.mean),
      variation: point.variation,
    }))
    .sort((a, b) => a.size - b.size)
}

/** The mean service time of a model that is a straight line in the batch size. */
function lineOf(service: Exclude<Service, { model: 'byBatchSize' }>): Line {
  return service.model === 'affine'
    ? { base: nanoseconds(service.base), perItem: service.perItem * 1e6 }
    : recordedLine(service)
}

export function meanServiceNs(service: Service): MeanServiceNs {
  if (service.model !== 'byBatchSize') {
    const { base, perItem } = lineOf(service)
    return (size) => base + perItem * size
  }
  const points = servicePoints(service)
  return (size) => {
    const above = points.findIndex((point) => point.size >= size)
    const upper = points[above] as ServicePoint
    if (above === 0 || upper.size === size) return upper.meanNs
    const lower = points[above - 1] as ServicePoint
    return lower.meanNs + ((upper.meanNs - lower.meanNs) * (size - lower.size)) / (upper.size - lower.size)
  }
}

/**
 * How many requests a second servers carry that never run out of them, in batches of at most this size: the most of
 * b / (mean service time of b + dispatch from batch to batch). Infinity where service takes no time.
 */
export function maxThroughput(service: Service, maxBatchSize: number, servers: number): number {
  const { overhead, stalls } = service
  const between = overhead?.turnaround === undefined ? 0 : meanDispatchNs(overhead.turnaround)
  const stalled = stalls === undefined ? 0 : stalls.probability * nanoseconds(stalls.time)
  if (service.model !== 'byBatchSize' && maxBatchSize === Number.POSITIVE_INFINITY) {
    return (servers * NS_PER_SECOND) / lineOf(service).perItem
  }
  const mean = meanServiceNs(service)
  // b / t(b) has no maximum inside an interval in which t is linear
  const points = service.model === 'byBatchSize' ? servicePoints(service).map(({ size }) => size) : []
  const sizes = [...points.filter((size) => size < maxBatchSize), Math.min(maxBatchSize, largestKnownBatch(service))]
  return servers * NS_PER_SECOND * Math.max(...sizes.map((size) => size / (mean(size) + between + stalled)))
}
