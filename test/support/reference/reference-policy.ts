import { deadline, decide, type Policy } from '../../../src/scenario/batching-policy.js'

export interface Left {
  requests: number[]
  size: number
  leaveNs: number
}
export interface Dropped {
  reason: 'rejected' | 'timedOut'
  number: number
  atNs: number
}
interface Request {
  dueNs: number
  queuedNs: number
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * The batching policy as a slow program: events one by one, completions before arrivals before timers, each handled
 * fully, and the policy applied after each of them.
 *
 * @param requests when each was due and queued
 * @param frees when servers became free, one for each batch, in order
 * @param limits how many may wait and how long, from when they were due; a request times out
 * no sooner than those before it in the queue
 */
export function referencePolicy(
  policy: Policy,
  requests: Request[],
  frees: number[],
  limits = { capacity: NEVER, timeoutNs: NEVER },
): { batches: Left[]; dropped: Dropped[] } {
  const batches: Left[] = []
  const dropped: Dropped[] = []
  const waiting: (Request & { number: number })[] = []
  let freed = 0
  let queued = 0
  /** how many of this queue would leave for an idle server */
  const leaving = (queue: Request[], at: number) => {
    const [oldest] = queue
    if (freed <= batches.length || oldest === undefined) return 0
    return decide(policy, queue.length, oldest.dueNs, at, queued === requests.length)
  }
  for (let now = -NEVER; ; ) {
    const free = frees[freed] ?? NEVER
    const arrival = requests[queued]?.queuedNs ?? NEVER
    const [oldest] = waiting
    const timer = oldest && freed > batches.length ? deadline(policy, oldest.dueNs) : NEVER
    const timeout = oldest ? oldest.dueNs + limits.timeoutNs : NEVER
    const at = Math.max(now, Math.min(free, arrival, timer, timeout))
    if (at === NEVER) return { batches, dropped }
    now = at
    if (at >= free) freed++
    else if (at >= arrival) {
      const request = { ...(requests[queued] as Request), number: queued }
      queued++
      const leaves = leaving([...waiting, request], at) > 0
      if (leaves || waiting.length < limits.capacity) waiting.push(request)
      else dropped.push({ reason: 'rejected', number: request.number, atNs: at })
    } else if (at < timer) {
      waiting.shift()
      dropped.push({ reason: 'timedOut', number: (oldest as { number: number }).number, atNs: at })
      continue
    }
    for (let size = leaving(waiting, at); size > 0; size = leaving(waiting, at)) {
      const left = waiting.splice(0, size)
      batches.push({ requests: left.map(({ number }) => number), size, leaveNs: at })
    }
  }
}
