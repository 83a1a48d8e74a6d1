import { uniformByNumber, weightedByNumber } from '../../random/by-number.js'
import { sum } from '../../statistics/descriptive.js'

/** The longest cycle of requests that are sent in order. */
const LONGEST_CYCLE = 1_000_000

/** Which of the requests, and which row of data, each request of a run is, by its number. Calls may come in any order. */
export interface RequestOrder {
  requestOf(number: number): number
  rowOf(number: number): number
}

/**
 * Draws requests by their weights, and rows of data uniformly. They depend only on the seed and the request's number, and
 * have random streams of their own.
 */
export function randomOrder(weights: readonly number[], rows: number, seed: number): RequestOrder {
  const row = uniformByNumber(seed, 'http data')
  return {
    requestOf: weightedByNumber(weights, seed, 'http requests'),
    rowOf: (number) => Math.floor(row(number) * rows),
  }
}

/** How many requests a cycle of whole weights has; null if a weight is not whole. */
export function cycleLength(weights: readonly number[]): number | null {
  if (!weights.every(Number.isInteger)) return null
  const divisor = weights.reduce(greatestCommonDivisor, 0)
  return sum(weights) / divisor
}

/** Why requests with these weights cannot be sent in turn; null if they can. Equal weights need no cycle. */
export function faultOfWeights(weights: readonly number[]): string | null {
  const length = cycleLength(weights)
  if (length === null) return 'weights must be whole numbers for requests that are sent in turn'
  if (length <= LONGEST_CYCLE || weights.every((weight) => weight === weights[0])) return null
  return `weights make a cycle of ${length.toLocaleString('en')} requests, and at most ${LONGEST_CYCLE.toLocaleString('en')} can be sent in turn`
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/**
 * Sends requests in turn, each as often as its weight, in a cycle that spreads them evenly: of weights 3 and 1, `0 0 1 0`.
 * Each request takes the rows of data in turn.
 *
 * @param weights whole numbers
 */
export function sequentialOrder(weights: readonly number[], rows: number): RequestOrder {
  const count = weights.length
  if (weights.every((weight) => weight === weights[0])) {
    return {
      requestOf: (number) => number % count,
      rowOf: (number) => Math.floor(number / count) % rows,
    }
  }
  const { cycle, uses } = spread(weights)
  const perCycle = new Float64Array(count)
  for (const request of cycle) perCycle[request] = (perCycle[request] as number) + 1
  return {
    requestOf: (number) => cycle[number % cycle.length] as number,
    rowOf: (number) => {
      const at = number % cycle.length
      const request = cycle[at] as number
      const before = Math.floor(number / cycle.length) * (perCycle[request] as number)
      return (before + (uses[at] as number)) % rows
    },
  }
}

/**
 * Spreads requests over a cycle by earliest deadline: the kth of n uses of a request is due at (k + 1/2) / n.
 *
 * @returns the requests, and how often each was used in the cycle before
 */
function spread(weights: readonly number[]): { cycle: Uint32Array; uses: Uint32Array } {
  const divisor = weights.reduce(greatestCommonDivisor, 0)
  const entries = weights.flatMap((weight, request) => {
    const times = weight / divisor
    return Array.from({ length: times }, (_, use) => ({ request, use, at: (use + 0.5) / times }))
  })
  entries.sort((a, b) => a.at - b.at || a.request - b.request)
  return {
    cycle: Uint32Array.from(entries, ({ request }) => request),
    uses: Uint32Array.from(entries, ({ use }) => use),
  }
}
