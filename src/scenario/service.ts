import { z } from 'zod'
import type { Cause } from './policy.js'
import { type Duration, duration, NS_PER_SECOND, nanoseconds, options } from './units.js'
import { type Variation, variationSchema, variedDuration } from './variation.js'

const pointsError = 'must be an object of service times by batch size, such as { 1: "2ms", 8: "5ms" }'
const points = z
  .record(z.string(), variedDuration, { error: pointsError })
  .refine((value) => Object.keys(value).length > 0 && Object.keys(value).every((size) => /^[1-9]\d{0,6}$/.test(size)), {
    error: `${pointsError}, each size a whole number of at least 1`,
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
    wake: variedDuration.optional(),
    filled: variedDuration.optional(),
    deadline: variedDuration.optional(),
    turnaround: variedDuration.optional(),
  }).optional(),
}

const serviceError =
  "must be a duration of 0 or more ('10ms', or a number of milliseconds) or a service model: { model: affine | byBatchSize, … }"
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
  ],
  { error: serviceError },
)

/** How long a server takes for a batch. A duration alone is the same for every size. */
export const serviceSchema = z
  .union([duration, model], { error: serviceError })
  .transform((value): Service => (typeof value === 'number' ? { model: 'affine', base: value, perItem: 0 } : value))
export type ServiceInput = z.input<typeof model>
export type Service = z.output<typeof model>

export { CAUSES, type Cause } from './policy.js'

type VariedInput = Duration | { mean: Duration; variation?: Variation }
/** What any service model may have beside its times. */
export interface ServiceExtras {
  /** Now and then a batch takes `time` longer: each batch with this probability. */
  stalls?: { probability: number; time: Duration }
  /** Dispatch: from the moment a batch leaves the queue until its server starts on it, by what let it leave. */
  overhead?: { [cause in Cause]?: VariedInput }
}

/**
 * A batch of b requests takes `base + perItem * b` on average. The chapter's Figure 1-4 is
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

/** The mean service time of a batch of this size, in nanoseconds, unrounded. */
export type MeanServiceNs = (batchSize: number) => number

/** The largest batch that the service knows the time of; Infinity where there is no limit. */
export function largestKnownBatch(service: Service): number {
  return service.model === 'affine' ? Number.POSITIVE_INFINITY : Math.max(...Object.keys(service.points).map(Number))
}

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

export function meanServiceNs(service: Service): MeanServiceNs {
  if (service.model === 'affine') {
    const base = nanoseconds(service.base)
    const perItem = service.perItem * 1e6
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
export function mostCarried(service: Service, maxBatchSize: number, servers: number): number {
  const { overhead, stalls } = service
  const between = nanoseconds(overhead?.turnaround?.mean ?? 0)
  const stalled = stalls === undefined ? 0 : stalls.probability * nanoseconds(stalls.time)
  if (service.model === 'affine' && maxBatchSize === Number.POSITIVE_INFINITY) {
    return (servers * NS_PER_SECOND) / nanoseconds(service.perItem)
  }
  const mean = meanServiceNs(service)
  // b / t(b) has no maximum inside a stretch where t is linear
  const points = service.model === 'affine' ? [] : servicePoints(service).map(({ size }) => size)
  const sizes = [...points.filter((size) => size < maxBatchSize), Math.min(maxBatchSize, largestKnownBatch(service))]
  return servers * NS_PER_SECOND * Math.max(...sizes.map((size) => size / (mean(size) + between + stalled)))
}
