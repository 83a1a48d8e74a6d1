import type { ClosedArrivals } from './arrivals.js'
import { type DrawNs, durations } from './durations.js'
import { ScenarioError } from './error.js'
import { Heap } from './heap.js'
import { NS_PER_MS } from './units.js'

/** More than any number of clients sends at one instant. */
const MOST_AT_ONCE = 5_000_000

/** The clients of a closed loop: each thinks, sends, awaits its answer, and thinks again. */
export class Clients {
  readonly #sending: Heap
  #instant = -1
  #sentAtOnce = 0
  readonly #thinkNs: DrawNs[]

  constructor({ clients, thinkTime }: ClosedArrivals, seed: number, replication = 0) {
    this.#sending = new Heap(clients)
    this.#thinkNs = Array.from({ length: clients }, (_, client) =>
      durations(thinkTime, seed, `client ${client}`, replication),
    )
    // they begin by thinking, so that a run does not start with all of them at once
    for (let client = 0; client < clients; client++) this.think(client, 0)
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
   * @throws ScenarioError where time stands still, since clients that do not think are turned away, or answered, at once
   */
  send(now: number): number {
    if (now !== this.#instant) {
      this.#instant = now
      this.#sentAtOnce = 0
    } else if (++this.#sentAtOnce === MOST_AT_ONCE) {
      throw new ScenarioError(
        'arrivals.thinkTime',
        `must be above 0 here: ${MOST_AT_ONCE.toLocaleString('en')} requests were sent at ${now / NS_PER_MS} ms, and time stands still, since clients are turned away or answered at once, and send again at once`,
      )
    }
    return this.#sending.take()
  }

  /** A client has, or will have, its answer at this time. */
  think(client: number, answeredNs: number): void {
    this.#sending.add(answeredNs + (this.#thinkNs[client] as DrawNs)(), client)
  }
}
