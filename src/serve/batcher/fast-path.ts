import { deadline, type Policy } from '../../scenario/batching-policy.js'
import type { RequestQueue } from './request-queue.js'
import type { BatcherTime } from './time.js'

const NEVER = Number.POSITIVE_INFINITY
/** no limit to a number of calls, as a small integer */
const MANY = 2 ** 30
/** what `enter` returns for a call that must take the full path */
export const FULL_PATH = -1

export interface FastPathOptions {
  policy: Policy
  /** places in the queue */
  capacity: number
  /** whether every call needs its own due time: for a recorder, or for a timeout of the queue */
  timed: boolean
  /** whether the queue has a timeout */
  timeouts: boolean
}

/**
 * The fast path of `run`, for calls that only need a place in the queue.
 *
 * On the full path a call reads the clock, checks the limits, asks the policy, and sets a timer. Once one call has done
 * so, it is often known that the next ones would change nothing: no server is idle, or the same batch has room for them.
 *
 * **The invariant.** While the path is open, for `room` more calls that come before `untilNs`, without a signal or a timeout
 * of their own:
 *   - none is rejected: the batcher is open, every server can serve, and the queue has room;
 *   - none times out, nor does a request before it: no request has a timeout;
 *   - none lets a batch leave: every server is busy, or the batch stays short of full and before its deadline;
 *   - none changes the next deadline, which is that of the oldest request.
 *
 * **How it is kept.** A call that took the full path opens it as its last step. A call on the fast path uses up room and
 * changes nothing else. Every other event closes it before the event is handled: each of their handlers is wrapped by
 * `closedBy`. So nothing that the invariant rests on changes while the path is open.
 *
 *     run      run run run     batch ends     run      run run     abort, timer, close ...
 *     full --> fast path  -->  closed     --> full --> fast   -->  closed
 *
 * **Without timed calls the clock is read once a burst**, since to read it takes as long as much of the rest of a call. A
 * burst is the calls that are made by one piece of synchronous code. No batch starts before its end, and only the due time
 * of the oldest call counts, for the deadline. The end of a burst is an event: the deadline may have passed meanwhile.
 */
export class FastPath {
  readonly #time: BatcherTime
  readonly #policy: Policy
  readonly #capacity: number
  readonly #timed: boolean
  readonly #timeouts: boolean
  readonly #endBurst: () => void
  #room = 0
  #untilNs = NEVER
  /** the last reading of the clock for calls that are not timed, and whether that was in the present burst */
  #dueNs: number
  #inBurst = false

  /** Wraps the handler of an event other than a call: the fast path closes before it is handled. */
  readonly closedBy =
    <Args extends unknown[], Returned>(handle: (...args: Args) => Returned): ((...args: Args) => Returned) =>
    (...args) => {
      this.#room = 0
      return handle(...args)
    }

  /** @param onBurstEnd called at the end of a burst in which the clock was read */
  constructor({ policy, capacity, timed, timeouts }: FastPathOptions, time: BatcherTime, onBurstEnd: () => void) {
    this.#time = time
    this.#policy = policy
    this.#capacity = capacity
    this.#timed = timed
    this.#timeouts = timeouts
    this.#dueNs = time.now()
    this.#endBurst = time.bind(
      this.closedBy(() => {
        this.#inBurst = false
        onBurstEnd()
      }),
    )
  }

  /** Takes a call without a signal or timeout: returns its due time, or `FULL_PATH`. */
  enter(): number {
    if (this.#room === 0) return FULL_PATH
    let dueNs = this.#dueNs
    if (this.#timed) {
      dueNs = this.#time.now()
      if (dueNs >= this.#untilNs) return FULL_PATH
    }
    this.#room--
    return dueNs
  }

  /** Opens it after a call has taken the full path, as far as the invariant allows. */
  open(queue: RequestQueue, anyIdle: boolean, anyBroken: boolean): void {
    this.#room = 0
    if (this.#timeouts || queue.hasTimeouts || anyBroken) return
    const { size, first } = queue
    const { maxBatchSize, maxWaitNs } = this.#policy
    if (!anyIdle) {
      // they leave as servers become idle; if they may wait longer, deadlines need their due times
      if (!this.#timed && maxWaitNs > 0) return
      this.#untilNs = NEVER
      this.#room = roomOf(this.#capacity - size)
    } else if (first !== null) {
      // the next deadline would need the due time of the second call if the burst is over, or the first can be aborted
      if (!this.#timed && (!this.#inBurst || first.unfollow !== null)) return
      this.#untilNs = deadline(this.#policy, first.dueNs)
      this.#room = roomOf(Math.min(this.#capacity, maxBatchSize - 1) - size)
    }
  }

  /**
   * Returns when a call on the full path is due, if it has no signal or timeout: without reading the clock again if
   * nothing depends on it.
   */
  due(queue: RequestQueue, anyBroken: boolean): number {
    if (this.#timed) return this.#time.now()
    // it leaves as soon as it can, and nothing times out before
    if (this.#policy.maxWaitNs === 0 && !queue.hasTimeouts && !anyBroken) return this.#dueNs
    if (!this.#inBurst) {
      this.#inBurst = true
      this.#time.microtask(this.#endBurst)
    }
    this.#dueNs = this.#time.now()
    return this.#dueNs
  }
}

const roomOf = (calls: number) => Math.max(0, Math.min(calls, MANY))
