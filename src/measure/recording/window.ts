import type { Clock } from '../clock/clock.js'
import type { Plan } from '../plan.js'
import { TIME_SUM_LENGTH, TimeSum } from './time-sum.js'

const START = 0
const END = 1
const DRAIN = 2
const DUE = 3
const EARLY_END = 4
const BEFORE = 5
const NEWEST = 6
const BOUNDARIES = 7
const ARRIVED = 9
const SEGMENTS = ARRIVED + TIME_SUM_LENGTH

/** How long a run waits for what was due before its end. */
const DRAIN_NS = 10_000_000_000
/** How far ahead a moment is set for all threads, so that none of them has passed it. */
export const AHEAD_NS = 100_000

/**
 * Why a run ends before its plan does: its checkpoint has decided, its user interrupted it, no server is left, or as
 * many requests wait as can.
 */
const EARLY_ENDS = [null, 'decided', 'interrupted', 'no-server', 'full'] as const
export type EarlyEndReason = Exclude<(typeof EARLY_ENDS)[number], null>

/**
 * Sets a moment for all threads. This thread may be preempted between reading the clock and setting the moment. Other
 * threads may then have passed it, and have counted as if it were in the future: so it is set again.
 */
export function setAhead(clock: Clock, aheadNs: number, set: (ns: number) => void): void {
  let ns: number
  do {
    ns = clock() + aheadNs
    set(ns)
  } while (clock() >= ns)
}

/**
 * The window of a run and its segments, in memory that its threads share, and the requests that were due. Arrivals are
 * counted under the queue's lock, so that a server that takes a request knows the segment that it belongs to. If a stage
 * begins inside a segment, both parts count as segments, and the second one continues the first.
 *
 * ```
 * buffer, in doubles: | start | end | drain | due | early end | before | newest | boundaries: 2 | arrived: sum |
 *                     | start a segment | overlap a segment | continues a segment | first a segment, and one more |
 * ```
 */
export class Window {
  readonly buffer: SharedArrayBuffer
  readonly #values: Float64Array
  /** how many segments the window is cut into */
  readonly segments: number
  readonly #starts: Float64Array
  /** the number of each segment's first request; Infinity if it is not known yet, and at the end */
  readonly firsts: Float64Array
  /** when requests were due, of those due in the window */
  readonly arrived: TimeSum
  /** of the requests of a segment, those that were due before it began, if it began after its first */
  readonly #overlaps: Float64Array
  readonly #continues: Float64Array
  /** how far the boundaries of a closed loop's segments have come */
  readonly boundaries: Float64Array
  /** the next segment to begin by time, as far as this thread knows */
  #next = 0

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    const values = new Float64Array(buffer)
    this.#values = values
    // four values for each, and a first request that never comes
    this.segments = (values.length - SEGMENTS - 1) / 4
    const by = (i: number) => values.subarray(SEGMENTS + i * this.segments, SEGMENTS + (i + 1) * this.segments)
    this.#starts = by(0)
    this.#overlaps = by(1)
    this.#continues = by(2)
    this.firsts = values.subarray(SEGMENTS + 3 * this.segments)
    this.arrived = new TimeSum(values, ARRIVED)
    this.boundaries = values.subarray(BOUNDARIES, ARRIVED)
  }

  static of(plan: Plan): Window {
    const window = new Window(new SharedArrayBuffer(8 * (SEGMENTS + 4 * plan.segments.length + 1)))
    const values = window.#values
    values[START] = plan.startNs
    values[END] = plan.endNs
    values[DRAIN] = plan.lastNs + DRAIN_NS
    window.#starts.fill(Number.POSITIVE_INFINITY)
    window.firsts.fill(Number.POSITIVE_INFINITY)
    plan.segments.forEach(({ startNs, first, continues }, k) => {
      window.#starts[k] = startNs
      window.#continues[k] = continues === true ? 1 : 0
      if (!Number.isNaN(first)) window.firsts[k] = first
    })
    values[NEWEST] = -1
    return window
  }

  get startNs(): number {
    return this.#values[START] as number
  }
  get endNs(): number {
    return this.#values[END] as number
  }
  /** No batch leaves after this time. */
  get drainNs(): number {
    return this.#values[DRAIN] as number
  }
  /** How many requests were due before the window's end; known once the run is over. */
  get due(): number {
    return this.#values[DUE] as number
  }

  /** How many requests were due before the window began. */
  get dueBefore(): number {
    return this.#values[BEFORE] as number
  }

  /** When a segment begins; Infinity past the last. */
  segmentStartNs(k: number): number {
    return k < this.segments ? (this.#starts[k] as number) : Number.POSITIVE_INFINITY
  }

  /** Whether a segment continues the one before it, in another stage. */
  continues(k: number): boolean {
    return this.#continues[k] === 1
  }

  /** The segment that a request belongs to, not before segment `from`; -1 before the window. */
  segmentOf(number: number, from = -1): number {
    let k = from
    while (number >= (this.firsts[k + 1] as number)) k++
    return k
  }

  /** How many requests were due before a segment began. */
  before(segment: number): number {
    return (this.firsts[segment] as number) + (this.#overlaps[segment] as number)
  }

  /** Counts a request that is due. It may be the first of a segment. */
  arrive(number: number, dueNs: number): void {
    while (dueNs >= this.segmentStartNs(this.#next)) {
      // another thread may have seen it begin
      if (this.firsts[this.#next] === Number.POSITIVE_INFINITY) this.firsts[this.#next] = number
      this.#next++
    }
    for (let k = this.#values[NEWEST] as number; k >= 0 && dueNs < (this.#starts[k] as number); k--) {
      this.#overlaps[k] = (this.#overlaps[k] as number) + 1
    }
    if (dueNs >= this.startNs) this.arrived.add(dueNs)
    else this.#values[BEFORE] = this.dueBefore + 1
  }

  /** Begins a segment that begins with a request number, at a moment that no thread has passed. */
  beginAt(segment: number, ns: number): void {
    this.#starts[segment] = ns
    this.#values[NEWEST] = segment
    if (segment === 0) this.#values[START] = ns
  }

  /** Cuts the window, which has begun, into equal segments. */
  cutUntil(endNs: number): void {
    const { startNs } = this
    for (let k = 1; k < this.segments; k++) {
      this.#starts[k] = Math.round(startNs + ((endNs - startNs) * k) / this.segments)
    }
  }

  /** Ends the window, at a moment that no thread has passed. */
  endAt(ns: number): void {
    this.#values[END] = ns
  }
  /** Starts the drain: no more requests arrive. */
  drainFrom(ns: number): void {
    this.#values[DRAIN] = ns + DRAIN_NS
  }

  /**
   * Ends the run early: no request is due from a moment on that is set slightly ahead, the same for every thread. A run
   * that is about to end by itself, or does so early already, is left as it is.
   */
  endEarly(clock: Clock, reason: EarlyEndReason): void {
    if (this.endsEarly || clock() + AHEAD_NS >= this.endNs) return
    // set first, so that a thread that sees the new end knows the reason
    this.#values[EARLY_END] = EARLY_ENDS.indexOf(reason)
    setAhead(clock, AHEAD_NS, (ns) => {
      this.#values[END] = ns
    })
    this.#values[DRAIN] = this.endNs + DRAIN_NS
  }
  get earlyEnd(): EarlyEndReason | null {
    return EARLY_ENDS[this.#values[EARLY_END] as number] ?? null
  }
  get endsEarly(): boolean {
    return this.#values[EARLY_END] !== 0
  }
  /** Ends the run, in which `due` requests were due. */
  close(due: number): void {
    this.#values[DUE] = due
    for (let k = 0; k < this.segments; k++) {
      const begun = this.segmentStartNs(k) < this.endNs
      if (begun && this.firsts[k] === Number.POSITIVE_INFINITY) this.firsts[k] = due
    }
  }
}
