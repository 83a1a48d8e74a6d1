import type { OpenArrivals } from '../scenario/arrivals.js'
import { ScenarioError, show } from '../scenario/error.js'
import type { NormalScenario } from '../scenario/scenario.js'

export type MeasurableScenario = NormalScenario & { arrivals: OpenArrivals }

/** No machine sends faster, and walking through so many requests would take longer than the run. */
const FASTEST = 10_000_000

/**
 * Refuses what a scenario may ask of a simulation but not of a measurement.
 *
 * @throws ScenarioError naming the field
 */
export function measurable(scenario: NormalScenario): MeasurableScenario {
  const { arrivals, queue } = scenario
  if (arrivals.process === 'closed') {
    throw new ScenarioError('arrivals', 'a closed loop cannot be measured yet; an open process can, such as a rate')
  }
  if ('rate' in arrivals && arrivals.rate > FASTEST) {
    throw new ScenarioError(
      'arrivals.rate',
      `must be at most ${FASTEST.toLocaleString('en')}/s to be measured, got ${show(arrivals.rate)}`,
    )
  }
  for (const limit of ['capacity', 'timeout'] as const) {
    if (queue[limit] !== null) {
      throw new ScenarioError(`queue.${limit}`, 'a limit to the queue cannot be measured yet; leave it out')
    }
  }
  return { ...scenario, arrivals }
}
