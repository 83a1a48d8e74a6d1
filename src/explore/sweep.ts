import { z } from 'zod'
import type { MeasureProgress } from '../measure/options.js'
import type { Result } from '../result/result.js'
import { resolveScenario, type Scenario, type SimulatedScenario } from '../scenario/scenario.js'
import { fractionDone } from '../scenario/stop.js'
import { hasTarget } from '../scenario/target.js'
import { isPlain, options, whole } from '../scenario/units.js'
import { abortSignal, throwIfAborted } from '../validation/realm.js'
import { show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { type Cache, folderCache, memory } from './cache.js'
import { pointsOf, type SweepFields, type SweepPoint, scenarioAt } from './points.js'
import { simulateAll } from './simulate-all.js'

export type { SweepFields, SweepPoint }

export interface SweepProgress {
  /** points */
  done: number
  total: number
  /** how much is done, from 0 to 1 */
  fraction: number
}

export interface SweepOptions {
  /** Default: `measure` if the scenario has a target and no service, else `simulate`. */
  engine?: 'simulate' | 'measure' | undefined
  /**
   * Where simulated points are kept, so that a sweep with one more point runs that point alone: in memory, the default;
   * in a folder by its path, from run to run; nowhere with false. What is measured is always measured again.
   */
  cache?: boolean | string | undefined
  /**
   * How many points are simulated at a time, each on a thread. Default: as many as the machine has cores for, where
   * there is more to simulate than threads take to start; else one after another in this thread.
   */
  threads?: number | undefined
  /** Ends the runs and their threads; `sweep` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Called some ten times a second. Returning false ends the sweep early: it gives the points that were run, and those
   * under way as far as they are, which say `interrupted`.
   */
  onProgress?: ((progress: SweepProgress) => unknown) | undefined
}

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
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<SweepOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})

/**
 * Runs a scenario at each value of some of its fields: `sweep(scenario, { 'batching.maxBatchSize': [1, 8, 32], servers:
 * [1, 2] })`. They all have its seed, and so face the very same requests, which makes differences between them sharp.
 * Simulated points are run side by side on threads where that is worth their start, and kept; measured ones are run one
 * after another, since they would disturb each other.
 *
 * @returns the points in order, the last field changing fastest
 * @throws ValidationError if a field is unknown or a point cannot be run, before the first point runs
 */
export async function sweep(scenario: Scenario, fields: SweepFields, given: SweepOptions = {}): Promise<Swept[]> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'sweep', given)
  const { cache, signal, onProgress, threads } = asked.data
  if (!isPlain(fields)) {
    throw new ValidationError('sweep', `must be given fields, such as { servers: [1, 2] }, got ${show(fields)}`)
  }
  const points = pointsOf(fields)
  const scenarios = points.map((point) => scenarioAt(scenario, point))
  const engine = asked.data.engine ?? (scenarios.every(isOnlyMeasured) ? 'measure' : 'simulate')
  const resolved = scenarios.map((at) => resolveScenario(at, engine))
  const tell = (fraction: number, done: number) => onProgress?.({ done, total: points.length, fraction })
  const results =
    engine === 'measure'
      ? await measureEach(scenarios, signal, tell)
      : await simulateAll(resolved as SimulatedScenario[], {
          cache: await cacheOf(cache),
          threads,
          signal,
          onProgress: onProgress && tell,
        })
  return points.flatMap((point, i) => {
    const result = results[i] ?? null
    return result === null ? [] : [{ point, result }]
  })
}

/** Whether a scenario has a target, and no service to simulate it by. */
const isOnlyMeasured = (scenario: Scenario) => scenario.service === undefined && hasTarget(scenario)

async function measureEach(
  scenarios: Scenario[],
  signal: AbortSignal | undefined,
  tell: (fraction: number, done: number) => unknown,
): Promise<Result[]> {
  // what measures is loaded by those who measure
  const { measure } = await import('../measure/measure.js')
  const results: Result[] = []
  let ended = false
  for (const [i, scenario] of scenarios.entries()) {
    throwIfAborted(signal)
    const { stop } = resolveScenario(scenario, 'measure')
    const goesOn = (fraction: number) => {
      ended ||= tell((i + fraction) / scenarios.length, i) === false
      return !ended
    }
    if (!goesOn(0)) break
    const onProgress = ({ timeMs, sent }: MeasureProgress) => goesOn(fractionDone(stop, { requests: sent, timeMs }))
    results.push(await measure(scenario, { signal, onProgress }))
  }
  return results
}

export async function cacheOf(cache: boolean | string): Promise<Cache | null> {
  if (typeof cache === 'string') return folderCache(cache)
  return cache ? memory : null
}
