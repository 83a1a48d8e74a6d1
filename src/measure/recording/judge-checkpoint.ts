import { isEnough } from '../../budget/enough.js'
import { resultOf } from '../../result/result.js'
import type { ResolvedScenario } from '../../scenario/scenario.js'
import type { CheckpointedStop } from '../../scenario/stop.js'
import { buildRecordingSoFar, stateOf } from './build-recording.js'
import { SharedMemory } from './shared-memory.js'

/** What the thread that judges a run is given. */
export interface CheckpointTask {
  memory: Pick<SharedMemory, 'setup' | 'buffers'>
  /** as plain data */
  scenario: ResolvedScenario & { stop: CheckpointedStop }
  /** when the part of the run ends that is judged, and which checkpoint of how many it is */
  endNs: number
  taken: number
  planned: number
}

/**
 * Judges whether what a run has shown so far is enough. It only reads what the run's threads share, and waits for
 * nothing. Null if requests that were due in that part are still under way.
 */
export function judgeCheckpoint({ memory, scenario, endNs, taken, planned }: CheckpointTask): boolean | null {
  const shared = new SharedMemory(memory)
  const window = shared.window()
  const state = {
    ...stateOf(
      window,
      shared.queue(window, () => 0),
      shared.stats(),
    ),
    inProcess: shared.setup.inProcess,
  }
  let count = 0
  while (count < window.segments && window.segmentStartNs(count) < endNs) count++
  const recording = buildRecordingSoFar(scenario, state, count)
  if (recording === null) return null
  if (recording.counts.completed === 0) return false
  return isEnough(resultOf({ ...recording, checkpoints: { planned, taken } }), scenario.stop)
}
