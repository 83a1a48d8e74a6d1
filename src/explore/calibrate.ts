import { z } from 'zod'
import { nothingCompleted } from '../measure/error.js'
import type { MeasureOptions } from '../measure/options.js'
import { type Observation, runMeasurement } from '../measure/run.js'
import { resultOf } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { NS_PER_MS } from '../scenario/nanoseconds.js'
import { type ResolvedScenario, resolveScenario, type Scenario } from '../scenario/scenario.js'
import {
  evenly,
  FEWEST_OBSERVATIONS,
  groupsOf,
  overheadOf,
  type Points,
  type SizeGroup,
  summarizeTimes,
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
import { abortSignal, type Duration, options, positiveDuration, type Rate, rateSchema } from '../scenario/units.js'
import { mean, sum } from '../statistics/descriptive.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { timeBareHandler } from './bare.js'

/**
 * The load at which to calibrate. Servers that are often idle are slower, because their caches go cold, so calibrate near
 * the load that you want to predict. `tight` calls the bare handler back to back instead, for an upper bound of capacity.
 */
export type CalibrateAt = { utilization: number } | { rate: Rate } | { tight: true }

/** Options of `calibrate`. */
export interface CalibrateOptions {
  /**
   * The length of the run; with `tight`, the time per batch size.
   *
   * @default '3s'; with `tight` '300ms'
   */
  duration?: Duration
  /**
   * The service of an earlier `tight` calibration of this handler, so that its bare times are not measured again.
   *
   * @default they are measured first
   */
  tight?: ServiceInput
  /**
   * Stops the run; `calibrate` rejects with the signal's reason.
   *
   * @default it cannot be aborted
   */
  signal?: AbortSignal
  /**
   * Called about ten times a second with how much of the run is done, from 0 to 1; not called with `tight`. Return false
   * to stop early; the calibration then uses what was observed so far.
   *
   * @default no progress is reported
   */
  onProgress?: (progress: { fraction: number }) => unknown
}

/** What `calibrate` returns. */
export interface Calibration {
  /** service times by batch size, for `simulate` */
  service: ServiceInput
  /** doubts about the run, such as a busy machine, as in the validity of a result; none if `tight` */
  findings: Finding[]
}

const utilizationError = 'must be a number above 0 and below 1'
export const calibrateAtSchema = z.union(
  [
    options({
      utilization: z
        .number({ error: utilizationError })
        .gt(0, { error: utilizationError })
        .lt(1, { error: utilizationError }),
    }),
    options({ rate: rateSchema }),
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
 * Measures the service times of a scenario's handler by batch size, so that `simulate` can predict the scenario.
 *
 * It runs the scenario's own batching and servers in a short open-loop run. From the batches that occur it takes their
 * service times (rare sizes are merged with their neighbours) and, as `overhead`, the time from leaving the queue to the
 * start, by cause. Sizes that do not occur get their bare time, scaled by how much slower than bare the others were.
 *
 * @throws ValidationError if the scenario cannot be measured, or too few batches were observed
 * @throws MeasureError if the handler fails, or no request completed
 * @example
 * const scenario = { arrivals: '200/s', handler: './model.js', batching: { maxBatchSize: 8, maxWait: '5ms' } }
 * const { service, findings } = await calibrate(scenario, { utilization: 0.7 })
 * for (const { message } of findings) console.warn(message) // such as a busy machine
 * simulate({ ...scenario, service }).latencyMs.p99 // the prediction for 200/s
 */
export async function calibrate(
  scenario: Scenario,
  at: CalibrateAt,
  given: CalibrateOptions = {},
): Promise<Calibration> {
  const how = calibrateAtSchema.safeParse(at)
  if (!how.success) throwFaults(how.error, 'calibrate', at)
  const checked = optionsSchema.safeParse(given)
  if (!checked.success) throwFaults(checked.error, 'calibrate', given)
  const resolved = resolveScenario(scenario, 'measure')
  const { maxBatchSize } = resolved.batching
  if (maxBatchSize === null) {
    throw new ValidationError(
      'batching.maxBatchSize',
      'must be a number to calibrate, got null; a run cannot show every batch size',
    )
  }
  const { handler } = resolved
  if (typeof handler !== 'string') {
    throw new ValidationError('handler', 'must be the URL or path of a module to calibrate; it is timed on a thread')
  }
  const { signal, duration, tight, onProgress } = checked.data
  const sizes = sizesUpTo(maxBatchSize)
  const timeBare = (timeMs: number) => calibrateTight(handler, sizes, timeMs, signal)
  if ('tight' in how.data) return { service: await timeBare(duration ?? 300), findings: [] }

  const bare = tight ?? serviceSchema.parse(await timeBare(60))
  if (largestKnownBatch(bare) < maxBatchSize) {
    throw new ValidationError(
      'calibrate.tight',
      `must cover batches of up to ${maxBatchSize}, but ends at ${largestKnownBatch(bare)}`,
    )
  }
  const most = maxThroughput(bare, maxBatchSize, resolved.servers as number)
  const perSecond = 'rate' in how.data ? how.data.rate : how.data.utilization * most
  const { observed, findings } = await observe(resolved, perSecond, duration ?? 3000, { signal, onProgress })
  return { service: buildService(observed, bare, sizes), findings }
}

/** Builds a service model that draws service and dispatch times independently from the observed ones. */
export function buildService(observed: Observation[], bare: Service, sizes: number[]): ServiceInput {
  return byBatchSize(pointsOf(observed, bare, sizes), { overhead: overheadOf(observed) })
}

/** The powers of two below a batch size, and the size itself. */
function sizesUpTo(largest: number): number[] {
  const sizes: number[] = []
  for (let size = 1; size < largest; size *= 2) sizes.push(size)
  return [...sizes, largest]
}

async function calibrateTight(
  handler: string,
  sizes: number[],
  timeMs: number,
  signal?: AbortSignal,
): Promise<ServiceInput> {
  const times = await timeBareHandler(handler, sizes, { timeMs, signal })
  return byBatchSize(Object.fromEntries(times.map(({ size, samplesMs }) => [size, summarizeTimes(samplesMs)])))
}

async function observe(
  scenario: ResolvedScenario,
  perSecond: number,
  durationMs: number,
  watching: Pick<MeasureOptions, 'signal' | 'onProgress'>,
): Promise<{ observed: Observation[]; findings: Finding[] }> {
  const { arrivals } = scenario
  const { observations, recording, environment, host, failure } = await runMeasurement(
    {
      ...scenario,
      arrivals: 'rate' in arrivals ? { ...arrivals, rate: perSecond } : { process: 'poisson', rate: perSecond },
      stop: { duration: durationMs },
      warmup: { duration: durationMs / 10 },
      // other requests than the scenario's, so that a prediction is not made from the requests that it is compared with
      seed: (scenario.seed + 4_503_599_627_370_496) % Number.MAX_SAFE_INTEGER,
    },
    watching,
    MOST_OBSERVED,
  )
  if (observations.length < FEWEST_OBSERVATIONS) {
    throw new ValidationError(
      'calibrate.duration',
      `is too short: only ${observations.length} batches started within ${durationMs} ms, and a mean needs ${FEWEST_OBSERVATIONS}; run for longer`,
    )
  }
  const { counts } = recording
  if (counts.completed === 0) throw nothingCompleted(scenario, counts, failure)
  const { findings } = resultOf(recording, environment, host).validity
  // a calibration reports no percentiles, so that it does not matter if they have no intervals
  return { observed: observations, findings: findings.filter(({ code }) => code !== 'too-few-samples') }
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
    ...seen.map(({ size, times }) => [size, summarizeTimes(times)]),
    ...unseen.map((size) => [size, { mean: bareAt(size) * slower, variation: empirical(evenly(spread)) }]),
  ])
}
