import type { Cause } from '../scenario/policy.js'

/** A batch that has been taken. A server takes one at a time, and uses this again for the next. */
export interface Batch {
  size: number
  /** the number of its first request in the run; the others follow */
  first: number
  /** when its requests were due, and when they were queued */
  readonly dueNs: Float64Array
  readonly queuedNs: Float64Array
  /** since when a server had been idle for it, when it left the queue, and why */
  freeNs: number
  leaveNs: number
  cause: Cause
  /** when its server began on it, and when it had checked the outputs */
  startNs: number
  endNs: number
}

/** What there is to say of a batch that is being served. */
export type Serving = Pick<Batch, 'first' | 'size' | 'startNs' | 'dueNs'>

export const emptyBatch = (dueNs: Float64Array, queuedNs: Float64Array = new Float64Array(dueNs.length)): Batch => ({
  size: 0,
  first: 0,
  dueNs,
  queuedNs,
  freeNs: 0,
  leaveNs: 0,
  cause: 'wake',
  startNs: 0,
  endNs: 0,
})
