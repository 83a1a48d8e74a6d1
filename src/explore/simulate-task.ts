import type { Result } from '../result/result.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { fractionDone } from '../scenario/stop.js'
import { simulate } from '../simulate/simulate.js'
import { catchRefusal, type Refused, type TaskContext } from '../threads/pool.js'
import { ValidationError } from '../validation/validation-error.js'

/** The argument of the task that simulates a scenario. */
export interface SimulateTask {
  scenario: SimulatedScenario
}

export interface SimulateReport {
  /** null if it was stopped before any request completed */
  result: Result | null
}

/** Simulates the scenario once. */
export function simulateOnce({
  scenario,
  index,
  fractions,
  stopFlag,
}: SimulateTask & TaskContext): SimulateReport | Refused {
  const fraction = new Float64Array(fractions)
  const stop = new Int32Array(stopFlag)
  return catchRefusal(() => {
    const result = simulateWhile(scenario, (done) => {
      fraction[index] = done
      return Atomics.load(stop, 0) === 0
    })
    fraction[index] = 1
    return { result }
  })
}

/**
 * Simulates a scenario until its end, or until a callback stops it.
 *
 * @param report called at the start and regularly with how much is done; returns false to stop
 * @returns null if it was stopped before any request completed
 */
export function simulateWhile(scenario: SimulatedScenario, report: (fraction: number) => boolean): Result | null {
  if (!report(0)) return null
  let ended = false
  try {
    return simulate(scenario, {
      onProgress: (at) => {
        ended ||= !report(fractionDone(scenario.stop, at))
        return !ended
      },
    })
  } catch (error) {
    if (ended && error instanceof ValidationError) return null
    throw error
  }
}
