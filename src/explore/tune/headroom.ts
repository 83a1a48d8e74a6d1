import { z } from 'zod'
import type { Verdict } from '../../budget/check.js'
import { real } from '../../clock/real.js'
import { type Arrivals, meanRate } from '../../scenario/arrivals/arrivals.js'
import { type Budget, checkBudgetClasses, parseBudget, refuseResponseTimes } from '../../scenario/budget.js'
import { namesOfClasses } from '../../scenario/classes.js'
import { requireGood, resolveScenario, type Scenario, type StoredScenario } from '../../scenario/scenario.js'
import { plannedRequests, refuseCheckpoints } from '../../scenario/stop.js'
import { NS_PER_SECOND, options } from '../../scenario/units.js'
import { type Refused, throwIfRefused } from '../../threads/pool.js'
import { startThread, type Thread } from '../../threads/thread.js'
import { abortSignal, throwIfAborted } from '../../validation/realm.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { bracket } from '../bisect.js'
import { ProgressReports, unlessEnded } from '../progress.js'
import { judgeRun, runTrial, type TrialTask, WORTH_THREADS } from './trial.js'

/** By how much the load may grow before a budget breaks, as a fraction of it: 0.25 is a quarter more. */
export interface Headroom {
  /**
   * as far as the observed figures keep the budget, to 1 % of the load; below 0 if they break it already. Null if they keep
   * it at the highest load that is tried (`limit` is null), or break it down to the lowest, a twentieth of the load
   */
  growth: number | null
  /**
   * what the lowest load that was found to be too much does: it breaks a limit of the budget, or the service cannot sustain
   * it; null if none was found
   */
  limit: 'budget' | 'saturation' | null
  /** by how much the load grows at most: 63, or less if that is a billion requests a second */
  most: number
  /** as far as `checkBudget` passes the run; null if it does at no load */
  low: number | null
  /** as far as `checkBudget` does not fail the run; null if it fails at no load */
  high: number | null
  /** the loads at the three, requests a second */
  rates: { growth: number | null; low: number | null; high: number | null }
}

/** Options of `headroom`. */
export interface HeadroomOptions {
  /**
   * Ends the search; `headroom` rejects with the signal's reason.
   *
   * @default none
   */
  signal?: AbortSignal | undefined
  /**
   * Called about ten times a second, and after each run, with how many there were. Returning false ends the search, and
   * `headroom` gives null.
   *
   * @default none
   */
  onProgress?: ((progress: { runs: number }) => unknown) | undefined
}

const schema = options({
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<HeadroomOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})

/** Loads from this fraction of the present one, up to this many times it. */
const LEAST = 0.05
const MOST = 64

/**
 * Searches by how much the load may grow before a budget breaks, by simulating the scenario at other loads with the same
 * random numbers. All rates of the arrivals grow alike; a trace is replayed faster. The ends of the interval are where
 * the verdict at 95 % changes. A load that the servers cannot sustain breaks any budget.
 *
 * @returns null if `onProgress` ended it
 * @throws ValidationError if the scenario cannot be simulated, or its load cannot grow: a closed loop sends as it is
 * answered
 * @example
 * const room = await headroom({ arrivals: '100/s', service: '5ms', stop: { requests: 100_000 } }, { p99: '50ms' })
 * room?.growth // about 0.5
 */
export async function headroom(
  scenario: Scenario | StoredScenario,
  budget: Budget,
  given: HeadroomOptions = {},
): Promise<Headroom | null> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'headroom', given)
  const limits = parseBudget(budget)
  const resolved = resolveScenario(scenario, 'simulate')
  refuseResponseTimes(limits, 'budget')
  checkBudgetClasses(limits, namesOfClasses(resolved.classes), 'budget')
  requireGood(limits, resolved.good, 'budget')
  refuseCheckpoints(resolved.stop, 'loads are compared over runs of one length')
  const offered = meanRate(resolved.arrivals)
  if (offered === null) {
    throw new ValidationError(
      'arrivals',
      `must have a rate that can grow; a ${resolved.arrivals.process} process has none`,
    )
  }
  const { signal, onProgress } = asked.data
  const progress = new ProgressReports(onProgress)
  let runs = 0
  const goOn = () => {
    throwIfAborted(signal)
    if (!progress.report(() => ({ runs }))) throw new Ended()
  }
  // what only a measurement runs cannot be sent to a thread
  const { handler: _handler, call: _call, http: _http, ...parts } = resolved
  // a run on this thread could not be ended
  const onThreads = plannedRequests(resolved) >= WORTH_THREADS && (signal ?? onProgress) !== undefined
  const threads = new Map<string, Thread<TrialTask, object>>()
  const each = async <Found extends object>(factor: number, run: (task: TrialTask) => Found, name: string) => {
    throwIfAborted(signal)
    const task = { scenario: { ...parts, arrivals: scaled(resolved.arrivals, factor) }, budget: limits }
    let found: Found
    if (onThreads) {
      const thread = threads.get(name) ?? (await startThread(new URL('./trial.js', import.meta.url), name))
      threads.set(name, thread)
      found = throwIfRefused((await unlessEnded(goOn, (ending) => thread.run(task, ending))) as Found | Refused)
    } else found = run(task)
    runs++
    goOn()
    // notice an abort between runs
    await new Promise((resolve) => real.setImmediate(resolve))
    return found
  }
  const verdicts = new Map<number, Verdict>()
  const verdictAt = async (factor: number) => {
    const verdict = verdicts.get(factor) ?? (await each(factor, judgeRun, 'judgeOnThread')).verdict
    verdicts.set(factor, verdict)
    return verdict
  }
  try {
    const most = Math.min(MOST, NS_PER_SECOND / peakRate(resolved.arrivals))
    const broken = new Map<number, Headroom['limit']>()
    const growth = await lastThat(1, most, async (factor) => {
      const { strain, nearest } = await each(factor, runTrial, 'tryOnThread')
      if (strain > 1) broken.set(factor, nearest === null ? 'saturation' : 'budget')
      return strain <= 1
    })
    const from = Math.min(most, Math.max(LEAST, growth))
    const low = await lastThat(from, most, async (factor) => (await verdictAt(factor)) === 'pass')
    const high = await lastThat(from, most, async (factor) => (await verdictAt(factor)) !== 'fail')
    const factors = {
      growth: growth < LEAST || growth > MOST ? null : growth,
      low: low < LEAST ? null : Math.min(low, most),
      high: high > MOST ? null : Math.max(high, LEAST),
    }
    const fractionOf = (factor: number | null) => factor && factor - 1
    const rateOf = (factor: number | null) => factor && factor * offered
    return {
      growth: fractionOf(factors.growth),
      limit: broken.get(Math.min(...broken.keys())) ?? null,
      ...{ most: most - 1, low: fractionOf(factors.low), high: fractionOf(factors.high) },
      rates: { growth: rateOf(factors.growth), low: rateOf(factors.low), high: rateOf(factors.high) },
    }
  } catch (error) {
    if (error instanceof Ended) return null
    throw error
  } finally {
    await Promise.all([...threads.values()].map((thread) => thread.destroy()))
  }
}

class Ended extends Error {}

/** Searches the highest factor of the load at which something is so. */
async function lastThat(from: number, most: number, isSo: (factor: number) => Promise<boolean>): Promise<number> {
  const search = bracket(from, LEAST, most)
  let next = search.next()
  while (!next.done) next = search.next(await isSo(next.value))
  return next.value
}

/** The highest rate at any time, which no arrivals may have above one request a nanosecond. */
function peakRate(arrivals: Arrivals): number {
  if ('rate' in arrivals) return arrivals.rate
  if (arrivals.process !== 'stages') return 0
  return Math.max(arrivals.from ?? 0, ...arrivals.stages.map(({ rate }) => rate))
}

/** Multiplies the rate of arrivals by a factor. */
function scaled(arrivals: Arrivals, factor: number): Arrivals {
  if ('rate' in arrivals) return { ...arrivals, rate: arrivals.rate * factor }
  if (arrivals.process === 'replay') return { ...arrivals, speed: (arrivals.speed ?? 1) * factor }
  if (arrivals.process !== 'stages') return arrivals
  const { from, stages } = arrivals
  return {
    ...arrivals,
    ...(from !== undefined && { from: from * factor }),
    stages: stages.map((stage) => ({ ...stage, rate: stage.rate * factor })),
  }
}
