import type { Batch } from './batch.js'
import { portable } from './error.js'
import { failuresIn } from './serving.js'

/** What becomes of a batch: its outputs, one a request; all of it served, where there are none to look at; or why not. */
export type Outcome = { outputs: unknown } | { error: unknown } | typeof SERVED
export const SERVED = Symbol('served')

/** A batch that is being served in this process. Whoever serves it ends it, once; what comes after that is too late. */
export class Flight {
  readonly server: number
  readonly batch: Batch
  /** what its requests carry */
  payload: unknown = undefined
  /** called with the reason when it is given up */
  onAbort: ((reason: Error) => void) | null = null
  readonly #ended: (flight: Flight, outcome: Outcome) => void
  #over = false

  constructor(server: number, taken: Batch, ended: (flight: Flight, outcome: Outcome) => void) {
    this.server = server
    this.batch = copyOf(taken)
    this.#ended = ended
  }

  end(outcome: Outcome): void {
    if (this.#over) return
    this.#over = true
    this.#ended(this, outcome)
  }

  /** Gives it up, as failed. */
  fail(reason: Error): void {
    if (this.#over) return
    this.onAbort?.(reason)
    this.end({ error: reason })
  }

  /** Gives it up where the run is over: nobody waits for it, and it stays unfinished. */
  abandon(reason: Error): void {
    if (this.#over) return
    this.#over = true
    this.onAbort?.(reason)
  }
}

/** A batch of its own size. */
function copyOf(taken: Batch): Batch {
  const { size, numbers, dueNs, queuedNs, clients, freeNs, leaveNs, cause } = taken
  return {
    size,
    numbers: numbers.slice(0, size),
    dueNs: dueNs.slice(0, size),
    queuedNs: queuedNs.slice(0, size),
    clients: clients.slice(0, size),
    freeNs,
    leaveNs,
    cause,
    startNs: 0,
    endNs: 0,
  }
}

/** How many of a batch's requests have failed, which of them, and the first failure. */
export interface Failures {
  count: number
  marks: Uint8Array | null
  error: Error | null
}

const NONE: Failures = { count: 0, marks: null, error: null }

export function failuresOf(outcome: Outcome, size: number): Failures {
  if (outcome === SERVED) return NONE
  if ('outputs' in outcome) {
    const { outputs } = outcome
    try {
      const marks = new Uint8Array(size)
      const count = failuresIn(outputs, size, marks)
      return count === 0 ? NONE : { count, marks, error: portable((outputs as unknown[])[marks.indexOf(1)]) }
    } catch (error) {
      return all(error, size)
    }
  }
  return all(outcome.error, size)
}

const all = (error: unknown, size: number): Failures => ({
  count: size,
  marks: new Uint8Array(size).fill(1),
  error: portable(error),
})
