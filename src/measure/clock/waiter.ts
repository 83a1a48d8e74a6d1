import type { Clock } from './clock.js'

/** For shorter waits, the clock is read in every iteration. */
const SHORTEST_NS = 1_000
/** The longest loop without reading the clock: a preempted thread overshoots by at most this. */
const LONGEST_NS = 20_000
const CALIBRATION = { iterations: 50_000, times: 8 }

/**
 * Waits while a word in shared memory keeps its value. A sleep ends about 0.1 ms late; a spin does not. Spinning loops for
 * half of the time left between two readings of the clock, since each reading allocates, and a garbage collection would
 * make the thread late.
 */
export class Waiter {
  readonly #clock: Clock
  readonly #iterationsPerNs: number

  constructor(clock: Clock, iterationsPerNs: number) {
    this.#clock = clock
    this.#iterationsPerNs = iterationsPerNs
  }

  /** Blocks the thread until about `ns`, or until the word is no longer `value`. */
  sleepUntil(ns: number, word: Int32Array, value: number): void {
    const leftNs = ns - this.#clock()
    if (leftNs > 0) Atomics.wait(word, 0, value, leftNs / 1e6)
  }

  /** Keeps the thread busy until `ns`, or until the word is no longer `value`. */
  spinUntil(ns: number, word: Int32Array, value: number): void {
    for (;;) {
      const leftNs = ns - this.#clock()
      if (leftNs <= 0) return
      const iterations = leftNs > SHORTEST_NS ? Math.ceil(Math.min(leftNs / 2, LONGEST_NS) * this.#iterationsPerNs) : 1
      if (spin(word, value, iterations) < iterations) return
    }
  }
}

function spin(word: Int32Array, value: number, iterations: number): number {
  let i = 0
  while (i < iterations && Atomics.load(word, 0) === value) i++
  return i
}

/** Measures the most iterations of the spin loop that this thread runs in a nanosecond. */
export function calibrateSpin(clock: Clock): number {
  const word = new Int32Array(new SharedArrayBuffer(4))
  let iterationsPerNs = 0
  for (let i = 0; i < CALIBRATION.times; i++) {
    const startNs = clock()
    spin(word, 0, CALIBRATION.iterations)
    iterationsPerNs = Math.max(iterationsPerNs, CALIBRATION.iterations / (clock() - startNs))
  }
  return iterationsPerNs
}
