import { type Cause, deadline, decide, type Policy } from '../scenario/policy.js'

/** The requests in the order they were queued; a request's place counts up from 0. */
export interface Line {
  dueNs(place: number): number
  queuedNs(place: number): number
  queueLater(place: number, queuedNs: number): void
}

/** How far the arrivals are known. */
export interface Known {
  /** every request before this place has been queued */
  tail: number
  /** all that ever will be, and since when that was clear; Infinity while more may come */
  sent: number
  endedNs: number
}

const HEAD = 0
const SEEN = 1
const AT = 2
const KNOWN = 3
const FLOOR = 4
export const DEPARTURES_LENGTH = 5

/**
 * When batches leave the queue. Threads wake late, and look at the queue when they can; what leaves, and when, is
 * what the policy would have let go had it been asked at every moment. So this follows the policy through the past:
 * from when a server became free through each request that was queued since, to the deadline of the oldest. A batch
 * leaves at the first of these moments at which the policy says so, with the requests that were there by then; what
 * has passed since is the server's waking.
 */
export class Departures {
  readonly #policy: Policy
  readonly #line: Line
  readonly #values: Float64Array

  /** when the batch left that `look` found, and why */
  leaveNs = 0
  cause: Cause = 'wake'
  /** where it found none: when to look again, unless the queue has come up to `wanted` before */
  lookAgainNs = Number.POSITIVE_INFINITY
  wanted = 0

  /** @param values how far the departures have come, of DEPARTURES_LENGTH, to be shared between threads */
  constructor(policy: Policy, line: Line, values: Float64Array = new Float64Array(DEPARTURES_LENGTH)) {
    this.#policy = policy
    this.#line = line
    this.#values = values
  }

  /** The place of the oldest request that waits. */
  get head(): number {
    return this.#values[HEAD] as number
  }

  /**
   * Looks at the queue for the server that has been idle longest.
   *
   * @param freeNs since when it is
   * @returns the size of the batch that leaves, from `head` on; 0 for none yet
   */
  look(freeNs: number, nowNs: number, known: Known): number {
    const { tail } = known
    const line = this.#line
    const values = this.#values
    const max = this.#policy.maxBatchSize
    const head = values[HEAD] as number
    let seen = values[SEEN] as number
    let at = values[AT] as number

    // what could not be seen when the last batch left was queued after it
    const floorNs = values[FLOOR] as number
    for (let place = values[KNOWN] as number; place < tail && line.queuedNs(place) < floorNs; place++) {
      line.queueLater(place, floorNs)
    }

    this.cause = freeNs >= at ? 'turnaround' : 'wake'
    if (freeNs > at) at = freeNs
    // a server that becomes free takes its batch without the request that is queued at the same instant
    while (seen < tail && seen - head < max && line.queuedNs(seen) < at) seen++
    let size = this.#decide(head, seen, at, known)

    while (size === 0) {
      const arrivalNs = seen < tail ? line.queuedNs(seen) : Number.POSITIVE_INFINITY
      const timerNs = this.#timer(head, seen, known)
      if (arrivalNs <= timerNs && seen < tail) {
        if (arrivalNs > at) at = arrivalNs
        seen++
        size = this.#decide(head, seen, at, known)
        this.cause = seen - head >= max && max > 1 && this.#policy.maxWaitNs > 0 ? 'filled' : 'wake'
      } else if (timerNs <= nowNs) {
        if (timerNs > at) at = timerNs
        size = this.#decide(head, seen, at, known)
        this.cause = 'deadline'
      } else {
        this.lookAgainNs = timerNs
        // one more request than there is, or as many as fill the batch
        this.wanted = seen === head ? head + 1 : max < Number.POSITIVE_INFINITY ? head + max : tail + 2 ** 30
        break
      }
    }

    values[SEEN] = seen
    values[AT] = at
    if (size > 0) {
      this.leaveNs = at
      values[HEAD] = head + size
      values[KNOWN] = tail
      // of what happens at one instant a deadline is the last
      values[FLOOR] = this.cause === 'deadline' ? at + 1 : at
    }
    return size
  }

  #decide(head: number, seen: number, at: number, { sent, endedNs }: Known): number {
    return decide(this.#policy, seen - head, this.#line.dueNs(head), at, seen >= sent && at >= endedNs)
  }

  /** When the policy has to be asked again although nothing is queued. */
  #timer(head: number, seen: number, { sent, endedNs }: Known): number {
    if (seen === head) return Number.POSITIVE_INFINITY
    const deadlineNs = deadline(this.#policy, this.#line.dueNs(head))
    return seen >= sent && deadlineNs === Number.POSITIVE_INFINITY ? endedNs : deadlineNs
  }
}
