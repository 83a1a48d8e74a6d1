import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { MeasureError } from '../../src/measure/error.js'
import { measure } from '../../src/measure/measure.js'
import type { MeasureOptions } from '../../src/measure/options.js'
import { closed, constant } from '../../src/scenario/arrivals/arrivals.js'
import type { HttpTarget } from '../../src/scenario/http.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { ValidationError } from '../../src/validation/validation-error.js'
import { expectServed, expectToAddUp } from '../support/expect/adds-up.js'
import { type Script, type Scripted, startServer } from '../support/processes/http-server.js'

// These assertions hold on a slow or busy machine, which may delay anything for long.

const open: Scripted[] = []
async function server(script: Script): Promise<Scripted> {
  const scripted = await startServer(script)
  open.push(scripted)
  return scripted
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

const all = { stop: { requests: 100 }, warmup: { requests: 0 } }
const run = (http: HttpTarget, scenario: Partial<ScenarioParts> = {}, options: MeasureOptions = {}) =>
  measure({ arrivals: '2000/s', ...all, ...scenario, http }, options)

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

/** Checks that no connection outlives the run; the server notices a moment later. */
async function expectNoConnection({ sockets }: Scripted): Promise<void> {
  for (let i = 0; i < 200 && sockets.size > 0; i++) await delay(10)
  expect(sockets.size).toBe(0)
}

describe('http', () => {
  it('sends one request a call over kept-alive connections, and closes them', async () => {
    const ok = await server((_, response) => response.end('hello'))
    // no more requests are in flight than there are clients, however late this event loop is
    const result = await run(
      { url: `${ok.url}/predict?model=a`, headers: { 'X-Run': 7 } },
      { arrivals: closed({ clients: 3, thinkTime: '1ms' }) },
    )
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ offered: 100, completed: 100 })
    expect(ok.received).toHaveLength(100)
    expect(ok.received[0]).toMatchObject({ method: 'GET', path: '/predict?model=a', body: '' })
    expect(ok.received[0]?.headers['x-run']).toBe('7')
    expect(ok.connections).toBeLessThanOrEqual(3)
    expect(result.scenario?.servers).toBeNull()
    await expectNoConnection(ok)
  })

  it('makes headers and body from the index of each request', async () => {
    const ok = await server((_, response) => response.end())
    await run({
      url: new URL(ok.url),
      method: 'put',
      headers: (index) => ({ 'x-index': index, 'x-list': ['a', 'b'] }),
      body: (index) => ({ order: index }),
    })
    const order = ({ headers, body }: Scripted['received'][number]) => [
      Number(headers['x-index']),
      JSON.parse(body).order,
    ]
    const pairs = ok.received.map(order).sort(([a], [b]) => (a as number) - (b as number))
    expect(pairs).toEqual(Array.from({ length: 100 }, (_, index) => [index, index]))
    expect(ok.received[0]).toMatchObject({
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'x-list': 'a, b' },
    })
  })

  it('sends a batch in one request if batch is true', async () => {
    const ok = await server((_, response) => response.end('[]'))
    const result = await run(
      { url: ok.url, batch: true, body: (indices) => indices },
      { arrivals: '2000/s', batching: { maxBatchSize: 10, maxWait: '20ms' } },
    )
    expectToAddUp(result)
    expect(result.counts.completed).toBe(100)
    const sent = ok.received
      .map(({ body }): number[] => JSON.parse(body))
      .sort(([a], [b]) => (a as number) - (b as number))
    expect(sent.flat()).toEqual(Array.from({ length: 100 }, (_, index) => index))
    expect(ok.received.length).toBeLessThan(100)
    expect(ok.received[0]?.method).toBe('POST')
  })

  it('counts waiting for one of few connections as queueing', async () => {
    const slow = await server((_, response) => setTimeout(() => response.end(), 10))
    const result = await run({ url: slow.url, connections: 2 })
    expectToAddUp(result)
    expect(slow.connections).toBe(2)
    expect(result.scenario?.servers).toBe(2)
    // 200 a second at most, of 2,000
    expect(result.queueingMs.max).toBeGreaterThan(20)
    expectServed(result, 9)
  })

  it('uses a dispatcher of the user, and leaves it open', async () => {
    const ok = await server((_, response) => response.end())
    const agent = new Agent({ connections: 3 })
    const result = await run({ url: ok.url, dispatcher: agent })
    expect(result.counts.completed).toBe(100)
    expect(result.scenario?.http?.dispatcher).toEqual({ function: 'Agent', rerunnable: false })
    expect(agent.closed).toBe(false)
    await agent.close()
    await expectNoConnection(ok)
  })

  it('keeps secrets out of the result', async () => {
    const ok = await server((_, response) => response.end())
    const url = ok.url.replace('//', '//me:hush@')
    const result = await run({
      url: `${url}/?api_key=hush`,
      headers: { authorization: 'Bearer hush', 'X-Api-Key': 'hush', accept: 'text/plain' },
      body: () => 'hello',
    })
    expect(JSON.stringify(result)).not.toContain('hush')
    expect(result.scenario?.http?.headers).toEqual({
      authorization: '[redacted]',
      'X-Api-Key': '[redacted]',
      accept: 'text/plain',
    })
    expect(result.scenario?.http?.body).toEqual({ function: 'body', rerunnable: false })
    expect(ok.received[0]?.headers.authorization).toBe('Bearer hush')
    // and what it has hidden it does not send
    const again = await failure(
      measure({ ...result.scenario, arrivals: 1, http: { ...result.scenario?.http, body: 'x' } } as never),
    )
    expect(again).toBeInstanceOf(ValidationError)
    expect(again.message).toContain('is a secret, which a Result does not store')
  })
})

describe('a server whose latency is known', () => {
  it('with a fixed delay: no request is faster', async () => {
    const fixed = await server((_, response) => setTimeout(() => response.end(), 20))
    const result = await run({ url: fixed.url })
    expectToAddUp(result)
    // a timer may fire a fraction of a millisecond early
    expect(result.serviceMs.min).toBeGreaterThanOrEqual(19)
    expect(result.latencyMs.min).toBeGreaterThanOrEqual(19)
  })

  it('with two delays: at least as many requests are slow as the server delayed', async () => {
    const two = await server(({ number }, response) => setTimeout(() => response.end(), number % 10 === 9 ? 150 : 5))
    const result = await run({ url: two.url })
    expectToAddUp(result)
    // one in ten takes 150 ms, so that p91 and all above are of them
    expect(result.latencyMs.p95).toBeGreaterThanOrEqual(149)
    expect(result.latencyMs.mean).toBeGreaterThanOrEqual(0.9 * 4 + 0.1 * 149)
  })

  it('that stalls for 250 ms: every request due during the stall includes its part of it', async () => {
    let stalledUntil = 0
    const stalls = await server(({ number }, response) => {
      if (number === 50) stalledUntil = performance.now() + 250
      setTimeout(() => response.end(), Math.max(0, stalledUntil - performance.now()))
    })
    const result = await run({ url: stalls.url }, { arrivals: constant('200/s'), stop: { requests: 200 } })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(200)
    // it stalls the 50th for 250 ms, and those due after it for 245, 240, … 5 ms: a quarter of them all
    expect(result.latencyMs.max).toBeGreaterThanOrEqual(240)
    expect(result.latencyMs.p90).toBeGreaterThanOrEqual(145)
    expect(result.latencyMs.mean).toBeGreaterThanOrEqual((50 * 127.5 - 50 * 7.5) / 200)
  })

  it('that stalls while it has one connection: waiting for the connection counts too', async () => {
    const stalls = await server(({ number }, response) => setTimeout(() => response.end(), number === 25 ? 250 : 0))
    const result = await run(
      { url: stalls.url, connections: 1 },
      { arrivals: constant('200/s'), stop: { requests: 150 } },
    )
    expectToAddUp(result)
    expect(result.counts.completed).toBe(150)
    // service time alone shows one slow request in 150
    expect(result.serviceMs.max).toBeGreaterThanOrEqual(240)
    // 20 of 150 were due at least 150 ms before the stall was over
    expect(result.latencyMs.p90).toBeGreaterThanOrEqual(150)
    expect(result.queueingMs.max).toBeGreaterThanOrEqual(200)
  })
})

describe('a server that fails', () => {
  it('responds with a failure status', async () => {
    const sometimes = await server(({ number }, response) => {
      response.statusCode = [200, 404, 500, 302][number % 4] as number
      response.end()
    })
    const result = await run({ url: `${sometimes.url}/a` })
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ completed: 50, failed: 50 })
    expect(result.validity.findings.find(({ code }) => code === 'failures')?.message).toMatch(
      /50 of 100 requests failed, the first with: GET http:\/\/127\.0\.0\.1:\d+\/a responded with status (404|500)/,
    )
    const other = await run({ url: sometimes.url, failures: ['3xx', 500] })
    expect(other.counts).toMatchObject({ completed: 50, failed: 50 })
    const none = await run({ url: sometimes.url, failures: [] })
    expect(none.counts.completed).toBe(100)
  })

  it('resets connections: only those requests fail', async () => {
    const resets = await server(({ number, socket }, response) => {
      if (number % 5 === 4) socket.resetAndDestroy()
      else response.end()
    })
    const result = await run({ url: resets.url })
    expectToAddUp(result)
    expect(result.counts.completed + result.counts.failed).toBe(100)
    expect(result.counts.failed).toBeGreaterThanOrEqual(20)
    expect(result.counts.completed).toBeGreaterThan(0)
  })

  it('truncates responses', async () => {
    const cuts = await server(({ number, socket }, response) => {
      if (number % 2 === 0) {
        response.end('whole')
        return
      }
      response.writeHead(200, { 'content-length': 100 })
      response.write('half')
      setTimeout(() => socket.destroy(), 2)
    })
    const result = await run({ url: cuts.url })
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ completed: 50, failed: 50 })
  })

  it('trickles: a response counts at its end, and fails if it takes too long', async () => {
    const trickles = await server(({ number }, response) => {
      let left = number % 2 === 0 ? 3 : 1000
      const drip = () => {
        if (response.destroyed) return
        if (--left > 0) {
          response.write('.')
          setTimeout(drip, 20)
        } else response.end('.')
      }
      drip()
    })
    const result = await run({ url: trickles.url, timeout: '700ms' }, { stop: { requests: 20 } })
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ completed: 10, failed: 10 })
    expect(result.serviceMs.min).toBeGreaterThanOrEqual(38)
    expect(JSON.stringify(result.validity.findings)).toContain('the response took longer than 700 ms (http.timeout)')
    await expectNoConnection(trickles)
  })

  it('never ends its responses, as fast as it can: every request times out, and no connection is left', async () => {
    const chunk = Buffer.alloc(64 * 1024)
    const endless = await server((_, response) => {
      const flood = () => {
        while (response.write(chunk)) if (response.destroyed) return
        response.once('drain', flood)
      }
      flood()
    })
    const error = await failure(run({ url: endless.url }, { stop: { requests: 4 } }, { batchTimeout: '100ms' }))
    expect((error.cause as Error).message).toBe('the response took longer than 100 ms (batchTimeout)')
    await expectNoConnection(endless)
  })

  it('dies during the run: completed requests stay completed, and every request is counted', async () => {
    const dies = await server(({ number }, response) => {
      response.end()
      if (number === 60) {
        dies.server.close()
        dies.server.closeAllConnections()
      }
    })
    const result = await run({ url: dies.url }, { arrivals: constant('500/s'), stop: { requests: 200 } })
    expectToAddUp(result)
    expect(result.counts.completed + result.counts.failed).toBe(200)
    expect(result.counts.completed).toBeGreaterThanOrEqual(30)
    expect(result.counts.failed).toBeGreaterThanOrEqual(100)
  })

  it('refuses connections: the run throws, with the counts and the first failure', async () => {
    const gone = await server(() => {})
    await gone.close()
    const error = await failure(run({ url: `${gone.url.replace('//', '//me:hush@')}/x` }))
    expect(error).toBeInstanceOf(MeasureError)
    expect(error.message).toMatch(/^http GET http:\/\/.*\/x: no request due in the window completed/)
    expect(error.message).toContain('100 offered, 100 failed')
    expect((error.cause as Error).message).toContain('ECONNREFUSED')
    expect(error.message).not.toContain('hush')
  })

  it('never responds: every request times out, and no connection is left', async () => {
    const silent = await server(() => {})
    const error = await failure(run({ url: silent.url }, { stop: { requests: 20 } }, { batchTimeout: '100ms' }))
    expect(error.message).toContain(' 20 failed')
    expect((error.cause as Error).message).toBe('the response took longer than 100 ms (batchTimeout)')
    await expectNoConnection(silent)
  })

  it('receives the other requests if one cannot be built', async () => {
    const ok = await server((_, response) => response.end())
    const result = await run({
      url: ok.url,
      body: (index) => {
        if (index % 2 === 1) throw new Error('no payload')
        return 'x'
      },
    })
    expect(result.counts).toMatchObject({ completed: 50, failed: 50 })
    expect(ok.received).toHaveLength(50)
  })
})

describe('an invalid http target is rejected', () => {
  const at = 'http://127.0.0.1:1'
  const circle: Record<string, unknown> = {}
  circle.of = circle
  const refused: [string, Record<string, unknown>, string, RegExp][] = [
    ['no URL', {}, 'http.url', /must be an http or https URL/],
    ['text that is not a URL', { url: 'localhost:80' }, 'http.url', /must be an http or https URL.*got "localhost:80"/],
    ['another protocol', { url: 'ftp://127.0.0.1/' }, 'http.url', /must be an http or https URL/],
    ['an invalid method', { url: at, method: 'GET IT' }, 'http.method', /must be an HTTP method/],
    [
      'invalid headers',
      { url: at, headers: 7 },
      'http.headers',
      /an object of header names and values, or a func.*got a number/,
    ],
    ['an invalid header', { url: at, headers: { 'a b': 1 } }, 'http.headers', /names of headers.*but has "a b"/],
    [
      'a list as a header',
      { url: at, headers: { a: [[1]], b: {} } },
      'http.headers',
      /a string, a number or a list of/,
    ],
    ['an invalid body', { url: at, body: 7 }, 'http.body', /a string, bytes, an object or array/],
    [
      'a form, which JSON cannot represent',
      { url: at, body: new URLSearchParams('a=1') },
      'http.body',
      /a URLSearchParams$/,
    ],
    ['a circular body', { url: at, body: circle }, 'http.body', /a string, bytes, an object or array/],
    ['a password that cannot be read', { url: 'http://a:p%zz@127.0.0.1:1' }, 'http.url', /written as '%25'/],
    ['no connections', { url: at, connections: 0 }, 'http.connections', /a whole number of at least 1/],
    ['no pipelining', { url: at, pipelining: 0 }, 'http.pipelining', /a whole number of at least 1/],
    ['too many in flight', { url: at, connections: 1001, pipelining: 100 }, 'http', /must be at most 100,000/],
    ['an invalid timeout', { url: at, timeout: 'soon' }, 'http.timeout', /must be a duration/],
    ['invalid statuses', { url: at, failures: ['6xx'] }, 'http.failures.0', /a status such as 503, or a class/],
    ['an invalid dispatcher', { url: at, dispatcher: {} }, 'http.dispatcher', /must be a dispatcher of undici/],
    ['tls with a dispatcher', { url: at, tls: {}, dispatcher: { dispatch() {} } }, 'http', /cannot be combined/],
    ['another option', { url: at, agent: 1 }, 'http', /'agent' is not an option here/],
  ]
  it.each(refused)('%s', async (_, http, path, said) => {
    const error = await failure(run(http as never))
    expect(error).toBeInstanceOf(ValidationError)
    expect((error as ValidationError).path).toBe(path)
    expect(error.message).toMatch(said)
  })

  it('batches, unless batch is true', async () => {
    const error = await failure(run({ url: at }, { batching: { maxBatchSize: 4 } }))
    expect(error.message).toMatch(
      /batching.maxBatchSize: must be 1 because http takes one request at a time.*batch: true/,
    )
  })
})
