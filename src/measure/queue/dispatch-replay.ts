import { type Cause, deadline, decide, type Policy } from '../../scenario/batching-policy.js'
import type { ArrivalStream } from './arrivals.js'
import type { DropReason } from './drops.js'
import type { WaitingRoom } from './waiting-room.js'

/** The limits of a queue; Infinity is no limit. */
export interface Limits {
  capacity: number
  timeoutNs: number
}

/** Receives the events that a replay finds, in order. */
export interface ReplaySink {
  /** Called when a request is due. */
  arrive(number: number, dueNs: number): void
  /** Called when a request leaves the queue unserved. */
  drop(reason: DropReason, number: number, dueNs: number, atNs: number): void
}

/**
 * The state of a replay, in memory that threads share.
 *
 * ```
 * values: | HEAD | WAITING | SEEN | AT | EARLIEST_ARRIVAL |   one double each
 *
 * HEAD              the position of the oldest waiting request
 * WAITING           how many requests wait
 * SEEN              how many requests have been due
 * AT                the time of the newest event
 * EARLIEST_ARRIVAL  the earliest time of the next arrival, after a timer at the same instant
 * ```
 */
const HEAD = 0
const WAITING = 1
const SEEN = 2
const AT = 3
const EARLIEST_ARRIVAL = 4
export const REPLAY_LENGTH = 5

const NEVER = Number.POSITIVE_INFINITY

/**
 * Finds when batches leave the queue. Servers check the queue late: after a batch, or after a sleep. A batch leaves when
 * the policy, evaluated at every instant, would have released it. So the replay processes the events since the last check
 * one by one, in the order of docs/architecture.md: a server becomes free, a request is due, the deadline of the oldest
 * request passes, the oldest request times out. A batch leaves at the first event at which the policy releases it, with
 * the requests that are queued by then. The time after that is dispatch.
 *
 * A request is queued when it is due. In a closed loop, a request may become known only after the replay has passed its
 * due time: it is queued at that later time.
 */
export class DispatchReplay {
  readonly #policy: Policy
  readonly #arrivals: ArrivalStream
  readonly #room: WaitingRoom
  readonly #limits: Limits
  readonly #sink: ReplaySink
  readonly #values: Float64Array

  /** when the batch found by `take` left, and why */
  leaveNs = 0
  cause: Cause = 'wake'
  /** whether a request found the room full: the servers are too far behind to continue */
  isFull = false
  /** if `take` found no batch: the earliest time one leaves, unless an unforeseeable event happens first */
  nextReleaseNs = NEVER

  /** @param values the state of the replay, of length REPLAY_LENGTH */
  constructor(
    parts: {
      policy: Policy
      arrivals: ArrivalStream
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

  /** The position of the oldest waiting request. */
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
  /** The time of the newest event, up to which the replay is final. */
  get settledNs(): number {
    return this.#values[AT] as number
  }

  /**
   * Finds the batch that leaves for the server idle longest.
   *
   * @param freeNs since when that server is idle
   * @param takerNs since when the calling server is idle
   * @returns the size of the batch, whose requests are the last before `head`; 0 if none leaves by `nowNs`
   */
  take(freeNs: number, nowNs: number, takerNs = freeNs): number {
    return this.#replay(freeNs, nowNs, true, takerNs)
  }

  /**
   * Finds the requests that are due or dropped by `nowNs`, up to the next batch, which a server must take.
   *
   * @param freeNs since when the server idle longest is idle; Infinity if all are busy
   */
  settle(freeNs: number, nowNs: number): void {
    this.#replay(freeNs, nowNs, false, freeNs)
  }

  #replay(freeNs: number, nowNs: number, taking: boolean, takerNs: number): number {
    const policy = this.#policy
    const arrivals = this.#arrivals
    const room = this.#room
    const sink = this.#sink
    const { capacity, timeoutNs: longestNs } = this.#limits
    const { maxBatchSize } = policy
    const fills = maxBatchSize > 1 && policy.maxWaitNs > 0
    /** a batch may wait until no more requests can come */
    const waitsForEnd = policy.maxWaitNs === NEVER
    const { places } = room
    const values = this.#values
    let head = values[HEAD] as number
    let waiting = values[WAITING] as number
    let seen = values[SEEN] as number
    let at = values[AT] as number
    let earliestArrivalNs = values[EARLIEST_ARRIVAL] as number
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
        arrivalNs = Math.max(dueNs, earliestArrivalNs)
        // another server may become free at this instant, which comes first
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
        if (earliestArrivalNs < at) earliestArrivalNs = at
        idle = true
        cause = 'turnaround'
        if (waiting > 0) size = decide(policy, waiting, room.dueNs(head), at, waitsForEnd && at >= arrivals.overNs)
      } else if (
        arrivalNs < NEVER &&
        // another server that becomes free at the deadline takes its batch before the request arrives
        (arrivalNs < deadlineNs || (arrivalNs === deadlineNs && deadlineNs !== takerNs)) &&
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
        // a request that leaves at once, or completes a batch, needs no place
        if (size === 0 && waiting >= capacity) {
          sink.drop('rejected', seen, dueNs, at)
          arrivals.respond(client, at)
        } else {
          room.put(head + waiting, seen, dueNs, at, client)
          waiting++
        }
        seen++
        dueNs = arrivals.nextDueNs
        if (earliestArrivalNs < at) earliestArrivalNs = at
      } else if (deadlineNs <= timeoutNs && deadlineNs <= nowNs) {
        if (!taking) break
        if (deadlineNs > at) at = deadlineNs
        const becameFree = deadlineNs === takerNs
        earliestArrivalNs = becameFree ? at : at + 1
        size = decide(policy, waiting, room.dueNs(head), at, waitsForEnd && at >= arrivals.overNs)
        cause = becameFree ? 'turnaround' : 'deadline'
      } else if (timeoutNs < deadlineNs && timeoutNs < nowNs) {
        at = timeoutNs
        earliestArrivalNs = at + 1
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
    values[EARLIEST_ARRIVAL] = earliestArrivalNs
    return taking ? size : 0
  }

  /** Computes `nextReleaseNs`: when the next batch leaves for an idle server, if only foreseeable events happen. */
  computeNextRelease(): void {
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
