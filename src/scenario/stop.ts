import { z } from 'zod'
import { show, ValidationError } from '../validation/validation-error.js'
import { type Budget, budgetSchema } from './budget.js'
import {
  type Duration,
  duration,
  type Fraction,
  fractionOf,
  MOST_REQUESTS,
  nanoseconds,
  options,
  positiveDuration,
  whole,
} from './units.js'

const extentError = 'must be { requests } or { duration }, one of the two'
const extent = (least: number, lasting: typeof duration) =>
  options({ requests: whole(least, MOST_REQUESTS).optional(), duration: lasting.optional() })
    .refine((given) => (given.requests === undefined) !== (given.duration === undefined), { error: extentError })
    .transform(
      ({ requests, duration }): ResolvedExtent =>
        requests === undefined ? { duration: duration as number } : { requests },
    )

/** How long a run, or its warm-up, lasts. */
export type Extent = { requests: number; duration?: undefined } | { duration: Duration; requests?: undefined }
export type ResolvedExtent = { requests: number } | { duration: number }

/** What an interval is told of. */
export const PRECISE = ['mean', 'p50', 'p90', 'p95', 'p99', 'p99.9'] as const
export type PreciseOf = (typeof PRECISE)[number]

/** When a run ends: at a length of its own, or as soon as it knows enough, and in any case at `atMost`. */
export type Stop =
  | Extent
  /**
   * until the interval of this estimate of latency (p99 when left out) reaches no further than this fraction of it to
   * either side
   */
  | { precision: Fraction; of?: PreciseOf | undefined; atMost?: Duration | Extent | undefined }
  /** until the verdict on the budget is clear */
  | { budget: Budget; atMost?: Duration | Extent | undefined }

/** A run with checkpoints: when it may end, and when it ends at the latest. */
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

/** The schema of a stop; what `atMost` is when left out depends on the verb. */
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

/** How long a run lasts at most. */
export const horizonOf = (stop: ResolvedStop): ResolvedExtent => ('atMost' in stop ? stop.atMost : stop)

/**
 * Refuses a run that goes on until it knows enough, where only one of a length known beforehand makes sense.
 *
 * @throws ValidationError
 */
export function refuseCheckpoints(stop: ResolvedStop, why: string): void {
  if (!('atMost' in stop)) return
  throw new ValidationError('stop', `must be { requests } or { duration } here, got ${show(stop)}; ${why}`)
}

/** Numbers of a length of time in the scenario, for the engines. */
export const extentNs = (extent: ResolvedExtent) =>
  'requests' in extent
    ? { requests: extent.requests, ns: Number.POSITIVE_INFINITY }
    : { requests: Number.POSITIVE_INFINITY, ns: nanoseconds(extent.duration) }

/** How much of a run is done, from 0 to 1. */
export function fractionDone(stop: ResolvedStop, at: { requests: number; timeMs: number }): number {
  const horizon = horizonOf(stop)
  return Math.min(1, 'requests' in horizon ? at.requests / horizon.requests : at.timeMs / horizon.duration)
}

/** The first checkpoint of a run to a precision: an interval takes some data. */
const FIRST_OF_INTERVAL = { requests: 10_000, duration: 5_000 }
/** And which a budget is judged by: a limit that is far off is clear at once. */
const FIRST_OF_BUDGET = { requests: 10_000, duration: 500 }
/** How many times as long a run is at each next checkpoint at its budget. */
const LONGER = 2.4
/** A checkpoint that is nearer to the last one than by this is left out. */
const NEAREST = 1.5

/**
 * The lengths of a run at its checkpoints, the last of them `atMost`. Each checkpoint may be taken in by chance, so that the
 * verdicts and intervals of a run have to allow for all of them: with few and far between, that costs little.
 */
export function checkpointsOf(stop: CheckpointedStop): ResolvedExtent[] {
  const [unit, most] = Object.entries(stop.atMost)[0] as [keyof typeof FIRST_OF_BUDGET, number]
  const lengths = 'budget' in stop ? growing(FIRST_OF_BUDGET[unit], most) : doubling(FIRST_OF_INTERVAL[unit], most)
  return lengths.map((length) => (unit === 'requests' ? { requests: Math.round(length) } : { duration: length }))
}

/** From a first length on: 0.5 s, 1.2 s, 2.88 s and so on. */
function growing(first: number, most: number): number[] {
  const lengths: number[] = []
  for (let length = first; length * NEAREST <= most; length *= LONGER) lengths.push(length)
  return [...lengths, most]
}

/** Each half as long as the next, back to the first that is not below a length. */
function doubling(first: number, most: number): number[] {
  const doublings = Math.max(0, Math.floor(Math.log2(most / first)))
  return Array.from({ length: doublings + 1 }, (_, checkpoint) => most / 2 ** (doublings - checkpoint))
}
