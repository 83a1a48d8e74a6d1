import { performance } from 'node:perf_hooks'

/** The time that a batcher lives in. */
export interface Time {
  /** nanoseconds, from wherever they count */
  now(): number
  /** Rings at that time or soon after, instead of when it was to ring before. May ring early. */
  ringAt(ns: number): void
  /** Does not ring any more. */
  silence(): void
  /** Calls back when what runs now has come to its end. */
  soon(callback: () => void): void
  /** Calls back when the event loop has turned. */
  turn(callback: () => void): void
}

const NS_PER_MS = 1_000_000
/** The longest time that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

const settled = Promise.resolve()

/**
 * The real time. A timer counts whole milliseconds and may be one late, so that what is nearer than `spinNs` is awaited
 * turn by turn of the event loop, which takes CPU time but stops nothing else.
 */
export class RealTime implements Time {
  readonly #ring: () => void
  readonly #spinNs: number
  #timer: NodeJS.Timeout | null = null
  #turn: NodeJS.Immediate | null = null
  #atNs = 0

  constructor(spinNs: number, ring: () => void) {
    this.#spinNs = spinNs
    this.#ring = ring
  }

  now(): number {
    return performance.now() * NS_PER_MS
  }

  ringAt(ns: number): void {
    this.silence()
    this.#atNs = ns
    this.#wait()
  }

  silence(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#turn !== null) clearImmediate(this.#turn)
    this.#timer = null
    this.#turn = null
  }

  soon(callback: () => void): void {
    settled.then(callback)
  }

  turn(callback: () => void): void {
    setImmediate(callback)
  }

  #wait(): void {
    const leftNs = this.#atNs - this.now() - this.#spinNs
    if (leftNs > 0 || this.#spinNs === 0) {
      const ms = Math.min(Math.ceil(leftNs / NS_PER_MS), LONGEST_TIMER_MS)
      this.#timer = setTimeout(this.#rung, ms)
    } else {
      this.#turn = setImmediate(this.#rung)
    }
  }

  #rung = (): void => {
    this.#timer = null
    this.#turn = null
    // a timer may be a little early
    if (this.now() < this.#atNs) this.#wait()
    else this.#ring()
  }
}
