import { z } from 'zod'
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
import { refuseCheckpoints } from '../../scenario/stop.js'
import { abortSignal, options } from '../../scenario/units.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { AgentPool } from '../agents/agent-pool.js'
import { type OnAgents, onAgentsSchema } from '../agents/options.js'
import { bracket, runSearch } from '../bisect.js'
import { LoadRuns, type LoadRunsControl, LoadRunsEnded } from './load-runs.js'

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
  control: LoadRunsControl,
  agents: AgentPool | null,
): Promise<Headroom | null> {
  const runs = new LoadRuns(scenario, budget, control, agents)
  try {
    return await searchHeadroom(runs, scenario.arrivals)
  } catch (error) {
    if (error instanceof LoadRunsEnded) return null
    throw error
  } finally {
    await runs.close()
  }
}

async function searchHeadroom(runs: LoadRuns, arrivals: Arrivals): Promise<Headroom> {
  const offered = meanRate(arrivals) as number
  const atOnce = await runs.atOnce()
  const most = Math.min(MOST, NS_PER_SECOND / peakRate(arrivals))
  const lastThat = (from: number, areSo: (factors: number[]) => Promise<boolean[]>) =>
    runSearch(() => bracket(from, LEAST, most), areSo, atOnce)
  const broken = new Map<number, Headroom['limit']>()
  const growth = await lastThat(1, async (factors) =>
    (await runs.trials(factors)).map(({ limitRatio, nearest }, i) => {
      if (limitRatio > 1) broken.set(factors[i] as number, nearest === null ? 'saturation' : 'budget')
      return limitRatio <= 1
    }),
  )
  const from = Math.min(most, Math.max(LEAST, growth))
  const low = await lastThat(from, async (factors) => (await runs.verdicts(factors)).map((each) => each === 'pass'))
  const high = await lastThat(from, async (factors) => (await runs.verdicts(factors)).map((each) => each !== 'fail'))
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
}

/** The highest rate at any time, which no arrivals may have above one request a nanosecond. */
function peakRate(arrivals: Arrivals): number {
  if ('rate' in arrivals) return arrivals.rate
  if (arrivals.process !== 'stages') return 0
  return Math.max(arrivals.from ?? 0, ...arrivals.stages.map(({ rate }) => rate))
}
