import { z } from 'zod'
import type { MeasureProgress } from '../measure/options.js'
import type { Result } from '../result/result.js'
import { resolveScenario, type Scenario, type SimulatedScenario } from '../scenario/scenario.js'
import { fractionDone } from '../scenario/stop.js'
import { hasTarget } from '../scenario/target.js'
import { abortSignal, options, whole } from '../scenario/units.js'
import { isPlain, throwIfAborted } from '../validation/realm.js'
import { show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { AgentPool } from './agents/agent-pool.js'
import { type OnAgents, onAgentsSchema, type ResolvedOnAgents, threadsOrAgents } from './agents/options.js'
import { type Cache, folderCache, memory } from './cache.js'
import { pointsOf, type SweepFields, type SweepPoint, scenarioAt } from './points.js'
import { type SimulateAllOptions, simulateAll } from './simulate-all.js'

export type { SweepFields, SweepPoint }

/** The progress of `sweep`. */
export interface SweepProgress {
  /** completed points */
  done: number
  /** all points */
  total: number
  /** how much is done, from 0 to 1 */
  fraction: number
}

/** Options of `sweep`. */
export interface SweepOptions {
  /**
   * Whether to simulate or to measure.
   *
   * @default 'measure' if the scenario has a target and no service, else 'simulate'
   */
  engine?: 'simulate' | 'measure' | undefined
  /**
   * The cache of simulated points, so that a sweep with one more point only runs that point: true caches in memory, a path
   * in a folder, across processes, and false not at all. Measurements are not cached.
   *
   * @default true
   */
  cache?: boolean | string | undefined
  /**
   * How many points to simulate at a time, each on its own thread; 1 uses this thread.
   *
   * @default the number of cores; this thread if the number of requests is known and it is done before others would have started
   */
  threads?: number | undefined
  /**
   * Simulates the points on the agents of a Redis, in place of threads: each simulates as many at a time as it has cores.
   * Points of the cache are not sent.
   *
   * @default threads of this process
   * @example { redis: 'redis://10.0.0.5:6379' }
   */
  on?: OnAgents | undefined
  /**
   * Stops the runs and their threads; `sweep` rejects with the signal's reason.
   *
   * @default it cannot be aborted
   */
  signal?: AbortSignal | undefined
  /**
   * Called about ten times a second. Return false to stop early; the sweep then returns the points that ran. Points that
   * were stopped have the finding `interrupted`.
   *
   * @default no progress is reported
   */
  onProgress?: ((progress: SweepProgress) => unknown) | undefined
}

/** A point of a sweep with its result. */
export interface Swept {
  point: SweepPoint
  result: Result
}

const schema = options({
  engine: z.enum(['simulate', 'measure'], { error: "must be 'simulate' or 'measure'" }).optional(),
  cache: z
    .union([z.boolean(), z.string().min(1)], { error: 'must be true, false, or the path of a folder' })
    .default(true),
  threads: whole(1, 256).optional(),
  on: onAgentsSchema.optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<SweepOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
}).refine(threadsOrAgents.check, threadsOrAgents.params)

/**
 * Runs a scenario at each combination of values of some of its fields. All points have the same seed, and so the same
 * requests, which makes their differences precise. Simulated points run in parallel on threads if that is faster, or on
 * agents, and are cached. Measured points run one after another, since they would disturb each other.
 *
 * @returns the points in order; the last field changes fastest
 * @throws ValidationError if a field is unknown or a point is invalid, before the first point runs; MeasureError if Redis
 * or its agents fail
 * @example
 * const service = affine({ base: '7.5ms', perItem: '0.25ms' })
 * const scenario = { arrivals: '800/s', service, stop: { requests: 10_000 } }
 * const points = await sweep(scenario, { 'batching.maxBatchSize': [8, 32], servers: [1, 2] })
 * points.length // 4
 * points[0]?.point // { 'batching.maxBatchSize': 8, servers: 1 }
 */
export async function sweep(scenario: Scenario, fields: SweepFields, given: SweepOptions = {}): Promise<Swept[]> {
  const checked = schema.safeParse(given)
  if (!checked.success) throwFaults(checked.error, 'sweep', given)
  const { cache, signal, onProgress, threads, on } = checked.data
  if (!isPlain(fields)) {
    throw new ValidationError('sweep', `must be an object of fields, such as { servers: [1, 2] }, got ${show(fields)}`)
  }
  const points = pointsOf(fields)
  const scenarios = points.map((point) => scenarioAt(scenario, point))
  const engine = checked.data.engine ?? (scenarios.every(isOnlyMeasured) ? 'measure' : 'simulate')
  const resolved = scenarios.map((at) => resolveScenario(at, engine))
  if (engine === 'measure' && on !== undefined) {
    throw new ValidationError(
      'sweep.on',
      'applies to simulations only; to measure points from several machines, call measure with agents at each',
    )
  }
  const report = (fraction: number, done: number) => onProgress?.({ done, total: points.length, fraction })
  const results =
    engine === 'measure'
      ? await measureEach(scenarios, signal, report)
      : await simulateEach(resolved as SimulatedScenario[], on, {
          cache: await cacheOf(cache),
          threads,
          describe: (i) => `point ${show(points[i])}`,
          signal,
          onProgress: onProgress && report,
        })
  return points.flatMap((point, i) => {
    const result = results[i] ?? null
    return result === null ? [] : [{ point, result }]
  })
}

/** Whether a scenario has a target, but no service to simulate. */
const isOnlyMeasured = (scenario: Scenario) => scenario.service === undefined && hasTarget(scenario)

async function simulateEach(
  scenarios: SimulatedScenario[],
  on: ResolvedOnAgents | undefined,
  options: SimulateAllOptions,
): Promise<(Result | null)[]> {
  if (on === undefined) return simulateAll(scenarios, options)
  const agents = new AgentPool(on)
  try {
    return await simulateAll(scenarios, { ...options, onAgents: agents.run })
  } finally {
    await agents.close()
  }
}

async function measureEach(
  scenarios: Scenario[],
  signal: AbortSignal | undefined,
  report: (fraction: number, done: number) => unknown,
): Promise<Result[]> {
  // loaded on first use, as simulating does not need it
  const { measure } = await import('../measure/measure.js')
  const results: Result[] = []
  let ended = false
  for (const [i, scenario] of scenarios.entries()) {
    throwIfAborted(signal)
    const { stop } = resolveScenario(scenario, 'measure')
    const reportFraction = (fraction: number) => {
      ended ||= report((i + fraction) / scenarios.length, i) === false
      return !ended
    }
    if (!reportFraction(0)) break
    const onProgress = ({ timeMs, sent }: MeasureProgress) =>
      reportFraction(fractionDone(stop, { requests: sent, timeMs }))
    results.push(await measure(scenario, { signal, onProgress }))
  }
  return results
}

/** Opens the cache that an option describes. */
async function cacheOf(cache: boolean | string): Promise<Cache | null> {
  if (typeof cache === 'string') return folderCache(cache)
  return cache ? memory : null
}
