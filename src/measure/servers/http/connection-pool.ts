import type { ClientHttp2Stream } from 'node:http2'
import type { Client, Dispatcher } from 'undici'
import { real } from '../../../clock/real.js'
import type { Outgoing } from './requests.js'
import { ForwardingHandler, type ResponseHandler } from './response.js'

/** What requests are sent through: the connections to one server or several. */
export interface RequestSender {
  dispatch(request: Outgoing, handler: ResponseHandler): void
  destroy(): Promise<void>
}

/** A request as undici takes it. */
type Sendable = Outgoing & { method: Dispatcher.HttpMethod }

interface Waiting {
  request: Outgoing
  handler: ResponseHandler
}

/** A connection, which connects again after it was closed, and is released when it takes another request. */
interface Connection {
  /** whether it is with the free ones */
  isFree: boolean
  /** whether its last request failed, so that it has to connect again */
  readonly hasFailed: boolean
  send(request: Outgoing, handler: ResponseHandler): void
  destroy(): Promise<void>
}

/**
 * The connections to one server. A request takes the one that was freed last; a new one is opened if none is free, up to a
 * limit. In undici's own pool each request searches all connections, which takes long with thousands of them, and waits
 * until the event loop has turned twice since the response before; and a request that is invalid leaves its connection busy
 * for ever.
 */
export class ConnectionPool implements RequestSender {
  readonly #open: () => Client
  readonly #most: number
  readonly #Connection: typeof SerialConnection | typeof SharedConnection | typeof Http2Connection
  readonly #all: Connection[] = []
  /** the free ones, the one freed last at the end */
  readonly #free: Connection[] = []
  /** requests that found none, in order */
  readonly #waiting = new Set<Waiting>()

  /**
   * @param most the largest number of connections; null for no limit
   * @param protocol whether a connection may have several requests in flight, in order or as streams of HTTP/2
   */
  constructor(open: () => Client, { most, protocol }: { most: number | null; protocol: keyof typeof CONNECTIONS }) {
    this.#open = open
    this.#most = most ?? Number.POSITIVE_INFINITY
    this.#Connection = CONNECTIONS[protocol]
  }

  dispatch(request: Outgoing, handler: ResponseHandler): void {
    const connection = this.#take()
    if (connection === null) this.#waiting.add({ request, handler })
    else connection.send(request, handler)
  }

  /** Closes all connections. Requests on them fail. */
  async destroy(): Promise<void> {
    this.#waiting.clear()
    await Promise.all(this.#all.map((connection) => connection.destroy()))
  }

  /** Takes a free connection, or opens a new one. Returns null if all are in use. */
  #take(): Connection | null {
    const free = this.#free.pop()
    if (free !== undefined) {
      free.isFree = false
      return free
    }
    if (this.#all.length >= this.#most) return null
    const connection = new this.#Connection(this.#open(), this.#release)
    this.#all.push(connection)
    return connection
  }

  #release = (connection: Connection): void => {
    if (connection.isFree) return
    const next = this.#waiting.size === 0 ? null : this.#nextWaiting()
    if (next !== null) {
      connection.send(next.request, next.handler)
      return
    }
    connection.isFree = true
    if (connection.hasFailed) this.#free.unshift(connection)
    else this.#free.push(connection)
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

/**
 * A connection with one request in flight. It is the handler of its requests, and takes the next one as the response ends:
 * undici keeps that, and sends it in the next turn of the event loop.
 */
class SerialConnection extends ForwardingHandler implements Connection {
  isFree = false
  hasFailed = false
  readonly #client: Client
  readonly #release: (connection: Connection) => void
  /** that of its request, set before anything comes back */
  protected handler!: ResponseHandler

  constructor(client: Client, release: (connection: Connection) => void) {
    super()
    this.#client = client
    this.#release = release
  }

  send(request: Outgoing, handler: ResponseHandler): void {
    this.handler = handler
    this.#client.dispatch(request as Sendable, this as Dispatcher.DispatchHandler)
  }

  destroy(): Promise<void> {
    return this.#client.destroy()
  }

  override onComplete(): void {
    const handler = this.handler
    this.hasFailed = false
    // first, since the end of a request may send the next
    this.#release(this)
    handler.onComplete()
  }
  override onError(error: Error): void {
    const handler = this.handler
    this.hasFailed = true
    // undici is not ready for another request yet
    real.queueMicrotask(() => this.#release(this))
    handler.onError(error)
  }
}

/** A connection with several requests in flight, of HTTP/2 or pipelined. undici says when it takes more. */
class SharedConnection implements Connection {
  isFree = false
  readonly hasFailed = false
  readonly #client: Client
  readonly #release: (connection: Connection) => void

  constructor(client: Client, release: (connection: Connection) => void) {
    this.#client = client
    this.#release = release
    // after a response, or after it could not connect
    client.on('drain', () => release(this))
  }

  send(request: Outgoing, handler: ResponseHandler): void {
    const takesMore = this.#client.dispatch(request as Sendable, this.adapt(handler) as Dispatcher.DispatchHandler)
    // an invalid request fails at once, and nothing will drain
    if (takesMore || (handler.isOver && this.#client.stats.size === 0)) this.#release(this)
  }

  destroy(): Promise<void> {
    return this.#client.destroy()
  }

  /** Makes the handler that undici gets. */
  protected adapt(handler: ResponseHandler): object {
    return handler
  }
}

/** A connection of HTTP/2, whose requests are streams. */
class Http2Connection extends SharedConnection {
  /** the one that requests are sent on */
  #session: Session = { isGoingAway: false }

  constructor(client: Client, release: (connection: Connection) => void) {
    super(client, release)
    let last: Error | null = null
    client.on('disconnect', (_origin, _targets, error) => {
      // undici reports the end of a session, and then of its socket
      if (error === last) return
      last = error
      this.#session.isGoingAway = isGoAway(error)
      this.#session = { isGoingAway: false }
    })
  }

  protected override adapt(handler: ResponseHandler): object {
    return new StreamHandler(handler, this.#session)
  }
}

/** A session of HTTP/2, and whether the server ended it. */
interface Session {
  isGoingAway: boolean
}

const isGoAway = ({ message }: Error) => message.includes('"GOAWAY"')

const CONNECTIONS = { serial: SerialConnection, pipelined: SharedConnection, http2: Http2Connection }

/**
 * Fails a response whose stream the server resets: undici takes the end of the stream for the end of the response. And names
 * the reason if the server ends the session: undici then ends all requests in flight, which the server may have served.
 */
class StreamHandler extends ForwardingHandler {
  protected readonly handler: ResponseHandler
  #stream: ClientHttp2Stream | null = null

  readonly #session: Session

  constructor(handler: ResponseHandler, session: Session) {
    super()
    this.handler = handler
    this.#session = session
  }

  override onError(error: Error): void {
    super.onError(this.#session.isGoingAway || isGoAway(error) ? new GoAwayError(error) : error)
  }
  override onHeaders(status: number, headers: unknown, resume?: () => ClientHttp2Stream): boolean {
    // it returns its stream, which undici hands out in no other way, and which flows in any case
    this.#stream = resume?.() ?? null
    return super.onHeaders(status, headers)
  }
  override onComplete(): void {
    const { rstCode = 0 } = this.#stream ?? {}
    if (rstCode === 0) super.onComplete()
    else super.onError(new StreamResetError(rstCode))
  }
}

class StreamResetError extends Error {
  override readonly name = 'StreamResetError'
  readonly code = 'ERR_HTTP2_STREAM_ERROR'
  readonly kind = 'incomplete response'

  constructor(rstCode: number) {
    super(`the server reset the stream before the end of the response (HTTP/2 error code ${rstCode})`)
  }
}

class GoAwayError extends Error {
  override readonly name = 'GoAwayError'
  readonly kind = 'HTTP/2 GOAWAY'

  constructor(cause: Error) {
    super('the server ended the HTTP/2 connection (GOAWAY) while the request was in flight', { cause })
  }
}
