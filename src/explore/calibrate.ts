import { z } from 'zod'
import type { MeasureOptions } from '../measure/options.js'
import { type Observation, runMeasurement } from '../measure/run.js'
import { type ResolvedScenario, resolveScenario, type Scenario } from '../scenario/scenario.js'
import {
  evenly,
  FEWEST,
  groupsOf,
  overheadOf,
  type Points,
  type SizeGroup,
  varied,
} from '../scenario/service/observed.js'
import {
  byBatchSize,
  largestKnownBatch,
  maxThroughput,
  meanServiceNs,
  type Service,
  type ServiceInput,
  serviceSchema,
} from '../scenario/service/service.js'
import { empirical } from '../scenario/service/variation.js'
import { type Duration, NS_PER_MS, options, positiveDuration, type Rate, rate } from '../scenario/units.js'
import { mean, sum } from '../statistics/descriptive.js'
import { abortSignal } from '../validation/realm.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { bareTimes } from './bare.js'

/**
 * At which load to calibrate: servers are slower when they are often idle (their caches go cold), so calibrate near
 * the load in question. `tight` calls the bare handler back to back instead, for the upper bound of capacity.
 */
export type CalibrateAt = { utilization: number } | { rate: Rate } | { tight: true }

export interface CalibrateOptions {
  /** How long to run, for each batch size where `tight`. Default 3 s, and 300 ms. */
  duration?: Duration
  /** What an earlier `tight` calibration of this handler gave, to spare its bare times from being taken again. */
  tight?: ServiceInput
  signal?: AbortSignal
  /**
   * Called some ten times a second of the run, with how much of it is done, from 0 to 1; `tight` has none. Returning false
   * ends it early, and the calibration is of what was seen until then.
   */
  onProgress?: (progress: { fraction: number }) => unknown
}

export interface Calibration {
  /** service times by batch size, as `simulate` takes them */
  service: ServiceInput
}

const utilizationError = 'must be a number above 0 and below 1'
const atSchema = z.union(
  [
    options({
      utilization: z
        .number({ error: utilizationError })
        .gt(0, { error: utilizationError })
        .lt(1, { error: utilizationError }),
    }),
    options({ rate }),
    options({ tight: z.literal(true, { error: 'must be true' }) }),
  ],
  { error: 'must be { utilization }, { rate } or { tight: true }' },
)
const optionsSchema = options({
  duration: positiveDuration.optional(),
  tight: serviceSchema.optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<CalibrateOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})

const MOST_OBSERVED = 500_000

/**
 * Measures how long a scenario's handler takes for each batch size, for `simulate` to predict with:
 * `simulate({ ...scenario, ...(await calibrate(scenario, { utilization: 0.7 })) })`.
 *
 * In situ, a short open-loop run with the scenario's own batching and servers gives the service times of the batches
 * that came about (neighbouring sizes together, where one alone is too rare), and, as `overhead`, the time from a
 * batch's leaving to its start by what let it leave. Sizes beyond those take their bare time, times how much longer
 * than bare the others took.
 *
 * @throws ValidationError if the scenario cannot be measured, MeasureError where its handler fails
 */
export async function calibrate(
  scenario: Scenario,
  at: CalibrateAt,
  given: CalibrateOptions = {},
): Promise<Calibration> {
  const how = atSchema.safeParse(at)
  if (!how.success) throwFaults(how.error, 'calibrate', at)
  const asked = optionsSchema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'calibrate', given)
  const resolved = resolveScenario(scenario, 'measure')
  const { maxBatchSize } = resolved.batching
  if (maxBatchSize === null) {
    throw new ValidationError('batching.maxBatchSize', 'must have a limit to calibrate: no run shows every batch size')
  }
  const { handler } = resolved
  if (typeof handler !== 'string') {
    throw new ValidationError('handler', 'must be the URL or path of a module to calibrate, which is timed on a thread')
  }
  const { signal, duration, tight, onProgress } = asked.data
  const sizes = sizesUpTo(maxBatchSize)
  const timed = (timeMs: number) => tightly(handler, sizes, timeMs, signal)
  if ('tight' in how.data) return { service: await timed(duration ?? 300) }

  const bare = tight ?? serviceSchema.parse(await timed(60))
  if (largestKnownBatch(bare) < maxBatchSize) {
    throw new ValidationError(
      'calibrate.tight',
      `must know batches of up to ${maxBatchSize}, and ends at ${largestKnownBatch(bare)}`,
    )
  }
  const most = maxThroughput(bare, maxBatchSize, resolved.servers as number)
  const perSecond = 'rate' in how.data ? how.data.rate : how.data.utilization * most
  const observed = await observe(resolved, perSecond, duration ?? 3000, { signal, onProgress })
  return { service: drawnFrom(observed, bare, sizes) }
}

/** Service and dispatch times to be drawn independently of one another, from those that were observed. */
export function drawnFrom(observed: Observation[], bare: Service, sizes: number[]): ServiceInput {
  return byBatchSize(pointsOf(observed, bare, sizes), { overhead: overheadOf(observed) })
}

/** The powers of two up to a batch size, and the size itself. */
function sizesUpTo(largest: number): number[] {
  const sizes: number[] = []
  for (let size = 1; size < largest; size *= 2) sizes.push(size)
  return [...sizes, largest]
}

async function tightly(handler: string, sizes: number[], timeMs: number, signal?: AbortSignal): Promise<ServiceInput> {
  const times = await bareTimes(handler, sizes, { timeMs, signal })
  return byBatchSize(Object.fromEntries(times.map(({ size, samplesMs }) => [size, varied(samplesMs)])))
}

async function observe(
  scenario: ResolvedScenario,
  perSecond: number,
  durationMs: number,
  watching: Pick<MeasureOptions, 'signal' | 'onProgress'>,
): Promise<Observation[]> {
  const { arrivals } = scenario
  const { observations } = await runMeasurement(
    {
      ...scenario,
      arrivals: 'rate' in arrivals ? { ...arrivals, rate: perSecond } : { process: 'poisson', rate: perSecond },
      stop: { duration: durationMs },
      warmup: { duration: durationMs / 10 },
      // requests of its own: what is predicted from them has not been seen yet
      seed: (scenario.seed + 4_503_599_627_370_496) % Number.MAX_SAFE_INTEGER,
    },
    watching,
    MOST_OBSERVED,
  )
  if (observations.length < FEWEST) {
    throw new ValidationError(
      'calibrate.duration',
      `only ${observations.length} batches started within ${durationMs} ms, and a mean needs ${FEWEST}; run for longer`,
    )
  }
  return observations
}

function pointsOf(observed: Observation[], bare: Service, sizes: number[]): Points {
  const seen = groupsOf(observed)
  const bareNs = meanServiceNs(bare)
  const bareAt = (size: number) => bareNs(size) / NS_PER_MS

  const inSitu = sum(seen.flatMap(({ times }) => times))
  const slower = inSitu / sum(seen.map(({ size, times }) => times.length * bareAt(size)))
  const spread = seen.flatMap(({ times }) => times.map((time) => time / mean(times)))
  const [least, largest] = [seen[0], seen.at(-1) as SizeGroup]
  const unseen = sizes.filter((size) => size < least.size || size > largest.size)
  return Object.fromEntries([
    ...seen.map(({ size, times }) => [size, varied(times)]),
    ...unseen.map((size) => [size, { mean: bareAt(size) * slower, variation: empirical(evenly(spread)) }]),
  ])
}
