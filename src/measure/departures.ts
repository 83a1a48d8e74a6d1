import { type Cause, deadline, decide, type Policy } from '../scenario/policy.js'
import type { Limits } from './limits.js'

/** The requests in the order they were queued; a request's place counts up from 0, and is its number. */
export interface Line {
  dueNs(place: number): number
  queuedNs(place: number): number
  queueLater(place: number, queuedNs: number): void
  client(place: number): number
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
const WAITING = 1
const SEEN = 2
const AT = 3
const KNOWN = 4
const FLOOR = 5
export const DEPARTURES_LENGTH = 6

const NEVER = Number.POSITIVE_INFINITY

/**
 * When requests leave the queue. Threads wake late, and look at the queue when they can; what leaves, and when, is
 * what the policy would have let go had it been asked at every moment. So this follows the policy through the past,
 * one event after another: a server becomes free, a request is queued, the deadline of the oldest comes, or its
 * timeout; of what happens at one instant, in this order. A batch leaves at the first of these moments at which the
 * policy says so, with the requests that were there by then; what has passed since is the server's waking.
 *
 * Deadline and timeout count from when a request was due. Whether the queue has a place for it is judged when it was
 * queued: before that nobody could have let it in. Times out who is first in the queue, no sooner than who was before.
 */
export class Departures {
  readonly #policy: Policy
  readonly #line: Line
  readonly #limits: Limits | null
  readonly #values: Float64Array

  /** when the batch left that `look` found, and why */
  leaveNs = 0
  cause: Cause = 'wake'
  /** where it found none: when to look again, unless the queue has come up to `wanted` before */
  lookAgainNs = NEVER
  wanted = 0

  /**
   * @param limits null where the queue has none: requests then wait where they were queued
   * @param values how far the departures have come, of DEPARTURES_LENGTH, to be shared between threads
   */
  constructor(
    policy: Policy,
    line: Line,
    limits: Limits | null = null,
    values: Float64Array = new Float64Array(DEPARTURES_LENGTH),
  ) {
    this.#policy = policy
    this.#line = line
    this.#limits = limits
    this.#values = values
  }

  /** The place of the oldest request that waits: in the line, or in the limits' room. */
  get head(): number {
    return this.#values[HEAD] as number
  }
  /** Every request before this place of the line has been let in or turned away. */
  get seen(): number {
    return this.#values[SEEN] as number
  }
  /** The newest event that it has followed: what happened by then is settled. */
  get followedNs(): number {
    return this.#values[AT] as number
  }
  /** How many of them wait. */
  get waiting(): number {
    return this.#values[WAITING] as number
  }

  /**
   * Looks at the queue for the server that has been idle longest.
   *
   * @param freeNs since when it is
   * @param asksNs since when the server is that asks
   * @returns the size of the batch that leaves, the newest before `head`; 0 for none yet
   */
  look(freeNs: number, nowNs: number, known: Known, asksNs = freeNs): number {
    return this.#follow(freeNs, nowNs, known, true, asksNs)
  }

  /**
   * Finds who has left the queue unserved by now, up to the next batch, which is left for its server to take.
   *
   * @param freeNs since when the server is idle that has been longest; Infinity where none is
   */
  lose(freeNs: number, nowNs: number, known: Known): void {
    this.#follow(freeNs, nowNs, known, false, freeNs)
  }

  /** When to look again for who leaves unserved; Infinity where no one does unless something happens. */
  loseAgainNs = NEVER
  /** a batch leaves first, which waits for its server */
  leaving = false

  #follow(freeNs: number, nowNs: number, known: Known, taking: boolean, asksNs: number): number {
    const { tail, sent, endedNs } = known
    const line = this.#line
    const limits = this.#limits
    const queue = limits === null ? line : limits.room
    const capacity = limits === null ? NEVER : limits.capacity
    const places = limits === null ? NEVER : limits.room.places
    const timesOut = limits !== null && limits.timeoutNs < NEVER
    const values = this.#values
    const policy = this.#policy
    const { maxBatchSize } = policy
    const fills = maxBatchSize > 1 && policy.maxWaitNs > 0
    let head = values[HEAD] as number
    let waiting = values[WAITING] as number
    let seen = values[SEEN] as number
    let at = values[AT] as number
    let floorNs = values[FLOOR] as number

    // what could not be seen when the queue was last followed so far was queued after it
    for (let place = values[KNOWN] as number; place < tail && line.queuedNs(place) < floorNs; place++) {
      line.queueLater(place, floorNs)
    }

    let cause: Cause = 'wake'
    let size = 0
    let leaving = false
    let deadlineNs = NEVER
    let timeoutNs = NEVER
    let idle = freeNs <= at
    if (idle && waiting > 0) {
      size = decide(policy, waiting, queue.dueNs(head), at, seen >= sent && at >= endedNs)
      if (freeNs === at) cause = 'turnaround'
    }

    while (size === 0) {
      let arrivalNs = seen < tail && waiting < places ? line.queuedNs(seen) : NEVER
      // another server may become free at this very instant, and that comes first
      if (!taking && arrivalNs >= nowNs) arrivalNs = NEVER
      deadlineNs = NEVER
      timeoutNs = NEVER
      if (waiting > 0) {
        const oldestNs = queue.dueNs(head)
        if (idle) {
          deadlineNs = deadline(policy, oldestNs)
          if (deadlineNs === NEVER && seen >= sent) deadlineNs = endedNs
        }
        // one that was queued too late times out there and then
        if (timesOut) timeoutNs = Math.max(at, oldestNs + (limits as Limits).timeoutNs)
      }

      if (!idle && freeNs <= nowNs && freeNs <= arrivalNs && freeNs <= timeoutNs) {
        // a server that becomes free takes its batch without the request that is queued at the same instant
        at = freeNs
        if (floorNs < at) floorNs = at
        idle = true
        cause = 'turnaround'
        if (waiting > 0) size = decide(policy, waiting, queue.dueNs(head), at, seen >= sent && at >= endedNs)
      } else if (
        arrivalNs < NEVER &&
        // another server that becomes free at the deadline asks before the request comes
        (arrivalNs < deadlineNs || (arrivalNs === deadlineNs && deadlineNs !== asksNs)) &&
        arrivalNs <= timeoutNs
      ) {
        const before = at
        if (arrivalNs > at) at = arrivalNs
        if (idle) {
          const oldestNs = waiting > 0 ? queue.dueNs(head) : line.dueNs(seen)
          size = decide(policy, waiting + 1, oldestNs, at, seen + 1 >= sent && at >= endedNs)
          if (size > 0 && !taking) {
            at = before
            leaving = true
            break
          }
          cause = fills && size === maxBatchSize ? 'filled' : 'wake'
        }
        // one that can leave at once, or that makes a batch leave, needs no place
        if (size === 0 && waiting >= capacity) {
          ;(limits as Limits).lose('rejected', seen, line.dueNs(seen), at, line.client(seen))
        } else {
          limits?.room.put(head + waiting, seen, line.dueNs(seen), at, line.client(seen))
          waiting++
        }
        seen++
        if (floorNs < at) floorNs = at
      } else if (deadlineNs <= timeoutNs && deadlineNs <= nowNs) {
        if (!taking) {
          leaving = true
          break
        }
        if (deadlineNs > at) at = deadlineNs
        const asked = deadlineNs === asksNs
        floorNs = asked ? at : at + 1
        size = decide(policy, waiting, queue.dueNs(head), at, seen >= sent && at >= endedNs)
        cause = asked ? 'turnaround' : 'deadline'
      } else if (timeoutNs < deadlineNs && timeoutNs < nowNs) {
        const { room, lose } = limits as Limits
        at = timeoutNs
        floorNs = at + 1
        lose('timedOut', room.number(head), room.dueNs(head), at, room.client(head))
        head++
        waiting--
      } else break
    }

    if (size > 0 && taking) {
      this.leaveNs = at
      this.cause = cause
      head += size
      waiting -= size
    } else {
      this.leaving = leaving || size > 0
      this.loseAgainNs = seen < tail && waiting < places ? line.queuedNs(seen) + 1 : timeoutNs + 1
      size = 0
      // a timeout is the last thing at its instant: what else happens there is known when the instant is over
      this.lookAgainNs = Math.min(deadlineNs, timeoutNs + 1)
      // one more request than there is, or as many as fill the batch
      const first = seen - waiting
      this.wanted = waiting === 0 ? seen + 1 : maxBatchSize < NEVER ? first + maxBatchSize : tail + 2 ** 30
    }
    values[HEAD] = head
    values[WAITING] = waiting
    values[SEEN] = seen
    values[AT] = at
    values[KNOWN] = tail
    values[FLOOR] = floorNs
    return size
  }
}
