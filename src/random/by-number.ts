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

/**
 * Draws a place among these weights for each request, as `uniformByNumber` does.
 *
 * @param weights above 0
 * @param replication the number of the repetition of the same run, from 0
 */
export function weightedByNumber(
  weights: readonly number[],
  seed: number,
  purpose: string,
  replication = 0,
): (number: number) => number {
  if (weights.length === 1) return () => 0
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  const limits = Float64Array.from(weights, (weight) => {
    sum += weight
    return sum / total
  })
  // rounding may leave it just below 1
  limits[limits.length - 1] = 1
  const uniform = uniformByNumber(seed, purpose, replication)
  return (number) => firstAbove(limits, uniform(number))
}

/** The first place whose limit is above a value. */
function firstAbove(limits: Float64Array, value: number): number {
  let low = 0
  let high = limits.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((limits[middle] as number) > value) high = middle
    else low = middle + 1
  }
  return low
}

function mix(given: number): number {
  let word = given
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
  return word ^ (word >>> 15)
}
