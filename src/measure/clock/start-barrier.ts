const READY = 0
const GO = 1

/**
 * A barrier before time 0: every thread reports that it is ready, then all start at the same time 0.
 *
 * ```
 * buffer: | threads ready: int32 | started: int32 | time 0: int64, ns |
 * ```
 */
export class StartBarrier {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #originNs: BigInt64Array

  constructor(buffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer, 0, 2)
    this.#originNs = new BigInt64Array(buffer, 8, 1)
  }

  get ready(): number {
    return Atomics.load(this.#words, READY)
  }

  /** Reports this thread as ready and waits for the others. Returns time 0 on the clock of `process.hrtime.bigint()`. */
  await(): bigint {
    Atomics.add(this.#words, READY, 1)
    Atomics.wait(this.#words, GO, 0)
    return Atomics.load(this.#originNs, 0)
  }

  /** Starts all threads at time 0, which is far enough ahead that they have woken by then. */
  go(originNs: bigint): void {
    Atomics.store(this.#originNs, 0, originNs)
    Atomics.store(this.#words, GO, 1)
    Atomics.notify(this.#words, GO)
  }
}
