import { real } from '../../clock/real.js'
import { toPortableError } from '../../handler/portable.js'
import { failureKind } from '../../result/failures.js'
import type { RunClock } from '../clock/clock.js'
import type { RunState } from '../recording/build-recording.js'
import type { ServerStats } from '../recording/server-stats.js'

/** A server whose thread ended before the run did. */
export interface WorkerExit {
  server: number
  atNs: number
  error: Error
  /** how many requests in service failed with it */
  requests: number
}

/** After this long, a thread that is ending runs no more of its own code. */
const ENDED_MS = 50
/** No running thread holds the queue's lock for this long. */
const LOCK_MS = 1000

/**
 * Handles server threads that end during a run. Requests in service fail with their server, and the other servers
 * continue. If no server is left, the window ends.
 */
export class WorkerExits {
  readonly found: WorkerExit[] = []
  readonly #state: RunState
  readonly #kills: AbortController[]
  readonly #reasons = new Map<number, Error>()
  readonly #clock: RunClock
  /** false until time 0 is set: a thread that ends before then ends the run */
  #begun = false

  constructor(state: RunState, clock: RunClock) {
    this.#state = state
    this.#clock = clock
    this.#kills = state.stats.map(() => new AbortController())
  }

  /** Called when time 0 is set. */
  begin(): void {
    this.#begun = true
  }

  /** The signal that terminates a server's thread. */
  signal(server: number): AbortSignal {
    return (this.#kills[server] as AbortController).signal
  }

  /** Terminates the thread of a server that does not end by itself. */
  kill(server: number, reason: Error): void {
    if (this.#reasons.has(server)) return
    this.#reasons.set(server, reason)
    this.#kills[server]?.abort()
  }

  /**
   * Handles the end of a server's thread.
   *
   * @param thrown the error that ended it
   * @throws `thrown`, if the run cannot continue
   */
  async handleExit(server: number, thrown: unknown): Promise<void> {
    // a scenario that one server cannot run, no server can run
    if (!this.#begun || (thrown as Error | undefined)?.name === 'ValidationError') throw thrown
    const reason = this.#reasons.get(server)
    // until then the thread may still complete the batch that would count as failed here
    await new Promise((resolve) => real.setTimeout(resolve, ENDED_MS))
    const { window, queue, stats } = this.#state
    // it may have ended with the queue locked, which leaves the queue in an inconsistent state
    if (!queue.leave(server, LOCK_MS)) throw thrown

    const atNs = this.#clock.now()
    const own = stats[server] as ServerStats
    // a failure counts as a response
    queue.respond({ clients: own.batch.clients, size: own.serving?.size ?? 0, endNs: atNs })
    const requests = own.fail(window, atNs, reason === undefined ? 'thread ended' : failureKind(reason))
    this.found.push({ server, atNs, error: toPortableError(reason ?? thrown), requests })
    if (this.found.length === stats.length) window.endEarly(this.#clock.now, 'no-server')
    queue.notifyAll()
  }
}
