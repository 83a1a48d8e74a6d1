import { nanoseconds } from './nanoseconds.js'

/** A batching policy in nanoseconds; no limit is Infinity. */
export interface Policy {
  readonly maxBatchSize: number
  readonly maxWaitNs: number
}

/**
 * Decides how many of the oldest waiting requests leave now for an idle server; 0 if no batch leaves yet. A batch leaves
 * when it is full, or when its oldest request has waited `maxWait`. The engines and the live batcher all call this.
 *
 * @param waiting how many requests are in the queue
 * @param oldestDueNs when the oldest of them was due
 * @param ended no further request is due, so a batch that can no longer fill leaves as it is
 */
export function decide(policy: Policy, waiting: number, oldestDueNs: number, nowNs: number, ended = false): number {
  if (waiting >= policy.maxBatchSize) return policy.maxBatchSize
  if (waiting === 0) return 0
  if (nowNs >= deadline(policy, oldestDueNs)) return waiting
  return ended && policy.maxWaitNs === Number.POSITIVE_INFINITY ? waiting : 0
}

/** When to call `decide` again if nothing else happens. It depends on the oldest request alone; later ones do not extend it. */
export function deadline(policy: Policy, oldestDueNs: number): number {
  return oldestDueNs + policy.maxWaitNs
}

/**
 * Why a batch left: a request arrived at an idle server (`wake`), the batch filled, its deadline passed, or the server
 * had just finished another batch (`turnaround`).
 */
export const CAUSES = ['wake', 'filled', 'deadline', 'turnaround'] as const
export type Cause = (typeof CAUSES)[number]

/** Builds the policy of a scenario's batching. */
export function buildPolicy(batching: { maxBatchSize: number | null; maxWait: number | null }): Policy {
  return {
    maxBatchSize: batching.maxBatchSize ?? Number.POSITIVE_INFINITY,
    maxWaitNs: batching.maxWait === null ? Number.POSITIVE_INFINITY : nanoseconds(batching.maxWait),
  }
}
