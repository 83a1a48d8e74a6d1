import { betaQuantile } from './beta.js'

const known = new Map<string, number>()
/** With more degrees of freedom, t equals the normal distribution to four digits. */
const MANY = 10_000

/**
 * The value that Student's t exceeds with probability `tail`: t^2 = freedom (1 - x) / x, where x is the quantile of a beta
 * distribution at 2 * tail (Abramowitz and Stegun 1964, 26.7.1).
 */
export function student(tail: number, freedom: number): number {
  const degrees = Math.min(freedom, MANY)
  const key = `${tail} ${degrees}`
  let t = known.get(key)
  if (t === undefined) {
    const x = betaQuantile(2 * tail, degrees / 2, 0.5)
    t = Math.sqrt((degrees * (1 - x)) / x)
    known.set(key, t)
  }
  return t
}

/** The tail probability per side of an interval, so that the intervals at all checkpoints hold at 95 % (Bonferroni). */
export const tailOf = (checkpoints: number) => 0.025 / checkpoints

/**
 * The tail probability per side for the fractions that a budget is judged by. Checkpoints are at growing lengths, so each
 * shares most of its data with the one before. Four of them are worth only 3 independent tests, and nine only 7 (by
 * simulation of a Brownian motion examined at such times; Pocock, Biometrika 64, 1977).
 */
export const tailOfCheckpoints = (planned = 1) => 0.025 / planned ** 0.9
