import { median } from '../statistics/descriptive.js'

/** One figure over several rounds: its median, and the least and the greatest. */
export interface Spread {
  median: number
  low: number
  high: number
}

export function spreadOf(values: number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) }
}

/** How far the furthest of the rounds is from their median, as a fraction of it. */
export function noiseOf({ median, low, high }: Spread): number {
  return Math.max(high - median, median - low) / median
}

/** Whether a prediction is as near to the median as the rounds themselves are. */
export function isWithin(predicted: number, measured: Spread): boolean {
  // what is shown in whole percent is judged so: 0 % apart is never too far
  return Math.abs(predicted - measured.median) <= measured.median * Math.max(noiseOf(measured), 0.005)
}

/**
 * How many of a hundred true values are as near to the median of so many rounds as the furthest round is: drawn from
 * normal, lognormal and exponential laws, which agree to a hundredth.
 */
export const WITHIN_BY_CHANCE: Record<number, number> = { 2: 50, 3: 84, 4: 93, 5: 97 }
