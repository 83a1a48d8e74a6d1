import { packed, type Replication } from '../result/replications.js'
import { ScenarioError } from '../scenario/error.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import { Engine } from '../simulate/engine.js'
import { shareOf } from './sweep.js'

/** What a thread that runs a replication is told. */
export interface ReplicateTask {
  scenario: SimulatedScenario
  replication: number
  /** a double for each replication, in which it says how much of it is done, from 0 to 1 */
  shares: SharedArrayBuffer
}

export type ReplicateReport = Replication | { refused: { path: string; message: string } }

/** The task of such a thread: one run of the scenario, with random numbers of its own. */
export function replicateOnce({ scenario, replication, shares }: ReplicateTask): ReplicateReport {
  const share = new Float64Array(shares)
  try {
    const engine = new Engine(scenario, undefined, replication)
    const recording = engine.run((requests, timeMs) => {
      share[replication] = shareOf(scenario.stop, { requests, timeMs })
      return true
    })
    share[replication] = 1
    return packed(recording, share.length === 1)
  } catch (error) {
    // from thread to thread an error of ours would lose its kind
    if (!(error instanceof ScenarioError)) throw error
    return { refused: { path: error.path, message: error.message } }
  }
}
