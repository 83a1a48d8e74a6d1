import type { Clock } from './clock.js'

/** Below this, reading the clock is what passes the time. */
const SHORTEST_NS = 1_000
/** A thread that is preempted while it turns goes on turning afterwards: for no longer than this. */
const LONGEST_NS = 20_000
const CALIBRATION = { turns: 50_000, times: 8 }

/**
 * How a thread lets time pass, for as long as a word in shared memory has a certain value. A sleep ends late, by some
 * 0.1 ms; a spin does not. Spinning turns in a loop for half of the time that is left, between one reading of the clock
 * and the next: every reading makes garbage, and collecting it would make the thread late.
 */
export class Waiter {
  readonly #clock: Clock
  readonly #turnsPerNs: number

  constructor(clock: Clock, turnsPerNs: number) {
    this.#clock = clock
    this.#turnsPerNs = turnsPerNs
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
      const turns = leftNs > SHORTEST_NS ? Math.ceil(Math.min(leftNs / 2, LONGEST_NS) * this.#turnsPerNs) : 1
      if (turn(word, value, turns) < turns) return
    }
  }
}

function turn(word: Int32Array, value: number, turns: number): number {
  let i = 0
  while (i < turns && Atomics.load(word, 0) === value) i++
  return i
}

/** Finds how many times this thread turns in a nanosecond, at best. */
export function calibrateTurns(clock: Clock): number {
  const word = new Int32Array(new SharedArrayBuffer(4))
  let turnsPerNs = 0
  for (let i = 0; i < CALIBRATION.times; i++) {
    const startNs = clock()
    turn(word, 0, CALIBRATION.turns)
    turnsPerNs = Math.max(turnsPerNs, CALIBRATION.turns / (clock() - startNs))
  }
  return turnsPerNs
}
