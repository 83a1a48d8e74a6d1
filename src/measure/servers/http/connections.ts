import type { Dispatcher } from 'undici'
import type { ResolvedHttp } from '../../../scenario/http.js'
import { messageOf } from '../../../validation/validation-error.js'
import { targetFailed } from '../../error.js'

/** The run has its own timeout for each request. */
const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0 }

/**
 * Opens the connections of a target: a pool for the origin of its URL, or an agent if there may be others.
 *
 * @param name the name of the target in messages
 * @throws MeasureError if the server does not speak HTTP/2, and the target asks for it
 */
export async function openConnections(http: ResolvedHttp, isOneOrigin: boolean, name: string): Promise<Dispatcher> {
  const { connections, pipelining, tls, socketPath, proxy } = http
  const url = new URL(http.url)
  // loaded on first use, since most runs send no HTTP
  const { Agent, Pool, ProxyAgent, buildConnector } = await import('undici')
  const shared = { connections, pipelining, ...NO_TIMEOUTS }
  if (proxy !== undefined) {
    return new ProxyAgent({
      uri: proxy,
      proxyTunnel: false,
      ...NO_TIMEOUTS,
      pipelining,
      ...(connections !== null && { connections }),
      ...(tls !== undefined && { requestTls: tls, proxyTls: tls }),
    })
  }
  if (http.http2 === true) {
    await checkHttp2(url, http, name)
    const connect = buildConnector({
      ...localhost(url),
      ...tls,
      ...(socketPath !== undefined && { socketPath }),
      allowH2: true,
      ...(url.protocol === 'http:' && { useH2c: true }),
    })
    const options = { ...shared, allowH2: true, maxConcurrentStreams: pipelining, connect }
    return isOneOrigin ? new Pool(url.origin, options) : new Agent(options)
  }
  const options = {
    ...shared,
    ...(socketPath !== undefined && { socketPath }),
    connect: { ...localhost(url), ...tls },
  }
  return isOneOrigin ? new Pool(url.origin, options) : new Agent(options)
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
          ? connectTls({ ...tls, path: socketPath, servername: url.hostname, ALPNProtocols: ['h2'] })
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
