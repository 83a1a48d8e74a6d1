import type { ClosedArrivals, OpenArrivals } from '../../scenario/arrivals/arrivals.js'
import { Clients } from '../../scenario/arrivals/clients.js'
import { type DueTimes, dueTimes } from '../../scenario/arrivals/schedule.js'
import { dueTimesOfShard, type Shard } from '../../scenario/arrivals/shard.js'
import type { Window } from '../recording/window.js'

const NEVER = Number.POSITIVE_INFINITY

/** The future requests, in the order they are due. Every thread has a copy, and updates it under the queue's lock. */
export interface ArrivalStream {
  /** Updates this copy, after all threads together have taken `taken` requests. */
  catchUp(taken: number): void
  /** When the next request is due; Infinity if none is known. */
  readonly nextDueNs: number
  /** Takes the next request. Returns the index of its client, or -1 in an open loop. */
  take(): number
  /** When the `count`th request from now on is due, or the last one if there are fewer; Infinity if unknown. */
  untilNs(count: number): number
  /** Since when there are no more requests; Infinity while there may be more. */
  readonly overNs: number
  /** Whether the next request is known to be the last. */
  readonly nextIsLast: boolean
  /** When the first request after the run's last would be due; Infinity if unknown or irrelevant. */
  readonly beyondNs: number
  /** Notes that a client of a closed loop has its response, or was dropped: it thinks, and sends again. */
  respond(client: number, atNs: number): void
}

/** The end of a run: its requests are due before `ns` and have numbers below `requests`. */
export interface RunEnd {
  requests: number
  ns: number
}

/** Creates the arrivals of a run. A closed loop keeps its state in `clients`, memory that the threads share. */
export function createArrivalStream(
  arrivals: OpenArrivals | ClosedArrivals,
  seed: number,
  end: RunEnd,
  window: Window,
  clients: ArrayBufferLike | null,
  shard: Shard | null = null,
): ArrivalStream {
  return arrivals.process === 'closed'
    ? new ClosedLoop(new Clients(arrivals, seed, 0, clients ?? undefined, shard), end, window)
    : new OpenLoop(dueTimesOfShard(dueTimes(arrivals, seed), shard), end, window, blockOf(shard))
}

/** How many due times of the whole stream are drawn at a time. */
const BLOCK = 512

/** How many due times are drawn at a time: a shard of a thousand draws a thousand for each of its own, which takes 20 us. */
const blockOf = (shard: Shard | null) => Math.ceil(BLOCK / (shard?.count ?? 1))

/** The arrivals of a seeded schedule, known in advance. */
class OpenLoop implements ArrivalStream {
  readonly #draw: DueTimes
  readonly #end: RunEnd
  readonly #window: Window
  readonly beyondNs = NEVER
  /** due times that are drawn but not taken: from `#next` up to `#drawn` */
  #dues: Float64Array
  readonly #block: number
  #next = 0
  #drawn = 0
  #taken = 0
  #endNs: number

  constructor(draw: DueTimes, end: RunEnd, window: Window, block: number) {
    this.#draw = draw
    this.#end = end
    this.#window = window
    this.#endNs = end.ns
    this.#block = block
    this.#dues = new Float64Array(2 * block)
    this.#drawAhead(1)
  }

  catchUp(taken: number): void {
    const { ns } = this.#end
    this.#endNs = this.#window.endsEarly ? Math.min(ns, this.#window.endNs) : ns
    while (this.#taken < taken) {
      const step = Math.min(taken - this.#taken, this.#drawn - this.#next)
      this.#next += step
      this.#taken += step
      if (this.#next === this.#drawn) this.#drawAhead(1)
    }
  }

  get nextDueNs(): number {
    const due = this.#dues[this.#next] as number
    return due >= this.#endNs || this.#taken >= this.#end.requests ? NEVER : due
  }

  take(): number {
    this.#taken++
    if (++this.#next === this.#drawn) this.#drawAhead(1)
    return -1
  }

  untilNs(count: number): number {
    const last = Math.min(count, this.#end.requests - this.#taken)
    if (last <= 0) return NEVER
    if (this.#drawn - this.#next < last) this.#drawAhead(last)
    const due = this.#dues[this.#next + last - 1] as number
    return due < this.#endNs ? due : this.#lastDueNs(last)
  }

  get overNs(): number {
    if (this.nextDueNs < NEVER) return NEVER
    return this.#window.endsEarly ? this.#window.endNs : Number.NEGATIVE_INFINITY
  }

  get nextIsLast(): boolean {
    if (this.#taken + 1 >= this.#end.requests) return true
    if (this.#drawn - this.#next < 2) this.#drawAhead(2)
    return (this.#dues[this.#next + 1] as number) >= this.#endNs
  }

  respond(): void {}

  /** When the last of the next `count` requests before the end is due. */
  #lastDueNs(count: number): number {
    let lastNs = NEVER
    for (let i = 0; i < count; i++) {
      const due = this.#dues[this.#next + i] as number
      if (due >= this.#endNs) break
      lastNs = due
    }
    return lastNs
  }

  /** Draws due times until at least `count` are buffered. */
  #drawAhead(count: number): void {
    this.#dues.copyWithin(0, this.#next, this.#drawn)
    this.#drawn -= this.#next
    this.#next = 0
    const blocks = Math.ceil((count - this.#drawn) / this.#block)
    if (this.#drawn + blocks * this.#block > this.#dues.length) {
      const dues = new Float64Array(2 * (this.#drawn + blocks * this.#block))
      dues.set(this.#dues.subarray(0, this.#drawn))
      this.#dues = dues
    }
    for (let i = 0; i < blocks; i++) {
      this.#draw(this.#dues.subarray(this.#drawn, this.#drawn + this.#block))
      this.#drawn += this.#block
    }
  }
}

/** The arrivals of clients that send again after a response. Their state is in memory that the threads share. */
class ClosedLoop implements ArrivalStream {
  readonly #clients: Clients
  readonly #end: RunEnd
  readonly #window: Window
  #taken = 0
  #endNs: number

  constructor(clients: Clients, end: RunEnd, window: Window) {
    this.#clients = clients
    this.#end = end
    this.#window = window
    this.#endNs = end.ns
  }

  catchUp(taken: number): void {
    this.#taken = taken
    const { ns } = this.#end
    this.#endNs = this.#window.endsEarly ? Math.min(ns, this.#window.endNs) : ns
  }

  get nextDueNs(): number {
    if (this.#taken >= this.#end.requests) return NEVER
    const due = this.#clients.nextDue
    return due < this.#endNs ? due : NEVER
  }

  take(): number {
    this.#taken++
    return this.#clients.send(this.#clients.nextDue)
  }

  /** The client after the next one depends on future responses. */
  untilNs(): number {
    return this.nextDueNs
  }

  /** A client may send again as long as its response may come before the end. */
  get overNs(): number {
    return this.#taken >= this.#end.requests ? Number.NEGATIVE_INFINITY : this.#endNs
  }

  get nextIsLast(): boolean {
    return this.#taken + 1 >= this.#end.requests
  }

  get beyondNs(): number {
    return this.#taken >= this.#end.requests ? this.#clients.nextDue : NEVER
  }

  respond(client: number, atNs: number): void {
    this.#clients.think(client, atNs)
  }
}
