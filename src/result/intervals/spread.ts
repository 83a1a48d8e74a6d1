import { sum } from '../../statistics/descriptive.js'

/** The highest correlation of neighbouring segments that is assumed: a trend makes it as high as can be. */
export const MOST_ALIKE = 0.9

/** How far an estimate varies between the segments of a run, or between replications. */
export interface EstimateError {
  /** the standard error of the sum over all values */
  error: number
  /** how many independent values would vary as much */
  independent: number
  /** the same for an equally long part of a long run: fewer, if neighbouring segments are correlated */
  independentInLongRun: number
}

/** Segments come one after another in a run; replications are independent of each other. */
export type Order = 'in a row' | 'independent'

/** With fewer, their spread is not known well enough. */
export const FEWEST_SEGMENTS: Record<Order, number> = { 'in a row': 10, independent: 2 }

export const segmentsName = (order: Order) => (order === 'in a row' ? 'segments of the window' : 'replications')

/** Why there is no interval, if there are too few segments; otherwise null. */
export function tooFewSegments(segments: number, order: Order): string | null {
  const fewest = FEWEST_SEGMENTS[order]
  if (segments >= fewest) return null
  return `at least ${fewest} ${segmentsName(order)} are needed, and there are ${segments}`
}

/**
 * Computes how far off an estimate may be from how far each segment is off it.
 *
 * @param off the sum over each segment, less what its number of values would give
 * @param variance of a single value
 */
export function estimateError(off: readonly number[], n: number, variance: number, order: Order): EstimateError {
  const segments = off.length
  const squares = sum(off.map((each) => each ** 2))
  const found = (squares * segments) / (segments - 1)
  // if nothing is off, sums of doubles leave a rounding error
  if (found <= 1e-20 * n * n) return { error: 0, independent: n, independentInLongRun: n }
  let alike = 0
  if (order === 'in a row') {
    const neighbours = sum(off.slice(1).map((each, i) => each * (off[i] as number)))
    // the correlation of independent segments is -1 / (segments - 1), since `off` adds up to 0
    alike = Math.max(0, Math.min(MOST_ALIKE, neighbours / squares + 1 / (segments - 1)))
  }
  const independent = Math.min(n, (n * n * variance) / found)
  // as if the correlation fell by the same factor from segment to segment
  const independentInLongRun = (independent * (1 - alike)) / (1 + alike)
  return { error: Math.sqrt(found * (1 + alike)), independent, independentInLongRun }
}
