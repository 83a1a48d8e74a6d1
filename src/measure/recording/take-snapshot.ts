import type { ConnectionsRecording } from '../../result/connections.js'
import { inProgressFinding } from '../../result/findings.js'
import { type Result, resultOf } from '../../result/result.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import type { ResolvedScenario, StoredScenario } from '../../scenario/scenario.js'
import { buildRecordingOfAnswered } from './build-recording.js'
import { type RunBuffers, type RunSetup, SharedMemory } from './shared-memory.js'

/** The task of the thread that takes snapshots. */
export interface SnapshotTask {
  memory: { setup: Omit<RunSetup, 'arrivals'>; buffers: RunBuffers }
  scenario: StoredScenario
  nowNs: number
  /** how many requests have been due, and when the oldest one in flight was; Infinity if none is in flight */
  due: number
  oldestNs: number
  /** absent if the target opens no connections */
  connections?: ConnectionsRecording | undefined
}

/**
 * Makes a Result of the requests that have been answered so far. It only reads the memory that the run's threads share,
 * and does not wait. Its figures agree with each other, unless a server records too fast to be copied between two batches
 * (`SharedMemory.copyStats`). Null before a request of the window has completed.
 */
export function takeSnapshot({ memory, scenario, nowNs, due, oldestNs, connections }: SnapshotTask): Result | null {
  const shared = new SharedMemory(memory as SharedMemory)
  const { stats, drops } = shared.copyStats()
  const { classes, setup } = shared
  const state = { window: shared.window(), stats, queue: { drops }, classes, inProcess: setup.inProcess }
  const found = buildRecordingOfAnswered(scenario as ResolvedScenario, state, due, nowNs)
  if (found === null || found.recording.counts.completed === 0) return null
  const { recording, inFlight } = found
  recording.findings.push(
    inProgressFinding(inFlight, (nowNs - oldestNs) / NS_PER_MS, recording.histograms.latency.max / NS_PER_MS),
  )
  return resultOf(connections === undefined ? recording : { ...recording, connections })
}
