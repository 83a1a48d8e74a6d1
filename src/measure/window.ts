import type { Clock } from './clock.js'
import type { Plan } from './plan.js'
import { SLEEP_NS } from './rest.js'
import { SUM_LENGTH, Sum } from './sum.js'

const START = 0
const END = 1
const DRAIN = 2
const SENT = 3
const ENDED = 4
const DUE = 5
const HALTED = 6
const ENOUGH = 7
const EARLY = 8
const INTERRUPTED = 9
const UNSENT = 10
const ARRIVED = UNSENT + SUM_LENGTH
const SEGMENTS = ARRIVED + SUM_LENGTH

/** How long a run waits for what was due before its end. */
export const DRAIN_NS = 10_000_000_000
/** How far ahead a moment is set that all threads are to go by, so that none of them has passed it yet. */
export const AHEAD_NS = 100_000
/** How far ahead it is set for a generator that may be asleep: it looks up more often than that. */
const HEARD_NS = 2 * SLEEP_NS

/**
 * Sets a moment that all threads are to go by. This thread may be put off for long between the reading of the clock and
 * the setting: where others may have passed the moment by then, they have counted as if it were yet to come.
 */
export function setAhead(clock: Clock, aheadNs: number, set: (ns: number) => void): void {
  let ns: number
  do {
    ns = clock() + aheadNs
    set(ns)
  } while (clock() >= ns)
}

/**
 * The window of a run, as its threads share it, and what the generator has to say: which requests the segments begin
 * with, how many were sent, and when it was done. Whatever it writes before it publishes a request can be read by
 * whoever takes that request.
 */
export class Window {
  readonly buffer: SharedArrayBuffer
  readonly #values: Float64Array
  /** how many segments the window is cut into */
  readonly segments: number
  readonly #starts: Float64Array
  /** the number of each segment's first request; Infinity where it is not known yet, and at the end */
  readonly firsts: Float64Array
  /** when requests were due, of those due in the window */
  readonly arrived: Sum
  /** when those were due that were never sent, those before the window at its start */
  readonly unsent: Sum
  /** of the requests of a segment, those that were due before it began, where it did so after its first */
  readonly overlaps: Float64Array
  /** the newest segment that may have such */
  #newest = -1
  /** the next segment to begin by time */
  #next = 0
  #nextStartNs: number

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    const values = new Float64Array(buffer)
    this.#values = values
    // a start, overlaps and a first request for each, and a first request that never comes
    this.segments = (values.length - SEGMENTS - 1) / 3
    this.#starts = values.subarray(SEGMENTS, SEGMENTS + this.segments)
    this.overlaps = values.subarray(SEGMENTS + this.segments, SEGMENTS + 2 * this.segments)
    this.firsts = values.subarray(SEGMENTS + 2 * this.segments)
    this.arrived = new Sum(values, ARRIVED)
    this.unsent = new Sum(values, UNSENT)
    this.#nextStartNs = Number.POSITIVE_INFINITY
    this.#expect(0)
  }

  static of(plan: Plan): Window {
    const window = new Window(new SharedArrayBuffer(8 * (SEGMENTS + 3 * plan.segments.length + 1)))
    const values = window.#values
    values[START] = plan.startNs
    values[END] = plan.endNs
    values[DRAIN] = plan.lastNs + DRAIN_NS
    values[SENT] = Number.POSITIVE_INFINITY
    values[ENDED] = Number.POSITIVE_INFINITY
    window.#starts.fill(Number.POSITIVE_INFINITY)
    window.firsts.fill(Number.POSITIVE_INFINITY)
    plan.segments.forEach(({ startNs, first }, k) => {
      window.#starts[k] = startNs
      if (!Number.isNaN(first)) window.firsts[k] = first
    })
    window.#expect(0)
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
  /** How many requests were sent in all; Infinity while more may come. */
  get sent(): number {
    return this.#values[SENT] as number
  }
  /** When it was clear that no more would come. */
  get endedNs(): number {
    return this.#values[ENDED] as number
  }
  /** How many requests were due before the window's end, sent or not; known once the generator has ended. */
  get due(): number {
    return this.#values[DUE] as number
  }

  /** How many requests were due before the window. */
  get early(): number {
    return this.#values[EARLY] as number
  }

  /** When a segment begins; Infinity past the last. */
  segmentStartNs(k: number): number {
    return k < this.segments ? (this.#starts[k] as number) : Number.POSITIVE_INFINITY
  }

  /** The segment that a request belongs to, not before segment `from`; -1 before the window. */
  segmentOf(number: number, from = -1): number {
    let k = from
    while (number >= (this.firsts[k + 1] as number)) k++
    return k
  }

  /** How many requests were due before a segment began. */
  before(segment: number): number {
    return (this.firsts[segment] as number) + (this.overlaps[segment] as number)
  }

  /** A request is due: it may be the first of a segment. */
  arrive(number: number, dueNs: number): void {
    while (dueNs >= this.#nextStartNs) {
      this.firsts[this.#next] = number
      this.#expect(this.#next + 1)
    }
    for (let k = this.#newest; k >= 0 && dueNs < (this.#starts[k] as number); k--) {
      this.overlaps[k] = (this.overlaps[k] as number) + 1
    }
    if (dueNs >= this.startNs) this.arrived.add(dueNs)
    else this.#values[EARLY] = this.early + 1
  }

  /** A segment that begins with a number does so at this moment, which no thread has passed. */
  beginAt(segment: number, ns: number): void {
    this.#starts[segment] = ns
    this.#newest = segment
    if (segment === 0) this.#values[START] = ns
  }

  /** The window has begun, and is cut into equal stretches until its end. */
  cutUntil(endNs: number): void {
    const { startNs } = this
    for (let k = 1; k < this.segments; k++) {
      this.#starts[k] = Math.round(startNs + ((endNs - startNs) * k) / this.segments)
    }
    this.#expect(0)
  }

  /** The window ends at this moment, which no thread has passed. */
  endAt(ns: number): void {
    this.#values[END] = ns
  }
  /** Nothing is sent any more: what is left may take so long from here. */
  drainFrom(ns: number): void {
    this.#values[DRAIN] = ns + DRAIN_NS
  }

  /** Finds the next segment from `k` on whose first request is to be told by its time. */
  #expect(k: number): void {
    this.#next = k
    while (this.#next < this.segments && this.firsts[this.#next] !== Number.POSITIVE_INFINITY) this.#next++
    this.#nextStartNs = this.segmentStartNs(this.#next)
  }

  /** The last request has been queued, or will be with the next tail. */
  end(sent: number, endedNs: number): void {
    this.#values[ENDED] = endedNs
    this.#values[SENT] = sent
  }

  /** Ends the window early: a moment from now, and at the same moment for every thread. */
  cut(clock: Clock, aheadNs = AHEAD_NS): void {
    setAhead(clock, aheadNs, (ns) => {
      this.#values[END] = ns
    })
    this.#values[DRAIN] = this.endNs + DRAIN_NS
  }

  /** Enough is known: what is due up to a moment that all threads will have heard of is sent, and nothing after it. */
  endEarly(clock: Clock): void {
    this.#values[ENOUGH] = 1
    this.cut(clock, HEARD_NS)
  }
  get endsEarly(): boolean {
    return this.#values[ENOUGH] === 1
  }

  /** Whoever watches has seen enough: the run ends where it is, unless it is about to end by itself. */
  interrupt(clock: Clock): void {
    if (this.interrupted || this.sent < Number.POSITIVE_INFINITY || clock() + HEARD_NS >= this.endNs) return
    this.#values[INTERRUPTED] = 1
    this.endEarly(clock)
  }
  get interrupted(): boolean {
    return this.#values[INTERRUPTED] === 1
  }

  /** Nobody is left to serve: the generator is to stop. */
  halt(): void {
    this.#values[HALTED] = 1
  }
  get halted(): boolean {
    return this.#values[HALTED] === 1
  }

  /** All that was due is known. */
  close(due: number): void {
    this.#values[DUE] = due
    for (let k = 0; k < this.segments; k++) {
      const begun = this.segmentStartNs(k) < this.endNs
      if (begun && this.firsts[k] === Number.POSITIVE_INFINITY) this.firsts[k] = due
    }
  }
}
