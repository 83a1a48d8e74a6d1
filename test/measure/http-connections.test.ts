import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createBatch } from '../../src/measure/queue/batch.js'
import { httpTarget } from '../../src/measure/servers/http-target.js'
import { type GivenOutcome, InFlightBatch, SERVED } from '../../src/measure/servers/in-flight-batch.js'
import type { LocalTarget } from '../../src/measure/servers/local-target.js'
import { failureKind } from '../../src/result/failures.js'
import { type HttpTarget, httpSchema, type ResolvedHttp } from '../../src/scenario/http.js'
import { type Script, type Scripted, startServer } from '../support/processes/http-server.js'

const SETUP = {
  ...{ source: null, shard: null, name: 'test', signal: undefined },
  ...{ window: { startNs: 0, endNs: 1e9 }, clock: () => 0 },
}

const open: { close(): Promise<void> }[] = []
async function server(script: Script): Promise<Scripted> {
  const scripted = await startServer(script)
  open.push(scripted)
  return scripted
}
async function target(http: HttpTarget): Promise<LocalTarget> {
  const local = await httpTarget(httpSchema.parse(http) as ResolvedHttp, SETUP)
  open.unshift(local)
  return local
}
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** Sends a request. Returns what is in flight, and how it ends: null for a success, or the kind of its failure. */
function send(local: LocalTarget): { inFlight: InFlightBatch; ended: Promise<string | null> } {
  let end = (_: GivenOutcome) => {}
  const ended = new Promise<GivenOutcome>((resolve) => {
    end = resolve
  })
  const inFlight = new InFlightBatch(
    0,
    { ...createBatch(Float64Array.of(0)), size: 1 },
    (_, outcome) => end(outcome),
    () => 0,
  )
  inFlight.payload = local.payload(inFlight)
  local.serve(inFlight)
  const kindOf = (outcome: GivenOutcome) =>
    outcome === SERVED ? null : failureKind((outcome as { error: unknown }).error)
  return { inFlight, ended: ended.then(kindOf) }
}

/** Sends requests one after another, each as soon as the one before ends: within its callback. */
function sendInTurn(local: LocalTarget, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count
    const next = () => {
      if (left-- === 0) {
        resolve()
        return
      }
      const batch = { ...createBatch(Float64Array.of(0)), size: 1 }
      const inFlight = new InFlightBatch(0, batch, next, () => 0)
      inFlight.payload = local.payload(inFlight)
      local.serve(inFlight)
    }
    next()
  })
}

describe('connections that send one request at a time', () => {
  it('send the next request as the one before ends', async () => {
    const ok = await server((_, response) => response.end('ok'))
    await sendInTurn(await target({ url: ok.url, connections: 5 }), 20)
    expect(ok.received).toHaveLength(20)
    expect(ok.connections).toBe(1)
  })

  it('open as many as are in flight, up to the limit', async () => {
    const finish: (() => void)[] = []
    const waits = await server((_, response) => {
      finish.push(() => response.end())
      if (finish.length === 3) for (const each of finish) each()
    })
    const unlimited = await target({ url: waits.url })
    await Promise.all([1, 2, 3].map(() => send(unlimited).ended))
    expect(waits.connections).toBe(3)

    let inFlight = 0
    let most = 0
    const slow = await server((_, response) => {
      most = Math.max(most, ++inFlight)
      setTimeout(() => {
        inFlight--
        response.end()
      }, 2)
    })
    const limited = await target({ url: slow.url, connections: 2 })
    const ended = await Promise.all(Array.from({ length: 6 }, () => send(limited).ended))
    expect(ended).toEqual(new Array(6).fill(null))
    expect(slow.connections).toBe(2)
    expect(most).toBe(2)
  })

  it('connect again when the server closes each after its response', async () => {
    const closes = await server((_, response) => response.setHeader('connection', 'close').end('ok'))
    await sendInTurn(await target({ url: closes.url, connections: 2 }), 6)
    expect(closes.received).toHaveLength(6)
    expect(closes.connections).toBe(6)
  })

  it('connect again after a failure, and prefer others meanwhile', async () => {
    const ports: unknown[] = []
    const hangs = await server(({ socket, number }, response) => {
      ports.push(socket.remotePort)
      if (number >= 2) response.end()
    })
    const local = await target({ url: hangs.url, connections: 2 })
    const late = [send(local), send(local)]
    while (ports.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
    for (const { inFlight, ended } of late) {
      inFlight.fail(Object.assign(new Error('late'), { kind: 'timeout' }))
      expect(await ended).toBe('timeout')
      expect(await send(local).ended).toBeNull()
    }
    // two that hang, one that replaces the first, and is used again while the second connects
    expect(new Set(ports).size).toBe(3)
    expect(ports[3]).toBe(ports[2])
  })

  it('fail one request for each connection that is refused, and connect once the server is there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'throughline-connections-'))
    open.unshift({ close: () => rm(folder, { recursive: true }) })
    const socketPath = join(folder, 'server.sock')
    const local = await target({ url: 'http://a.example/', socketPath, connections: 1 })
    expect(await Promise.all([send(local).ended, send(local).ended])).toEqual(['ENOENT', 'ENOENT'])
    const late = createServer((_, response) => response.end())
    open.push({ close: async () => void late.close() })
    await new Promise<void>((resolve) => late.listen(socketPath, resolve))
    expect(await send(local).ended).toBeNull()
  })

  it.each<(silent: string) => HttpTarget>([
    (silent) => ({ url: `https://${silent}` }),
    (silent) => ({ url: 'http://a.example/', proxy: `https://${silent}` }),
    (silent) => ({ url: 'https://a.example/', proxy: `https://${silent}` }),
  ])('that are not set up yet are closed at the end: %s', async (http) => {
    let close = () => {}
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    let accepted = (_: Socket) => {}
    const connected = new Promise<Socket>((resolve) => {
      accepted = resolve
    })
    // it takes no part in the handshake of TLS, which would time out after 10 s
    const silent = createTcp((socket) =>
      accepted(
        socket
          .on('error', () => {})
          .on('close', close)
          .resume(),
      ),
    )
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    open.push({ close: async () => void silent.close() })
    const target = http(`127.0.0.1:${(silent.address() as AddressInfo).port}`)
    const local = await httpTarget(httpSchema.parse(target) as ResolvedHttp, SETUP)
    send(local)
    await connected
    await local.close()
    await closed
  })

  it('forget requests that time out while all connections are in use', async () => {
    const finish: (() => void)[] = []
    const waits = await server((_, response) => {
      finish.push(() => response.end())
    })
    const local = await target({ url: waits.url, connections: 1 })
    const [first, second, third] = [send(local), send(local), send(local)]
    while (finish.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    second.inFlight.fail(new Error('late'))
    finish[0]?.()
    expect(await first.ended).toBeNull()
    while (finish.length === 1) await new Promise((resolve) => setTimeout(resolve, 1))
    finish[1]?.()
    expect(await third.ended).toBeNull()
    expect(waits.received).toHaveLength(2)
    expect(waits.connections).toBe(1)
  })

  it('go to each server that requests are redirected to', async () => {
    const to = await server((_, response) => response.end())
    const from = await server((_, response) => response.writeHead(302, { location: to.url }).end())
    await sendInTurn(await target({ url: from.url, connections: 1, maxRedirects: 1 }), 4)
    expect([from.received.length, to.received.length]).toEqual([4, 4])
    expect([from.connections, to.connections]).toEqual([1, 1])
  })
})
