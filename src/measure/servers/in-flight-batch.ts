import { portable } from '../../handler/portable.js'
import { failuresIn } from '../../handler/serving.js'
import { type Batch, emptyBatch } from '../queue/batch.js'

/** What becomes of a batch: its outputs, one a request; all of it served, if there are no outputs; or why not. */
export type Outcome = { outputs: unknown } | { error: unknown } | typeof SERVED
export const SERVED = Symbol('served')

/** A batch that is being served in this process. Its target ends it, once; what comes after that is ignored. */
export class InFlightBatch {
  readonly server: number
  readonly batch: Batch
  /** what its requests carry */
  payload: unknown = undefined
  /** called with the reason when it is given up */
  onAbort: ((reason: Error) => void) | null = null
  readonly #ended: (batch: InFlightBatch, outcome: Outcome) => void
  #over = false

  constructor(server: number, batch: Batch, ended: (batch: InFlightBatch, outcome: Outcome) => void) {
    this.server = server
    this.batch = batch
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

  /** Gives it up since the run is over: it stays unfinished. */
  abandon(reason: Error): void {
    if (this.#over) return
    this.#over = true
    this.onAbort?.(reason)
  }
}

/** Memory for batches that are under way side by side, used again and again: typed arrays are expensive to make. */
export class SpareBatches {
  readonly #spare: Batch[] = []

  copyOf(taken: Batch): Batch {
    const { size } = taken
    const spare = this.#spare.pop()
    const batch =
      spare !== undefined && spare.numbers.length >= size
        ? spare
        : emptyBatch(new Float64Array(size), new Float64Array(size), new Int32Array(size))
    batch.size = size
    for (let i = 0; i < size; i++) {
      batch.numbers[i] = taken.numbers[i] as number
      batch.dueNs[i] = taken.dueNs[i] as number
      batch.queuedNs[i] = taken.queuedNs[i] as number
      batch.clients[i] = taken.clients[i] as number
    }
    batch.freeNs = taken.freeNs
    batch.leaveNs = taken.leaveNs
    batch.cause = taken.cause
    batch.lagNs = taken.lagNs
    batch.startNs = 0
    batch.endNs = 0
    return batch
  }

  /** The batch is done with. */
  release(batch: Batch): void {
    this.#spare.push(batch)
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
