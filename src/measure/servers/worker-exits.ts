import { real } from '../../clock/real.js'
import { portable } from '../../handler/portable.js'
import type { RunClock } from '../clock/clock.js'
import type { RunState } from '../recording/build-recording.js'
import type { ServerStats } from '../recording/server-stats.js'

/** A server whose thread ended before its work was done. */
export interface WorkerExit {
  server: number
  atNs: number
  error: Error
  /** how many requests it was serving, which have failed with it */
  requests: number
}

/** A thread that ends, by an uncaught error or since it is made to, runs none of its own code after this long. */
const ENDED_MS = 50
/** No thread that is alive holds the queue's lock for this long. */
const LOCK_MS = 1000

/**
 * The servers whose threads end during a run. What such a server was serving has failed, and the others go on. If none
 * is left, the window ends there.
 */
export class WorkerExits {
  readonly found: WorkerExit[] = []
  readonly #state: RunState
  readonly #kills: AbortController[]
  readonly #reasons = new Map<number, Error>()
  readonly #clock: RunClock
  /** false until time 0 is set: a thread that ends before ends the run */
  #begun = false

  constructor(state: RunState, clock: RunClock) {
    this.#state = state
    this.#clock = clock
    this.#kills = state.stats.map(() => new AbortController())
  }

  /** Time 0 is set. */
  begin(): void {
    this.#begun = true
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
   * Handles that a server's thread has ended, or is about to.
   *
   * @throws what ended it, if the run cannot go on without it
   */
  async handleExit(server: number, thrown: unknown): Promise<void> {
    // a scenario that cannot be run with one server cannot with another
    if (!this.#begun || (thrown as Error | undefined)?.name === 'ValidationError') throw thrown
    const reason = this.#reasons.get(server)
    // until then the thread may go on, and finish the batch that would be counted as failed here
    await new Promise((resolve) => real.setTimeout(resolve, ENDED_MS))
    const { window, queue, stats } = this.#state
    // it may have ended while it looked at the queue, which is then in no state to go on with
    if (!queue.leave(server, LOCK_MS)) throw thrown

    const atNs = this.#clock.now()
    const own = stats[server] as ServerStats
    // a failure is a response too
    queue.respond({ clients: own.batch.clients, size: own.serving?.size ?? 0, endNs: atNs })
    const requests = own.fail(window, atNs)
    this.found.push({ server, atNs, error: portable(reason ?? thrown), requests })
    if (this.found.length === stats.length) window.endEarly(this.#clock.now, 'no-server')
    queue.notifyAll()
  }
}
