import { z } from 'zod'
import type { BudgetCheck } from '../budget/check.js'
import type { Result } from '../result/result.js'
import { meanRate } from '../scenario/arrivals/arrivals.js'
import { servicesOf } from '../scenario/classes.js'
import { resolveScenario, type Scenario, type SimulatedScenario } from '../scenario/scenario.js'
import { maxThroughput } from '../scenario/service/service.js'
import { refuseCheckpoints } from '../scenario/stop.js'
import { abortSignal, type Duration, options, positiveDuration } from '../scenario/units.js'
import { rate as rateText } from '../text/number.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { AgentPool } from './agents/agent-pool.js'
import { type OnAgents, onAgentsSchema } from './agents/options.js'
import { bisect, type LoadSearch, MOST_AHEAD, runSearch } from './bisect.js'
import { type LoadTask, type LoadTrial, runLoad } from './load-task.js'
import { TRY_LOAD } from './tasks.js'

/** The highest load found within the limit, and the run at that load. */
export interface Capacity {
  /** the `rate` of the arrivals in requests per second; for `onOff`, the rate while they are on */
  rate: number
  result: Result
  /** the check of that run against the limit, which passes */
  check: BudgetCheck
}

/** Options of `capacity`. */
export interface CapacityOptions {
  /**
   * Simulates on the agents of a Redis, several loads at a time: those that the search asks for next. `capacity` then
   * returns a promise.
   *
   * @default none: without options, this thread simulates before `capacity` returns
   * @example { redis: 'redis://10.0.0.5:6379' }
   */
  on: OnAgents
  /**
   * Ends the search; `capacity` rejects with the signal's reason.
   *
   * @default it cannot be aborted
   */
  signal?: AbortSignal | undefined
  /**
   * Called about ten times a second with how many loads were run.
   *
   * @default no progress is reported
   */
  onProgress?: ((progress: { runs: number }) => unknown) | undefined
}

const limitSchema = options({ p99: positiveDuration })
const schema = options({
  on: onAgentsSchema,
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<CapacityOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})

/**
 * Finds the highest load at which the p99 latency of a scenario stays within a limit, to 1 %. It simulates one load after
 * another with the same random numbers. A load is sustained if `checkBudget` passes its run for `{ p99 }`, which also
 * means that no request fails, is rejected or times out. To allow some errors, simulate loads with a budget that limits
 * `errorRate`.
 *
 * @param scenario its arrivals must have a `rate`, which the search replaces
 * @param limit `p99`: the longest allowed p99 latency
 * @param given to simulate on agents, which gives a promise of the same
 * @returns null if even 1 % of the servers' maximum throughput is too much, as when a batch takes longer to fill than the
 * limit allows
 * @throws ValidationError if the scenario cannot be simulated, its arrivals have no rate, or its runs are too short to
 * judge any load; MeasureError if Redis or its agents fail
 * @example
 * const most = capacity({ arrivals: '1/s', service: '5ms', stop: { requests: 100_000 } }, { p99: '50ms' })
 * most?.rate // about 145 requests a second
 */
export function capacity(scenario: Scenario, limit: { p99: Duration }): Capacity | null
export function capacity(scenario: Scenario, limit: { p99: Duration }, given: CapacityOptions): Promise<Capacity | null>
export function capacity(
  scenario: Scenario,
  limit: { p99: Duration },
  given?: CapacityOptions,
): Capacity | null | Promise<Capacity | null> {
  if (given === undefined) {
    const search = new CapacitySearch(scenario, limit)
    const loads = search.loads()
    let next = loads.next()
    while (!next.done) next = loads.next(search.isSustained(next.value, runLoad(search.taskAt(next.value))))
    return search.capacityAt(next.value)
  }
  return capacityOnAgents(scenario, limit, given)
}

async function capacityOnAgents(
  scenario: Scenario,
  limit: { p99: Duration },
  given: CapacityOptions,
): Promise<Capacity | null> {
  const checked = schema.safeParse(given)
  if (!checked.success) throwFaults(checked.error, 'capacity', given)
  const { on, signal, onProgress } = checked.data
  const search = new CapacitySearch(scenario, limit)
  const agents = new AgentPool(on)
  let runs = 0
  try {
    const threads = await agents.threads(signal)
    const highest = await runSearch(
      () => search.loads(),
      async (loads) => {
        const trials = await agents.run<LoadTask, LoadTrial>(TRY_LOAD, loads.map(search.taskAt), {
          signal,
          onProgress: onProgress && ((_, done) => void onProgress({ runs: runs + done })),
          describe: (i) => `the run at ${rateText(loads[i] as number)}`,
        })
        runs += loads.length
        return trials.map((trial, i) => search.isSustained(loads[i] as number, trial))
      },
      Math.min(threads, MOST_AHEAD),
    )
    return search.capacityAt(highest)
  } finally {
    await agents.close()
  }
}

/** The search of the highest load of a scenario within a limit, and what its runs have shown. */
class CapacitySearch {
  readonly #at: (rate: number) => SimulatedScenario
  readonly #p99: number
  /** the rate of the arrivals at the maximum throughput of the servers */
  readonly #top: number
  readonly #trials = new Map<number, LoadTrial>()

  constructor(given: Scenario, limit: { p99: Duration }) {
    const checked = limitSchema.safeParse(limit)
    if (!checked.success) throwFaults(checked.error, 'capacity', limit)
    this.#p99 = checked.data.p99
    const scenario = resolveScenario(given, 'simulate')
    const { arrivals, batching, servers, stop, service, classes } = scenario
    refuseCheckpoints(stop, 'loads are compared over runs of one length')
    if (!('rate' in arrivals)) {
      throw new ValidationError('arrivals', `must be a process with a rate to search; ${arrivals.process} has none`)
    }
    const shares = servicesOf(service, classes)
    const most = maxThroughput(service, batching.maxBatchSize ?? Number.POSITIVE_INFINITY, servers, shares)
    if (most === Number.POSITIVE_INFINITY)
      throw new ValidationError('service', 'takes no time, so any load is sustained; give it a duration above 0')
    // the rate of an onOff process is higher than its mean rate
    this.#top = (most * arrivals.rate) / (meanRate(arrivals) as number)
    this.#at = (rate) => ({ ...scenario, arrivals: { ...arrivals, rate } })
  }

  /** Asks of one load after another whether it is sustained; 0 if none is. */
  *loads(): LoadSearch {
    let high = this.#top
    // p99 grows with the load only if batches fill fast enough, so search downwards from the top first, then bisect
    for (let rate = 0.99 * this.#top; rate > 0.01 * this.#top; rate *= 0.8) {
      if (yield rate) return yield* bisect(rate, high)
      high = rate
    }
    return 0
  }

  readonly taskAt = (rate: number): LoadTask => ({ scenario: this.#at(rate), p99: this.#p99 })

  isSustained(rate: number, trial: LoadTrial): boolean {
    this.#trials.set(rate, trial)
    return trial.result !== null
  }

  /** Null if no load is sustained. */
  capacityAt(rate: number): Capacity | null {
    const { result, check } = this.#trials.get(rate) ?? {}
    if (result != null && check != null) return { rate, result, check }
    // no load was: those asked for are the way down
    const undecided = [...this.#asked()].reverse().find(({ check: each }) => each?.verdict === 'inconclusive')
    if (undecided?.check != null) throw tooShort(undecided.check)
    return null
  }

  *#asked(): Generator<LoadTrial> {
    const loads = this.loads()
    for (let next = loads.next(); !next.done; next = loads.next(false)) yield this.#trials.get(next.value) as LoadTrial
  }
}

function tooShort({ rules }: BudgetCheck): ValidationError {
  const reason = rules.find(({ verdict }) => verdict === 'inconclusive')?.reason ?? 'too few requests'
  return new ValidationError(
    'stop',
    `is too short: no run shows whether it keeps the limit (${reason}); make it longer`,
  )
}
