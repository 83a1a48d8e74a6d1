import type { ClosedArrivals } from '../scenario/arrivals.js'
import { Heap } from './heap.js'
import { type DrawNs, durations } from './service-times.js'

/** The clients of a closed loop: each thinks, sends, awaits its answer, and thinks again. */
export class Clients {
  readonly #sending: Heap
  readonly #thinkNs: DrawNs[]

  constructor({ clients, thinkTime }: ClosedArrivals, seed: number, replication: number) {
    this.#sending = new Heap(clients)
    this.#thinkNs = Array.from({ length: clients }, (_, client) =>
      durations(thinkTime, seed, `client ${client}`, replication),
    )
    // they begin by thinking, so that a run does not start with all of them at once
    for (let client = 0; client < clients; client++) this.think(client, 0)
  }

  /** When the next of them sends; Infinity while all await an answer. Of two at one instant, the lower number is first. */
  get nextDue(): number {
    return this.#sending.first
  }

  /** The next one sends: which it is. */
  send(): number {
    return this.#sending.take()
  }

  /** A client has, or will have, its answer at this time. */
  think(client: number, answeredNs: number): void {
    this.#sending.add(answeredNs + (this.#thinkNs[client] as DrawNs)(), client)
  }
}
