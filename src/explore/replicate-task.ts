import { packed, type Replication } from '../result/replications.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { Engine } from '../simulate/engine.js'
import { orRefused, type Refused, type Shared } from './on-threads.js'
import { shareOf } from './share.js'

/** What a thread that runs a replication is told. */
export interface ReplicateTask {
  scenario: SimulatedScenario
}

/** The task of such a thread: one run of the scenario, with random numbers of its own. */
export function replicateOnce({ scenario, index, shares }: ReplicateTask & Shared): Replication | Refused {
  const share = new Float64Array(shares)
  return orRefused(() => {
    const engine = new Engine(scenario, undefined, index)
    const recording = engine.run((requests, timeMs) => {
      share[index] = shareOf(scenario.stop, { requests, timeMs })
      return true
    })
    share[index] = 1
    return packed(recording, share.length === 1)
  })
}
