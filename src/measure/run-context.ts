import type { FileRow } from '../files/rows.js'
import type { ConnectionsRecording } from '../result/connections.js'
import type { CheckpointCount } from '../result/recording.js'
import type { Finding } from '../result/validity.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import type { RunClock } from './clock/clock.js'
import type { HostWatch } from './host/host-watch.js'
import type { ResolvedOptions } from './options.js'
import type { Plan } from './plan.js'
import type { RunState } from './recording/build-recording.js'
import type { SharedMemory } from './recording/shared-memory.js'
import type { RequestSource } from './servers/http/requests.js'
import type { WorkerExit } from './servers/worker-exits.js'

/** What a run takes from its coordinator, if it is the shard of an agent: the time of its start, and its files. */
export interface Coordination {
  /** called when all threads are ready */
  ready(): void
  /** time 0 on the clock of `process.hrtime.bigint()`; null until it is known */
  originNs(): bigint | null
  /** reads a file that the scenario names */
  readRows(file: string): Promise<FileRow[]>
}

/** Everything a run needs before it starts. */
export interface RunContext {
  scenario: ResolvedScenario
  options: ResolvedOptions
  plan: Plan
  memory: SharedMemory
  host: HostWatch
  clock: RunClock
  /** null starts as soon as all threads are ready */
  coordination: Coordination | null
  /** the requests of an HTTP target, if they differ */
  requests: RequestSource | null
}

/** The outcome of a run. */
export interface RunOutcome {
  state: RunState
  /** how many checkpoints were taken, if the run stops at a precision or budget */
  checkpoints?: CheckpointCount | undefined
  /** when the run ended, from time 0 */
  endedNs: number
  /** the first failure of a request */
  failure: Error | null
  /** the servers whose threads ended during the run */
  exits: WorkerExit[]
  /** what the target found */
  findings: Finding[]
  /** of a target that opens connections */
  connections?: ConnectionsRecording | undefined
  /** the error that a teardown threw */
  teardown: Error | null
}
