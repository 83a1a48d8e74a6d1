import { sum } from '../statistics/descriptive.js'

/** A trend makes neighbouring stretches as alike as can be. */
export const MOST_ALIKE = 0.9

/** What the stretches of a run, or its replications, say of one estimate. */
export interface Spread {
  /** the standard error of the sum over all values */
  error: number
  /** how many independent values would have as much */
  independent: number
  /** the same of a part as long of a long run: less, where neighbouring stretches are alike */
  ofLongRun: number
}

/** How the stretches stand to one another: one after another in a run, or independent of each other. */
export type Order = 'in a row' | 'independent'

/** With fewer, their spread tells too little. */
export const FEWEST: Record<Order, number> = { 'in a row': 10, independent: 2 }

/** What the stretches are called. */
export const stretchesName = (order: Order) => (order === 'in a row' ? 'stretches of the window' : 'replications')

/** Why there is no interval where there are too few stretches; null where there are enough. */
export function tooFewStretches(stretches: number, order: Order): string | null {
  const fewest = FEWEST[order]
  if (stretches >= fewest) return null
  return `it takes the spread between ${fewest} ${stretchesName(order)} or more, and there are ${stretches}`
}

/**
 * How far off an estimate may be, by how far the stretches are off it.
 *
 * @param off by how much each stretch is off what it would have had by its number of values
 * @param variance of a single value
 */
export function spreadOf(off: readonly number[], n: number, variance: number, order: Order): Spread {
  const stretches = off.length
  const squares = sum(off.map((each) => each ** 2))
  const found = (squares * stretches) / (stretches - 1)
  // sums of doubles leave a rounding error where nothing is off
  if (found <= 1e-20 * n * n) return { error: 0, independent: n, ofLongRun: n }
  let alike = 0
  if (order === 'in a row') {
    const neighbours = sum(off.slice(1).map((each, i) => each * (off[i] as number)))
    // of independent stretches, as what they are off adds up to 0, it is -1 / (stretches - 1)
    alike = Math.max(0, Math.min(MOST_ALIKE, neighbours / squares + 1 / (stretches - 1)))
  }
  const independent = Math.min(n, (n * n * variance) / found)
  // as if the likeness fell by the same factor from stretch to stretch
  const ofLongRun = (independent * (1 - alike)) / (1 + alike)
  return { error: Math.sqrt(found * (1 + alike)), independent, ofLongRun }
}
