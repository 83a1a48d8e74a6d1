import { Random } from './random.js'

/**
 * The random stream of one purpose. Streams of different (seed, purpose, replication) are independent, so a
 * draw more for one purpose moves nothing in another: a second batch size faces the very same arrivals.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 * @param purpose what the stream is for: `'arrivals'`, `'service'`, …
 * @param replication which repetition of the same run, from 0
 */
export function stream(seed: number, purpose: string, replication = 0): Random {
  let hash = 0x9e3779b9
  const mix = (word: number) => {
    hash = Math.imul(hash ^ word, 0x85ebca6b)
    hash ^= hash >>> 13
  }
  mix(seed >>> 0)
  mix(Math.floor(seed / 2 ** 32))
  mix(replication)
  for (let i = 0; i < purpose.length; i++) mix(purpose.charCodeAt(i))

  const state = new Int32Array(4)
  for (let i = 0; i < 4; i++) {
    // splitmix32 spreads the hash over the four words
    hash = (hash + 0x9e3779b9) | 0
    let word = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    state[i] = word ^ (word >>> 15)
  }
  if (state.every((word) => word === 0)) state[0] = 1
  return new Random(state)
}
