import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Agent, type buildConnector } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import type { MeasureOptions } from '../../src/measure/options.js'
import { ConnectionStats, shortage } from '../../src/measure/servers/http/connection-stats.js'
import { checkResult } from '../../src/result/check.js'
import { mergeResults } from '../../src/result/merge/merge-results.js'
import type { Result } from '../../src/result/result.js'
import { constant } from '../../src/scenario/arrivals/arrivals.js'
import type { HttpTarget } from '../../src/scenario/http.js'
import { expectToAddUp } from '../support/expect/adds-up.js'
import { type Script, type Scripted, startServer } from '../support/processes/http-server.js'

const open: Scripted[] = []
/** A server that counts the bytes on its connections. */
async function server(script: Script): Promise<Scripted & { bytes(): { read: number; written: number } }> {
  const scripted = await startServer(script)
  open.push(scripted)
  const all = new Set<Socket>()
  scripted.server.on('connection', (socket) => all.add(socket))
  const bytes = () => ({
    read: [...all].reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    written: [...all].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
  })
  return Object.assign(scripted, { bytes })
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

const run = (http: HttpTarget, requests = 20, options: MeasureOptions = {}) =>
  measure({ arrivals: constant('500/s'), stop: { requests }, warmup: { requests: 0 }, http }, options)
const codes = ({ validity }: Result) => validity.findings.map(({ code }) => code)
const stored = (result: Result) => checkResult(JSON.parse(JSON.stringify(result)))

describe('bytes', () => {
  it('of bodies of 1 MB, sent and received', async () => {
    const size = 1 << 20
    const echo = await server(({ text }, response) => response.end(text))
    const result = await run({ url: echo.url, body: 'x'.repeat(size) }, 6)
    expectToAddUp(result)
    expect(result.counts.completed).toBe(6)
    const { bytes, batches, window } = stored(result)
    expect(bytes).toMatchObject({ sent: batches.count * size, received: batches.count * size })
    const seconds = (window.endMs - window.startMs) / 1000
    expect(bytes?.receivedPerSecond).toBeCloseTo((batches.count * size) / seconds, 0)
    // with headers: exactly what the server counts
    expect(result.connections).toMatchObject({ sentBytes: echo.bytes().read, receivedBytes: echo.bytes().written })
  })

  it('are as large as on the wire: compressed, and of failures and redirects too', async () => {
    const packed = gzipSync('y'.repeat(10_000))
    let followed = 0
    const mixed = await server(({ url }, response) => {
      response.setHeader('content-encoding', 'gzip')
      if (url === '/') response.writeHead(302, { location: '/there' })
      else if (followed++ % 4 === 1) response.statusCode = 500
      response.end(packed)
    })
    const result = await run({ url: mixed.url, maxRedirects: 1, check: (answer) => answer.body.length === 10_000 }, 8)
    expect(result.counts.failed).toBeGreaterThan(0)
    // a redirect and what it leads to for each
    expect(result.bytes).toMatchObject({ sent: 0, received: 2 * packed.length * result.batches.count })
  })

  it('are known with a dispatcher of the user, and connections are not', async () => {
    const ok = await server((_, response) => response.end('four'))
    const agent = new Agent()
    const result = await run({ url: ok.url, dispatcher: agent, body: 'é' }, 10)
    await agent.close()
    expect(result.bytes).toMatchObject({ sent: 2 * result.batches.count, received: 4 * result.batches.count })
    expect(result.connections).toBeUndefined()
  })
})

describe('connections', () => {
  it('that are kept alive are opened once', async () => {
    const ok = await server((_, response) => response.end('ok'))
    const result = await run({ url: ok.url, connections: 2 }, 50)
    const { connections } = stored(result)
    expect(connections).toMatchObject({ opened: ok.connections, closed: 0, failed: 0 })
    expect(connections?.opened).toBeLessThanOrEqual(2)
    // an address needs no look-up, and http no TLS
    expect(connections?.tcpMs?.count).toBe(ok.connections)
    expect(connections?.setupMs?.max).toBeGreaterThanOrEqual(connections?.tcpMs?.max as number)
    expect(connections).not.toHaveProperty('dnsMs')
    expect(connections).not.toHaveProperty('tlsMs')
    expect(codes(result)).not.toContain('connections-not-reused')
  })

  it('of a server without keep-alive are one for each request, which a finding reports', async () => {
    const closes = await server((_, response) => response.setHeader('connection', 'close').end('ok'))
    // a closed loop, so that every request starts inside the window, however busy the machine is
    const arrivals = { process: 'closed', clients: 2 } as const
    const result = await measure({
      arrivals,
      stop: { requests: 40 },
      warmup: { requests: 0 },
      http: { url: closes.url },
    })
    expect(result.counts.completed).toBe(40)
    expect(result.connections).toMatchObject({ opened: 40, failed: 0 })
    expect(result.connections?.closed).toBeGreaterThan(20)
    const finding = result.validity.findings.find(({ code }) => code === 'connections-not-reused')
    expect(finding?.severity).toBe('warning')
    expect(finding?.message).toMatch(/^\d+ of \d+ HTTP requests waited for a new connection.*enable keep-alive/)
    expect(finding?.figures).toMatchObject({
      opened: result.connections?.openedInWindow,
      requests: result.batches.count,
    })
  })

  it('of a run in progress are those so far, and so are the bytes', async () => {
    const ok = await server((_, response) => response.end('four'))
    let found: Result | null = null
    await measure(
      {
        ...{ arrivals: constant('200/s'), stop: { duration: '30s' }, warmup: { requests: 0 } },
        http: { url: ok.url, connections: 2 },
      },
      {
        onProgress: ({ resultSoFar }) => {
          void resultSoFar().then((result) => {
            found ??= result
          })
          return found === null
        },
      },
    )
    const { connections, bytes, batches } = stored(found as unknown as Result)
    expect(connections).toMatchObject({ closed: 0, failed: 0 })
    expect(connections?.opened).toBeGreaterThanOrEqual(1)
    expect(connections?.opened).toBeLessThanOrEqual(ok.connections)
    expect(connections?.setupMs?.count).toBe(connections?.opened)
    expect(connections?.receivedBytes).toBeGreaterThan(0)
    expect(bytes?.received).toBe(4 * batches.count)
  })

  it('of shards add up', async () => {
    const ok = await server((_, response) => response.end('four'))
    const shards = []
    for (const index of [1, 2]) shards.push(await run({ url: ok.url }, 20, { shard: { index, count: 2 } }))
    const merged = mergeResults(shards, { as: 'shards' })
    expect(merged.connections?.opened).toBe(ok.connections)
    expect(merged.connections?.setupMs?.count).toBe(ok.connections)
    expect(merged.connections?.receivedBytes).toBe(ok.bytes().written)
    expect(merged.bytes?.received).toBe(4 * merged.batches.count)
    expect(stored(merged).bytes).toEqual(merged.bytes)
  })

  it.each(['bytes', 'connections'])('are refused in a stored result whose %s contradict each other', async (field) => {
    const ok = await server((_, response) => response.end('four'))
    const { bytes, connections, ...result } = await run({ url: ok.url }, 10)
    const wrong =
      field === 'bytes'
        ? { ...result, connections, bytes: { ...bytes, received: 1 } }
        : { ...result, bytes, connections: { ...connections, opened: 99 } }
    expect(() => checkResult(wrong)).toThrow(field === 'bytes' ? /bytes: must have rates/ : /connections.setupMs/)
  })
})

describe('the set-up of a connection', () => {
  /** Sets up a connection at these times, and says what is recorded of it. */
  function recordingOf(protocol: string, times: { lookup?: number; connect?: number; end: number }) {
    let nowNs = 10
    const stats = new ConnectionStats({ startNs: 50, endNs: 100 }, () => nowNs)
    const socket = new EventEmitter() as Socket
    let done = () => {}
    const connects: buildConnector.connector = (_, callback) => {
      done = () => callback(null, socket)
      return times.connect === undefined ? undefined : socket
    }
    stats.observe(connects)({ protocol } as never, () => {})
    for (const [event, ns] of Object.entries(times)) {
      nowNs = ns
      if (event === 'end') done()
      else socket.emit(event, null)
    }
    const { steps, ...counts } = stats.recording()
    return {
      ...counts,
      ...Object.fromEntries(Object.entries(steps).map(([name, { count, sum }]) => [name, count && sum])),
    }
  }

  it('is recorded by its steps', () => {
    const all = { lookup: 15, connect: 35, end: 60 }
    expect(recordingOf('https:', all)).toMatchObject({ openedInWindow: 1, setup: 50, dns: 5, tcp: 20, tls: 25 })
    expect(recordingOf('http:', { connect: 30, end: 30 })).toMatchObject({
      openedInWindow: 0,
      setup: 20,
      dns: 0,
      tcp: 20,
      tls: 0,
    })
    // a tunnel of a proxy shows no steps
    expect(recordingOf('https:', { end: 100 })).toMatchObject({
      opened: 1,
      openedInWindow: 0,
      setup: 90,
      tcp: 0,
      tls: 0,
    })
  })
})

describe('connections that this machine cannot open', () => {
  const window = { startNs: 0, endNs: 100 }

  it.each([
    ['EMFILE', /this process has reached its limit of ([\d,]+ )?open files and sockets.*ulimit -Hn/],
    ['EADDRNOTAVAIL', /no more free local ports.*ip_local_port_range/],
  ])('with %s are a finding that says what to raise', (code, message) => {
    const stats = new ConnectionStats(window, () => 1)
    const fails: buildConnector.connector = (_, callback) => callback(Object.assign(new Error('no'), { code }), null)
    stats.observe(fails)({} as never, () => {})
    expect(stats.recording()).toMatchObject({ opened: 0, failed: 1 })
    expect(stats.findings()).toMatchObject([{ code: 'no-more-connections', severity: 'error' }])
    expect(stats.findings()[0]?.message).toMatch(message)
  })

  it('are no finding if the server refuses them', () => {
    const stats = new ConnectionStats(window, () => 1)
    const fails: buildConnector.connector = (_, callback) =>
      callback(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), null)
    stats.observe(fails)({} as never, () => {})
    expect(stats.recording().failed).toBe(1)
    expect(stats.findings()).toEqual([])
    expect(shortage('ECONNREFUSED')).toBeNull()
  })
})
