import { segmentsFrom } from '../../result/recording.js'
import type { Clock } from '../clock/clock.js'
import type { RunEnd } from '../queue/arrivals.js'
import { AHEAD_NS, setAhead, type Window } from './window.js'

const NEVER = Number.POSITIVE_INFINITY
/** The state that threads share: the next segment to begin with a number, and whether the window has begun. */
const NEXT = 0
const OPEN = 1

/**
 * Begins the window of a closed loop and its segments during the run, since the due time of a request is not known in
 * advance. A segment that begins with a request number begins at the request's due time or slightly later, since other
 * threads may have passed that time.
 */
export class SegmentBoundaries {
  readonly #window: Window
  readonly #end: RunEnd
  readonly #clock: Clock
  readonly #aheadNs: number
  readonly #state: Float64Array

  constructor(window: Window, end: RunEnd, clock: Clock, aheadNs = AHEAD_NS) {
    this.#window = window
    this.#end = end
    this.#clock = clock
    this.#aheadNs = aheadNs
    this.#state = window.boundaries
    if (this.#next === 0 && window.startNs < NEVER) this.#next = 1
  }

  /** Begins the segments that a request which is due is the first of. */
  reach(number: number, dueNs: number): void {
    const window = this.#window
    if (!this.#isOpen && dueNs >= window.startNs) this.#open(number)
    while (number >= this.#nextFirst) {
      this.#set(dueNs, (ns) => window.beginAt(this.#next, ns))
      if (this.#isOpen) this.#next++
      else {
        this.#next = 1
        this.#open(number)
      }
    }
  }

  /** Ends the window, at the due time of the first request after the run. */
  end(dueNs: number): void {
    this.#set(dueNs, (ns) => this.#window.endAt(ns))
  }

  /** the next segment to begin with a number */
  get #next(): number {
    return this.#state[NEXT] as number
  }
  set #next(next: number) {
    this.#state[NEXT] = next
  }
  get #isOpen(): boolean {
    return this.#state[OPEN] === 1
  }
  get #nextFirst(): number {
    const next = this.#next
    // if a run ends at a time, so do its segments
    if (next > 0 && (this.#end.ns < NEVER || next >= this.#window.segments)) return NEVER
    return this.#window.firsts[next] as number
  }

  /** Sets a moment that no thread has passed: the due time, or soon after now. */
  #set(dueNs: number, set: (ns: number) => void): void {
    if (this.#aheadNs === 0) set(dueNs)
    else setAhead(this.#clock, this.#aheadNs, set)
  }

  /** Opens the window: from now on it is known with which request or at which time each segment begins. */
  #open(number: number): void {
    this.#state[OPEN] = 1
    const window = this.#window
    const { requests, ns } = this.#end
    if (ns < NEVER) {
      if (window.segmentStartNs(1) === NEVER) window.cutUntil(ns)
      return
    }
    if (window.firsts[1] !== NEVER) return
    segmentsFrom(number, requests).forEach((first, k) => {
      if (k > 0) window.firsts[k] = first
    })
    this.#next = 1
  }
}
