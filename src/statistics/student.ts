import { betaQuantile } from './beta.js'

const known = new Map<string, number>()
/** Beyond so many degrees of freedom it is the normal distribution to four digits. */
const MANY = 10_000

/**
 * The value that Student's t exceeds with this probability, for a two-sided interval of twice as much: t^2 = freedom
 * (1 - x) / x, where x is the quantile of a beta distribution (Abramowitz and Stegun 1964, 26.7.1).
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

/** What each side of an interval may be wrong by, for all of so many checkpoints to be right 95 times in 100 (Bonferroni). */
export const tailOf = (checkpoints: number) => 0.025 / checkpoints

/**
 * The same for the fractions that a budget is judged by. Checkpoints lie at growing lengths, so that each sees most of what
 * the one before has seen, and fewer chances to be wrong come of them than of as many independent ones: 3 of 4, or 7 of
 * 9 (by simulation of a Brownian motion that is examined at such times; Pocock, Biometrika 64, 1977).
 */
export const tailOfCheckpoints = (planned = 1) => 0.025 / planned ** 0.9
