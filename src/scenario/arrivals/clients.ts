import { ValidationError } from '../../validation/validation-error.js'
import { NS_PER_MS } from '../nanoseconds.js'
import { type DrawNs, durations } from '../service/durations.js'
import type { ClosedArrivals } from './arrivals.js'
import { Heap } from './heap.js'
import { numberInAll, type Shard } from './shard.js'

/** More requests at one instant than clients can legitimately send: this many, or five of each if those are more. */
const MOST_AT_ONCE = 1_000_000
const MOST_OF_EACH = 5

/**
 * The clients of a closed loop: each thinks, sends, awaits its response, and thinks again.
 *
 * Threads can share them under a lock. Each client draws its think times from its own random stream, and every thread
 * has a copy of all streams. `drawn` counts the draws of each client in shared memory; a thread whose copy is behind
 * discards values until it has caught up.
 *
 * ```
 * buffer: | drawn: int32 per client, padded to 8 bytes | heap of the times to send |
 * ```
 */
export class Clients {
  readonly #sending: Heap
  #instant = -1
  #sentAtOnce = 0
  readonly #mostAtOnce: number
  /** created on first use: a stream is large, and a thread may never draw from it */
  readonly #thinkNs: (DrawNs | undefined)[]
  readonly #drawn: Int32Array
  readonly #drawnHere: Int32Array
  readonly #newThinkNs: (client: number) => DrawNs

  static bytes(clients: number): number {
    return offsetOfHeap(clients) + Heap.bytes(clients)
  }

  /**
   * @param buffer shared memory of `Clients.bytes`; the thread that finds it zeroed starts the loop
   * @param shard the shard that these clients are; null if they are all
   */
  constructor(
    { clients, thinkTime }: ClosedArrivals,
    seed: number,
    replication = 0,
    buffer?: ArrayBufferLike,
    shard: Shard | null = null,
  ) {
    this.#mostAtOnce = Math.max(MOST_AT_ONCE, MOST_OF_EACH * clients)
    const memory = buffer ?? new ArrayBuffer(Clients.bytes(clients))
    const heap = offsetOfHeap(clients)
    this.#drawn = new Int32Array(memory, 0, clients)
    this.#drawnHere = new Int32Array(clients)
    this.#newThinkNs = (client) => durations(thinkTime, seed, `client ${numberInAll(client, shard)}`, replication)
    this.#thinkNs = new Array<DrawNs | undefined>(clients)
    const begins = this.#drawn[0] === 0
    this.#sending = new Heap(clients, memory, heap)
    // clients start by thinking, so that they do not all send at time 0
    if (begins) for (let client = 0; client < clients; client++) this.think(client, 0)
  }

  /** When the next client sends; Infinity while all await a response. At the same instant, the lower number goes first. */
  get nextDue(): number {
    return this.#sending.first
  }

  /**
   * Takes the client that sends next.
   *
   * @returns its number
   * @throws ValidationError if time does not advance: clients that do not think are rejected, or served, in no time
   */
  send(now: number): number {
    if (now !== this.#instant) {
      this.#instant = now
      this.#sentAtOnce = 0
    } else if (++this.#sentAtOnce >= this.#mostAtOnce) {
      throw new ValidationError(
        'arrivals.thinkTime',
        `must be above 0 here: ${this.#mostAtOnce.toLocaleString('en')} requests were sent at ${now / NS_PER_MS} ms and time does not advance, because clients are rejected or served in no time and send again at once`,
      )
    }
    return this.#sending.take()
  }

  /** Schedules a client's next request: it gets its response at this time, and then thinks. */
  think(client: number, respondedNs: number): void {
    let draw = this.#thinkNs[client]
    if (draw === undefined) {
      draw = this.#newThinkNs(client)
      this.#thinkNs[client] = draw
    }
    const drawn = this.#drawn[client] as number
    for (let here = this.#drawnHere[client] as number; here < drawn; here++) draw()
    this.#drawn[client] = drawn + 1
    this.#drawnHere[client] = drawn + 1
    this.#sending.add(respondedNs + draw(), client)
  }
}

const offsetOfHeap = (clients: number) => 8 * Math.ceil(clients / 2)
