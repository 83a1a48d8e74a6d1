import type { z } from 'zod'
import { duration, nanoseconds, options, whole } from './units.js'

/** When a batch leaves: how large it may be, and how long its oldest request may wait for it to fill. */
export const batchingSchema = options({
  maxBatchSize: whole(1, 1_000_000, 'null is no limit, and leaving batching out serves one at a time')
    .nullable()
    .default(1),
  maxWait: duration.nullable().default(0),
}).refine((batching) => batching.maxBatchSize !== null || batching.maxWait !== null, {
  error: 'maxBatchSize and maxWait cannot both be null: no batch would ever leave',
})
export type Batching = z.output<typeof batchingSchema>

/** A batching policy in the engines' terms: no limit is Infinity. */
export interface Policy {
  readonly maxBatchSize: number
  readonly maxWaitNs: number
}

export function policyOf(batching: Batching): Policy {
  return {
    maxBatchSize: batching.maxBatchSize ?? Number.POSITIVE_INFINITY,
    maxWaitNs: batching.maxWait === null ? Number.POSITIVE_INFINITY : nanoseconds(batching.maxWait),
  }
}

/**
 * The batching policy: how many of the oldest waiting requests leave now for an idle server, 0 for none yet.
 * A batch leaves when it is as large as it may be, or when its oldest request has waited `maxWait`.
 *
 * @param waiting how many requests are in the queue
 * @param oldestDueNs when the oldest of them was due
 * @param ended no further request is due, so that a batch that can no longer fill leaves as it is
 */
export function decide(policy: Policy, waiting: number, oldestDueNs: number, nowNs: number, ended = false): number {
  if (waiting >= policy.maxBatchSize) return policy.maxBatchSize
  if (waiting === 0) return 0
  if (nowNs >= deadline(policy, oldestDueNs)) return waiting
  return ended && policy.maxWaitNs === Number.POSITIVE_INFINITY ? waiting : 0
}

/** When the policy has to be asked again if nothing else happens: the oldest request's, which no late joiner extends. */
export function deadline(policy: Policy, oldestDueNs: number): number {
  return oldestDueNs + policy.maxWaitNs
}
