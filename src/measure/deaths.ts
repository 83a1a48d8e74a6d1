import { portable } from '../handler/portable.js'
import type { Books } from './account.js'
import { Answers } from './answers.js'
import { Bells } from './bells.js'
import { type Clock, clockFrom } from './clock.js'
import type { Death } from './death.js'
import type { Layout } from './layout.js'
import type { Ledger } from './ledger.js'
import { Queue } from './queue.js'

/** A thread that is made to end runs none of its own code after so long. */
const ENDED_MS = 50
/** Nobody who is alive holds the queue for so long. */
const LOCK_MS = 1000

/**
 * The servers whose threads ended during the run. What such a server was serving has failed, nobody counts on it any
 * more, and the others go on; where none is left the generator stops, and the window ends there.
 */
export class Deaths {
  readonly found: Death[] = []
  readonly #books: Books
  readonly #layout: Layout
  readonly #kills: AbortController[]
  readonly #reasons = new Map<number, Error>()
  /** null until time 0 is set: a thread that ends before ends the run */
  #clock: Clock | null = null

  constructor(books: Books, layout: Layout) {
    this.#books = books
    this.#layout = layout
    this.#kills = books.ledgers.map(() => new AbortController())
  }

  begin(originNs: bigint): void {
    this.#clock = clockFrom(originNs)
  }

  /** Ends a server's thread when it is aborted. */
  signal(server: number): AbortSignal {
    return (this.#kills[server] as AbortController).signal
  }

  /** Ends the thread of a server that would not end by itself. */
  kill(server: number, reason: Error): void {
    if (this.#reasons.has(server)) return
    this.#reasons.set(server, reason)
    this.#kills[server]?.abort()
  }

  /**
   * A server's thread has ended, or is about to.
   *
   * @throws what ended it, where the run cannot go on without it
   */
  async bury(server: number, thrown: unknown): Promise<void> {
    const clock = this.#clock
    if (clock === null) throw thrown
    const reason = this.#reasons.get(server)
    if (reason !== undefined) await new Promise((resolve) => setTimeout(resolve, ENDED_MS))
    const { wire, policy } = this.#layout
    const { window, ring, ledgers } = this.#books
    const servers = ledgers.length
    const bells = new Bells(servers, wire.bells)
    const queue = new Queue(wire.queue, policy, ring, bells, window, clock)
    // it may have ended as it looked at the queue, which is then in no state to go on with
    if (!queue.leave(server, LOCK_MS)) throw thrown

    const atNs = clock()
    const ledger = ledgers[server] as Ledger
    const requests = ledger.fail(window, atNs)
    // a failure is an answer too
    if (wire.answers !== null && requests > 0) new Answers(wire.answers).tell(ledger.batch.clients, requests, atNs)
    this.found.push({ server, atNs, error: portable(reason ?? thrown), requests })
    if (this.found.length === servers) window.halt()
    // one that it was to wake may sleep
    bells.ringAll()
  }
}
