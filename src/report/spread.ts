import { median } from '../statistics/descriptive.js'

/** One figure over several rounds: its median, minimum (`low`) and maximum (`high`). */
export interface Spread {
  median: number
  low: number
  high: number
}

/**
 * Summarizes the values of several rounds.
 *
 * @example
 * console.log(spreadOf([3, 1, 2])) // { median: 2, low: 1, high: 3 }
 */
export function spreadOf(values: number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) }
}

/** The largest distance of a round from the median, as a fraction of the median. */
export function noiseOf({ median, low, high }: Spread): number {
  return Math.max(high - median, median - low) / median
}

/** Checks whether a prediction is within the noise: no further from the median than the furthest round. */
export function isWithin(predicted: number, measured: Spread): boolean {
  // reports show whole percent: a difference shown as 0 % is always within the noise
  return Math.abs(predicted - measured.median) <= measured.median * Math.max(noiseOf(measured), 0.005)
}

/**
 * The percentage of exact predictions that are within the noise by chance, by the number of rounds. Found by drawing from
 * normal, lognormal and exponential distributions, which agree to 1 %.
 */
export const WITHIN_BY_CHANCE: Record<number, number> = { 2: 50, 3: 84, 4: 93, 5: 97 }
