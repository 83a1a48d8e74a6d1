import type { Recording } from './recording.js'

/** A recording that may throw, which is no reason not to answer a call: the first time it does, the process is warned. */
export function guarded(recording: Recording): Recording {
  let warned = false
  const safely = (tell: () => void) => {
    try {
      tell()
    } catch (error) {
      if (warned) return
      warned = true
      process.emitWarning(
        `a batcher's recorder threw, and may be wrong from now on: ${(error as Error)?.stack ?? error}`,
      )
    }
  }
  return {
    arrived: (dueMs) => safely(() => recording.arrived(dueMs)),
    batch: (...told) => safely(() => recording.batch(...told)),
    served: (dueMs) => safely(() => recording.served(dueMs)),
    failed: (dueMs) => safely(() => recording.failed(dueMs)),
    rejected: (dueMs) => safely(() => recording.rejected(dueMs)),
    timedOut: (dueMs) => safely(() => recording.timedOut(dueMs)),
    aborted: (dueMs) => safely(() => recording.aborted(dueMs)),
  }
}
