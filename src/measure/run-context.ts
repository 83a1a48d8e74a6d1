import type { CheckpointCount } from '../result/recording.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import type { RunClock } from './clock/clock.js'
import type { HostWatch } from './host/host-watch.js'
import type { ResolvedOptions } from './options.js'
import type { Plan } from './plan.js'
import type { RunState } from './recording/build-recording.js'
import type { SharedMemory } from './recording/shared-memory.js'
import type { WorkerExit } from './servers/worker-exits.js'

/** A run before it begins. */
export interface RunContext {
  scenario: ResolvedScenario
  options: ResolvedOptions
  plan: Plan
  memory: SharedMemory
  host: HostWatch
  clock: RunClock
}

/** What has come of a run. */
export interface RunOutcome {
  state: RunState
  /** how many checkpoints there were, if it was to go on until it knew enough */
  checkpoints?: CheckpointCount | undefined
  /** when it ended, from time 0 */
  endedNs: number
  /** the first failure of a request */
  failure: Error | null
  /** the servers whose threads ended during the run */
  exits: WorkerExit[]
  /** what a teardown threw */
  teardown: Error | null
}
