import type { Cause } from '../../scenario/policy.js'

/** A batch that has been taken. A server takes one at a time, and uses this again for the next. */
export interface Batch {
  size: number
  /** its requests' numbers in the run, in order: not every number, where some never came so far */
  readonly numbers: Float64Array
  /** when they were due, and when they were queued */
  readonly dueNs: Float64Array
  readonly queuedNs: Float64Array
  /** whose they are, in a closed loop */
  readonly clients: Int32Array
  /** since when a server had been idle for it, when it left the queue, and why */
  freeNs: number
  leaveNs: number
  cause: Cause
  /** how late the event loop of this process was to let it leave; 0 on threads */
  lagNs: number
  /** when its server began on it, and when it had checked the outputs */
  startNs: number
  endNs: number
}

/** What there is to say of a batch that is being served. */
export type Serving = Pick<Batch, 'numbers' | 'size' | 'startNs' | 'dueNs'>

/** @param numbers where the numbers are kept; due times and clients beside them */
export const emptyBatch = (
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
})
