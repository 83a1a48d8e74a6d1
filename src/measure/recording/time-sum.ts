const PART = 2 ** 20

/** The length of a sum in doubles. */
export const TIME_SUM_LENGTH = 3

/**
 * A sum of whole nanoseconds that stays exact beyond 2^53, by adding high and low parts separately. The sums of arrival
 * and of departure times are huge, and their difference is small.
 *
 * ```
 * values: | count | sum of high parts, in 2^20 ns | sum of low parts |
 * ```
 */
export class TimeSum {
  readonly #values: Float64Array
  readonly #offset: number

  constructor(values: Float64Array = new Float64Array(TIME_SUM_LENGTH), offset = 0) {
    this.#values = values
    this.#offset = offset
  }

  add(ns: number, times = 1): void {
    const values = this.#values
    const offset = this.#offset
    const high = Math.floor(ns / PART)
    values[offset] = (values[offset] as number) + times
    values[offset + 1] = (values[offset + 1] as number) + high * times
    values[offset + 2] = (values[offset + 2] as number) + (ns - high * PART) * times
  }

  /** Adds another sum, or subtracts it with a sign of -1. */
  addAll(other: TimeSum, sign: 1 | -1 = 1): void {
    for (let i = 0; i < TIME_SUM_LENGTH; i++) this.#values[this.#offset + i] = this.#at(i) + sign * other.#at(i)
  }

  /** How many were added. */
  get count(): number {
    return this.#at(0)
  }

  /** The sum of `ns - each`. */
  below(ns: number): number {
    const high = Math.floor(ns / PART)
    return (this.count * high - this.#at(1)) * PART + (this.count * (ns - high * PART) - this.#at(2))
  }

  #at(i: number): number {
    return this.#values[this.#offset + i] as number
  }
}
