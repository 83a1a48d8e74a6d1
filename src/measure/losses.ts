import { Exits, exitsLength } from './exits.js'
import type { Window } from './window.js'

/** Why a request leaves the queue unserved. */
export type Fate = 'rejected' | 'timedOut'

/**
 * The requests that left a queue with limits unserved, in memory that threads share. Only who has the servers' lock
 * writes, and in order of time; all of it counts once the run is over.
 */
export class Losses {
  readonly exits: Exits
  readonly #counts: Record<Fate, Float64Array>
  readonly #due = new Float64Array(1)

  static bytes(segments: number): number {
    return 8 * (exitsLength(segments) + 2 * segments)
  }

  constructor(buffer: SharedArrayBuffer, segments: number) {
    const values = new Float64Array(buffer)
    const counts = exitsLength(segments)
    this.exits = new Exits(values.subarray(0, counts))
    this.#counts = {
      rejected: values.subarray(counts, counts + segments),
      timedOut: values.subarray(counts + segments),
    }
  }

  record(fate: Fate, window: Window, number: number, dueNs: number, atNs: number): void {
    this.#due[0] = dueNs
    this.exits.leave(window, atNs, this.#due, 1)
    const segment = window.segmentOf(number)
    if (segment < 0) return
    const counts = this.#counts[fate]
    counts[segment] = (counts[segment] as number) + 1
  }

  /** How many of the requests due in a segment. */
  in(segment: number, fate: Fate): number {
    return this.#counts[fate][segment] as number
  }
}
