import { packed, type Replication } from '../result/replications.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { Engine } from '../simulate/engine.js'
import { orRefused, type Refused, type Shared } from '../threads/pool.js'
import { shareOf } from './share.js'

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
  shares,
  ends,
}: ReplicateTask & Shared): Replication | Ended | Refused {
  const share = new Float64Array(shares)
  const end = new Int32Array(ends)
  let ended = Atomics.load(end, 0) !== 0
  if (ended) return { ended }
  return orRefused(() => {
    const engine = new Engine(scenario, undefined, index)
    const recording = engine.run((requests, timeMs) => {
      share[index] = shareOf(scenario.stop, { requests, timeMs })
      ended = Atomics.load(end, 0) !== 0
      return !ended
    })
    if (ended) return { ended }
    share[index] = 1
    return packed(recording, share.length === 1)
  })
}
