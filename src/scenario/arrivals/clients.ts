import { ValidationError } from '../../validation/validation-error.js'
import { type DrawNs, durations } from '../service/durations.js'
import { NS_PER_MS } from '../units.js'
import type { ClosedArrivals } from './arrivals.js'
import { Heap } from './heap.js'

/** More than any number of clients sends at one instant. */
const MOST_AT_ONCE = 5_000_000

/**
 * The clients of a closed loop: each thinks, sends, awaits its response, and thinks again.
 *
 * Threads may share them, under a lock. Think times are drawn from one stream a client, and each thread has its own
 * copy of the streams: `drawn` counts, in shared memory, how many times a client has drawn, and a thread that is behind
 * catches up.
 *
 * ```
 * buffer: | drawn: int32 a client, padded to 8 bytes | heap of the times to send |
 * ```
 */
export class Clients {
  readonly #sending: Heap
  #instant = -1
  #sentAtOnce = 0
  /** made on first use: a client's stream is large, and a thread may never draw from it */
  readonly #thinkNs: (DrawNs | undefined)[]
  readonly #drawn: Int32Array
  readonly #drawnHere: Int32Array
  readonly #newThinkNs: (client: number) => DrawNs

  static bytes(clients: number): number {
    return offsetOfHeap(clients) + Heap.bytes(clients)
  }

  /** @param buffer memory of `Clients.bytes` that threads share; the thread that finds it zeroed begins the loop */
  constructor({ clients, thinkTime }: ClosedArrivals, seed: number, replication = 0, buffer?: ArrayBufferLike) {
    const memory = buffer ?? new ArrayBuffer(Clients.bytes(clients))
    const heap = offsetOfHeap(clients)
    this.#drawn = new Int32Array(memory, 0, clients)
    this.#drawnHere = new Int32Array(clients)
    this.#newThinkNs = (client) => durations(thinkTime, seed, `client ${client}`, replication)
    this.#thinkNs = new Array<DrawNs | undefined>(clients)
    const begins = this.#drawn[0] === 0
    this.#sending = new Heap(clients, memory, heap)
    // they begin by thinking, so that a run does not start with all of them at once
    if (begins) for (let client = 0; client < clients; client++) this.think(client, 0)
  }

  /**
   * When the next of them sends; Infinity while all await an answer. Of two at one instant, the lower number is first.
   */
  get nextDue(): number {
    return this.#sending.first
  }

  /**
   * The next one sends: which it is.
   *
   * @throws ValidationError if time stands still, since clients that do not think are turned away, or answered, at once
   */
  send(now: number): number {
    if (now !== this.#instant) {
      this.#instant = now
      this.#sentAtOnce = 0
    } else if (++this.#sentAtOnce >= MOST_AT_ONCE) {
      throw new ValidationError(
        'arrivals.thinkTime',
        `must be above 0 here: ${MOST_AT_ONCE.toLocaleString('en')} requests were sent at ${now / NS_PER_MS} ms, and time stands still, since clients are turned away or answered at once, and send again at once`,
      )
    }
    return this.#sending.take()
  }

  /** A client has, or will have, its response at this time. */
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
