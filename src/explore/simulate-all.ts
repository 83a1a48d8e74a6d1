import { real } from '../clock/real.js'
import { cores } from '../machine/cores.js'
import type { Result } from '../result/result.js'
import { meanRate } from '../scenario/arrivals/arrivals.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { horizonOf } from '../scenario/stop.js'
import { sum } from '../statistics/descriptive.js'
import { onThreads } from '../threads/pool.js'
import { throwIfAborted } from '../validation/realm.js'
import { type Cache, cacheKey } from './cache.js'
import { type SimulateReport, type SimulateTask, simulateWhile } from './simulate-task.js'

export interface SimulateAllOptions {
  /** null keeps nothing */
  cache: Cache | null
  /** default: as many as there are cores, where that is sooner than one after another in this thread */
  threads?: number | undefined
  signal?: AbortSignal | undefined
  /** called some ten times a second with how much is done, from 0 to 1, and how many are; false ends them early */
  onProgress?: ((fraction: number, done: number) => unknown) | undefined
}

/** A simulation to be made, and which of the scenarios it is of. */
interface Run {
  key: string
  scenario: SimulatedScenario
  of: number[]
}

/**
 * Simulates scenarios, each of them once: those that are kept, or the same, cost nothing.
 *
 * @returns their results, in order; null for one that was not begun before the end
 */
export async function simulateAll(
  scenarios: readonly SimulatedScenario[],
  { cache, threads, signal, onProgress }: SimulateAllOptions,
): Promise<(Result | null)[]> {
  throwIfAborted(signal)
  const results = new Array<Result | null>(scenarios.length).fill(null)
  const runs = new Map<string, Run>()
  for (const [i, scenario] of scenarios.entries()) {
    const key = cacheKey(scenario)
    const run = runs.get(key)
    if (run === undefined) runs.set(key, { key, scenario, of: [i] })
    else run.of.push(i)
  }
  const found = (run: Run, result: Result) => {
    for (const i of run.of) results[i] = result
  }
  const left: Run[] = []
  for (const run of runs.values()) {
    const kept = (await cache?.get(run.key)) ?? null
    if (kept === null) left.push(run)
    else found(run, kept)
  }
  const known = runs.size - left.length
  const tell = (fractions: Iterable<number>, done: number) => {
    let sum = known
    for (const fraction of fractions) sum += fraction
    return onProgress?.(sum / runs.size, known + done)
  }
  await simulateEach(left, { threads, signal, listens: onProgress !== undefined }, tell, async (run, result) => {
    found(run, result)
    // one that was ended is no simulation of its scenario
    if (!result.validity.findings.some(({ code }) => code === 'interrupted')) await cache?.set(run.key, result)
  })
  return results
}

async function simulateEach(
  runs: Run[],
  { threads, signal, listens }: Pick<SimulateAllOptions, 'threads' | 'signal'> & { listens: boolean },
  tell: (fractions: Iterable<number>, done: number) => unknown,
  found: (run: Run, result: Result) => Promise<void>,
): Promise<void> {
  const most = threads === undefined ? threadsFor(runs, listens) : threads === 1 ? 0 : Math.min(runs.length, threads)
  if (most > 0) {
    const tasks = runs.map(({ scenario }): SimulateTask => ({ scenario }))
    await onThreads<SimulateTask, SimulateReport>(
      new URL('./simulate-task.js', import.meta.url),
      'simulateOnce',
      tasks,
      {
        threads: most,
        signal,
        onProgress: tell,
        onReport: async ({ result }, i) => {
          if (result !== null) await found(runs[i] as Run, result)
        },
      },
    )
    return
  }
  let ended = false
  for (const [i, run] of runs.entries()) {
    throwIfAborted(signal)
    const result = simulateWhile(run.scenario, (fraction) => {
      ended ||= tell([i, fraction], i) === false
      return !ended
    })
    if (result !== null) await found(run, result)
    if (ended) return
    // whoever aborts gets a word in
    await new Promise((resolve) => real.setImmediate(resolve))
  }
  tell([runs.length], runs.length)
}

/** How many requests a thread simulates while another one starts. */
const WHILE_STARTING = 4_000_000

/**
 * On how many threads runs are over first; 0 where this one has made them as soon as others have started. Where somebody
 * listens, what takes longer than that leaves this thread free to hear them.
 */
function threadsFor(runs: Run[], listens: boolean): number {
  const threads = Math.min(cores(), runs.length)
  const requests = runs.map(({ scenario }) => requestsOf(scenario))
  const total = sum(requests)
  if (WHILE_STARTING + Math.max(total / threads, ...requests) < total) return threads
  return listens && total > WHILE_STARTING ? 1 : 0
}

/** About how many requests a run has. */
function requestsOf({ stop, arrivals }: SimulatedScenario): number {
  const horizon = horizonOf(stop)
  if ('requests' in horizon) return horizon.requests
  return ((meanRate(arrivals) ?? 0) * horizon.duration) / 1000
}
