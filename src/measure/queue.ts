import type { Policy } from '../scenario/policy.js'
import type { Batch } from './batch.js'
import type { Bells } from './bells.js'
import type { Clock } from './clock.js'
import { DEPARTURES_LENGTH, Departures, type Known } from './departures.js'
import type { Limits } from './limits.js'
import { Mutex } from './mutex.js'
import type { Ring } from './ring.js'
import type { Window } from './window.js'

const BUSY = Number.POSITIVE_INFINITY
const NOW = Number.POSITIVE_INFINITY
const HEADER_BYTES = 64 + 8 * DEPARTURES_LENGTH

/** What a queue that servers share takes. */
export const queueBytes = (servers: number) => HEADER_BYTES + 8 * servers

export const newQueueBuffer = (servers: number): SharedArrayBuffer => {
  const buffer = new SharedArrayBuffer(queueBytes(servers))
  new Float64Array(buffer, HEADER_BYTES).fill(BUSY)
  return buffer
}

/**
 * The servers' side of the ring: who is idle, and who takes what. A server that wakes takes the batch of the one
 * idle longest, whichever of them it is, so that it does not matter which wakes first.
 */
export class Queue {
  readonly #mutex: Mutex
  /** since when each server is idle */
  readonly #idleSince: Float64Array
  readonly #departures: Departures
  readonly #limits: Limits | null
  readonly #ring: Ring
  readonly #bells: Bells
  readonly #window: Window
  readonly #clock: Clock
  readonly #unlimited: boolean
  #tail = 0
  #sent = Number.POSITIVE_INFINITY
  /** Whether everything has been sent and has left, as far as this server has looked. */
  finished = false

  /**
   * @param limits on how many wait, and for how long; null where there are none
   * @param unlimited its one server stands for any number of them, and is always idle
   */
  constructor(
    buffer: SharedArrayBuffer,
    policy: Policy,
    ring: Ring,
    bells: Bells,
    window: Window,
    clock: Clock,
    limits: Limits | null = null,
    unlimited = false,
  ) {
    this.#unlimited = unlimited
    this.#limits = limits
    this.#ring = ring
    this.#bells = bells
    this.#window = window
    this.#clock = clock
    this.#mutex = new Mutex(new Int32Array(buffer, 0, 1))
    this.#departures = new Departures(policy, ring, limits, new Float64Array(buffer, 64, DEPARTURES_LENGTH))
    this.#idleSince = new Float64Array(buffer, HEADER_BYTES)
  }

  /** Where nothing was taken: when to look again, unless something `changed` before. */
  get lookAgainNs(): number {
    return this.#departures.lookAgainNs
  }

  /** The server has been idle since then, which it may say before it looks. */
  free(server: number, sinceNs: number): void {
    this.#idleSince[server] = sinceNs
  }

  /**
   * The server is gone, and stands for none that is idle.
   *
   * @returns false where the queue stayed locked for so long
   */
  leave(server: number, withinMs: number): boolean {
    if (!this.#mutex.lockWithin(withinMs)) return false
    this.#idleSince[server] = BUSY
    this.#mutex.unlock()
    return true
  }

  /**
   * The server is idle, and takes the next batch if one leaves by now.
   *
   * @param sinceNs since when, if it has said nothing before: from its last completion on, so that what it does after
   * that is dispatch, as it is in a simulation. Where the queue has been followed further meanwhile, it is since then.
   */
  take(server: number, batch: Batch, sinceNs: number = NOW): boolean {
    const ring = this.#ring
    const departures = this.#departures
    const idleSince = this.#idleSince
    this.#mutex.lock()
    // read under the lock: who gets it first became idle first
    const nowNs = this.#clock()
    if (idleSince[server] === BUSY) idleSince[server] = Math.min(nowNs, Math.max(sinceNs, departures.followedNs + 1))
    const longest = this.#idleLongest(server)
    const freeNs = idleSince[longest] as number
    const known = this.#known()
    const size = departures.look(freeNs, nowNs, known, idleSince[server])
    if (size > 0) {
      batch.freeNs = freeNs
      batch.leaveNs = departures.leaveNs
      batch.cause = departures.cause
      this.#fill(batch, size)
      idleSince[longest] = idleSince[server] as number
      idleSince[server] = this.#unlimited ? freeNs : BUSY
      if (this.#limits !== null) this.#lose(nowNs, known)
      this.#bells.want(departures.seen - departures.waiting + 1)
    } else {
      this.#bells.want(departures.wanted)
    }
    this.#release()
    const { seen, waiting } = departures
    this.finished = waiting === 0 && seen >= known.sent
    this.#mutex.unlock()
    this.#tail = known.tail
    this.#sent = known.sent
    // what is left behind may be for another to take, or to wait for
    if (size > 0 && ring.tail(known.tail) > seen - waiting) this.#bells.ring()
    return size > 0
  }

  /**
   * Follows a queue with limits up to now, for one who cannot wait until a server does.
   *
   * @param soonNs in about this time a server wakes for which a batch leaves
   * @returns when to follow it again at the latest, since a request may time out
   */
  follow(soonNs: number): number {
    this.#mutex.lock()
    const known = this.#known()
    const nowNs = this.#clock()
    this.#lose(nowNs, known)
    this.#release()
    const { leaving, loseAgainNs } = this.#departures
    const againNs = leaving ? nowNs + soonNs : loseAgainNs
    this.#mutex.unlock()
    return againNs
  }

  /** Follows a queue with limits to the end of the run, when its threads are gone. */
  settle(nowNs: number): void {
    // its last instant is over
    this.#lose(nowNs + 1, this.#known())
  }

  /** Who waits in a queue with limits. */
  waiting(): { number: number; dueNs: number }[] {
    const { head, waiting, seen } = this.#departures
    const { room } = this.#limits as Limits
    const ring = this.#ring
    return [
      ...Array.from({ length: waiting }, (_, i) => ({ number: room.number(head + i), dueNs: room.dueNs(head + i) })),
      ...Array.from({ length: ring.tail(seen) - seen }, (_, i) => ({ number: seen + i, dueNs: ring.dueNs(seen + i) })),
    ]
  }

  #known(): Known {
    const { sent, endedNs } = this.#window
    return { tail: this.#ring.tail(this.#departures.seen), sent, endedNs }
  }

  #idleLongest(server: number): number {
    const idleSince = this.#idleSince
    let longest = server
    for (let other = 0; other < idleSince.length; other++) {
      if ((idleSince[other] as number) < (idleSince[longest] as number)) longest = other
    }
    return longest
  }

  #lose(nowNs: number, known: Known): void {
    this.#departures.lose(this.#idleSince[this.#idleLongest(0)] as number, nowNs, known)
  }

  /** The newest `size` requests before the head make the batch. */
  #fill(batch: Batch, size: number): void {
    const from = this.#limits === null ? this.#ring : this.#limits.room
    const first = this.#departures.head - size
    const { closed } = this.#ring
    batch.size = size
    for (let i = 0; i < size; i++) {
      batch.numbers[i] = from.number(first + i)
      batch.dueNs[i] = from.dueNs(first + i)
      batch.queuedNs[i] = from.queuedNs(first + i)
      if (closed) batch.clients[i] = from.client(first + i)
    }
  }

  /** Whoever was seen where there are limits waits elsewhere, or is gone. */
  #release(): void {
    const { head, seen } = this.#departures
    this.#ring.release(this.#limits === null ? head : seen)
  }

  /** Whether something has changed since this server looked, in which the policy may see a batch. */
  get changed(): boolean {
    return this.#ring.tail(this.#tail) >= this.#departures.wanted || this.#window.sent !== this.#sent
  }
}
