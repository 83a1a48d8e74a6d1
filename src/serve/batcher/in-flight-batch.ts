import type { BatchContext } from '../../handler/serving.js'
import type { Request } from './request.js'

/** A batch that has left the queue, and is served by a server. */
export class Flight {
  readonly server: number
  /** those that are still wanted when the server begins */
  requests: Request[]
  /** since when its server had been idle, when it left the queue, and when its server began on it */
  readonly idleNs: number
  readonly leaveNs: number
  startNs: number
  /** its handler has been called */
  begun = false
  over = false
  /** what its handler was given, in this process */
  context: BatchContext | null = null
  readonly #ended: Ended

  constructor(server: number, requests: Request[], idleNs: number, leaveNs: number, ended: Ended) {
    this.server = server
    this.requests = requests
    this.idleNs = idleNs
    this.leaveNs = leaveNs
    this.startNs = leaveNs
    this.#ended = ended
  }

  /** The handler has returned this. Whoever ends it first does; what comes after that is too late. */
  answered(outputs: unknown): void {
    if (!this.over) this.#ended(this, outputs, null)
  }

  /** All of its requests have failed. */
  failed(error: unknown): void {
    if (!this.over) this.#ended(this, null, { error })
  }
}

export type Ended = (flight: Flight, outputs: unknown, failure: { error: unknown } | null) => void
