import { z } from 'zod'
import { show, ValidationError } from '../validation/validation-error.js'
import { type Arrivals, meanRate } from './arrivals/arrivals.js'
import { type Budget, budgetSchema } from './budget.js'
import { nanoseconds } from './nanoseconds.js'
import {
  type Duration,
  duration,
  type Fraction,
  fractionOf,
  MOST_REQUESTS,
  options,
  positiveDuration,
  whole,
} from './units.js'

const extentError = 'must be either { requests } or { duration }'
const extent = (least: number, lasting: typeof duration) =>
  options({ requests: whole(least, MOST_REQUESTS).optional(), duration: lasting.optional() })
    .refine((given) => (given.requests === undefined) !== (given.duration === undefined), { error: extentError })
    .transform(
      ({ requests, duration }): ResolvedExtent =>
        requests === undefined ? { duration: duration as number } : { requests },
    )

/** The length of a run or of its warm-up. */
export type Extent = { requests: number; duration?: undefined } | { duration: Duration; requests?: undefined }
export type ResolvedExtent = { requests: number } | { duration: number }

/** The estimates that `stop.precision` can be of. */
const PRECISE = ['mean', 'p50', 'p90', 'p95', 'p99', 'p99.9'] as const
export type PreciseOf = (typeof PRECISE)[number]

/**
 * When a run ends: at a fixed length, or at the first checkpoint at which an interval is narrow enough or the verdict on
 * a budget is clear, but at `atMost` at the latest.
 */
export type Stop =
  | Extent
  /**
   * until the interval of a latency estimate (`of`, by default p99) extends to each side by at most this fraction of the
   * estimate
   */
  | { precision: Fraction; of?: PreciseOf | undefined; atMost?: Duration | Extent | undefined }
  /** until the verdict on the budget is clear */
  | { budget: Budget; atMost?: Duration | Extent | undefined }

/** A stop with checkpoints, resolved. */
export type CheckpointedStop = ({ precision: number; of: PreciseOf } | { budget: Budget }) & { atMost: ResolvedExtent }
export type ResolvedStop = ResolvedExtent | CheckpointedStop

const PRECISION_IS = "must be a fraction above 0 and below 1: '5%', or a number (0.05)"

const precision = z.union([z.string(), z.number()], { error: PRECISION_IS }).transform((given, context) => {
  const fraction = fractionOf(given)
  if (fraction !== null && fraction > 0 && fraction < 1) return fraction
  context.issues.push({ code: 'custom', message: PRECISION_IS, input: given })
  return z.NEVER
})

const atMost = z
  .union([positiveDuration.transform((ms): ResolvedExtent => ({ duration: ms })), extent(1, positiveDuration)], {
    error: "must be a duration ('60s'), { duration } or { requests }",
  })
  .optional()

/** The schema of a stop. The default of `atMost` depends on the engine. */
export const stopSchema = z.union(
  [
    extent(1, positiveDuration),
    options({
      precision,
      of: z.enum(PRECISE, { error: `must be one of ${PRECISE.join(', ')}` }).default('p99'),
      atMost,
    }),
    options({ budget: budgetSchema, atMost }),
  ],
  { error: 'must be { requests }, { duration }, { precision, of, atMost } or { budget, atMost }' },
)
export type GivenStop = z.output<typeof stopSchema>
export const warmupSchema = extent(0, duration)

/** The maximum length of a run. */
export const horizonOf = (stop: ResolvedStop): ResolvedExtent => ('atMost' in stop ? stop.atMost : stop)

/** About how many requests a run has at most; 0 if that is unknown, as of a closed loop that ends by time. */
export function plannedRequests({ stop, arrivals }: { stop: ResolvedStop; arrivals: Arrivals }): number {
  const horizon = horizonOf(stop)
  return 'requests' in horizon ? horizon.requests : ((meanRate(arrivals) ?? 0) * horizon.duration) / 1000
}

/**
 * Refuses a stop with checkpoints, for runs that must have a fixed length.
 *
 * @throws ValidationError
 */
export function refuseCheckpoints(stop: ResolvedStop, why: string): void {
  if (!('atMost' in stop)) return
  throw new ValidationError('stop', `must be { requests } or { duration } here, got ${show(stop)}; ${why}`)
}

/** Converts a length for the engines: the field that is not limited is Infinity. */
export const extentNs = (extent: ResolvedExtent) =>
  'requests' in extent
    ? { requests: extent.requests, ns: Number.POSITIVE_INFINITY }
    : { requests: Number.POSITIVE_INFINITY, ns: nanoseconds(extent.duration) }

/** How much of a run is done, from 0 to 1. */
export function fractionDone(stop: ResolvedStop, at: { requests: number; timeMs: number }): number {
  const horizon = horizonOf(stop)
  return Math.min(1, 'requests' in horizon ? at.requests / horizon.requests : at.timeMs / horizon.duration)
}

/** The first checkpoint of a run to a precision: an interval needs some data. */
const FIRST_OF_INTERVAL = { requests: 10_000, duration: 5_000 }
/** The first checkpoint of a run to a verdict: the verdict on a distant limit is clear early. */
const FIRST_OF_BUDGET = { requests: 10_000, duration: 500 }
/** The ratio of the lengths of consecutive checkpoints on a budget. */
const LONGER = 2.4
/** A checkpoint is left out if the final length is less than this many times longer. */
const NEAREST = 1.5

/**
 * Returns the lengths of a run at its checkpoints; the last is `atMost`. Every checkpoint is one more chance to be misled
 * by noise, and verdicts and intervals must allow for all of them. A few checkpoints far apart keep that cost low.
 */
export function checkpointsOf(stop: CheckpointedStop): ResolvedExtent[] {
  const [unit, most] = Object.entries(stop.atMost)[0] as [keyof typeof FIRST_OF_BUDGET, number]
  const lengths =
    'budget' in stop ? listGrowth(FIRST_OF_BUDGET[unit], most) : listDoublings(FIRST_OF_INTERVAL[unit], most)
  return lengths.map((length) => (unit === 'requests' ? { requests: Math.round(length) } : { duration: length }))
}

/** Grows from a first length: 0.5 s, 1.2 s, 2.88 s and so on. */
function listGrowth(first: number, most: number): number[] {
  const lengths: number[] = []
  for (let length = first; length * NEAREST <= most; length *= LONGER) lengths.push(length)
  return [...lengths, most]
}

/** Halves the longest length until the next half would be below the first. */
function listDoublings(first: number, most: number): number[] {
  const doublings = Math.max(0, Math.floor(Math.log2(most / first)))
  return Array.from({ length: doublings + 1 }, (_, checkpoint) => most / 2 ** (doublings - checkpoint))
}
