import { ValidationError } from '../validation/validation-error.js'

/** The precision of a search, as a fraction of the load. */
const NEAR = 0.01

/** How many loads are run at a time at most: four steps of a search, whatever they show. */
export const MOST_AHEAD = 15

/** A search that yields one load after another to learn whether it is sustained, and returns the highest that is. */
export type LoadSearch = Generator<number, number, boolean>

/**
 * Runs a search, several loads at a time if `ahead` is more than 1: the next one, and those that it may ask for after it.
 * It gives what it would give one load at a time.
 *
 * @param search starts the search from its beginning
 * @param areSustained whether loads are sustained, in order
 */
export async function runSearch(
  search: () => LoadSearch,
  areSustained: (loads: number[]) => Promise<boolean[]>,
  ahead = 1,
): Promise<number> {
  const answers = new Map<number, boolean>()
  let most = ahead
  for (;;) {
    const loads = loadsAhead(search, answers, most)
    if (loads.length === 0) return replay(search, answers).value
    try {
      for (const [i, isSustained] of (await areSustained(loads)).entries()) answers.set(loads[i] as number, isSustained)
    } catch (error) {
      // a load that the search would not have asked for may be invalid
      if (!(error instanceof ValidationError) || loads.length === 1) throw error
      most = 1
    }
  }
}

/** The loads that a search may ask for next: the first is asked for in any case, the nearest of the others come first. */
function loadsAhead(search: () => LoadSearch, answers: ReadonlyMap<number, boolean>, most: number): number[] {
  const loads = new Set<number>()
  const branches = [answers]
  for (let branch = branches.shift(); branch !== undefined && loads.size < most; branch = branches.shift()) {
    const next = replay(search, branch)
    if (next.done === true) continue
    loads.add(next.value)
    branches.push(new Map(branch).set(next.value, true), new Map(branch).set(next.value, false))
  }
  return [...loads]
}

/** Runs a search as far as the answers go. */
function replay(search: () => LoadSearch, answers: ReadonlyMap<number, boolean>): IteratorResult<number, number> {
  const running = search()
  let next = running.next()
  for (let answer: boolean | undefined; next.done !== true; next = running.next(answer)) {
    answer = answers.get(next.value)
    if (answer === undefined) break
  }
  return next
}

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
