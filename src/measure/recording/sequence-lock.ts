/**
 * Lets one thread copy what another thread writes, without making it wait: it copies again if a write came between. One
 * thread writes at a time.
 *
 * ```
 * version: odd while a write is in progress, and another even number after each
 * ```
 */
export class SequenceLock {
  /** The size of its memory: a whole number of doubles. */
  static readonly bytes = 8
  readonly #version: Int32Array

  constructor(buffer: SharedArrayBuffer, offset: number) {
    this.#version = new Int32Array(buffer, offset, 1)
  }

  // exchanges, which no read or write is moved past; a writer that died in the middle is taken over

  beginWrite(): void {
    Atomics.exchange(this.#version, 0, ((this.#version[0] as number) + 1) | 1)
  }

  endWrite(): void {
    Atomics.exchange(this.#version, 0, ((this.#version[0] as number) | 1) + 1)
  }

  /**
   * Calls `copy` until what it has copied is of one moment. If it gives up, the last copy is of several moments.
   *
   * @param giveUp called after each failed attempt
   */
  read(copy: () => void, giveUp: () => boolean): void {
    do {
      const version = Atomics.load(this.#version, 0)
      if ((version & 1) === 1) continue
      copy()
      if (Atomics.add(this.#version, 0, 0) === version) return
    } while (!giveUp())
    copy()
  }
}
