import { z } from 'zod'
import { sumBy } from '../../statistics/descriptive.js'
import { CAUSES, type Cause } from '../batching-policy.js'
import { NS_PER_SECOND, nanoseconds } from '../nanoseconds.js'
import { type Duration, duration, options, readOptions } from '../units.js'
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
type DispatchInput = VariedInput | z.input<typeof recordedAlone>
const dispatch: z.ZodType<Dispatch, DispatchInput> = z.union([variedDuration, recordedAlone], {
  error: dispatchError,
})
/** Named, since the declarations would otherwise write it in full for each model. */
interface Overhead extends Partial<Record<Cause, Dispatch | undefined>> {}
interface OverheadInput extends Partial<Record<Cause, DispatchInput | undefined>> {}
const overhead: z.ZodType<Overhead, OverheadInput> = options({
  wake: dispatch.optional(),
  filled: dispatch.optional(),
  deadline: dispatch.optional(),
  turnaround: dispatch.optional(),
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
  overhead: overhead.optional(),
}

const serviceError =
  "must be a duration of 0 or more ('10ms', or a number of milliseconds) or a service model: { model: affine | byBatchSize | recorded, … }"
const modelError =
  "must be 'affine', 'byBatchSize' or 'recorded'; for example { model: 'affine', base: '10ms', perItem: '1ms' }"
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
  { error: ({ code }) => (code === 'invalid_union' ? modelError : serviceError) },
)

/** The schema of a service model. A bare duration is the same for every batch size. */
export const serviceSchema: z.ZodType<Service, Duration | ServiceInput> = z
  .union([duration, model], { error: serviceError })
  .transform((value): Service => (typeof value === 'number' ? { model: 'affine', base: value, perItem: 0 } : value))
/** A service model, as the factories make it. */
export type ServiceInput = z.input<typeof model>
export type Service = z.output<typeof model>

export { CAUSES, type Cause } from '../batching-policy.js'

type RecordedInput = Extract<ServiceInput, { model: 'recorded' }>
/** The options that all service models have. */
export interface ServiceExtras {
  /**
   * Occasional stalls: each batch takes `time` longer with this probability.
   *
   * @default no stalls
   */
  stalls?: { probability: number; time: Duration }
  /**
   * Dispatch times, from when a batch leaves the queue until its server starts it, by the cause that let it leave.
   * `recorded` times of a cause are taken in order, or from the batch of that cause that left nearest in time.
   *
   * @default no dispatch time
   */
  overhead?: OverheadInput
}

/**
 * Service time that is linear in the batch size: a batch of b requests takes `base + perItem * b` on average. If 10
 * requests take 10 ms and 50 take 20 ms, that is `affine({ base: '7.5ms', perItem: '0.25ms' })`.
 *
 * @param o `base` and `perItem`: durations, default 0; `variation`: random variation about the mean, default none
 * @example
 * const result = simulate({
 *   arrivals: '800/s',
 *   service: affine({ base: '7.5ms', perItem: '0.25ms' }),
 *   batching: { maxBatchSize: 50, maxWait: '5ms' },
 *   stop: { requests: 10_000 },
 * })
 * result.batches.meanSize // about 7.5
 */
export const affine = (
  o: { base?: Duration; perItem?: Duration; variation?: Variation } & ServiceExtras,
): ServiceInput => ({
  model: 'affine',
  ...readOptions(o, "affine({ base: '7ms', perItem: '1ms' })"),
})

/**
 * Service time by batch size, interpolated linearly between the given sizes. A batch smaller than the smallest size
 * takes that size's time. A scenario whose batches can exceed the largest size is refused.
 *
 * @param points durations, or means with variations, by batch size
 * @example
 * const service = byBatchSize({ 1: '2ms', 8: '5ms', 32: { mean: '12ms', variation: gamma({ cv: 0.3 }) } })
 * const result = simulate({ arrivals: '800/s', service, batching: { maxBatchSize: 32 }, stop: { requests: 10_000 } })
 * result.utilization // between 0 and 1
 */
export const byBatchSize = (points: Record<number, VariedInput>, extras: ServiceExtras = {}): ServiceInput => ({
  model: 'byBatchSize',
  points,
  ...readOptions(extras, "byBatchSize({ 1: '2ms', 8: '5ms' }, { stalls: { probability: 0.01, time: '1s' } })"),
})

/**
 * Replays the service times of a recorded run, in one of two ways.
 *
 * - `by: 'order'`: the i-th batch to start takes the i-th of `times`, whatever its size. If a run starts more batches
 *   than there are times, it throws a `ValidationError`.
 * - `by: 'time'`: a batch takes the time of the recorded batch that started nearest in time (the earlier of two equally
 *   near), so that slow periods of a server stay where they were. If their sizes differ, the time is scaled by the
 *   least-squares line through all recorded batches. If a run lasts over 10 % longer than the recorded one, it throws a
 *   `ValidationError`.
 *
 * @param o `times`: durations by order, or `{ at, size, time }` of each batch by time
 * @example
 * const service = recorded({ by: 'order', times: ['2ms', '3ms', '9ms'] })
 * const result = simulate({ arrivals: replay([0, 10, 20]), service, warmup: { requests: 0 } })
 * result.latencyMs.max // 9
 */
export const recorded = (
  o: ({ times: Duration[]; by: 'order' } | { times: RecordedBatch[]; by: 'time' }) & ServiceExtras,
): RecordedInput => ({
  model: 'recorded',
  ...readOptions(o, "recorded({ by: 'order', times: ['2ms', '3ms'] })"),
})

/** The mean service time of a batch of this size, in nanoseconds, unrounded. */
export type MeanServiceNs = (batchSize: number) => number

/** The largest batch size that the service model covers; Infinity if it is unlimited. */
export function largestKnownBatch(service: Service): number {
  return service.model === 'byBatchSize'
    ? Math.max(...Object.keys(service.points).map(Number))
    : Number.POSITIVE_INFINITY
}

/** Whether batches of one size can take different times, including dispatch. */
export function varies(service: Service): boolean {
  const { stalls, overhead = {} } = service
  const points = service.model === 'byBatchSize' ? Object.values(service.points) : []
  const times = [...points, ...CAUSES.map((cause) => overhead[cause])]
  if (service.model === 'recorded' || (service.model === 'affine' && isRandom(service.variation))) return true
  return (
    (stalls?.probability ?? 0) > 0 ||
    times.some((time) => time !== undefined && (isRecorded(time) || isRandom(time.variation)))
  )
}

/** The dispatch time of one cause. */
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

/** The points of a service by batch size, sorted by size. */
export function servicePoints(service: Extract<Service, { model: 'byBatchSize' }>): ServicePoint[] {
  return Object.entries(service.points)
    .map(([size, point]) => ({
      size: Number(size),
      meanNs: nanoseconds(point.mean),
      variation: point.variation,
    }))
    .sort((a, b) => a.size - b.size)
}

/** The mean service time of a model that is linear in the batch size. */
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

/** A service, and the fraction of requests that it is for. */
export interface ServiceShare {
  service: Service
  fraction: number
}

/**
 * The maximum throughput in requests per second: that of servers that always have requests waiting. It is the maximum of
 * b / (mean service time of b + mean turnaround + mean stall) over batch sizes b up to `maxBatchSize`, times the number
 * of servers. Infinity if service takes no time.
 *
 * @param shares the services of the requests' classes
 */
export function maxThroughput(
  service: Service,
  maxBatchSize: number,
  servers: number,
  shares: readonly ServiceShare[] = [{ service, fraction: 1 }],
): number {
  const { overhead } = service
  const between = overhead?.turnaround === undefined ? 0 : meanDispatchNs(overhead.turnaround)
  const services = shares.map((share) => share.service)
  const sumOf = (of: (share: ServiceShare) => number) => sumBy(shares, of)
  const largest = Math.min(maxBatchSize, ...services.map(largestKnownBatch))
  if (largest === Number.POSITIVE_INFINITY) {
    return (
      (servers * NS_PER_SECOND) /
      sumOf(({ service, fraction }) => fraction * lineOf(service as Exclude<Service, { model: 'byBatchSize' }>).perItem)
    )
  }
  const means = new Map(services.map((each) => [each, meanServiceNs(each)]))
  const batchNs = (size: number) =>
    between +
    sumOf(({ service, fraction }) => {
      const mean = fraction * (means.get(service) as MeanServiceNs)(size)
      const { stalls } = service
      // a batch stalls if a request of the class is in it
      return stalls === undefined
        ? mean
        : mean + (1 - (1 - fraction) ** size) * stalls.probability * nanoseconds(stalls.time)
    })
  // b / t(b) is monotonic between two points, since t is linear there
  const points = services.flatMap((each) =>
    each.model === 'byBatchSize' ? servicePoints(each).map(({ size }) => size) : [],
  )
  const sizes = [...points.filter((size) => size < largest), largest]
  return servers * NS_PER_SECOND * Math.max(...sizes.map((size) => size / batchNs(size)))
}
