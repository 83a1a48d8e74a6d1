import { z } from 'zod'
import type { Verdict } from '../../budget/check.js'
import { real } from '../../clock/real.js'
import type { Result } from '../../result/result.js'
import { type Arrivals, meanRate } from '../../scenario/arrivals/arrivals.js'
import { type Budget, checkBudgetClasses, parseBudget, refuseResponseTimes } from '../../scenario/budget.js'
import { namesOfClasses } from '../../scenario/classes.js'
import { NS_PER_SECOND } from '../../scenario/nanoseconds.js'
import {
  requireGood,
  resolveScenario,
  type Scenario,
  type SimulatedScenario,
  type StoredScenario,
} from '../../scenario/scenario.js'
import { plannedRequests, refuseCheckpoints } from '../../scenario/stop.js'
import { abortSignal, options } from '../../scenario/units.js'
import { rate as rateText } from '../../text/number.js'
import { type Refused, type TaskKind, throwIfRefused } from '../../threads/pool.js'
import { startThread, type Thread } from '../../threads/thread.js'
import { throwIfAborted } from '../../validation/realm.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { AgentPool } from '../agents/agent-pool.js'
import { type OnAgents, onAgentsSchema } from '../agents/options.js'
import { bracket, MOST_AHEAD, runSearch } from '../bisect.js'
import { ProgressReports, unlessEnded } from '../progress.js'
import type { SimulateReport, SimulateTask } from '../simulate-task.js'
import { SIMULATE, TRY_SETTING } from '../tasks.js'
import { judgeRun, runTrial, type Trial, type TrialTask, verdictOf, WORTH_THREADS } from './trial.js'

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
   * Simulates on the agents of a Redis, several loads at a time: those that the search asks for next.
   *
   * @default this thread
   * @example { redis: 'redis://10.0.0.5:6379' }
   */
  on?: OnAgents | undefined
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
  on: onAgentsSchema.optional(),
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
 * answered; MeasureError if Redis or its agents fail
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
  if (meanRate(resolved.arrivals) === null) {
    throw new ValidationError(
      'arrivals',
      `must have a rate that can grow; a ${resolved.arrivals.process} process has none`,
    )
  }
  const { on, signal, onProgress } = asked.data
  const agents = on === undefined ? null : new AgentPool(on)
  try {
    return await findHeadroom(resolved, limits, { signal, onProgress }, agents)
  } finally {
    await agents?.close()
  }
}

/** Searches the headroom of a resolved scenario whose load can grow: in this thread, or on agents. */
export async function findHeadroom(
  scenario: SimulatedScenario,
  budget: Budget,
  { signal, onProgress }: Pick<HeadroomOptions, 'signal' | 'onProgress'>,
  agents: AgentPool | null,
): Promise<Headroom | null> {
  const offered = meanRate(scenario.arrivals) as number
  const progress = new ProgressReports(onProgress)
  let runs = 0
  const goOn = () => {
    throwIfAborted(signal)
    if (!progress.report(() => ({ runs }))) throw new Ended()
  }
  const at = (factor: number): SimulatedScenario => ({ ...scenario, arrivals: scaled(scenario.arrivals, factor) })
  // a run on this thread could not be ended
  const onThreads = plannedRequests(scenario) >= WORTH_THREADS && (signal ?? onProgress) !== undefined
  const threads = new Map<string, Thread<TrialTask, object>>()
  const inThisProcess = async <Found extends object>(
    factors: number[],
    run: (task: TrialTask) => Found,
    name: string,
  ): Promise<Found[]> => {
    const found: Found[] = []
    for (const factor of factors) {
      throwIfAborted(signal)
      if (onThreads) {
        // what only a measurement runs cannot be sent to a thread
        const { handler: _handler, call: _call, http: _http, ...parts } = at(factor)
        const task = { scenario: parts, budget }
        const thread = threads.get(name) ?? (await startThread(new URL('./trial.js', import.meta.url), name))
        threads.set(name, thread)
        found.push(throwIfRefused((await unlessEnded(goOn, (ending) => thread.run(task, ending))) as Found | Refused))
      } else found.push(run({ scenario: at(factor), budget }))
      runs++
      goOn()
      // notice an abort between runs
      await new Promise((resolve) => real.setImmediate(resolve))
    }
    return found
  }
  const onAgents = async <Report extends object>(
    pool: AgentPool,
    kind: TaskKind,
    tasks: object[],
    factors: number[],
  ): Promise<Report[]> => {
    const reports = await pool.run<object, Report>(kind, tasks, {
      signal,
      // ends the runs by what it throws
      onProgress: onProgress && goOn,
      describe: (i) => `the run at ${rateText((factors[i] as number) * offered)}`,
    })
    runs += reports.length
    goOn()
    return reports
  }
  const trialsAt = async (factors: number[]): Promise<Trial[]> => {
    if (agents === null) return inThisProcess(factors, runTrial, 'trySetting')
    const tasks = factors.map((factor): TrialTask => ({ scenario: at(factor), budget }))
    return onAgents<Trial>(agents, TRY_SETTING, tasks, factors)
  }
  const judge = async (factors: number[]): Promise<{ verdict: Verdict }[]> => {
    if (agents === null) return inThisProcess(factors, judgeRun, 'judgeOnThread')
    const tasks = factors.map((factor): SimulateTask => ({ scenario: at(factor) }))
    const reports = await onAgents<SimulateReport>(agents, SIMULATE, tasks, factors)
    return reports.map(({ result }) => ({ verdict: verdictOf(result as Result, budget) }))
  }
  const verdicts = new Map<number, Verdict>()
  const verdictsAt = async (factors: number[]): Promise<Verdict[]> => {
    const unknown = factors.filter((factor) => !verdicts.has(factor))
    for (const [i, { verdict }] of (await judge(unknown)).entries()) verdicts.set(unknown[i] as number, verdict)
    return factors.map((factor) => verdicts.get(factor) as Verdict)
  }
  try {
    const ahead = agents === null ? 1 : Math.min(MOST_AHEAD, await agents.threads(signal))
    const most = Math.min(MOST, NS_PER_SECOND / peakRate(scenario.arrivals))
    const lastThat = (from: number, areSo: (factors: number[]) => Promise<boolean[]>) =>
      runSearch(() => bracket(from, LEAST, most), areSo, ahead)
    const broken = new Map<number, Headroom['limit']>()
    const growth = await lastThat(1, async (factors) =>
      (await trialsAt(factors)).map(({ strain, nearest }, i) => {
        if (strain > 1) broken.set(factors[i] as number, nearest === null ? 'saturation' : 'budget')
        return strain <= 1
      }),
    )
    const from = Math.min(most, Math.max(LEAST, growth))
    const low = await lastThat(from, async (factors) => (await verdictsAt(factors)).map((each) => each === 'pass'))
    const high = await lastThat(from, async (factors) => (await verdictsAt(factors)).map((each) => each !== 'fail'))
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
