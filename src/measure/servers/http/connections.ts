import type { Client, Dispatcher } from 'undici'
import { real } from '../../../clock/real.js'
import type { ResolvedHttp } from '../../../scenario/http.js'
import { messageOf } from '../../../validation/validation-error.js'
import { targetFailed } from '../../error.js'
import type { Outgoing } from './requests.js'
import { CompatibleHandler, type ResponseHandler } from './response.js'

/** The run has its own timeout for each request. */
const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0 }

/** The connections of a target. */
export interface Connections {
  /** Sends a request, whose handler gets the response or the error. */
  send(request: Outgoing, handler: ResponseHandler): void
  close(): Promise<void>
}

/**
 * Opens the connections of a target when they are first used: of its own dispatcher, through its proxy, or to each server.
 *
 * @param name the name of the target in messages
 * @throws MeasureError if the server does not speak HTTP/2, and the target asks for it
 */
export async function openConnections(http: ResolvedHttp, name: string): Promise<Connections> {
  const { connections, pipelining, tls, socketPath, proxy, http2 } = http
  const given = http.dispatcher as Dispatcher | undefined
  // the user closes the user's own dispatcher
  if (given !== undefined)
    return { send: sendBy(given, (handler) => new CompatibleHandler(handler)), close: async () => {} }
  // loaded on first use, since most runs send no HTTP
  const { Client, Pool, ProxyAgent, buildConnector } = await import('undici')
  if (proxy !== undefined) {
    const agent = new ProxyAgent({
      uri: proxy,
      proxyTunnel: false,
      ...NO_TIMEOUTS,
      pipelining,
      ...(connections !== null && { connections }),
      ...(tls !== undefined && { requestTls: tls, proxyTls: tls }),
    })
    return { send: sendBy(agent), close: () => agent.destroy() }
  }
  if (http2 === true) await checkHttp2(new URL(http.url), http, name)
  return new ConnectionsByServer((origin) => {
    const url = new URL(origin)
    const connect = buildConnector({
      ...localhost(url),
      ...tls,
      ...(socketPath !== undefined && { socketPath }),
      ...(http2 === true && { allowH2: true, useH2c: url.protocol === 'http:' }),
    })
    const options = {
      ...NO_TIMEOUTS,
      pipelining,
      connect,
      ...(http2 === true && { allowH2: true, maxConcurrentStreams: pipelining }),
    }
    if (pipelining === 1 && http2 !== true) return new SingleUsePool(() => new Client(origin, options), connections)
    const pool = new Pool(origin, { ...options, connections })
    return { send: sendBy(pool), close: () => pool.destroy() }
  })
}

/** Sends requests by a dispatcher, which rejects some by throwing, and others through `onError`. */
const sendBy =
  (dispatcher: Dispatcher, adapt: (handler: ResponseHandler) => object = (handler) => handler): Connections['send'] =>
  (request, handler) => {
    try {
      dispatcher.dispatch(request as Sendable, adapt(handler) as Dispatcher.DispatchHandler)
    } catch (error) {
      handler.onError(error as Error)
    }
  }
type Sendable = Outgoing & { method: Dispatcher.HttpMethod }

/** Connections to each of the servers that requests name. */
class ConnectionsByServer implements Connections {
  readonly #open: (origin: string) => Connections
  readonly #byOrigin = new Map<string, Connections>()

  constructor(open: (origin: string) => Connections) {
    this.#open = open
  }

  send(request: Outgoing, handler: ResponseHandler): void {
    let connections = this.#byOrigin.get(request.origin)
    if (connections === undefined) {
      connections = this.#open(request.origin)
      this.#byOrigin.set(request.origin, connections)
    }
    connections.send(request, handler)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byOrigin.values()].map((connections) => connections.close()))
  }
}

/**
 * Connections to a server, each of which sends one request at a time. undici's own pool looks through all connections for a
 * free one, and lets two turns of the event loop pass before it uses one again, which count as latency of the next request.
 */
class SingleUsePool implements Connections {
  readonly #open: () => Client
  readonly #most: number
  readonly #all: Connection[] = []
  /** the latest used is last, and is used next */
  readonly #free: Connection[] = []
  /** requests that wait until others, which have timed out, are aborted */
  readonly #waiting: { request: Outgoing; handler: ResponseHandler }[] = []

  constructor(open: () => Client, most: number | null) {
    this.#open = open
    this.#most = most ?? Number.POSITIVE_INFINITY
  }

  send(request: Outgoing, handler: ResponseHandler): void {
    const connection = this.#free.pop() ?? this.#openAnother()
    if (connection === null) this.#waiting.push({ request, handler })
    else connection.send(request, handler)
  }

  #openAnother(): Connection | null {
    if (this.#all.length === this.#most) return null
    const connection = new Connection(this.#open(), this.#release)
    this.#all.push(connection)
    return connection
  }

  #release = (connection: Connection): void => {
    let next = this.#waiting.shift()
    while (next?.handler.isOver) next = this.#waiting.shift()
    if (next !== undefined) connection.send(next.request, next.handler)
    else if (connection.isOpen) this.#free.push(connection)
    // it has to connect again: others first
    else this.#free.unshift(connection)
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((connection) => connection.close()))
  }
}

/** A connection that sends one request at a time, and passes what comes back to the handler of that request. */
class Connection {
  readonly #client: Client
  readonly #release: (connection: Connection) => void
  /** that of its request, set before anything comes back */
  #handler!: ResponseHandler
  /** whether its last request got a whole response */
  isOpen = true

  constructor(client: Client, release: (connection: Connection) => void) {
    this.#client = client
    this.#release = release
  }

  send(request: Outgoing, handler: ResponseHandler): void {
    this.#handler = handler
    this.#client.dispatch(request as Sendable, this as Dispatcher.DispatchHandler)
  }

  close(): Promise<void> {
    return this.#client.destroy()
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#handler.onConnect(abort)
  }
  onUpgrade(): void {}
  onHeaders(status: number, headers: unknown): boolean {
    return this.#handler.onHeaders(status, headers)
  }
  onData(chunk: Uint8Array): boolean {
    return this.#handler.onData(chunk)
  }
  onComplete(): void {
    const handler = this.#handler
    this.isOpen = true
    // first, since the end of a request may send the next
    this.#release(this)
    handler.onComplete()
  }
  onError(error: Error): void {
    const handler = this.#handler
    this.isOpen = false
    // undici is not ready for another request yet
    real.queueMicrotask(() => this.#release(this))
    handler.onError(error)
  }
}

type Lookup = (
  hostname: string,
  options: { all?: boolean },
  callback: (error: null, address: string | { address: string; family: number }[], family?: number) => void,
) => void

/** Both addresses of localhost: a server may listen on either, and not every system lists both. */
const lookupLocalhost: Lookup = (_, { all }, callback) => {
  if (all !== true) {
    callback(null, '127.0.0.1', 4)
    return
  }
  callback(null, [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ])
}

const localhost = ({ hostname }: URL) =>
  hostname === 'localhost' ? { lookup: lookupLocalhost as never, autoSelectFamily: true } : {}

/** How long a server may take to show that it speaks HTTP/2. */
const HTTP2_TIMEOUT_MS = 10_000

/** Connects once to find out if the server speaks HTTP/2: undici would fall back to HTTP/1.1. */
async function checkHttp2(url: URL, { tls, socketPath }: ResolvedHttp, name: string): Promise<void> {
  const { connect } = await import('node:http2')
  const net = await import('node:net')
  const { connect: connectTls } = await import('node:tls')
  const session = connect(url.origin, {
    ...localhost(url),
    ...(tls as object | undefined),
    ...(socketPath !== undefined && {
      createConnection: () =>
        url.protocol === 'https:'
          ? connectTls({ servername: url.hostname, ...tls, path: socketPath, ALPNProtocols: ['h2'] })
          : net.connect(socketPath),
    }),
  })
  try {
    await new Promise<void>((resolve, reject) => {
      session.once('remoteSettings', () => resolve())
      session.once('error', reject)
      session.once('close', () => reject(new Error('it closed the connection')))
      session.setTimeout(HTTP2_TIMEOUT_MS, () => reject(new Error(`it sent no settings within ${HTTP2_TIMEOUT_MS} ms`)))
    })
  } catch (error) {
    const { code = '' } = error as { code?: string }
    const reached =
      !/^(ECONNREFUSED|ENOTFOUND|ENOENT|EAI_AGAIN|EHOSTUNREACH|ETIMEDOUT|DEPTH_ZERO|CERT_|SELF_SIGNED|UNABLE_TO|ERR_TLS)/.test(
        code,
      )
    const what = reached
      ? `the server does not speak HTTP/2${url.protocol === 'http:' ? ' without TLS' : ''} ${code.startsWith('ERR_SSL') ? '' : ` (${messageOf(error)})`}; omit http2 to use HTTP/1.1`
      : `cannot connect with HTTP/2: ${messageOf(error)}`
    throw targetFailed(name, what, error)
  } finally {
    session.on('error', () => {})
    session.destroy()
  }
}
