import { type Cause, deadline, decide, type Policy } from '../../scenario/policy.js'
import type { Arrivals } from './arrivals.js'
import type { DropReason } from './drops.js'
import type { WaitingRoom } from './waiting-room.js'

/** What a queue allows; Infinity is no limit. */
export interface Limits {
  capacity: number
  timeoutNs: number
}

/** Is notified of what the replay finds, in order. */
export interface ReplaySink {
  /** A request is due. */
  arrive(number: number, dueNs: number): void
  /** A request leaves the queue unserved. */
  drop(reason: DropReason, number: number, dueNs: number, atNs: number): void
}

/** The state of a replay, in memory that threads share: one double each. */
const HEAD = 0
const WAITING = 1
const SEEN = 2
const AT = 3
const FLOOR = 4
export const REPLAY_LENGTH = 5

const NEVER = Number.POSITIVE_INFINITY

/**
 * Finds when batches leave the queue. Servers look at the queue late: after a batch, or after a sleep. A batch leaves
 * when the policy would have let it go if it had been asked at every moment. So the replay goes through what happened
 * since the last look, one event after another, in the order that docs/architecture.md gives: a server becomes free, a
 * request is due, the deadline of the oldest comes, the oldest times out. A batch leaves at the first of these events
 * at which the policy says so, with the requests that are in the queue by then. The time from then on is dispatch.
 *
 * A request is queued when it is due. In a closed loop, a request may become known after the queue has been replayed
 * past its due time: it is queued then.
 */
export class DispatchReplay {
  readonly #policy: Policy
  readonly #arrivals: Arrivals
  readonly #room: WaitingRoom
  readonly #limits: Limits
  readonly #sink: ReplaySink
  readonly #values: Float64Array

  /** when the batch left that `take` found, and why */
  leaveNs = 0
  cause: Cause = 'wake'
  /** whether a request found no place in the room: the servers are as far behind as can be */
  isFull = false
  /** if it found none: no batch leaves before this, unless something happens that cannot be known in advance */
  nextReleaseNs = NEVER

  /** @param values how far the replay has come, of REPLAY_LENGTH */
  constructor(
    parts: {
      policy: Policy
      arrivals: Arrivals
      room: WaitingRoom
      limits: Limits
      sink: ReplaySink
    },
    values: Float64Array,
  ) {
    this.#policy = parts.policy
    this.#arrivals = parts.arrivals
    this.#room = parts.room
    this.#limits = parts.limits
    this.#sink = parts.sink
    this.#values = values
  }

  /** The place in the room of the oldest request that waits. */
  get head(): number {
    return this.#values[HEAD] as number
  }
  /** How many requests wait. */
  get waiting(): number {
    return this.#values[WAITING] as number
  }
  /** How many requests have been due, queued or dropped. */
  get seen(): number {
    return this.#values[SEEN] as number
  }
  /** The newest event: what happened by then is settled. */
  get settledNs(): number {
    return this.#values[AT] as number
  }

  /**
   * Finds the batch that leaves for the server that has been idle longest.
   *
   * @param freeNs since when that server is idle
   * @param asksNs since when the server is idle that asks
   * @returns the size of the batch, whose requests are the newest before `head`; 0 if none leaves by `nowNs`
   */
  take(freeNs: number, nowNs: number, asksNs = freeNs): number {
    return this.#replay(freeNs, nowNs, true, asksNs)
  }

  /**
   * Finds the requests that are due or dropped by `nowNs`, up to the next batch, which is left for a server to take.
   *
   * @param freeNs since when the server is idle that has been idle longest; Infinity if none is
   */
  settle(freeNs: number, nowNs: number): void {
    this.#replay(freeNs, nowNs, false, freeNs)
  }

  #replay(freeNs: number, nowNs: number, taking: boolean, asksNs: number): number {
    const policy = this.#policy
    const arrivals = this.#arrivals
    const room = this.#room
    const sink = this.#sink
    const { capacity, timeoutNs: longestNs } = this.#limits
    const { maxBatchSize } = policy
    const fills = maxBatchSize > 1 && policy.maxWaitNs > 0
    /** a batch may wait until it is known that no more requests come */
    const waitsForEnd = policy.maxWaitNs === NEVER
    const { places } = room
    const values = this.#values
    let head = values[HEAD] as number
    let waiting = values[WAITING] as number
    let seen = values[SEEN] as number
    let at = values[AT] as number
    let floorNs = values[FLOOR] as number
    arrivals.catchUp(seen)
    let dueNs = arrivals.nextDueNs

    let cause: Cause = 'wake'
    let size = 0
    let idle = freeNs <= at
    if (idle && waiting > 0) {
      size = decide(policy, waiting, room.dueNs(head), at, waitsForEnd && at >= arrivals.overNs)
      if (freeNs === at) cause = 'turnaround'
    }

    while (size === 0) {
      let arrivalNs = NEVER
      if (dueNs <= nowNs && waiting >= places) this.isFull = true
      else if (dueNs <= nowNs) {
        arrivalNs = Math.max(dueNs, floorNs)
        // another server may become free at this very instant, and that comes first
        if (!taking && arrivalNs >= nowNs) arrivalNs = NEVER
      }
      let deadlineNs = NEVER
      let timeoutNs = NEVER
      if (waiting > 0) {
        const oldestNs = room.dueNs(head)
        if (idle) {
          deadlineNs = deadline(policy, oldestNs)
          if (waitsForEnd) deadlineNs = Math.max(at, arrivals.overNs)
        }
        // a request that was queued too late times out at once
        timeoutNs = Math.max(at, oldestNs + longestNs)
      }

      if (!idle && freeNs <= nowNs && freeNs <= arrivalNs && freeNs <= timeoutNs) {
        // a server that becomes free takes its batch without a request that is due at the same instant
        at = freeNs
        if (floorNs < at) floorNs = at
        idle = true
        cause = 'turnaround'
        if (waiting > 0) size = decide(policy, waiting, room.dueNs(head), at, waitsForEnd && at >= arrivals.overNs)
      } else if (
        arrivalNs < NEVER &&
        // another server that becomes free at the deadline asks before the request comes
        (arrivalNs < deadlineNs || (arrivalNs === deadlineNs && deadlineNs !== asksNs)) &&
        arrivalNs <= timeoutNs
      ) {
        const before = at
        if (arrivalNs > at) at = arrivalNs
        if (idle) {
          const oldestNs = waiting > 0 ? room.dueNs(head) : dueNs
          size = decide(policy, waiting + 1, oldestNs, at, waitsForEnd && arrivals.nextIsLast)
          if (size > 0 && !taking) {
            at = before
            break
          }
          cause = fills && size === maxBatchSize ? 'filled' : 'wake'
        }
        const client = arrivals.take()
        sink.arrive(seen, dueNs)
        // a request that can leave at once, or that makes a batch leave, needs no place
        if (size === 0 && waiting >= capacity) {
          sink.drop('rejected', seen, dueNs, at)
          arrivals.respond(client, at)
        } else {
          room.put(head + waiting, seen, dueNs, at, client)
          waiting++
        }
        seen++
        dueNs = arrivals.nextDueNs
        if (floorNs < at) floorNs = at
      } else if (deadlineNs <= timeoutNs && deadlineNs <= nowNs) {
        if (!taking) break
        if (deadlineNs > at) at = deadlineNs
        const asked = deadlineNs === asksNs
        floorNs = asked ? at : at + 1
        size = decide(policy, waiting, room.dueNs(head), at, waitsForEnd && at >= arrivals.overNs)
        cause = asked ? 'turnaround' : 'deadline'
      } else if (timeoutNs < deadlineNs && timeoutNs < nowNs) {
        at = timeoutNs
        floorNs = at + 1
        sink.drop('timedOut', room.number(head), room.dueNs(head), at)
        arrivals.respond(room.client(head), at)
        dueNs = arrivals.nextDueNs
        head++
        waiting--
      } else break
    }

    if (size > 0 && taking) {
      this.leaveNs = at
      this.cause = cause
      head += size
      waiting -= size
    }
    values[HEAD] = head
    values[WAITING] = waiting
    values[SEEN] = seen
    values[AT] = at
    values[FLOOR] = floorNs
    return taking ? size : 0
  }

  /** Finds `nextReleaseNs`: when the next batch leaves for an idle server, if only what is known in advance happens. */
  lookAhead(): void {
    const { maxBatchSize, maxWaitNs } = this.#policy
    const { waiting, head } = this
    const arrivals = this.#arrivals
    const { nextDueNs } = arrivals
    const oldestNs = waiting > 0 ? this.#room.dueNs(head) : nextDueNs
    let releaseNs = oldestNs + maxWaitNs
    if (maxWaitNs > 0 && maxBatchSize < NEVER) {
      const filledNs = waiting < maxBatchSize ? arrivals.untilNs(maxBatchSize - waiting) : oldestNs
      releaseNs = Math.min(releaseNs, filledNs)
      if (waiting > 0 && maxWaitNs === NEVER) releaseNs = Math.min(releaseNs, arrivals.overNs)
    }
    // a client whose request times out sends again
    const { timeoutNs } = this.#limits
    if (waiting > 0 && timeoutNs < NEVER) releaseNs = Math.min(releaseNs, oldestNs + timeoutNs + 1)
    this.nextReleaseNs = releaseNs
  }
}
