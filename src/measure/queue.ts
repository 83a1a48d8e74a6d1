import type { Policy } from '../scenario/policy.js'
import type { Batch } from './batch.js'
import type { Bells } from './bells.js'
import type { Clock } from './clock.js'
import { DEPARTURES_LENGTH, Departures } from './departures.js'
import { Mutex } from './mutex.js'
import type { Ring } from './ring.js'
import type { Window } from './window.js'

const BUSY = Number.POSITIVE_INFINITY
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
  readonly #ring: Ring
  readonly #bells: Bells
  readonly #window: Window
  readonly #clock: Clock
  readonly #unlimited: boolean
  #tail = 0
  #sent = Number.POSITIVE_INFINITY

  /** @param unlimited its one server stands for any number of them, and is always idle */
  constructor(
    buffer: SharedArrayBuffer,
    policy: Policy,
    ring: Ring,
    bells: Bells,
    window: Window,
    clock: Clock,
    unlimited = false,
  ) {
    this.#unlimited = unlimited
    this.#ring = ring
    this.#bells = bells
    this.#window = window
    this.#clock = clock
    this.#mutex = new Mutex(new Int32Array(buffer, 0, 1))
    this.#departures = new Departures(policy, ring, new Float64Array(buffer, 64, DEPARTURES_LENGTH))
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

  /** The server is idle, and takes the next batch if one leaves by now. */
  take(server: number, batch: Batch): boolean {
    const ring = this.#ring
    const departures = this.#departures
    const idleSince = this.#idleSince
    this.#mutex.lock()
    // read under the lock: who gets it first became idle first
    const nowNs = this.#clock()
    if (idleSince[server] === BUSY) idleSince[server] = nowNs
    let longest = server
    for (let other = 0; other < idleSince.length; other++) {
      if ((idleSince[other] as number) < (idleSince[longest] as number)) longest = other
    }
    const freeNs = idleSince[longest] as number
    const first = departures.head
    const tail = ring.tail(first)
    const { sent, endedNs } = this.#window
    const size = departures.look(freeNs, nowNs, { tail, sent, endedNs })
    if (size > 0) {
      batch.size = size
      batch.freeNs = freeNs
      batch.leaveNs = departures.leaveNs
      batch.cause = departures.cause
      for (let i = 0; i < size; i++) {
        batch.numbers[i] = first + i
        batch.dueNs[i] = ring.dueNs(first + i)
        batch.queuedNs[i] = ring.queuedNs(first + i)
      }
      idleSince[longest] = idleSince[server] as number
      idleSince[server] = this.#unlimited ? freeNs : BUSY
      ring.release(first + size)
      this.#bells.want(first + size + 1)
    } else {
      this.#bells.want(departures.wanted)
    }
    this.#mutex.unlock()
    this.#tail = tail
    this.#sent = sent
    // what is left behind may be for another to take, or to wait for
    if (size > 0 && ring.tail(tail) > first + size) this.#bells.ring()
    return size > 0
  }

  /** Whether something has changed since this server looked, in which the policy may see a batch. */
  get changed(): boolean {
    return this.#ring.tail(this.#tail) >= this.#departures.wanted || this.#window.sent !== this.#sent
  }

  /** Whether everything has been sent and taken. */
  get finished(): boolean {
    return this.#departures.head >= this.#window.sent
  }
}
