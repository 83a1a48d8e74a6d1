import { toPortableError } from '../../handler/portable.js'
import { failuresIn } from '../../handler/serving.js'
import type { Clock } from '../clock/clock.js'
import { type Batch, createBatch, markFirst, markNext } from '../queue/batch.js'
import { REJECTION } from '../recording/server-stats.js'

/** The outcome of a batch: one output a request, `SERVED` if there are no outputs, an error, or that the target rejected it. */
export type BatchOutcome = { outputs: unknown } | { error: unknown } | typeof SERVED | typeof REJECTED
export const SERVED = Symbol('served')
export const REJECTED = Symbol('rejected')
/** The outcome of a batch, or a function that finds it, which is called after the end of the batch was taken. */
export type GivenOutcome = BatchOutcome | (() => BatchOutcome)

/** A batch in service in this process. Its target ends it once; later calls are ignored. */
export class InFlightBatch {
  readonly server: number
  readonly batch: Batch
  /** the input of its requests */
  payload: unknown = undefined
  /** called with the reason when the batch is aborted */
  onAbort: ((reason: Error) => void) | null = null
  readonly #onEnd: (batch: InFlightBatch, outcome: GivenOutcome) => void
  readonly #clock: Clock
  #over = false

  constructor(
    server: number,
    batch: Batch,
    onEnd: (batch: InFlightBatch, outcome: GivenOutcome) => void,
    clock: Clock,
  ) {
    this.server = server
    this.batch = batch
    this.#onEnd = onEnd
    this.#clock = clock
  }

  /** Marks the beginning of the response to request `i`, or to all requests of the batch. */
  first(i?: number): void {
    if (!this.#over) markFirst(this.batch, i, this.#clock())
  }

  /** Marks the next event of the response to request `i`, or to all requests of the batch. */
  next(i?: number): void {
    if (!this.#over) markNext(this.batch, i, this.#clock())
  }

  /** Marks an event of all requests of the batch that came at `nowNs`. */
  nextAt(nowNs: number): void {
    if (!this.#over) markNext(this.batch, undefined, nowNs)
  }

  get nowNs(): number {
    return this.#clock()
  }

  /** Counts bytes of the body of its request. */
  send(bytes: number): void {
    if (!this.#over) this.batch.sentBytes += bytes
  }

  /** Counts bytes of the body of its response. */
  receive(bytes: number): void {
    if (!this.#over) this.batch.receivedBytes += bytes
  }

  /** Whether it has ended, or was aborted. */
  get isOver(): boolean {
    return this.#over
  }

  end(outcome: GivenOutcome): void {
    if (this.#over) return
    this.#over = true
    this.#onEnd(this, outcome)
  }

  /** Aborts the batch as failed. */
  fail(reason: Error): void {
    if (this.#over) return
    this.onAbort?.(reason)
    this.end({ error: reason })
  }

  /** Aborts the batch because the run is over: its requests stay unfinished. */
  abandon(reason: Error): void {
    if (this.#over) return
    this.#over = true
    this.onAbort?.(reason)
  }
}

/** A pool of batches for those in flight: allocating typed arrays is expensive. */
export class SpareBatches {
  readonly #spare: Batch[] = []

  copyOf(taken: Batch): Batch {
    const { size } = taken
    const spare = this.#spare.pop()
    const batch =
      spare !== undefined && spare.numbers.length >= size
        ? spare
        : createBatch(new Float64Array(size), new Float64Array(size), new Int32Array(size))
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
    batch.hasFirst = false
    batch.sentBytes = 0
    batch.receivedBytes = 0
    return batch
  }

  /** Returns a batch to the pool. */
  release(batch: Batch): void {
    this.#spare.push(batch)
  }
}

/** How many requests of a batch failed or were rejected, which ones, and the first error. */
export interface Failures {
  count: number
  failed: Uint8Array | null
  error: Error | null
}

const NONE: Failures = { count: 0, failed: null, error: null }

/**
 * Finds the failed requests of a batch.
 *
 * @param markOf the mark of a failed request, from 1
 */
export function findFailures(outcome: BatchOutcome, size: number, markOf: (error: unknown) => number): Failures {
  if (outcome === SERVED) return NONE
  if (outcome === REJECTED) return { count: size, failed: new Uint8Array(size).fill(REJECTION), error: null }
  if ('outputs' in outcome) {
    const { outputs } = outcome
    try {
      const failed = new Uint8Array(size)
      const count = failuresIn(outputs, size, failed, markOf)
      if (count === 0) return NONE
      return { count, failed, error: toPortableError((outputs as unknown[])[failed.findIndex((mark) => mark > 0)]) }
    } catch (error) {
      return failAll(error, size, markOf)
    }
  }
  return failAll(outcome.error, size, markOf)
}

const failAll = (error: unknown, size: number, markOf: (error: unknown) => number): Failures => ({
  count: size,
  failed: new Uint8Array(size).fill(markOf(error)),
  error: toPortableError(error),
})
