import { type BudgetCheck, checkBudget } from '../budget/check.js'
import { percentileNs } from '../histogram/percentile.js'
import { findingsOf } from '../result/findings.js'
import type { Recording } from '../result/recording.js'
import { errorsIn } from '../result/recording.js'
import { type Result, resultOf } from '../result/result.js'
import { meanRate } from '../scenario/arrivals/arrivals.js'
import { servicesOf } from '../scenario/classes.js'
import { resolveScenario, type Scenario } from '../scenario/scenario.js'
import { maxThroughput } from '../scenario/service/service.js'
import { refuseCheckpoints } from '../scenario/stop.js'
import { type Duration, nanoseconds, options, positiveDuration } from '../scenario/units.js'
import { Engine } from '../simulate/engine.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { bisect } from './bisect.js'

/** The highest load found within the limit, and the run at that load. */
export interface Capacity {
  /** the `rate` of the arrivals in requests per second; for `onOff`, the rate while they are on */
  rate: number
  result: Result
  /** the check of that run against the limit, which passes */
  check: BudgetCheck
}

const limitSchema = options({ p99: positiveDuration })

/**
 * Finds the highest load at which the p99 latency of a scenario stays within a limit, to 1 %. It simulates one load after
 * another with the same random numbers. A load is sustained if `checkBudget` passes its run for `{ p99 }`, which also
 * means that no request fails, is rejected or times out. To allow some errors, simulate loads with a budget that limits
 * `errorRate`.
 *
 * @param scenario its arrivals must have a `rate`, which the search replaces
 * @param limit `p99`: the longest allowed p99 latency
 * @returns null if even 1 % of the servers' maximum throughput is too much, as when a batch takes longer to fill than the
 * limit allows
 * @throws ValidationError if the scenario cannot be simulated, its arrivals have no rate, or its runs are too short to
 * judge any load
 * @example
 * const most = capacity({ arrivals: '1/s', service: '5ms', stop: { requests: 100_000 } }, { p99: '50ms' })
 * most?.rate // about 145 requests a second
 */
export function capacity(scenario: Scenario, limit: { p99: Duration }): Capacity | null {
  const checked = limitSchema.safeParse(limit)
  if (!checked.success) throwFaults(checked.error, 'capacity', limit)
  const resolved = resolveScenario(scenario, 'simulate')
  const { arrivals, batching, servers, stop } = resolved
  refuseCheckpoints(stop, 'loads are compared over runs of one length')
  if (!('rate' in arrivals)) {
    throw new ValidationError('arrivals', `must be a process with a rate to search; ${arrivals.process} has none`)
  }
  const { service, classes } = resolved
  const shares = servicesOf(service, classes)
  const most = maxThroughput(service, batching.maxBatchSize ?? Number.POSITIVE_INFINITY, servers, shares)
  if (most === Number.POSITIVE_INFINITY)
    throw new ValidationError('service', 'takes no time, so any load is sustained; give it a duration above 0')
  const run = (rate: number) => new Engine({ ...resolved, arrivals: { ...arrivals, rate } }).run()
  const limitNs = nanoseconds(checked.data.p99)
  let undecided: BudgetCheck | null = null
  const tryRate = (rate: number): Capacity | null => {
    const recording = run(rate)
    if (!mayPass(recording, limitNs)) return null
    const result = resultOf(recording)
    const check = checkBudget(result, { p99: checked.data.p99 })
    if (check.verdict === 'pass') return { rate, result, check }
    if (check.verdict === 'inconclusive') undecided = check
    return null
  }

  // the rate of an onOff process is higher than its mean rate
  const top = (most * arrivals.rate) / (meanRate(arrivals) as number)
  let high = top
  let found: Capacity | null = null
  // p99 grows with the load only if batches fill fast enough, so search downwards from the top first, then bisect
  for (let rate = 0.99 * top; found === null && rate > 0.01 * top; rate *= 0.8) {
    found = tryRate(rate)
    if (found === null) high = rate
  }
  if (found === null && undecided !== null) throw tooShort(undecided)
  if (found === null) return null
  const search = bisect(found.rate, high)
  let next = search.next()
  while (!next.done) {
    const better = tryRate(next.value)
    found = better ?? found
    next = search.next(better !== null)
  }
  return found
}

/** Whether a budget check can pass. Its intervals take as long as the run, so exclude clear failures first. */
const mayPass = (recording: Recording, limitNs: number) =>
  errorsIn(recording.counts) === 0 &&
  percentileNs(recording.histograms.latency, 99) <= limitNs &&
  findingsOf(recording).every(({ severity }) => severity !== 'error')

function tooShort({ rules }: BudgetCheck): ValidationError {
  const reason = rules.find(({ verdict }) => verdict === 'inconclusive')?.reason ?? 'too few requests'
  return new ValidationError(
    'stop',
    `is too short: no run shows whether it keeps the limit (${reason}); make it longer`,
  )
}
