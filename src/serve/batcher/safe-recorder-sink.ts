import type { RecorderSink } from './recorder-sink.js'
import type { BatcherTime } from './time.js'

/**
 * Protects a batcher from its recorder. If the recorder throws, the call is answered all the same, and the process is
 * warned the first time. What a caller causes (it calls, is rejected, or aborts) is recorded in the async context of the
 * batcher, so that subscribers of `diagnostics_channel` and sinks of users never see that of a caller.
 */
export class SafeRecorderSink implements RecorderSink {
  readonly #recorder: RecorderSink
  /** null if it runs no code of a user */
  readonly #arrived: ((dueMs: number) => void) | null
  #warned = false
  readonly rejected: (dueMs: number) => void
  readonly timedOut: (dueMs: number) => void
  readonly aborted: (dueMs: number) => void

  /** @param isOwn whether it runs no code of a user when a request arrives */
  constructor(recorder: RecorderSink, isOwn: boolean, time: BatcherTime) {
    this.#recorder = recorder
    this.#arrived = isOwn ? null : time.bind((dueMs) => recorder.arrived(dueMs))
    this.rejected = this.#withErrorWarning(time.bind((dueMs) => recorder.rejected(dueMs)))
    this.timedOut = this.#withErrorWarning(time.bind((dueMs) => recorder.timedOut(dueMs)))
    this.aborted = this.#withErrorWarning(time.bind((dueMs) => recorder.aborted(dueMs)))
  }

  #withErrorWarning(record: (dueMs: number) => void): (dueMs: number) => void {
    return (dueMs) => {
      try {
        record(dueMs)
      } catch (error) {
        this.#warn(error)
      }
    }
  }

  // what every call records is written out, since V8 inlines a method and not a function that is passed

  arrived(dueMs: number): void {
    try {
      if (this.#arrived === null) this.#recorder.arrived(dueMs)
      else this.#arrived(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  batch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void {
    try {
      this.#recorder.batch(size, idleMs, leaveMs, startMs, endMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  served(dueMs: number): void {
    try {
      this.#recorder.served(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  failed(dueMs: number): void {
    try {
      this.#recorder.failed(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  #warn(error: unknown): void {
    if (this.#warned) return
    this.#warned = true
    const stack = (error as Error)?.stack ?? error
    process.emitWarning(`the recorder of a batcher threw, and may be wrong from now on: ${stack}`)
  }
}
