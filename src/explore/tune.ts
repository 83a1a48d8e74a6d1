import { z } from 'zod'
import { type BudgetCheck, checkBudget } from '../budget/check.js'
import type { Result } from '../result/result.js'
import { percentileOverOffered } from '../result/stored.js'
import { meanRate } from '../scenario/arrivals/arrivals.js'
import { type Budget, budgetSchema } from '../scenario/budget.js'
import { resolveScenario, type Scenario, type SimulatedScenario } from '../scenario/scenario.js'
import { largestKnownBatch, maxThroughput } from '../scenario/service/service.js'
import { refuseCheckpoints } from '../scenario/stop.js'
import { type Duration, duration, options, whole } from '../scenario/units.js'
import { abortSignal } from '../validation/realm.js'
import { throwFaults } from '../validation/validation-error.js'
import { scenarioAt } from './points.js'
import { simulateAll } from './simulate-all.js'
import { cacheOf } from './sweep.js'

export interface TuneOptions {
  /** What the run has to keep to. */
  budget: Budget
  /** How many servers there may be. Default 16. */
  mostServers?: number | undefined
  /** The batch sizes to choose from. Default: the powers of two up to 256, as far as the service is known. */
  maxBatchSize?: number[] | undefined
  /** The waits to choose from. Default: 0, 1ms, 2ms, 5ms, 10ms and 20ms. */
  maxWait?: Duration[] | undefined
  /** As of `sweep`. */
  cache?: boolean | string | undefined
  signal?: AbortSignal | undefined
  /** Called now and then with how many servers are tried, and how much of them; returning false ends the search. */
  onProgress?: ((progress: { servers: number; mostServers: number; fraction: number }) => unknown) | undefined
}

/** What keeps the budget at the fewest servers. */
export interface Tuned {
  servers: number
  batching: { maxBatchSize: number; maxWait: number }
  /** of the scenario so */
  result: Result
  check: BudgetCheck
}

const schema = options({
  budget: budgetSchema,
  mostServers: whole(1, 1000).default(16),
  maxBatchSize: z.array(whole(1, 1_000_000)).min(1).optional(),
  maxWait: z.array(duration).min(1).default([0, 1, 2, 5, 10, 20]),
  cache: z.union([z.boolean(), z.string().min(1)]).default(true),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<TuneOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]

/**
 * Searches the batch size and wait with which a scenario keeps a budget at the fewest servers, by simulating each of
 * them over the very same requests: with one server, then two, and so on, until some pass. Of those it returns the one
 * with the lowest p99 of latency over all requests offered, and of several the smallest batch. Each is judged as
 * `checkBudget` judges it: a request that was never answered is slower than any limit, and a run too short to know
 * does not pass.
 *
 * @returns null if none keeps it
 * @throws ValidationError if the scenario cannot be simulated, or an option is invalid
 */
export async function tune(scenario: Scenario, given: TuneOptions): Promise<Tuned | null> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'tune', given)
  const { budget, mostServers, maxWait, cache: kept, signal, onProgress } = asked.data
  const resolved = resolveScenario({ ...scenario, batching: { maxBatchSize: 1 } }, 'simulate')
  refuseCheckpoints(resolved.stop, 'settings are compared over runs of one length')
  const known = largestKnownBatch(resolved.service)
  const sizes = asked.data.maxBatchSize ?? SIZES.filter((size) => size <= known)
  const offered = meanRate(resolved.arrivals) ?? 0
  const sheds = resolved.queue.capacity !== null || resolved.queue.timeout !== null
  const cache = await cacheOf(kept)

  for (let servers = 1; servers <= mostServers; servers++) {
    const settings = sizes.flatMap((maxBatchSize) => {
      // an overloaded server needs no run, unless its queue sheds what is too much and the budget may allow that
      if (!sheds && maxThroughput(resolved.service, maxBatchSize, servers) <= offered) return []
      const waits = maxBatchSize === 1 ? [0] : maxWait
      return waits.map((wait) => ({ maxBatchSize, maxWait: wait }))
    })
    const scenarios = settings.map(
      (batching): SimulatedScenario => resolveScenario(scenarioAt(scenario, { servers, batching }), 'simulate'),
    )
    let ended = false
    const results = await simulateAll(scenarios, {
      cache,
      signal,
      onProgress: (fraction) => {
        ended ||= onProgress?.({ servers, mostServers, fraction }) === false
        return !ended
      },
    })
    if (ended) return null
    const passing = settings.flatMap((batching, i): Tuned[] => {
      const result = results[i] as Result
      const check = checkBudget(result, budget)
      return check.verdict === 'pass' ? [{ servers, batching, result, check }] : []
    })
    const [first, ...others] = passing
    if (first === undefined) continue
    // settings rise, so that of two as fast the smaller batch is kept
    return others.reduce((a, b) => (p99Of(b.result) < p99Of(a.result) ? b : a), first)
  }
  return null
}

/** Of all requests offered: one that was never answered is slower than any other. */
function p99Of(result: Result): number {
  const { latencyMs, counts } = result
  if (counts.completed === counts.offered) return latencyMs.p99
  return percentileOverOffered(result, 99) ?? Number.POSITIVE_INFINITY
}
