import { real } from '../../clock/real.js'

const FREE = 0
const LOCKED = 1
const AWAITED = 2

/**
 * A lock between threads, in one word: FREE, LOCKED, or AWAITED if threads wait for it. It makes no system call without
 * contention (Drepper, "Futexes are tricky", 2011).
 */
export class Mutex {
  readonly #word: Int32Array

  /** @param word one word of shared memory, initially 0 */
  constructor(word: Int32Array) {
    this.#word = word
  }

  lock(): void {
    const word = this.#word
    if (Atomics.compareExchange(word, 0, FREE, LOCKED) === FREE) return
    while (Atomics.exchange(word, 0, AWAITED) !== FREE) Atomics.wait(word, 0, AWAITED)
  }

  /** Locks within a time. Returns false if it stays locked for longer. */
  lockWithin(ms: number): boolean {
    const word = this.#word
    const until = real.now() + ms
    while (Atomics.exchange(word, 0, AWAITED) !== FREE) {
      const left = until - real.now()
      if (left <= 0) return false
      Atomics.wait(word, 0, AWAITED, left)
    }
    return true
  }

  unlock(): void {
    const word = this.#word
    if (Atomics.exchange(word, 0, FREE) === AWAITED) Atomics.notify(word, 0, 1)
  }
}
