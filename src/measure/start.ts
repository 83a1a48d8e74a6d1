const READY = 0
const GO = 1

/** The starting line: every thread says when it is ready, and all of them begin at one time 0. */
export class Start {
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

  /** A thread is ready, and waits for the others. Returns time 0 on the clock of `process.hrtime.bigint()`. */
  await(): bigint {
    Atomics.add(this.#words, READY, 1)
    Atomics.wait(this.#words, GO, 0)
    return Atomics.load(this.#originNs, 0)
  }

  /** Lets them all go: time 0 is so far ahead that each of them has woken by then. */
  go(leadNs: bigint): bigint {
    const originNs = process.hrtime.bigint() + leadNs
    Atomics.store(this.#originNs, 0, originNs)
    Atomics.store(this.#words, GO, 1)
    Atomics.notify(this.#words, GO)
    return originNs
  }
}
