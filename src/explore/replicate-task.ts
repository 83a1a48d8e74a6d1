import { packReplication, type Replication } from '../result/replications.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { fractionDone } from '../scenario/stop.js'
import { Engine } from '../simulate/engine.js'
import { catchRefusal, type Refused, type TaskContext } from '../threads/pool.js'

/** The argument of the task that runs a replication. */
export interface ReplicateTask {
  scenario: SimulatedScenario
}

/** The report of a replication that was stopped early. */
export interface Ended {
  ended: true
}

/** Runs the scenario once, with the random numbers of this replication. */
export function replicateOnce({
  scenario,
  index,
  fractions,
  stopFlag,
}: ReplicateTask & TaskContext): Replication | Ended | Refused {
  const fraction = new Float64Array(fractions)
  const stop = new Int32Array(stopFlag)
  let ended = Atomics.load(stop, 0) !== 0
  if (ended) return { ended }
  return catchRefusal(() => {
    const engine = new Engine(scenario, undefined, index)
    const recording = engine.run((requests, timeMs) => {
      fraction[index] = fractionDone(scenario.stop, { requests, timeMs })
      ended = Atomics.load(stop, 0) !== 0
      return !ended
    })
    if (ended) return { ended }
    fraction[index] = 1
    return packReplication(recording, fraction.length === 1)
  })
}
