import { TIME_SUM_LENGTH, TimeSum } from './time-sum.js'
import type { Window } from './window.js'

const LAST = 0
const STAYS = 1
const DEPARTED = 2
const SEGMENTS = DEPARTED + TIME_SUM_LENGTH

/** The length of their memory, in doubles. */
export const departureStatsLength = (segments: number) => SEGMENTS + segments + 1

/**
 * Counts requests that leave the system, served or dropped. One thread writes, in order of time.
 *
 * ```
 * values, in doubles: | last | stays | departed: sum | departures before the first segment | in each segment ... |
 * ```
 */
export class DepartureStats {
  readonly #values: Float64Array
  readonly #departures: Float64Array
  /** when requests left, of those that left in the window */
  readonly departed: TimeSum
  /** how many segments had begun when the last left */
  #begun = 0

  constructor(values: Float64Array) {
    this.#values = values
    this.#departures = values.subarray(SEGMENTS)
    this.departed = new TimeSum(values, DEPARTED)
  }

  /** Counts the first `size` of these requests, which leave together. */
  leave(window: Window, atNs: number, dueNs: Float64Array, size: number): void {
    const { startNs, endNs } = window
    this.#values[LAST] = atNs
    if (atNs >= startNs && atNs < endNs) this.departed.add(atNs, size)
    while (atNs >= window.segmentStartNs(this.#begun)) this.#begun++
    this.#departures[this.#begun] = (this.#departures[this.#begun] as number) + size
    const untilNs = Math.min(atNs, endNs)
    if (untilNs <= startNs) return
    // how long they were in the system, inside the window
    let stays = 0
    for (let i = 0; i < size; i++) stays += untilNs - Math.max(dueNs[i] as number, startNs)
    this.#values[STAYS] = this.staysNs + stays
  }

  get lastNs(): number {
    return this.#values[LAST] as number
  }
  get staysNs(): number {
    return this.#values[STAYS] as number
  }
  /** How many left before a segment's start. */
  before(segment: number): number {
    let departed = 0
    for (let begun = 0; begun <= segment; begun++) departed += this.#departures[begun] as number
    return departed
  }
  /** How many left before the window's end. */
  get count(): number {
    return this.before(0) + this.departed.count
  }
}
