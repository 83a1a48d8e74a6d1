import { numberInAll, type Shard } from '../../scenario/arrivals/shard.js'
import type { Cause } from '../../scenario/batching-policy.js'
import { show } from '../../validation/validation-error.js'

/** A batch that a server has taken. The server reuses the object for its next batch. */
export interface Batch {
  size: number
  /** the numbers of its requests, in order; with gaps if requests between them were dropped */
  readonly numbers: Float64Array
  /** when they were due, and when they were queued */
  readonly dueNs: Float64Array
  readonly queuedNs: Float64Array
  /** the clients of its requests, in a closed loop */
  readonly clients: Int32Array
  /** since when its server was idle, when it left the queue, and why */
  freeNs: number
  leaveNs: number
  cause: Cause
  /** how late the event loop of this process took it; 0 on threads */
  lagNs: number
  /** when its server started it, and when its outputs were checked */
  startNs: number
  endNs: number
  /** whether the response to any of its requests has begun, and when; Infinity if it has not. Unset without `hasFirst` */
  hasFirst: boolean
  readonly firstNs: Float64Array
  /** the later events of each response that has any; unset without `hasFirst` */
  readonly laterNs: (number[] | undefined)[]
  /** bytes of the bodies that its HTTP request sent, and that came back */
  sentBytes: number
  receivedBytes: number
}

/** Marks the beginning of the response to request `i` of a batch, or to all of them. Only the first mark of a request counts. */
export function markFirst(batch: Batch, i: number | undefined, nowNs: number): void {
  beginMarks('first', batch, i)
  const { firstNs } = batch
  const to = i === undefined ? batch.size : i + 1
  for (let k = i ?? 0; k < to; k++) firstNs[k] = Math.min(firstNs[k] as number, nowNs)
}

/** Marks the next event of the response to request `i` of a batch, or to all of them. The first mark of a request is its beginning. */
export function markNext(batch: Batch, i: number | undefined, nowNs: number): void {
  beginMarks('next', batch, i)
  const { firstNs, laterNs } = batch
  const to = i === undefined ? batch.size : i + 1
  for (let k = i ?? 0; k < to; k++) {
    if (firstNs[k] === Number.POSITIVE_INFINITY) firstNs[k] = nowNs
    else {
      laterNs[k] ??= []
      laterNs[k]?.push(nowNs)
    }
  }
}

/** Checks the place of a request to mark. The first mark of a batch removes those of the batch before it. */
function beginMarks(name: string, batch: Batch, i: number | undefined): void {
  const { size, firstNs, laterNs, hasFirst } = batch
  if (i !== undefined && !(Number.isInteger(i) && i >= 0 && i < size)) {
    throw new RangeError(
      `${name} must be called without an argument, or with the place of a request in its batch, from 0 to ${size - 1}; got ${show(i)}`,
    )
  }
  if (hasFirst) return
  batch.hasFirst = true
  for (let k = 0; k < size; k++) firstNs[k] = Number.POSITIVE_INFINITY
  if (laterNs.length > 0) laterNs.length = 0
}

/** A batch in service. */
export type Serving = Pick<Batch, 'numbers' | 'size' | 'startNs' | 'dueNs'>

/** The numbers of a batch's requests in the whole stream, which is what targets see. */
export const numbersInAll = ({ numbers, size }: Pick<Batch, 'numbers' | 'size'>, shard: Shard | null): Float64Array =>
  shard === null ? numbers : numbers.subarray(0, size).map((number) => numberInAll(number, shard))

/** Creates an empty batch on the given arrays, which may be in shared memory. */
export const createBatch = (
  numbers: Float64Array,
  dueNs: Float64Array = new Float64Array(numbers.length),
  clients: Int32Array = new Int32Array(numbers.length),
): Batch => ({
  size: 0,
  numbers,
  dueNs,
  queuedNs: new Float64Array(numbers.length),
  clients,
  freeNs: 0,
  leaveNs: 0,
  cause: 'wake',
  lagNs: 0,
  startNs: 0,
  endNs: 0,
  hasFirst: false,
  firstNs: new Float64Array(numbers.length),
  laterNs: [],
  sentBytes: 0,
  receivedBytes: 0,
})
