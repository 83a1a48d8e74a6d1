import type { RecorderSink } from './recorder-sink.js'

type Bind = <Args extends unknown[], Returned>(callback: (...args: Args) => Returned) => (...args: Args) => Returned

/**
 * A batcher's recording. One that throws is no reason not to answer a call: the first time it does, the process is
 * warned. What runs while a caller calls, or gives up, is recorded in the batcher's own async context: subscribers of
 * `diagnostics_channel`, and recordings that users bring, see no caller's.
 */
export class SafeRecorderSink implements RecorderSink {
  readonly #recording: RecorderSink
  /** null if it calls nothing of a user's */
  readonly #arrived: ((dueMs: number) => void) | null
  readonly #rejected: (dueMs: number) => void
  readonly #timedOut: (dueMs: number) => void
  readonly #aborted: (dueMs: number) => void
  #warned = false

  /** @param isOwn it calls nothing of a user's when a request arrives */
  constructor(recording: RecorderSink, isOwn: boolean, bind: Bind) {
    this.#recording = recording
    this.#arrived = isOwn ? null : bind((dueMs) => recording.arrived(dueMs))
    this.#rejected = bind((dueMs) => recording.rejected(dueMs))
    this.#timedOut = bind((dueMs) => recording.timedOut(dueMs))
    this.#aborted = bind((dueMs) => recording.aborted(dueMs))
  }

  arrived(dueMs: number): void {
    try {
      if (this.#arrived === null) this.#recording.arrived(dueMs)
      else this.#arrived(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  batch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void {
    try {
      this.#recording.batch(size, idleMs, leaveMs, startMs, endMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  served(dueMs: number): void {
    try {
      this.#recording.served(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  failed(dueMs: number): void {
    try {
      this.#recording.failed(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  rejected(dueMs: number): void {
    try {
      this.#rejected(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  timedOut(dueMs: number): void {
    try {
      this.#timedOut(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  aborted(dueMs: number): void {
    try {
      this.#aborted(dueMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  #warn(error: unknown): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(`a batcher's recorder threw, and may be wrong from now on: ${(error as Error)?.stack ?? error}`)
  }
}
