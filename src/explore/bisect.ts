/** The precision of a search, as a fraction of the load. */
const NEAR = 0.01

/** A search that asks of one load after another whether it is sustained, and returns the highest that is. */
export type LoadSearch = Generator<number, number, boolean>

/** Searches between a load that is sustained and one that is not. */
export function* bisect(sustained: number, tooMuch: number): LoadSearch {
  let [low, high] = [sustained, tooMuch]
  while (high - low > NEAR * low) {
    const middle = (low + high) / 2
    if (yield middle) low = middle
    else high = middle
  }
  return low
}

/**
 * Searches from a load on, in steps that double, and then between. It returns Infinity if the greatest load is sustained,
 * and 0 if the least is not.
 */
export function* bracket(from: number, least: number, most: number): LoadSearch {
  let [low, high] = [from, from]
  let step = NEAR
  if (yield from) {
    for (high = Math.min(most, high * (1 + step)); yield high; high = Math.min(most, high * (1 + step))) {
      low = high
      step *= 2
      if (low === most) return Number.POSITIVE_INFINITY
    }
  } else {
    for (low /= 1 + step; !(yield low); low /= 1 + step) {
      high = low
      step *= 2
      if (high < least) return 0
    }
  }
  return yield* bisect(low, high)
}
