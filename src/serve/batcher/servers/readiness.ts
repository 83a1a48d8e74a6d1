import type { BatcherTime } from '../time.js'
import type { Servers } from './servers.js'

/** How long a call must come after a server could not be made ready for it to be tried again. */
const PAUSE_NS = 1_000_000_000

export interface ReadinessEvents {
  /** a server that was not ready is ready */
  ready(server: number): void
  /** a server could not be made ready */
  failed(error: unknown): void
}

/** Makes servers ready for their batches, and remembers those that could not be made ready: the broken ones. */
export class Readiness {
  readonly #servers: Servers
  readonly #time: BatcherTime
  readonly #events: ReadinessEvents
  readonly #preparing = new Map<number, Promise<void>>()
  /** the error of each broken server */
  readonly #broken = new Map<number, unknown>()
  #retryNs = 0
  /** in the batcher's own async context, whichever call causes it */
  readonly #retryBroken: () => void

  constructor(servers: Servers, time: BatcherTime, events: ReadinessEvents) {
    this.#servers = servers
    this.#time = time
    this.#events = events
    this.#retryBroken = time.bind(this.#prepareBroken)
  }

  get anyBroken(): boolean {
    return this.#broken.size > 0
  }
  get allBroken(): boolean {
    return this.#broken.size === this.#servers.count
  }

  /** @returns whether a server is ready now; if not, an event follows */
  prepare(server: number): boolean {
    const preparing = this.#servers.prepare(server)
    if (preparing === null) return true
    const ready = preparing.then(
      () => {
        this.#preparing.delete(server)
        this.#events.ready(server)
      },
      (error: unknown) => {
        this.#preparing.delete(server)
        this.#broken.set(server, error)
        this.#retryNs = this.#time.now() + PAUSE_NS
        this.#events.failed(error)
        throw error
      },
    )
    // reported by `all`, and to the calls
    ready.catch(() => {})
    this.#preparing.set(server, ready)
    return false
  }

  /**
   * Tries the broken servers again, if the pause is over.
   *
   * @returns the error of one of them if no server can serve
   */
  retry(nowNs: number): { error: unknown } | null {
    if (nowNs >= this.#retryNs) {
      this.#retryBroken()
      return null
    }
    return this.allBroken ? { error: this.#broken.values().next().value } : null
  }

  #prepareBroken = (): void => {
    const broken = [...this.#broken.keys()]
    this.#broken.clear()
    for (const server of broken) if (this.prepare(server)) this.#events.ready(server)
  }

  /** Resolves when every server is ready, and rejects if one cannot be made ready. */
  async all(): Promise<void> {
    this.#retryBroken()
    await Promise.all(this.#preparing.values())
  }
}
