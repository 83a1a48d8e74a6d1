import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { createServer as createHttp2, createSecureServer, type Http2Server } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { MeasureError } from '../../src/measure/error.js'
import { measure } from '../../src/measure/measure.js'
import { constant } from '../../src/scenario/arrivals/arrivals.js'
import type { HttpTarget } from '../../src/scenario/http.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-tls-'))
let key: string
let cert: string
beforeAll(async () => {
  const altNames = [
    { type: 2 as const, value: 'localhost' },
    { type: 7 as const, ip: '127.0.0.1' },
  ]
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames }],
  })
  key = made.private
  cert = made.cert
})
afterAll(() => rmSync(folder, { recursive: true }))

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()))
})

/** Listens, and counts connections. */
async function listen(server: Server | Http2Server | TcpServer, at: string | { port: number; host: string }) {
  const sockets = new Set<Socket>()
  const counted = { port: 0, connections: 0, sockets }
  server.on('connection', (socket: Socket) => {
    counted.connections++
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at as never, () => resolve())
  })
  open.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  )
  if (typeof at !== 'string') counted.port = (server.address() as AddressInfo).port
  return counted
}
const anyPort = { port: 0, host: '127.0.0.1' }

const run = (http: HttpTarget, requests = 10) =>
  measure({ arrivals: constant('500/s'), stop: { requests }, warmup: { requests: 0 }, http })
const failureOf = (http: HttpTarget) =>
  run(http).then(
    () => null,
    (error: unknown) => error as Error,
  )

describe('HTTPS', () => {
  it('accepts the certificate of an own CA, or any, and refuses one that it does not know', async () => {
    const { port } = await listen(
      createHttps({ key, cert }, (_, response) => void response.end()),
      anyPort,
    )
    const url = `https://localhost:${port}`
    // one connection, since a handshake takes a busy machine long
    const { counts, failures, connections } = await run({ url, tls: { ca: cert }, connections: 1 })
    expect({ completed: counts.completed, failures }).toEqual({ completed: 10, failures: undefined })
    // the steps of a set-up add up to it
    const { opened, setupMs, tcpMs, tlsMs } = connections ?? {}
    expect([setupMs, tcpMs, tlsMs].map((step) => step?.count)).toEqual(new Array(3).fill(opened))
    expect((tcpMs?.mean ?? 0) + (tlsMs?.mean ?? 0)).toBeCloseTo(setupMs?.mean ?? Number.NaN, 6)
    // before encryption
    expect(connections?.receivedBytes).toBeGreaterThan(10 * 'HTTP/1.1 200 OK'.length)
    const other = await run({ url, tls: { rejectUnauthorized: false }, connections: 1 })
    expect(other.counts.completed).toBe(10)
    const error = await failureOf({ url })
    expect(error?.message).toMatch(/self-signed certificate/)
  })
})

describe('HTTP/2', () => {
  it.each(['https', 'http'])('multiplexes requests over one connection by %s', async (protocol) => {
    const versions: string[] = []
    const answer = (given: { httpVersion: string }, response: { end(): void }) => {
      versions.push(given.httpVersion)
      // so late that all are in flight together
      setTimeout(() => response.end(), 100)
    }
    const server = protocol === 'https' ? createSecureServer({ key, cert }, answer) : createHttp2(answer)
    const counted = await listen(server as Http2Server, anyPort)
    const result = await run({ url: `${protocol}://localhost:${counted.port}`, http2: true, tls: { ca: cert } }, 20)
    expect(result.counts.completed).toBe(20)
    expect(new Set(versions)).toEqual(new Set(['2.0']))
    // one of them only finds out if the server speaks HTTP/2
    expect(counted.connections).toBe(2)
    expect(result.scenario).toMatchObject({ servers: 100, http: { connections: 1, pipelining: 100 } })
    expect(result.connections).toMatchObject({ opened: 1, failed: 0 })
    expect(result.connections?.receivedBytes).toBeGreaterThan(0)
    expect(result.connections?.tlsMs?.count).toBe(protocol === 'https' ? 1 : undefined)
  })

  it.each(['https', 'http'])('to a server that does not speak it by %s is one clear error', async (protocol) => {
    let requests = 0
    const answer = (_: unknown, response: { end(): void }) => {
      requests++
      response.end()
    }
    const server = protocol === 'https' ? createHttps({ key, cert }, answer) : createServer(answer)
    const { port } = await listen(server, anyPort)
    const error = await failureOf({ url: `${protocol}://localhost:${port}`, http2: true, tls: { ca: cert } })
    expect(error).toBeInstanceOf(MeasureError)
    expect(error?.message).toMatch(
      /^http GET https?:.*: the server does not speak HTTP\/2.*; omit http2 to use HTTP\/1.1$/,
    )
    expect(requests).toBe(0)
  })

  it('asks a server behind a socket for the certificate of tls.servername', async () => {
    const path = join(folder, 'http2.sock')
    const names: unknown[] = []
    const server = createSecureServer({ key, cert }, (_, response) => response.end())
    server.on('secureConnection', ({ servername }) => names.push(servername))
    await listen(server as Http2Server, path)
    const tls = { ca: cert, servername: 'localhost' }
    const result = await run({ url: 'https://a.example/', http2: true, socketPath: path, tls })
    expect(result.counts.completed).toBe(10)
    expect(names).toEqual(['localhost', 'localhost'])
  })

  it('stops to ask a silent server when it is aborted, and leaves nothing open', async () => {
    // a server of HTTP/1.1 would refuse the preface
    const silent = await listen(
      createTcp((socket) => socket.resume()),
      anyPort,
    )
    const abort = new AbortController()
    const run = measure(
      { arrivals: constant('500/s'), http: { url: `http://127.0.0.1:${silent.port}`, http2: true } },
      { signal: abort.signal },
    )
    const error = run.catch((thrown: unknown) => thrown)
    while (silent.sockets.size === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    abort.abort(new Error('enough'))
    expect(((await error) as Error).message).toBe('enough')
    const [socket] = silent.sockets
    // long before the server's own timeouts
    if (socket?.closed === false) await new Promise((resolve) => socket.once('close', resolve))
    expect(socket?.closed).toBe(true)
  })

  it('fails a response that the server cancels before its end', async () => {
    const frame = (type: number, flags: number, stream: number, payload: number[] | Buffer = []) => {
      const header = Buffer.alloc(9)
      header.writeUIntBE(payload.length, 0, 3)
      header.writeUInt8(type, 3)
      header.writeUInt8(flags, 4)
      header.writeUInt32BE(stream, 5)
      return Buffer.concat([header, Buffer.from(payload)])
    }
    const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4]
    const [CANCEL, END_HEADERS, STATUS_200] = [[0, 0, 0, 8], 4, [0x88]]
    const { port } = await listen(
      createTcp((socket) => {
        socket.write(frame(SETTINGS, 0, 0))
        let received = Buffer.alloc(0)
        socket.on('data', (chunk) => {
          received = Buffer.concat([received, chunk])
          // the first frame comes after the preface of 24 bytes
          for (let at = 24; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
            const stream = received.readUInt32BE(at + 5)
            if (received[at + 3] !== HEADERS || answered.has(stream)) continue
            answered.add(stream)
            socket.write(frame(HEADERS, END_HEADERS, stream, STATUS_200))
            socket.write(frame(DATA, 0, stream, Buffer.from('the first part')))
            socket.write(frame(RST_STREAM, 0, stream, CANCEL))
          }
        })
        const answered = new Set<number>()
      }),
      anyPort,
    )
    const error = await failureOf({ url: `http://127.0.0.1:${port}`, http2: true })
    expect(error?.message).toMatch(/10 failed; .*: the server reset the stream before the end of the response .*8\)$/)
  })

  it('names what ended the requests in flight if the server ends the connection', async () => {
    let requests = 0
    const server = createHttp2()
    server.on('stream', (stream) => {
      stream.on('error', () => {})
      requests++
      // the others are in flight when the last one comes
      if (requests === 1) stream.respond({ ':status': 200 }, { endStream: true })
      if (requests === 10) stream.session?.goaway(0, stream.id)
    })
    const { port } = await listen(server, anyPort)
    const { counts, failures } = await run({ url: `http://127.0.0.1:${port}`, http2: true })
    expect([counts.completed, counts.failed]).toEqual([1, 9])
    expect(failures).toEqual({ 'HTTP/2 GOAWAY': 9 })
  })

  it('to no server is an error too', async () => {
    const error = await failureOf({ url: 'http://127.0.0.1:1', http2: true })
    expect(error?.message).toMatch(/cannot connect with HTTP\/2: .*ECONNREFUSED/)
  })
})

describe('connections', () => {
  it('go to a Unix domain socket', async () => {
    const path = join(folder, 'server.sock')
    const hosts: unknown[] = []
    await listen(
      createServer(({ headers, url }, response) => {
        hosts.push(`${headers.host}${url}`)
        response.end()
      }),
      path,
    )
    const { counts, connections } = await run({ url: 'http://a.example/x', socketPath: path })
    expect(counts.completed).toBe(10)
    expect(connections?.setupMs?.count).toBe(connections?.opened)
    expect(new Set(hosts)).toEqual(new Set(['a.example/x']))
    const error = await failureOf({ url: 'http://a.example/', socketPath: join(folder, 'nowhere.sock') })
    expect(error?.message).toContain('ENOENT')
  })

  it('go through a proxy, with its credentials, which no result stores', async () => {
    const hosts: unknown[] = []
    const target = await listen(
      createServer(({ headers, url }, response) => {
        hosts.push([headers['x-via'], url])
        response.end()
      }),
      anyPort,
    )
    const credentials: unknown[] = []
    const proxy = await listen(
      createServer(({ headers, url = '' }, response) => {
        credentials.push(headers['proxy-authorization'])
        request(url, { headers: { 'x-via': 'proxy' } }, (from) => from.pipe(response)).end()
      }),
      anyPort,
    )
    const result = await run({
      url: `http://127.0.0.1:${target.port}/x`,
      proxy: `http://me:hush@127.0.0.1:${proxy.port}`,
    })
    expect(result.counts.completed).toBe(10)
    expect(hosts).toEqual(new Array(10).fill(['proxy', '/x']))
    expect(result.connections?.opened).toBe(proxy.connections)
    expect(credentials[0]).toBe(`Basic ${Buffer.from('me:hush').toString('base64')}`)
    expect(JSON.stringify(result)).not.toContain('hush')
  })

  it('name the host that is given by hand', async () => {
    const hosts: unknown[] = []
    const { port } = await listen(
      createServer(({ headers }, response) => {
        hosts.push(headers.host)
        response.end()
      }),
      anyPort,
    )
    await run({ url: `http://127.0.0.1:${port}`, headers: { Host: 'shop.example' } }, 3)
    expect(hosts).toEqual(new Array(3).fill('shop.example'))
  })

  it.for(['127.0.0.1', '::1'])('find localhost on %s', async (host, { skip }) => {
    const listening = await listen(
      createServer((_, response) => void response.end()),
      { port: 0, host },
    ).catch((error: NodeJS.ErrnoException) => error)
    const { code } = listening as NodeJS.ErrnoException
    skip(host === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'), 'this machine has no IPv6')
    if (listening instanceof Error) throw listening
    expect((await run({ url: `http://localhost:${listening.port}` })).counts.completed).toBe(10)
  })

  it('to localhost that fail say why', async () => {
    const error = await failureOf({ url: 'http://localhost:1' })
    expect(error?.message).toMatch(/ECONNREFUSED/)
  })

  it.each<[Partial<HttpTarget>, string]>([
    [{ proxy: 'ftp://a' }, 'http.proxy: must be the http or https URL of a proxy'],
    [{ proxy: 'http://a', http2: true }, 'http.proxy: cannot be combined with http2'],
    [{ proxy: 'http://a', socketPath: '/x' }, 'http.proxy: cannot be combined with socketPath'],
    [{ http2: true, dispatcher: { dispatch: () => true } }, 'http.http2: cannot be combined with dispatcher'],
    [{ http2: true, connections: 1001 }, 'connections times pipelining must be at most 100,000'],
  ])('refuse %j', async (http, message) => {
    const error = await failureOf({ url: 'http://127.0.0.1:1', ...http } as HttpTarget)
    expect(error?.message).toContain(message)
  })
})
