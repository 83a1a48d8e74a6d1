import { Random } from './random.js'

/**
 * Creates the random stream of one purpose. Streams with different (seed, purpose, replication) are independent, so an
 * extra draw for one purpose changes nothing in another: at another batch size, the arrivals stay the same.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 * @param purpose the use of the stream: `'arrivals'`, `'service'`, …
 * @param replication the number of the repetition of the same run, from 0
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
    // splitmix32 expands the hash to four words
    hash = (hash + 0x9e3779b9) | 0
    let word = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    state[i] = word ^ (word >>> 15)
  }
  if (state.every((word) => word === 0)) state[0] = 1
  return new Random(state)
}
