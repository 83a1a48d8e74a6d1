import type { Client, Dispatcher } from 'undici'
import type { Outgoing } from './requests.js'
import type { ResponseHandler } from './response.js'

/** A connection, which connects again after it was closed. */
interface Connection {
  client: Client
  isFree: boolean
}

interface Waiting {
  request: Outgoing
  handler: ResponseHandler
}

/**
 * The connections to one server. A request takes the one that was freed last; a new one is opened if none is free, up to a
 * limit. In undici's own pool each request searches all connections, which takes long with thousands of them, and a request
 * that is invalid leaves its connection busy for ever.
 */
export class ConnectionPool {
  readonly #open: () => Client
  readonly #most: number
  readonly #all: Connection[] = []
  /** the free ones, the one freed last at the end */
  readonly #free: Connection[] = []
  /** requests that found none, in order */
  readonly #waiting = new Set<Waiting>()

  /** @param most the largest number of connections; null for no limit */
  constructor(open: () => Client, most: number | null) {
    this.#open = open
    this.#most = most ?? Number.POSITIVE_INFINITY
  }

  dispatch(request: Outgoing, handler: ResponseHandler): void {
    const connection = this.#take()
    if (connection === null) this.#waiting.add({ request, handler })
    else this.#send(connection, request, handler)
  }

  /** Closes all connections. Requests on them fail. */
  async destroy(): Promise<void> {
    this.#waiting.clear()
    await Promise.all(this.#all.map(({ client }) => client.destroy()))
  }

  /** Takes a connection that is free or new; null if there is none. */
  #take(): Connection | null {
    const free = this.#free.pop()
    if (free !== undefined) {
      free.isFree = false
      return free
    }
    if (this.#all.length >= this.#most) return null
    const connection: Connection = { client: this.#open(), isFree: false }
    // it takes requests again: after a response, or after it could not connect
    connection.client.on('drain', () => this.#release(connection))
    this.#all.push(connection)
    return connection
  }

  #send(connection: Connection, request: Outgoing, handler: ResponseHandler): void {
    const { client } = connection
    const takesMore = client.dispatch(
      request as Outgoing & { method: Dispatcher.HttpMethod },
      handler as Dispatcher.DispatchHandler,
    )
    // an invalid request fails at once, and nothing will drain
    if (takesMore || (handler.isOver && client.stats.size === 0)) this.#release(connection)
  }

  #release(connection: Connection): void {
    if (connection.isFree) return
    const next = this.#waiting.size === 0 ? null : this.#nextWaiting()
    if (next !== null) {
      this.#send(connection, next.request, next.handler)
      return
    }
    connection.isFree = true
    this.#free.push(connection)
  }

  /** Takes the request that waits longest; null if all of them timed out. */
  #nextWaiting(): Waiting | null {
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      if (!next.handler.isOver) return next
    }
    return null
  }
}
