import { type BudgetCheck, checkBudget } from '../budget/check.js'
import { findingsOf } from '../result/findings.js'
import type { Recording } from '../result/recording.js'
import { errorsIn } from '../result/recording.js'
import { type Result, resultOf } from '../result/result.js'
import { snapshotPercentileNs } from '../result/summary.js'
import { meanRate } from '../scenario/arrivals/arrivals.js'
import { resolveScenario, type Scenario } from '../scenario/scenario.js'
import { maxThroughput, type Service } from '../scenario/service/service.js'
import { refuseCheckpoints } from '../scenario/stop.js'
import { type Duration, nanoseconds, options, positiveDuration } from '../scenario/units.js'
import { Engine } from '../simulate/engine.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'

/** The highest load found within the limit, and the run there. */
export interface Capacity {
  /** requests a second: the `rate` of the arrivals, which for `onOff` is that while they are on */
  rate: number
  result: Result
  /** of that run, by a budget of the limit alone: it passes */
  check: BudgetCheck
}

const limitSchema = options({ p99: positiveDuration })
/** The search ends when it is as near as this, as a fraction of the load. */
const NEAR = 0.01

/**
 * Searches the highest load at which a scenario keeps its p99 of latency within a limit, by simulating one load after
 * another with the same random numbers. A load is sustained if `checkBudget` passes the run for `{ p99 }`: so every
 * request is answered, and a queue with limits turns none away. To allow some that are not answered, simulate loads
 * with a budget that limits `errorRate`.
 *
 * @returns null if even a hundredth of the load that the servers can take at most is too much: for that load too, the
 * limit must leave room for a batch to fill or its `maxWait`
 * @throws ValidationError if the scenario cannot be simulated, its arrivals have no rate to search, or its runs are too
 * short to judge any load
 * @example
 * const most = capacity({ arrivals: '1/s', service: '5ms', stop: { requests: 100_000 } }, { p99: '50ms' })
 * most?.rate // about 145 requests a second
 */
export function capacity(scenario: Scenario, limit: { p99: Duration }): Capacity | null {
  const asked = limitSchema.safeParse(limit)
  if (!asked.success) throwFaults(asked.error, 'capacity', limit)
  const resolved = resolveScenario(scenario, 'simulate')
  const { arrivals, batching, servers, stop } = resolved
  refuseCheckpoints(stop, 'loads are compared over runs of one length')
  if (!('rate' in arrivals)) {
    throw new ValidationError(
      'arrivals',
      `must have a rate to search the load of; a ${arrivals.process} process has none`,
    )
  }
  const most = maxThroughput(resolved.service as Service, batching.maxBatchSize ?? Number.POSITIVE_INFINITY, servers)
  if (most === Number.POSITIVE_INFINITY)
    throw new ValidationError('service', 'takes no time, so that any load is carried')
  const run = (rate: number) => new Engine({ ...resolved, arrivals: { ...arrivals, rate } }).run()
  const limitNs = nanoseconds(asked.data.p99)
  let undecided: BudgetCheck | null = null
  const sustained = (rate: number): Capacity | null => {
    const recording = run(rate)
    if (!mayPass(recording, limitNs)) return null
    const result = resultOf(recording)
    const check = checkBudget(result, { p99: asked.data.p99 })
    if (check.verdict === 'pass') return { rate, result, check }
    if (check.verdict === 'inconclusive') undecided = check
    return null
  }

  // a process may be off for a while, and its rate is then more than its mean
  const top = (most * arrivals.rate) / (meanRate(arrivals) as number)
  let high = top
  let found: Capacity | null = null
  // the tail grows with the load only from where batches fill fast enough: look from the top downwards first
  for (let rate = 0.99 * top; found === null && rate > 0.01 * top; rate *= 0.8) {
    found = sustained(rate)
    if (found === null) high = rate
  }
  if (found === null && undecided !== null) throw tooShort(undecided)
  while (found !== null && high - found.rate > NEAR * high) {
    const rate = (found.rate + high) / 2
    const better = sustained(rate)
    if (better === null) high = rate
    else found = better
  }
  return found
}

/** What its figures refuse need not be judged by intervals, which takes as long as the run. */
const mayPass = (recording: Recording, limitNs: number) =>
  errorsIn(recording.counts) === 0 &&
  snapshotPercentileNs(recording.histograms.latency, 99) <= limitNs &&
  findingsOf(recording).every(({ severity }) => severity !== 'error')

function tooShort({ rules }: BudgetCheck): ValidationError {
  const reason = rules.find(({ verdict }) => verdict === 'inconclusive')?.reason ?? 'it is too short'
  return new ValidationError(
    'stop',
    `the runs do not show whether any load keeps the limit: ${reason}; make them longer`,
  )
}
