import type { Result } from '../result/result.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { fractionDone } from '../scenario/stop.js'
import { simulate } from '../simulate/simulate.js'
import { catchRefusal, type Refused, type TaskContext } from '../threads/pool.js'
import { ValidationError } from '../validation/validation-error.js'

/** What a thread that simulates a scenario is told. */
export interface SimulateTask {
  scenario: SimulatedScenario
}

export interface SimulateReport {
  /** null where it was not begun before the end */
  result: Result | null
}

/** The task of such a thread: one run of the scenario. */
export function simulateOnce({
  scenario,
  index,
  fractions,
  stopFlag,
}: SimulateTask & TaskContext): SimulateReport | Refused {
  const fraction = new Float64Array(fractions)
  const end = new Int32Array(stopFlag)
  return catchRefusal(() => {
    const result = simulateWhile(scenario, (done) => {
      fraction[index] = done
      return Atomics.load(end, 0) === 0
    })
    fraction[index] = 1
    return { result }
  })
}

/**
 * Simulates a scenario for as long as it is to go on.
 *
 * @param goesOn is asked at the start and every now and then, with how much is done
 * @returns null where it was to end before there was anything to show
 */
export function simulateWhile(scenario: SimulatedScenario, goesOn: (fraction: number) => boolean): Result | null {
  if (!goesOn(0)) return null
  let ended = false
  try {
    return simulate(scenario, {
      onProgress: (at) => {
        ended ||= !goesOn(fractionDone(scenario.stop, at))
        return !ended
      },
    })
  } catch (error) {
    if (ended && error instanceof ValidationError) return null
    throw error
  }
}
