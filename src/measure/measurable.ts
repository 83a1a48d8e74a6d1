import type { Arrivals } from '../scenario/arrivals/arrivals.js'
import { rampsOf } from '../scenario/arrivals/ramps.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import { show, ValidationError } from '../validation/validation-error.js'

/** No machine serves faster. */
const FASTEST = 10_000_000

/**
 * Refuses what a scenario may ask of a simulation but not of a measurement.
 *
 * @throws ValidationError naming the field
 */
export function measurable(scenario: ResolvedScenario): ResolvedScenario {
  const { path, rate } = fastest(scenario.arrivals)
  if (rate > FASTEST) {
    throw new ValidationError(
      path,
      `must be at most ${FASTEST.toLocaleString('en')}/s to be measured, got ${show(rate)}`,
    )
  }
  return scenario
}

/** The highest rate that is asked for, and where. */
function fastest(arrivals: Arrivals): { path: string; rate: number } {
  if ('rate' in arrivals) return { path: 'arrivals.rate', rate: arrivals.rate }
  if (arrivals.process !== 'stages') return { path: 'arrivals', rate: 0 }
  const rate = Math.max(...rampsOf(arrivals).flatMap(({ from, to }) => [from, to]))
  return { path: 'arrivals.stages', rate }
}
