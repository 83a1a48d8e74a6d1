import { real } from '../clock/real.js'
import { cores } from '../machine/cores.js'
import type { Result } from '../result/result.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { plannedRequests } from '../scenario/stop.js'
import { sum } from '../statistics/descriptive.js'
import { onThreads, type RunTasks } from '../threads/pool.js'
import { throwIfAborted } from '../validation/realm.js'
import { type Cache, cacheKey } from './cache.js'
import { type SimulateReport, type SimulateTask, simulateWhile } from './simulate-task.js'
import { SIMULATE } from './tasks.js'

export interface SimulateAllOptions {
  /** null: no cache */
  cache: Cache | null
  /** default: the number of cores, if that is faster than simulating in this thread or if the number of requests is unknown */
  threads?: number | undefined
  /** runs them on other machines, in place of threads */
  onAgents?: RunTasks | undefined
  /** the name of a scenario in errors of agents */
  describe?: ((index: number) => string) | undefined
  signal?: AbortSignal | undefined
  /** called about ten times a second with how much is done, from 0 to 1, and how many are; false stops early */
  onProgress?: ((fraction: number, done: number) => unknown) | undefined
}

/** A simulation to run, with the indices of its scenarios. */
interface Run {
  key: string
  scenario: SimulatedScenario
  of: number[]
}

/**
 * Simulates scenarios. Cached and duplicate ones do not run again.
 *
 * @returns the results in order; null for scenarios that were not started before a stop
 */
export async function simulateAll(
  scenarios: readonly SimulatedScenario[],
  { cache, threads, onAgents, describe = () => 'the run', signal, onProgress }: SimulateAllOptions,
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
  const report = (fractions: Iterable<number>, done: number) => {
    let sum = known
    for (const fraction of fractions) sum += fraction
    return onProgress?.(sum / runs.size, known + done)
  }
  const save = async (run: Run, result: Result) => {
    found(run, result)
    // an interrupted run is not cached
    if (!result.validity.findings.some(({ code }) => code === 'interrupted')) await cache?.set(run.key, result)
  }
  const inParallel =
    left.length === 0 ? null : (onAgents ?? onThreadsIfFaster(left, threads, (onProgress ?? signal) !== undefined))
  if (inParallel === null) {
    await simulateHere(left, signal, report, save)
    return results
  }
  const tasks = left.map(({ scenario }): SimulateTask => ({ scenario }))
  await inParallel<SimulateTask, SimulateReport>(SIMULATE, tasks, {
    signal,
    onProgress: onProgress && report,
    onReport: async ({ result }, i) => {
      if (result !== null) await save(left[i] as Run, result)
    },
    stopped: { result: null },
    describe: (i) => describe((left[i] as Run).of[0] as number),
  })
  return results
}

/** Null if simulating in this thread is faster. */
function onThreadsIfFaster(runs: Run[], threads: number | undefined, follows: boolean): RunTasks | null {
  const most = threads === undefined ? threadsFor(runs, follows) : threads === 1 ? 0 : Math.min(runs.length, threads)
  return most === 0 ? null : onThreads(most)
}

/** Simulates in this thread. */
async function simulateHere(
  runs: Run[],
  signal: AbortSignal | undefined,
  report: (fractions: Iterable<number>, done: number) => unknown,
  found: (run: Run, result: Result) => Promise<void>,
): Promise<void> {
  let ended = false
  for (const [i, run] of runs.entries()) {
    throwIfAborted(signal)
    const result = simulateWhile(run.scenario, (fraction) => {
      ended ||= report([i, fraction], i) === false
      return !ended
    })
    if (result !== null) await found(run, result)
    if (ended) return
    // let the event loop run, so that an abort is noticed
    await new Promise((resolve) => real.setImmediate(resolve))
  }
  report([runs.length], runs.length)
}

/** The number of requests that a thread simulates in the time that another takes to start. */
const WHILE_STARTING = 4_000_000

/**
 * Chooses the number of threads that is fastest; 0 runs in this thread, if it is done by the time others have started. If
 * progress is reported or an abort is possible, and the runs take longer than that, at least one thread, which keeps this one
 * responsive.
 *
 * @param follows whether progress is reported or an abort is possible
 */
function threadsFor(runs: Run[], follows: boolean): number {
  const threads = Math.min(cores(), runs.length)
  const requests = runs.map(({ scenario }) => plannedRequests(scenario))
  // unknown of a closed loop that ends by time
  if (requests.includes(0)) return threads
  const total = sum(requests)
  if (WHILE_STARTING + Math.max(total / threads, ...requests) < total) return threads
  return follows && total > WHILE_STARTING ? 1 : 0
}
