/**
 * What a histogram keeps exactly, in five doubles:
 *
 * ```
 * | count | sum | sum of squares | min | max |
 * ```
 */
export const COUNT = 0
export const SUM = 1
export const SQUARES = 2
export const MIN = 3
export const MAX = 4
export const MOMENTS = 5

/** Count, sum, sum of squares, min and max of durations in nanoseconds. */
export interface Moments {
  readonly count: number
  readonly sum: number
  readonly squares: number
  readonly min: number
  readonly max: number
}

/** The moments at `at`. */
export const momentsAt = (moments: Float64Array, at: number): Moments => ({
  count: moments[at + COUNT] as number,
  sum: moments[at + SUM] as number,
  squares: moments[at + SQUARES] as number,
  min: moments[at + MIN] as number,
  max: moments[at + MAX] as number,
})

/** Adds the moments of `count` more durations to those at `at`. */
export function addMoments(
  moments: Float64Array,
  at: number,
  count: number,
  sum: number,
  squares: number,
  min: number,
  max: number,
): void {
  if (count === 0) return
  const empty = moments[at + COUNT] === 0
  if (empty || min < (moments[at + MIN] as number)) moments[at + MIN] = min
  if (empty || max > (moments[at + MAX] as number)) moments[at + MAX] = max
  moments[at + COUNT] = (moments[at + COUNT] as number) + count
  moments[at + SUM] = (moments[at + SUM] as number) + sum
  moments[at + SQUARES] = (moments[at + SQUARES] as number) + squares
}

/** Adds the moments of the first `length` of `values`, each `times[i]` times or once. */
export function addMomentsOf(
  moments: Float64Array,
  at: number,
  values: Float64Array,
  length: number,
  times: Float64Array | null,
): void {
  let count = times === null ? length : 0
  let sum = 0
  let squares = 0
  let min = values[0] as number
  let max = min
  // two loops, since most values are counted once
  if (times === null) {
    // two sums at a time, since an addition waits for the one before it
    let sum2 = 0
    let squares2 = 0
    for (let i = length & 1; i < length; i += 2) {
      const ns = values[i] as number
      const ns2 = values[i + 1] as number
      sum += ns
      sum2 += ns2
      squares += ns * ns
      squares2 += ns2 * ns2
      if (ns < min) min = ns
      if (ns > max) max = ns
      if (ns2 < min) min = ns2
      if (ns2 > max) max = ns2
    }
    // an odd one is the first
    const odd = length & 1 ? (values[0] as number) : 0
    sum += sum2 + odd
    squares += squares2 + odd * odd
  } else {
    for (let i = 0; i < length; i++) {
      const ns = values[i] as number
      const many = times[i] as number
      count += many
      sum += ns * many
      squares += ns * ns * many
      if (ns < min) min = ns
      if (ns > max) max = ns
    }
  }
  addMoments(moments, at, count, sum, squares, min, max)
}

export const meanOf = ({ count, sum }: Moments) => sum / count

/** The standard deviation of all values, not of a sample of them. */
export function stdDevOf(moments: Moments): number {
  const { count, squares, min, max } = moments
  if (min === max) return 0
  return Math.sqrt(Math.max(0, squares / count - meanOf(moments) ** 2))
}
