import { packed, type Replication } from '../result/replications.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { fractionDone } from '../scenario/stop.js'
import { Engine } from '../simulate/engine.js'
import { catchRefusal, type Refused, type TaskContext } from '../threads/pool.js'

/** What a thread that runs a replication is told. */
export interface ReplicateTask {
  scenario: SimulatedScenario
}

/** What such a thread hands back that was to end before its run was over. */
export interface Ended {
  ended: true
}

/** The task of such a thread: one run of the scenario, with random numbers of its own. */
export function replicateOnce({
  scenario,
  index,
  fractions,
  stopFlag,
}: ReplicateTask & TaskContext): Replication | Ended | Refused {
  const fraction = new Float64Array(fractions)
  const end = new Int32Array(stopFlag)
  let ended = Atomics.load(end, 0) !== 0
  if (ended) return { ended }
  return catchRefusal(() => {
    const engine = new Engine(scenario, undefined, index)
    const recording = engine.run((requests, timeMs) => {
      fraction[index] = fractionDone(scenario.stop, { requests, timeMs })
      ended = Atomics.load(end, 0) !== 0
      return !ended
    })
    if (ended) return { ended }
    fraction[index] = 1
    return packed(recording, fraction.length === 1)
  })
}
