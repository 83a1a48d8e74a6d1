import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Agent } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { createBatch } from '../../src/measure/queue/batch.js'
import { prepareRequests } from '../../src/measure/servers/http/requests.js'
import { type HttpSetup, httpTarget } from '../../src/measure/servers/http-target.js'
import {
  type BatchOutcome,
  type GivenOutcome,
  InFlightBatch,
  REJECTED,
  SERVED,
} from '../../src/measure/servers/in-flight-batch.js'
import type { LocalTarget } from '../../src/measure/servers/local-target.js'
import { failureKind } from '../../src/result/failures.js'
import { constant } from '../../src/scenario/arrivals/arrivals.js'
import { type HttpAnswer, type HttpTarget, httpSchema, type ResolvedHttp } from '../../src/scenario/http.js'
import { expectToAddUp } from '../support/expect/adds-up.js'
import { type Script, type Scripted, startServer } from '../support/processes/http-server.js'

const open: { close(): Promise<void> }[] = []
async function server(script: Script): Promise<Scripted> {
  const scripted = await startServer(script)
  open.push(scripted)
  return scripted
}
/** A server that answers each connection's first bytes by a script, in whatever is not HTTP. */
async function rawServer(script: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const raw = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', () => script(socket))
  })
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
  open.push({
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        raw.close(() => resolve())
      }),
  })
  return `http://127.0.0.1:${(raw.address() as { port: number }).port}`
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

const run = (http: HttpTarget, requests = 12) =>
  measure({ arrivals: constant('1000/s'), stop: { requests }, warmup: { requests: 0 }, http })

const SETUP: HttpSetup = {
  ...{ source: null, shard: null, name: 'test', signal: undefined },
  window: { startNs: 0, endNs: Number.POSITIVE_INFINITY },
  clock: () => 0,
}

/** Sends one request, and calls back when it has ended. */
function send(local: LocalTarget, number: number, ended: (given: GivenOutcome) => void): InFlightBatch {
  const batch = { ...createBatch(Float64Array.of(number)), size: 1 }
  const inFlight = new InFlightBatch(
    0,
    batch,
    (_, given) => ended(given),
    () => 0,
  )
  inFlight.payload = local.payload(inFlight)
  local.serve(inFlight)
  return inFlight
}

/** Sends requests one at a time, and returns how each ended. */
async function outcomes(http: HttpTarget, count = 1): Promise<(string | null)[]> {
  const target = httpSchema.parse(http) as ResolvedHttp
  const local = await httpTarget(target, { ...SETUP, source: await prepareRequests(target, 1) })
  const ended: (string | null)[] = []
  for (let number = 0; number < count; number++) {
    const outcome = await new Promise<BatchOutcome>((resolve) => {
      send(local, number, (given) => resolve(typeof given === 'function' ? given() : given))
    })
    ended.push(
      outcome === SERVED
        ? null
        : outcome === REJECTED
          ? 'rejected'
          : failureKind((outcome as { error: unknown }).error),
    )
  }
  await local.close()
  return ended
}

describe('a request', () => {
  it('that times out before there is a connection is not sent afterwards', async () => {
    const { received, url } = await server((_, response) => response.end())
    const target = httpSchema.parse({ url, connections: 1 }) as ResolvedHttp
    const local = await httpTarget(target, SETUP)
    for (const number of [0, 1]) send(local, number, () => {}).fail(new Error('timed out'))
    await new Promise((resolve) => send(local, 2, resolve))
    expect(received).toHaveLength(1)
    await local.close()
  })
})

describe('a check', () => {
  it('fails a request even if it throws what cannot be read', async () => {
    const { url } = await server((_, response) => response.end())
    const error = Object.defineProperty(new Error('secret'), 'name', {
      get() {
        throw new Error('no name')
      },
    })
    const check = ({ index }: HttpAnswer) => {
      if (index > 0) throw error
    }
    const { counts, failures } = await run({ url, check }, 12)
    expect([counts.completed, counts.failed, counts.unfinished]).toEqual([1, 11, 0])
    expect(failures).toEqual({ Error: 11 })
  })
})

describe('a connection', () => {
  it('takes the next request after one that is invalid', async () => {
    const ok = await server((_, response) => response.end())
    const requests = (index: number) => ({ headers: index === 1 ? { expect: '100-continue' } : {} })
    expect(await outcomes({ url: ok.url, connections: 1, requests }, 3)).toEqual([null, 'UND_ERR_NOT_SUPPORTED', null])
    const headers = (index: number) => ({ ...(index === 1 && { expect: '100-continue' }) })
    expect(await outcomes({ url: ok.url, connections: 1, headers }, 3)).toEqual([null, 'UND_ERR_NOT_SUPPORTED', null])
  })

  it('is never used by more requests than it takes, if there are more servers than connections', async () => {
    let inFlight = 0
    let most = 0
    const ok = await server((_, response) => {
      most = Math.max(most, ++inFlight)
      setTimeout(() => {
        inFlight--
        response.end()
      }, 3)
    })
    const result = await measure({
      arrivals: constant('1000/s'),
      stop: { requests: 40 },
      warmup: { requests: 0 },
      servers: 20,
      http: { url: ok.url, connections: 2 },
    })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(40)
    expect(most).toBe(2)
    expect(ok.connections).toBe(2)
  })
})

describe('check', () => {
  it('decides from the status, headers and body', async () => {
    const ok = await server(({ number }, response) => {
      response.setHeader('X-Stock', ['a', 'b'])
      response.statusCode = 201
      response.end(JSON.stringify({ stock: number % 3 }))
    })
    const answers: HttpAnswer[] = []
    const result = await run({
      url: ok.url,
      check: (answer) => {
        answers.push(answer)
        return (answer.json() as { stock: number }).stock > 0 || 'out of stock'
      },
    })
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ completed: 8, failed: 4 })
    expect(JSON.stringify(result.validity.findings)).toContain('failed the check: out of stock')
    expect(answers.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i))
    expect(answers[0]).toMatchObject({ status: 201, headers: { 'x-stock': ['a', 'b'] } })
    expect(result.scenario?.http?.check).toEqual({ function: 'check', rerunnable: false })
  })

  it('is called only after the end of the response was taken, so that it takes no part in latency', async () => {
    const ok = await server((_, response) => response.end())
    let calls = 0
    const target = httpSchema.parse({ url: ok.url, check: () => void calls++ }) as ResolvedHttp
    const local = await httpTarget(target, SETUP)
    const given = await new Promise<GivenOutcome>((resolve) => send(local, 0, resolve))
    await local.close()
    expect(calls).toBe(0)
    expect((given as () => unknown)()).toBe(SERVED)
    expect(calls).toBe(1)
  })

  it('gets the number of a request of a shard in the whole stream', async () => {
    const ok = await server((_, response) => response.end())
    const indices: number[] = []
    await measure(
      {
        arrivals: constant('1000/s'),
        stop: { requests: 12 },
        warmup: { requests: 0 },
        http: { url: ok.url, check: ({ index }) => void indices.push(index) },
      },
      { shard: { index: 2, count: 3 } },
    )
    expect(indices.sort((a, b) => a - b)).toEqual([1, 4, 7, 10])
  })

  it('gets a body of 1 MB, decompressed', async () => {
    const body = 'x'.repeat(1 << 20)
    const ok = await server(({ number }, response) => {
      if (number === 0) response.end(body)
      else response.setHeader('content-encoding', 'gzip').end(gzipSync(body))
    })
    expect(await outcomes({ url: ok.url, check: ({ text }) => text === undefined }, 1)).toEqual(['check: failed'])
    const check = (answer: HttpAnswer) => answer.text() === body || `got ${answer.body.length} bytes`
    expect(await outcomes({ url: ok.url, check }, 2)).toEqual([null, null])
  })

  it('gets the headers and bodies of responses that come in pieces, on several connections at a time', async () => {
    const bodyOf = (number: unknown) => `${number} `.repeat(500)
    let sent = 0
    const url = await rawServer((socket) => {
      const body = bodyOf(sent)
      const text = `HTTP/1.1 200 OK\r\nx-number: ${sent++}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      const head = text.length - body.length
      const sendFrom = (from: number) => {
        if (from >= text.length) return
        // a byte at a time, up to the body
        const to = from < head ? from + 1 : from + 300
        socket.write(text.slice(from, to))
        setImmediate(sendFrom, to)
      }
      sendFrom(0)
    })
    const numbers = new Set<unknown>()
    const check = (answer: HttpAnswer) => {
      numbers.add(answer.headers['x-number'])
      return answer.text() === bodyOf(answer.headers['x-number']) || `got ${answer.text()}`
    }
    const { counts, failures } = await run({ url, connections: 4, check }, 12)
    expect({ completed: counts.completed, failures }).toEqual({ completed: 12, failures: undefined })
    expect(numbers.size).toBe(12)
  })

  it.each<[string, () => unknown, string | null]>([
    ['returns nothing', () => {}, null],
    ['returns true', () => true, null],
    ['returns false', () => false, 'check: failed'],
    ['returns a string', () => 'no\nluck', 'check: no luck'],
    ['returns a long string', () => 'x'.repeat(10_000), `check: ${'x'.repeat(72)}…`],
    ['throws an error', () => assert.fail('out of stock'), 'check: out of stock'],
    ['quotes the response', () => JSON.parse('{ secret'), 'check: SyntaxError'],
    ['throws a string', () => Promise.reject, 'check: http.check must return true'],
    [
      'returns a promise',
      () => Promise.reject(new Error('late')),
      'check: http.check must not be async, but it returned a promise',
    ],
    ['returns a number', () => 7, 'check: http.check must return true, or a string that says what is wrong; got 7'],
  ])('that %s', async (_, check, kind) => {
    const ok = await server((_, response) => response.end('ok'))
    const [ended] = await outcomes({ url: ok.url, check: check as never })
    if (kind === null) expect(ended).toBeNull()
    else expect(ended?.startsWith(kind)).toBe(true)
    expect((ended ?? '').length).toBeLessThanOrEqual(80)
  })

  it('is not called for a status that is a failure', async () => {
    const fails = await server((_, response) => response.writeHead(500).end())
    expect(await outcomes({ url: fails.url, check: () => 'called' })).toEqual(['status 500'])
  })

  it('that is async is refused', async () => {
    await expect(run({ url: 'http://127.0.0.1:1', check: (async () => true) as never })).rejects.toThrow(
      /http.check: must not be async/,
    )
  })
})

describe('a body over bodyLimit', () => {
  /** Sends bodies of these sizes in turn; one of Infinity never ends. */
  const sized =
    (sizes: readonly number[], status = 200): Script =>
    ({ number }, response) => {
      const size = sizes[number % sizes.length] as number
      response.statusCode = status
      if (size < Number.POSITIVE_INFINITY) {
        response.end('x'.repeat(size))
        return
      }
      let isOpen = true
      response.on('close', () => {
        isOpen = false
      })
      const write = () => {
        if (isOpen) response.write('x'.repeat(4096), write)
      }
      write()
    }
  const limited = (url: string, http: Partial<HttpTarget> = {}): HttpTarget =>
    ({ url, bodyLimit: '1 kB', check: ({ body }) => body.length <= 1000, ...http }) as HttpTarget
  const over = 'body over 1 kB'

  it('is a failure of its own kind, at once, and the connection is open again for the next request', async () => {
    const { url } = await server(sized([1000, 1001, Number.POSITIVE_INFINITY, 20_000, 0]))
    const expected = [null, over, over, over, null]
    expect(await outcomes(limited(url, { connections: 1 }), 5)).toEqual(expected)
    const agent = new Agent()
    expect(await outcomes(limited(url, { dispatcher: agent }), 5)).toEqual(expected)
    await agent.close()
  })

  it('is counted and reported, with what to raise', async () => {
    const { url } = await server(sized([10, 5000]))
    const result = await run(limited(url), 10)
    expectToAddUp(result)
    expect(result.failures).toEqual({ [over]: 5 })
    expect(JSON.stringify(result.validity.findings)).toContain(
      'responded with a body over the limit of 1 kB (http.bodyLimit)',
    )
  })

  it('by default is one over 16 MB', async () => {
    const { url } = await server(sized([16e6, 16e6 + 1]))
    const check = ({ body }: HttpAnswer) => body.length === 16e6
    expect(await outcomes({ url, check }, 2)).toEqual([null, 'body over 16 MB'])
  })

  it('may be so only when it is decompressed, if the check reads it', async () => {
    const { url } = await server((_, response) =>
      response.setHeader('content-encoding', 'gzip').end(gzipSync('x'.repeat(1001))),
    )
    expect(await outcomes(limited(url))).toEqual([over])
    expect(await outcomes(limited(url, { check: ({ status }) => status === 200 }))).toEqual([null])
    const catches = (answer: HttpAnswer) => {
      try {
        return answer.body.length > 0
      } catch {
        return true
      }
    }
    expect(await outcomes(limited(url, { check: catches }))).toEqual([over])
  })

  it('of any length is fine if nothing keeps it: without a check, of a failure, and of a redirect that is followed', async () => {
    const long = await server(sized([5000]))
    expect(await outcomes({ url: long.url })).toEqual([null])
    const fails = await server(sized([5000], 503))
    expect(await outcomes(limited(fails.url))).toEqual(['status 503'])
    const redirects = await server(({ url }, response) => {
      if (url === '/') response.writeHead(302, { location: '/there' }).end('x'.repeat(5000))
      else response.end('y')
    })
    const check = (answer: HttpAnswer) => answer.text() === 'y'
    expect(await outcomes(limited(redirects.url, { maxRedirects: 1, check }))).toEqual([null])
  })

  it.each([
    ['text/event-stream', 'data: '],
    ['application/x-ndjson', ''],
  ])('is an event of %s that is too long, and not many short ones', async (type, before) => {
    const event = (size: number) => `${before}${'x'.repeat(size)}\n`
    const bodies = [`${event(900)}\n`.repeat(5), event(1100), before === '' ? event(1100) : event(600).repeat(2)]
    const { url } = await server(({ number }, response) => {
      response.setHeader('content-type', type)
      // piece by piece, as long events arrive
      const pieces = (bodies[number] as string).match(/[\s\S]{1,100}/g) ?? []
      const write = () => {
        const piece = pieces.shift()
        if (piece === undefined) response.end()
        else response.write(piece, () => setImmediate(write))
      }
      write()
    })
    const kind = 'event over 1 kB'
    expect(await outcomes({ url, stream: true, bodyLimit: '1 kB' }, 3)).toEqual([null, kind, kind])
  })

  it.each<[given: unknown, bytes: number | null]>([
    ['16 MB', 16e6],
    ['64KiB', 65_536],
    ['1.5 kB', 1500],
    [1, 1],
    ['4 GB', 4e9],
    ['5 GB', null],
    [0, null],
    ['0.5 B', null],
    ['16', null],
    ['16 mb', null],
    [Number.POSITIVE_INFINITY, null],
  ])('is set by a size: %s', (bodyLimit, bytes) => {
    const parsed = httpSchema.safeParse({ url: 'http://127.0.0.1', check: () => true, bodyLimit })
    if (bytes !== null) expect(parsed.data?.bodyLimit).toBe(bytes)
    else expect(parsed.error?.issues[0]?.message).toContain('must be a size from 1 byte to 4 GB')
  })

  it('is refused if nothing keeps bodies', async () => {
    await expect(run({ url: 'http://127.0.0.1:1', bodyLimit: 10 })).rejects.toThrow(
      'http.bodyLimit: applies to check and stream, got 10; without them no body is kept',
    )
  })
})

describe('statuses', () => {
  it('count as success, failure or rejection', async () => {
    const statuses = [200, 404, 410, 429, 503, 500]
    const mixed = await server(({ number }, response) => response.writeHead(statuses[number % 6] as number).end())
    const result = await run({
      url: mixed.url,
      statuses: { ok: [404], rejected: [429, '5xx'] },
      failures: ['4xx', 500],
    })
    expectToAddUp(result)
    // of 12: 200 and 404 complete, 410 and 500 fail, 429 and 503 are rejected
    expect(result.counts).toMatchObject({ completed: 4, failed: 4, rejected: 4 })
    expect(result.rates.rejection).toBeCloseTo(1 / 3)
  })

  it('go before failures, and numbers before classes', async () => {
    const statuses = [404, 429, 418, 503, 302]
    const mixed = await server(({ number }, response) => response.writeHead(statuses[number % 5] as number).end())
    const http = { url: mixed.url, statuses: { ok: ['4xx'], rejected: [429] }, failures: [418, '5xx'] }
    expect(await outcomes(http, 5)).toEqual([null, 'rejected', 'status 418', 'status 503', null])
  })

  it('that are in two lists are refused', async () => {
    await expect(run({ url: 'http://127.0.0.1:1', statuses: { ok: [429], rejected: [429] } })).rejects.toThrow(
      /http.statuses: must not have 429 in both ok and rejected/,
    )
  })
})

describe('redirects', () => {
  /** `/n` redirects n times. */
  const chain: Script = ({ url = '' }, response) => {
    const left = Number(url.slice(1))
    if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end()
    else response.end('done')
  }

  it('are not followed by default, and a finding reports them', async () => {
    const redirects = await server(chain)
    const result = await run({ url: `${redirects.url}/1` }, 10)
    expect(result.counts.completed).toBe(10)
    expect(result.validity.findings).toContainEqual(
      expect.objectContaining({ code: 'redirects-not-followed', severity: 'warning', figures: { redirects: 10 } }),
    )
    const meant = await run({ url: `${redirects.url}/1`, statuses: { ok: [302] } }, 10)
    expect(meant.validity.findings.map(({ code }) => code)).not.toContain('redirects-not-followed')
  })

  it('are followed within the latency, up to a number', async () => {
    const redirects = await server(({ url }, response) => setTimeout(() => chain({ url } as never, response), 10))
    const result = await run({ url: `${redirects.url}/3`, maxRedirects: 3 }, 5)
    expect(result.counts.completed).toBe(5)
    expect(result.latencyMs.min).toBeGreaterThanOrEqual(39)
    expect(redirects.received).toHaveLength(20)
    expect(await outcomes({ url: `${redirects.url}/3`, maxRedirects: 2 })).toEqual(['too many redirects'])
  })

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'PUT', 'PUT', 'x'],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'x'],
    [308, 'POST', 'POST', 'x'],
  ])('of status %i after %s are followed by %s', async (status, method, then, body) => {
    const redirects = await server(({ url }, response) => {
      if (url === '/') response.writeHead(status, { location: '/there?a=1' }).end()
      else response.end()
    })
    const http = { url: redirects.url, method, body: 'x', headers: { 'content-type': 'text/plain' }, maxRedirects: 1 }
    expect(await outcomes(http)).toEqual([null])
    expect(redirects.received[1]).toMatchObject({ method: then, path: '/there?a=1', body })
    expect(redirects.received[1]?.headers['content-type']).toBe(body === '' ? undefined : 'text/plain')
  })

  it('to another server leave credentials behind', async () => {
    const other = await server((_, response) => response.end())
    const redirects = await server((_, response) => response.writeHead(307, { location: `${other.url}/b` }).end())
    const headers = { authorization: 'a', cookie: 'b', 'x-c': 'c' }
    expect(await outcomes({ url: redirects.url, headers, maxRedirects: 1 })).toEqual([null])
    expect(other.received[0]?.headers).toMatchObject({ 'x-c': 'c', host: other.url.slice('http://'.length) })
    expect(other.received[0]?.headers).not.toHaveProperty('authorization')
    expect(other.received[0]?.headers).not.toHaveProperty('cookie')
  })

  it.each([
    ['without a location', {}],
    ['to no URL', { location: 'http://:' }],
    ['to another protocol', { location: 'file:///etc/passwd' }],
  ])('%s fail', async (_, headers) => {
    const redirects = await server((_, response) => response.writeHead(302, headers).end())
    expect(await outcomes({ url: redirects.url, maxRedirects: 1 })).toEqual(['invalid redirect'])
  })

  it('that cannot be followed are reported without what may be secret in their location', async () => {
    const url = (
      await server((_, response) => response.writeHead(302, { location: 'ftp://me:hush@h/x?token=hush#hush' }).end())
    ).url
    const error = await run({ url, maxRedirects: 1 }).catch((thrown: unknown) => thrown as Error)
    expect((error as Error).message).toContain('responded with a redirect to "ftp://h/x"')
    expect((error as Error).message).not.toContain('hush')
  })

  it('that go in a circle end', async () => {
    const circle = await server((_, response) => response.writeHead(302, { location: '/' }).end())
    expect(await outcomes({ url: circle.url, maxRedirects: 20 })).toEqual(['too many redirects'])
    expect(circle.received).toHaveLength(21)
  })
})

describe('the kind of a failure', () => {
  it('of a server that refuses connections, resets them or closes them', async () => {
    const gone = await server(() => {})
    await gone.close()
    expect(await outcomes({ url: gone.url })).toEqual(['ECONNREFUSED'])
    const resets = await server(({ socket }) => socket.resetAndDestroy())
    expect(await outcomes({ url: resets.url })).toEqual(['ECONNRESET'])
    // the first answer, and then a connection that is closed while the next request is sent
    const closes = await server(({ number, socket }, response) => {
      if (number % 2 === 0) response.end()
      else socket.end()
    })
    const one = { connections: 1 }
    expect(await outcomes({ url: closes.url, ...one }, 3)).toEqual([null, 'kept-alive connection closed', null])
    const closesNew = await server(({ socket }) => socket.end())
    expect(await outcomes({ url: closesNew.url })).toEqual(['connection closed'])
    const resetsLater = await server(({ number, socket }, response) => {
      if (number % 2 === 0) response.end()
      else socket.resetAndDestroy()
    })
    expect(await outcomes({ url: resetsLater.url, ...one }, 3)).toEqual([null, 'kept-alive connection reset', null])
  })

  it('of a response that is cut off, or not HTTP', async () => {
    const cut = await server(({ socket }, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half')
      setTimeout(() => socket.end(), 2)
    })
    expect(await outcomes({ url: cut.url })).toEqual(['incomplete response'])
  })

  it.each([
    ['is of another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', 'invalid HTTP'],
    ['has a status that is no number', 'HTTP/1.1 OK\r\n\r\n', 'invalid HTTP'],
    ['has a header without a colon', 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'invalid HTTP'],
    ['has a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nab', 'invalid HTTP'],
    ['has a chunk of no size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n', 'invalid HTTP'],
    ['ends within a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc', 'incomplete response'],
    ['ends within its headers', 'HTTP/1.1 200 OK\r\ncontent-le', 'incomplete response'],
    ['has endless headers', `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(20_000)}`, 'headers too large'],
  ])('of a response that %s', async (_, text, kind) => {
    expect(await outcomes({ url: await rawServer((socket) => socket.end(text)) })).toEqual([kind])
  })
})
