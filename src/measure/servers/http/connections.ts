import type { Socket } from 'node:net'
import type { buildConnector, Dispatcher } from 'undici'
import { onAbort } from '../../../handler/on-abort.js'
import { mostOpenFiles } from '../../../machine/open-files.js'
import type { ResolvedHttp } from '../../../scenario/http.js'
import { count } from '../../../text/number.js'
import { throwIfAborted } from '../../../validation/realm.js'
import { messageOf, ValidationError } from '../../../validation/validation-error.js'
import { targetFailed } from '../../error.js'
import { ConnectionPool, type RequestSender } from './connection-pool.js'
import { type ConnectionStats, RAISE_OPEN_FILES } from './connection-stats.js'
import { connectDirectly } from './direct-reads.js'
import type { Outgoing } from './requests.js'
import type { ResponseHandler } from './response.js'

/** The run has its own timeout for each request. */
const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0 }

/** What the connections of a target need in addition to its options. */
export interface ConnectionSetup {
  /** the name of the target in messages */
  name: string
  /** records the connections */
  stats: ConnectionStats
  signal: AbortSignal | undefined
}

/**
 * Opens the connections of a target when they are first used: through its proxy, or a pool for each server.
 *
 * @throws ValidationError if this process may not have that many connections
 * @throws MeasureError if the server does not speak HTTP/2, and the target asks for it
 */
export async function openConnections(http: ResolvedHttp, setup: ConnectionSetup): Promise<RequestSender> {
  const { connections, pipelining, tls, socketPath, proxy, http2 = false } = http
  const { stats } = setup
  checkOpenFiles(connections)
  // loaded on first use, since most runs send no HTTP
  const { Client, Pool, ProxyAgent, buildConnector } = await import('undici')
  const shared = { pipelining, ...NO_TIMEOUTS }
  const connecting = new ConnectingSockets()
  if (proxy !== undefined) {
    const agent = new ProxyAgent({
      uri: proxy,
      proxyTunnel: false,
      ...shared,
      ...(connections !== null && { connections }),
      ...(tls !== undefined && { requestTls: tls, proxyTls: tls }),
      factory: (origin, options) => {
        const { connect } = options as { connect: buildConnector.connector }
        const observed = stats.observe(connecting.track(connect))
        return new Pool(origin, { ...shared, connections, ...options, connect: observed })
      },
      // for tunnels
      clientFactory: (url, { connect }: { connect: buildConnector.connector }) =>
        new Pool(url, { connect: connecting.track(connect) }),
    })
    return connecting.endWith(through(agent))
  }
  if (http2) await checkHttp2(new URL(http.url), http, setup)
  const byServer = new ConnectionsByServer((origin) => {
    const url = new URL(origin)
    const to = { ...localhost(url), ...tls, ...(socketPath !== undefined && { socketPath }) }
    const ofHttp2 = { ...to, allowH2: true, useH2c: url.protocol === 'http:' }
    const connector = http2 ? buildConnector(ofHttp2) : connectDirectly(buildConnector, to)
    const connect = stats.observe(connecting.track(connector))
    const options = { ...shared, connect, ...(http2 && { allowH2: true, maxConcurrentStreams: pipelining }) }
    const protocol = http2 ? 'http2' : pipelining > 1 ? 'pipelined' : 'serial'
    return new ConnectionPool(() => new Client(origin, options), { most: connections, protocol })
  })
  return connecting.endWith(byServer)
}

/** Sockets that are not connected yet. undici leaves them open when it is destroyed, until they connect or time out. */
class ConnectingSockets {
  readonly #sockets = new Set<Socket>()

  /** Makes a connector whose sockets are tracked until they are connected. */
  track(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      let socket: Socket | undefined
      // undici's own connectors return the socket before it is connected; a tunnel has none
      const returned = connect(options, (...result: buildConnector.CallbackArgs) => {
        if (socket !== undefined) this.#sockets.delete(socket)
        callback(...(result as Parameters<buildConnector.Callback>))
      }) as unknown as Socket | undefined
      if (typeof returned?.destroy === 'function') {
        socket = returned
        this.#sockets.add(socket)
      }
      return returned as unknown as undefined
    }
  }

  /** Makes these connections destroy the sockets too. */
  endWith(connections: RequestSender): RequestSender {
    const { destroy } = connections
    connections.destroy = async () => {
      await destroy.call(connections)
      for (const socket of this.#sockets) socket.destroy()
    }
    return connections
  }
}

/** Connections to each of the servers that requests name. */
class ConnectionsByServer implements RequestSender {
  readonly #open: (origin: string) => RequestSender
  readonly #byOrigin = new Map<string, RequestSender>()

  constructor(open: (origin: string) => RequestSender) {
    this.#open = open
  }

  dispatch(request: Outgoing, handler: ResponseHandler): void {
    let connections = this.#byOrigin.get(request.origin)
    if (connections === undefined) {
      connections = this.#open(request.origin)
      this.#byOrigin.set(request.origin, connections)
    }
    connections.dispatch(request, handler)
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#byOrigin.values()].map((connections) => connections.destroy()))
  }
}

/** Sends requests through a dispatcher of undici. */
export function through(
  dispatcher: Dispatcher,
  adapt: (handler: ResponseHandler) => object = (handler) => handler,
): RequestSender {
  return {
    dispatch(request, handler) {
      dispatcher.dispatch(
        request as Outgoing & { method: Dispatcher.HttpMethod },
        adapt(handler) as Dispatcher.DispatchHandler,
      )
    },
    destroy: () => dispatcher.destroy(),
  }
}

/** How many files a run has open in addition to its connections, at most. */
const OTHER_FILES = 64

function checkOpenFiles(connections: number | null): void {
  const most = mostOpenFiles()
  if (most === null || connections === null || connections + OTHER_FILES <= most) return
  throw new ValidationError(
    'http.connections',
    `must be at most ${count(Math.max(0, most - OTHER_FILES))}, got ${count(connections)}, because this process can open at most ${count(most)} files and sockets; ${RAISE_OPEN_FILES}`,
  )
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

/** A server of this machine refuses at once; Node's default of 250 ms would fail connections of a busy event loop. */
const ATTEMPT_MS = 5000

const localhost = ({ hostname }: URL) =>
  hostname === 'localhost'
    ? { lookup: lookupLocalhost as never, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MS }
    : {}

/** How long a server may take to show that it speaks HTTP/2. */
const HTTP2_TIMEOUT_MS = 10_000

/** Connects once to find out if the server speaks HTTP/2: undici would fall back to HTTP/1.1. */
async function checkHttp2(
  url: URL,
  { tls, socketPath }: ResolvedHttp,
  { name, signal }: ConnectionSetup,
): Promise<void> {
  const { connect } = await import('node:http2')
  const net = await import('node:net')
  const { connect: connectTls } = await import('node:tls')
  throwIfAborted(signal)
  const isTls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const to =
    socketPath === undefined
      ? { host, port: Number(url.port) || (isTls ? 443 : 80), ...localhost(url) }
      : { path: socketPath }
  const socket = isTls
    ? connectTls({ ...to, ...(net.isIP(host) === 0 && { servername: host }), ...tls, ALPNProtocols: ['h2'] })
    : net.connect(to)
  const session = connect(url.origin, { createConnection: () => socket })
  let ignore: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      ignore = signal && onAbort(signal, () => reject(signal.reason))
      session.once('remoteSettings', () => resolve())
      session.once('error', reject)
      session.once('close', () => reject(new Error('it closed the connection')))
      session.setTimeout(HTTP2_TIMEOUT_MS, () => reject(new Error(`it sent no settings within ${HTTP2_TIMEOUT_MS} ms`)))
    })
  } catch (error) {
    throwIfAborted(signal)
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
    ignore?.()
    session.on('error', () => {})
    session.destroy()
    // a session waits until its socket is connected
    socket.destroy()
  }
}
