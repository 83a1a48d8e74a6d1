/** The longest run. Beyond 2^53 ns (104 days) a double cannot represent every nanosecond, and ties would be lost. */
export const LONGEST_NS = 2 ** 53
export const NS_PER_MS = 1_000_000
export const NS_PER_SECOND = 1_000_000_000

/** Rounds a positive number. In hot loops this is a fifth faster than Math.round, which has to handle the sign. */
export function nearest(ns: number): number {
  return Math.floor(ns + 0.5)
}

/** Converts milliseconds to whole nanoseconds, the unit of the engines. */
export function nanoseconds(ms: number): number {
  return Math.round(ms * NS_PER_MS)
}
