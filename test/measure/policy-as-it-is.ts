import { deadline, decide, type Policy } from '../../src/scenario/policy.js'

export interface Left {
  requests: number[]
  size: number
  leaveNs: number
}

/**
 * The slow definition of what leaves when: events one by one, completions before arrivals before timers, each handled
 * fully, and the policy asked after each of them.
 *
 * @param requests when each was due and queued
 * @param frees when servers became free, one for each batch, in order
 */
export function policyAsItIs(policy: Policy, requests: { dueNs: number; queuedNs: number }[], frees: number[]): Left[] {
  const batches: Left[] = []
  let freed = 0
  let queued = 0
  let head = 0
  for (;;) {
    const idle = freed - batches.length
    const free = frees[freed] ?? Number.POSITIVE_INFINITY
    const arrival = requests[queued]?.queuedNs ?? Number.POSITIVE_INFINITY
    const oldest = requests[head]
    const timer = idle > 0 && head < queued && oldest ? deadline(policy, oldest.dueNs) : Number.POSITIVE_INFINITY
    const at = Math.min(free, arrival, timer)
    if (at === Number.POSITIVE_INFINITY) return batches
    if (at === free) freed++
    else if (at === arrival) queued++
    while (freed > batches.length) {
      const size = decide(policy, queued - head, requests[head]?.dueNs ?? 0, at, queued === requests.length)
      if (size === 0) break
      const left = Array.from({ length: size }, (_, i) => head + i)
      batches.push({ requests: left, size, leaveNs: at })
      head += size
    }
  }
}
