/** A batching policy in the engines' terms: no limit is Infinity. */
export interface Policy {
  readonly maxBatchSize: number
  readonly maxWaitNs: number
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

/**
 * When the policy has to be asked again if nothing else happens: the oldest request's, which no late joiner extends.
 */
export function deadline(policy: Policy, oldestDueNs: number): number {
  return oldestDueNs + policy.maxWaitNs
}

/**
 * What lets a batch leave: a request woke an idle server, the batch filled, its deadline came, or the server had just
 * finished another.
 */
export const CAUSES = ['wake', 'filled', 'deadline', 'turnaround'] as const
export type Cause = (typeof CAUSES)[number]
