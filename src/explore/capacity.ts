import { findingsOf } from '../result/findings.js'
import type { Recording } from '../result/recording.js'
import { type Result, resultOf } from '../result/result.js'
import { tallyPercentileNs } from '../result/summary.js'
import { meanRate } from '../scenario/arrivals.js'
import { ScenarioError, throwFaults } from '../scenario/error.js'
import { normalise, type Scenario } from '../scenario/scenario.js'
import { mostCarried, type Service } from '../scenario/service.js'
import { refuseLooked } from '../scenario/stop.js'
import { type Duration, nanoseconds, options, positiveDuration } from '../scenario/units.js'
import { Engine } from '../simulate/engine.js'

/** The highest load found within the limit, and the run there. */
export interface Capacity {
  /** requests a second: the `rate` of the arrivals, which for `onOff` is that while they are on */
  rate: number
  result: Result
}

const limitSchema = options({ p99: positiveDuration })
/** The search ends when it is as near as this, as a share of the load. */
const NEAR = 0.01

/**
 * Searches the highest load at which a scenario keeps its p99 of latency within a limit, by simulating one load after
 * another with the same random numbers. `null` where even a hundredth of what the servers can carry at most is too
 * much: for that load too, the limit must leave room for a batch to fill or its `maxWait`.
 *
 * @throws ScenarioError where the scenario cannot be simulated, or its arrivals have no rate to search
 */
export function capacity(scenario: Scenario, limit: { p99: Duration }): Capacity | null {
  const asked = limitSchema.safeParse(limit)
  if (!asked.success) throwFaults(asked.error, 'capacity', limit)
  const normal = normalise(scenario, 'simulate')
  const { arrivals, batching, servers, stop } = normal
  refuseLooked(stop, 'loads are compared over runs of one length')
  if (!('rate' in arrivals)) {
    throw new ScenarioError(
      'arrivals',
      `must have a rate to search the load of; a ${arrivals.process} process has none`,
    )
  }
  const most = mostCarried(normal.service as Service, batching.maxBatchSize ?? Number.POSITIVE_INFINITY, servers)
  if (most === Number.POSITIVE_INFINITY)
    throw new ScenarioError('service', 'takes no time, so that any load is carried')
  const run = (rate: number) => new Engine({ ...normal, arrivals: { ...arrivals, rate } }).run()
  const within = (recording: Recording) =>
    findingsOf(recording).every(({ severity }) => severity !== 'error') &&
    tallyPercentileNs(recording.tallies.latency, 99) <= nanoseconds(asked.data.p99)

  // a process may be off for a while, and its rate is then more than its mean
  const top = (most * arrivals.rate) / (meanRate(arrivals) as number)
  let high = top
  let found: { rate: number; recording: Recording } | null = null
  // the tail grows with the load only from where batches fill fast enough: look from the top downwards first
  for (let rate = 0.99 * top; found === null && rate > 0.01 * top; rate *= 0.8) {
    const recording = run(rate)
    if (within(recording)) found = { rate, recording }
    else high = rate
  }
  while (found !== null && high - found.rate > NEAR * high) {
    const rate = (found.rate + high) / 2
    const recording = run(rate)
    if (within(recording)) found = { rate, recording }
    else high = rate
  }
  return found === null ? null : { rate: found.rate, result: resultOf(found.recording) }
}
