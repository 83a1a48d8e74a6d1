import type { Clock } from './clock.js'
import { segmentsFrom } from './segments.js'
import { AHEAD_NS, setAhead, type Window } from './window.js'

/**
 * Begins the window of a closed loop and its segments as they come: nobody knows beforehand when a request of a certain
 * number will be due. Those that begin with a number count by number; the moment is the request's due time or, since
 * other threads may have passed that already, a little later.
 */
export class Marks {
  readonly #window: Window
  readonly #stop: { requests: number; ns: number }
  readonly #clock: Clock
  readonly #aheadNs: number
  /** the next segment to begin with a number; its number */
  #next = 0
  #nextFirst: number
  #isOpen = false

  constructor(window: Window, stop: { requests: number; ns: number }, clock: Clock, aheadNs = AHEAD_NS) {
    this.#window = window
    this.#stop = stop
    this.#clock = clock
    this.#aheadNs = aheadNs
    this.#nextFirst = window.firsts[0] as number
    if (window.startNs < Number.POSITIVE_INFINITY) this.#skip(1)
  }

  /** A request is about to be sent. */
  reach(number: number, dueNs: number): void {
    const window = this.#window
    if (!this.#isOpen && dueNs >= window.startNs) this.#open(number)
    while (number >= this.#nextFirst) {
      this.#set(dueNs, (ns) => window.beginAt(this.#next, ns))
      if (this.#isOpen) this.#skip(this.#next + 1)
      else {
        this.#skip(1)
        this.#open(number)
      }
    }
  }

  /** One more request than the run has would be due: its window ends. */
  end(dueNs: number): void {
    this.#set(dueNs, (ns) => this.#window.endAt(ns))
  }

  /** Sets a moment that no thread has passed: when something was due, or soon. */
  #set(dueNs: number, set: (ns: number) => void): void {
    if (this.#aheadNs === 0) set(dueNs)
    else setAhead(this.#clock, this.#aheadNs, set)
  }

  #skip(next: number): void {
    this.#next = next
    // by time there is nothing to begin
    const byNumber = this.#stop.ns === Number.POSITIVE_INFINITY
    this.#nextFirst =
      byNumber && next < this.#window.segments ? (this.#window.firsts[next] as number) : Number.POSITIVE_INFINITY
  }

  /** The window has begun: now it is known what its segments begin with. */
  #open(number: number): void {
    this.#isOpen = true
    const window = this.#window
    const { requests, ns } = this.#stop
    if (ns < Number.POSITIVE_INFINITY) {
      if (window.segmentStartNs(1) === Number.POSITIVE_INFINITY) window.cutUntil(ns)
      return
    }
    if (window.firsts[1] !== Number.POSITIVE_INFINITY) return
    segmentsFrom(number, requests).forEach((first, k) => {
      if (k > 0) window.firsts[k] = first
    })
    this.#skip(1)
  }
}
