import { type Result, resultOf } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import type { ResolvedScenario, StoredScenario } from '../../scenario/scenario.js'
import { NS_PER_MS } from '../../scenario/units.js'
import { count, time } from '../../text/number.js'
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
}

/**
 * Makes a Result of the requests that have been answered so far. It only reads the memory that the run's threads share,
 * and does not wait. Its figures agree with each other: those of each server are as of one moment. Null before a request of the
 * window has completed, and if a server records batches too fast for a copy between two of them, such as 200,000 a second.
 */
export function takeSnapshot({ memory, scenario, nowNs, due, oldestNs }: SnapshotTask): Result | null {
  const shared = new SharedMemory(memory as SharedMemory)
  const copy = shared.copyStats()
  if (copy === null) return null
  const { stats, drops } = copy
  const { classes, setup } = shared
  const state = { window: shared.window(), stats, queue: { drops }, classes, inProcess: setup.inProcess }
  const found = buildRecordingOfAnswered(scenario as ResolvedScenario, state, due, nowNs)
  if (found === null || found.recording.counts.completed === 0) return null
  const { recording, inFlight } = found
  recording.findings.push(inProgress(inFlight, nowNs - oldestNs, recording.histograms.latency.max))
  return resultOf(recording)
}

function inProgress(inFlight: number, oldestNs: number, longestNs: number): Finding {
  const ageNs = Math.max(0, Number.isFinite(oldestNs) ? oldestNs : 0)
  const hides = inFlight > 0 && ageNs > longestNs
  const what =
    inFlight === 0
      ? 'no request is in flight'
      : `${inFlight === 1 ? '1 request is' : `${count(inFlight)} requests are`} in flight and not in these figures`
  const age = inFlight === 0 || ageNs === 0 ? '' : `, the oldest due ${time(ageNs / NS_PER_MS)} ago`
  return {
    code: 'in-progress',
    severity: hides ? 'warning' : 'info',
    message: `the run is in progress: ${what}${age}${hides ? ', longer than any answered one took' : ''}`,
    figures: { inFlight, oldestMs: ageNs / NS_PER_MS },
  }
}
