import type { RequestClasses } from '../../scenario/request-classes.js'
import { DepartureStats, departureStatsLength } from '../recording/departure-stats.js'
import { SequenceLock } from '../recording/sequence-lock.js'
import type { Window } from '../recording/window.js'

/** Why a request leaves the queue unserved. */
export type DropReason = 'rejected' | 'timedOut'

/**
 * Records the requests that left a queue unserved, in memory that threads share. Written under the queue's lock, in order
 * of time. A thread that does not wait for that lock reads a copy.
 *
 * ```
 * buffer: | lock | departure statistics | rejected: double a segment | timed out: double a segment |
 *         | rejected: double a segment and class | timed out: double a segment and class |
 * ```
 */
export class Drops {
  readonly #lock: SequenceLock
  readonly #values: Float64Array
  readonly departures: DepartureStats
  readonly #counts: Record<DropReason, Float64Array>
  readonly #classes: RequestClasses | null
  readonly #byClass: Record<DropReason, Float64Array>
  readonly #due = new Float64Array(1)

  static bytes(segments: number, classes: number): number {
    return SequenceLock.bytes + 8 * (departureStatsLength(segments) + 2 * segments * (1 + classes))
  }

  constructor(buffer: SharedArrayBuffer, segments: number, classes: RequestClasses | null = null) {
    this.#lock = new SequenceLock(buffer, 0)
    const values = new Float64Array(buffer, SequenceLock.bytes)
    this.#values = values
    const counts = departureStatsLength(segments)
    this.departures = new DepartureStats(values.subarray(0, counts))
    this.#counts = {
      rejected: values.subarray(counts, counts + segments),
      timedOut: values.subarray(counts + segments, counts + 2 * segments),
    }
    const byClass = counts + 2 * segments
    const perClass = segments * (classes?.names.length ?? 0)
    this.#classes = classes
    this.#byClass = {
      rejected: values.subarray(byClass, byClass + perClass),
      timedOut: values.subarray(byClass + perClass),
    }
  }

  record(reason: DropReason, window: Window, number: number, dueNs: number, atNs: number): void {
    this.#lock.beginWrite()
    this.#record(reason, window, number, dueNs, atNs)
    this.#lock.endWrite()
  }

  #record(reason: DropReason, window: Window, number: number, dueNs: number, atNs: number): void {
    this.#due[0] = dueNs
    this.departures.leave(window, atNs, this.#due, 1)
    const segment = window.segmentOf(number)
    if (segment < 0) return
    const counts = this.#counts[reason]
    counts[segment] = (counts[segment] as number) + 1
    if (this.#classes === null) return
    const byClass = this.#byClass[reason]
    const at = segment * this.#classes.names.length + this.#classes.classOf(number)
    byClass[at] = (byClass[at] as number) + 1
  }

  /** Copies drops that other threads may still record, consistent as of one moment unless it gives up. */
  copyFrom(live: Drops, giveUp: () => boolean): void {
    live.#lock.read(() => this.#values.set(live.#values), giveUp)
  }

  /** How many of the requests due in a segment were dropped for this reason. */
  in(segment: number, reason: DropReason): number {
    return this.#counts[reason][segment] as number
  }
  /** How many of them were of a class. */
  ofClassIn(segment: number, ofClass: number, reason: DropReason): number {
    return this.#byClass[reason][segment * (this.#classes?.names.length ?? 0) + ofClass] as number
  }
}
