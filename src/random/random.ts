const BLOCK = 256

/**
 * A stream of uniform random numbers: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2021), with period 2^128 - 1. It generates 32-bit words a block at a time, so that the four words of state
 * stay in registers.
 */
export class Random {
  readonly #state: Int32Array
  readonly #words = new Int32Array(BLOCK)
  #next = BLOCK

  /** @param state four 32-bit words, not all zero */
  constructor(state: Int32Array) {
    this.#state = state
  }

  /** Returns 32 random bits as a signed integer. */
  word(): number {
    if (this.#next === BLOCK) this.#refill()
    return this.#words[this.#next++] as number
  }

  /** Draws from [0, 1) uniformly, with 53 random bits. */
  uniform(): number {
    const high = this.word() >>> 5
    const low = this.word() >>> 6
    return (high * 67_108_864 + low) / 9_007_199_254_740_992
  }

  /** Draws from (0, 1] uniformly; safe to take the logarithm of. */
  positive(): number {
    return 1 - this.uniform()
  }

  #refill(): void {
    const state = this.#state
    const words = this.#words
    let a = state[0] as number
    let b = state[1] as number
    let c = state[2] as number
    let d = state[3] as number
    for (let i = 0; i < BLOCK; i++) {
      const scrambled = Math.imul(b, 5)
      words[i] = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
      const shifted = b << 9
      c ^= a
      d ^= b
      b ^= c
      a ^= d
      c ^= shifted
      d = (d << 11) | (d >>> 21)
    }
    state[0] = a
    state[1] = b
    state[2] = c
    state[3] = d
    this.#next = 0
  }
}
