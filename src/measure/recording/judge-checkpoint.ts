import { isDecided } from '../../budget/is-decided.js'
import { resultOf } from '../../result/result.js'
import type { ResolvedScenario } from '../../scenario/scenario.js'
import type { CheckpointedStop } from '../../scenario/stop.js'
import { buildRecordingSoFar } from './build-recording.js'
import { SharedMemory } from './shared-memory.js'

/** The task of the thread that judges a checkpoint. */
export interface CheckpointTask {
  memory: Pick<SharedMemory, 'setup' | 'buffers'>
  /** as plain data */
  scenario: ResolvedScenario & { stop: CheckpointedStop }
  /** the end of the part of the run to judge, and which of the planned checkpoints it is */
  endNs: number
  taken: number
  planned: number
}

/**
 * Judges whether a run can stop. It only reads the memory that the run's threads share, and does not wait. Null if
 * requests that were due before the checkpoint are still in flight.
 */
export function judgeCheckpoint({ memory, scenario, endNs, taken, planned }: CheckpointTask): boolean | null {
  const shared = new SharedMemory(memory)
  const { stats, drops } = shared.copyStats()
  const window = shared.window()
  const state = { window, stats, queue: { drops }, classes: shared.classes, inProcess: shared.setup.inProcess }
  let count = 0
  while (count < window.segments && window.segmentStartNs(count) < endNs) count++
  const recording = buildRecordingSoFar(scenario, state, count)
  if (recording === null) return null
  if (recording.counts.completed === 0) return false
  return isDecided(resultOf({ ...recording, checkpoints: { planned, taken } }), scenario.stop)
}
