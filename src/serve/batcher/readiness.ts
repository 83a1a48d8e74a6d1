import type { Servers } from './servers.js'
import type { Time } from './time.js'

/** A server that could not be made ready is tried again after so long, when there is a call. */
const PAUSE_NS = 1_000_000_000

/** Who wants to know what became of a server that was not ready. */
export interface Preparing {
  ready(server: number): void
  /** it could not be made ready */
  failed(error: unknown): void
}

/** Has servers made ready for their batches, and knows those that could not be. */
export class Readiness {
  readonly #servers: Servers
  readonly #time: Time
  readonly #told: Preparing
  readonly #preparing = new Map<number, Promise<void>>()
  /** why each could not be */
  readonly #broken = new Map<number, unknown>()
  #tryAgainNs = 0
  /** in the batcher's own async context, whoever calls */
  readonly #tryAgain: () => void

  constructor(servers: Servers, time: Time, told: Preparing) {
    this.#servers = servers
    this.#time = time
    this.#told = told
    this.#tryAgain = time.bind(this.#prepareBroken)
  }

  get anyBroken(): boolean {
    return this.#broken.size > 0
  }
  get allBroken(): boolean {
    return this.#broken.size === this.#servers.count
  }

  /** @returns whether a server is ready now; else what becomes of it is told */
  prepare(server: number): boolean {
    const preparing = this.#servers.prepare(server)
    if (preparing === null) return true
    const ready = preparing.then(
      () => {
        this.#preparing.delete(server)
        this.#told.ready(server)
      },
      (error: unknown) => {
        this.#preparing.delete(server)
        this.#broken.set(server, error)
        this.#tryAgainNs = this.#time.now() + PAUSE_NS
        this.#told.failed(error)
        throw error
      },
    )
    // whoever asks whether it is ready is told
    ready.catch(() => {})
    this.#preparing.set(server, ready)
    return false
  }

  /**
   * Some servers could not be made ready: tries again, unless that is too early.
   *
   * @returns why, where none is left to serve anyone
   */
  mend(nowNs: number): { error: unknown } | null {
    if (nowNs >= this.#tryAgainNs) {
      this.#tryAgain()
      return null
    }
    return this.allBroken ? { error: this.#broken.values().next().value } : null
  }

  #prepareBroken = (): void => {
    const broken = [...this.#broken.keys()]
    this.#broken.clear()
    for (const server of broken) if (this.prepare(server)) this.#told.ready(server)
  }

  /** Resolves when every server is ready, and rejects where one cannot be. */
  async all(): Promise<void> {
    this.#tryAgain()
    await Promise.all(this.#preparing.values())
  }
}
