import type { RecorderSink } from './recorder-sink.js'
import type { BatcherTime } from './time.js'

type Notify = (dueMs: number, className?: string) => void

/**
 * Protects a batcher from its recorder. If the recorder throws, the call is still answered, and the process is
 * warned the first time. What a caller causes (it calls, is rejected, or aborts) is recorded in the async context of the
 * batcher, so that subscribers of `diagnostics_channel` and sinks of users never see that of a caller.
 */
export class SafeRecorderSink implements RecorderSink {
  readonly #recorder: RecorderSink
  /** null if it runs no code of a user */
  readonly #arrived: Notify | null
  #warned = false
  readonly rejected: Notify
  readonly timedOut: Notify
  readonly aborted: Notify

  /** @param isOwn whether it runs no code of a user when a request arrives */
  constructor(recorder: RecorderSink, isOwn: boolean, time: BatcherTime) {
    this.#recorder = recorder
    this.#arrived = isOwn ? null : time.bind((dueMs: number, className?: string) => recorder.arrived(dueMs, className))
    this.rejected = this.#withErrorWarning(
      time.bind((dueMs: number, className?: string) => recorder.rejected(dueMs, className)),
    )
    this.timedOut = this.#withErrorWarning(
      time.bind((dueMs: number, className?: string) => recorder.timedOut(dueMs, className)),
    )
    this.aborted = this.#withErrorWarning(
      time.bind((dueMs: number, className?: string) => recorder.aborted(dueMs, className)),
    )
  }

  #withErrorWarning(record: Notify): Notify {
    return (dueMs, className) => {
      try {
        record(dueMs, className)
      } catch (error) {
        this.#warn(error)
      }
    }
  }

  // what every call records is written out, since V8 inlines a method and not a function that is passed

  arrived(dueMs: number, className?: string): void {
    try {
      if (this.#arrived === null) this.#recorder.arrived(dueMs, className)
      else this.#arrived(dueMs, className)
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

  served(dueMs: number, className?: string): void {
    try {
      this.#recorder.served(dueMs, className)
    } catch (error) {
      this.#warn(error)
    }
  }

  failed(dueMs: number, failure?: unknown, className?: string): void {
    try {
      this.#recorder.failed(dueMs, failure, className)
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
