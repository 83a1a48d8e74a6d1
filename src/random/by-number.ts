import { stream } from './stream.js'

/**
 * Creates a random number for each request, which depends only on the seed, the purpose and the request's number: requests
 * may be looked up in any order. A hash of the number under a random key: rounds of lowbias32 (Wellons, "Prospecting for
 * hash functions", 2018).
 *
 * @param replication the number of the repetition of the same run, from 0
 * @returns draws from [0, 1) uniformly, with 32 random bits
 */
export function uniformByNumber(seed: number, purpose: string, replication = 0): (number: number) => number {
  const random = stream(seed, purpose, replication)
  const [first, second, third] = [random.word(), random.word(), random.word()]
  return (number) => {
    let word = mix((number | 0) ^ first)
    word = mix((word + Math.floor(number / 2 ** 32)) ^ second)
    return (mix(word ^ third) >>> 0) / 2 ** 32
  }
}

function mix(given: number): number {
  let word = given
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
  return word ^ (word >>> 15)
}
