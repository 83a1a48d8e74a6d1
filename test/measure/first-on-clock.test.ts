import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { compare } from '../../src/explore/compare.js'
import { measure } from '../../src/measure/measure.js'
import { checkResult } from '../../src/result/check.js'
import type { Result } from '../../src/result/result.js'
import type { HttpTarget } from '../../src/scenario/http.js'
import { expectToAddUp } from '../support/expect/adds-up.js'
import { type Script, type Scripted, startServer } from '../support/processes/http-server.js'

// A busy machine may delay anything for long, so that times are bounded from below. A timer may be a millisecond early.

const all = { stop: { requests: 40 }, warmup: { requests: 0 } }
const PAUSE_MS = 30
const EARLIEST = PAUSE_MS - 1

const open: Scripted[] = []
async function server(script: Script): Promise<string> {
  const scripted = await startServer(script)
  open.push(scripted)
  return scripted.url
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

/** Expects a pause before the beginning of each response, and another one after it. */
function expectPauses({ firstMs, latencyMs }: Result, after = EARLIEST): void {
  expect(firstMs?.count).toBe(latencyMs.count)
  expect(firstMs?.min).toBeGreaterThanOrEqual(EARLIEST)
  expect(latencyMs.min).toBeGreaterThanOrEqual(2 * EARLIEST)
  expect(latencyMs.mean - (firstMs?.mean as number)).toBeGreaterThanOrEqual(after)
}

describe('the first byte of an HTTP body', () => {
  const run = (http: HttpTarget) => measure({ arrivals: '400/s', ...all, http })
  /** Sends headers, and after a pause each the first byte and the rest. */
  const trickle: Script = (_, response) => {
    response.flushHeaders()
    setTimeout(() => response.write('a'), PAUSE_MS)
    setTimeout(() => response.end('b'), 2 * PAUSE_MS)
  }

  /** A busy event loop may read the first byte and the rest of some responses at once. */
  const SOME = 1

  it('is later than the headers and earlier than the end', async () => {
    const result = await run({ url: await server(trickle) })
    expectToAddUp(result)
    expectPauses(result, SOME)
  })

  it('is that of the response that is checked, and not of a redirect before it', async () => {
    const url = await server((request, response) => {
      if (request.url === '/from') response.writeHead(302, { location: '/to' }).end('elsewhere')
      else trickle(request, response)
    })
    expectPauses(await run({ url: `${url}/from`, maxRedirects: 1, check: ({ body }) => body.length === 2 }), SOME)
  })

  it('is unknown of a response without a body, and of a failed request', async () => {
    const url = await server((request, response) => {
      if (request.number % 4 === 1) response.writeHead(204).end()
      else if (request.number % 4 === 2) response.writeHead(500).end('broken')
      else if (request.number % 4 === 3) {
        response.writeHead(200, { 'content-length': 9 }).write('a')
        setTimeout(() => response.destroy(), 5)
      } else trickle(request, response)
    })
    const result = await run({ url })
    expect(result.counts).toMatchObject({ completed: 20, failed: 20 })
    expect(result.firstMs?.count).toBe(10)
    expect(result.firstMs?.min).toBeGreaterThanOrEqual(EARLIEST)
    const none = await run({ url: await server((_, response) => response.writeHead(204).end()) })
    expect(none.counts.completed).toBe(40)
    expect(none.firstMs).toBeUndefined()
  })
})

describe('the events of HTTP responses', () => {
  /** Sends an event after each of three pauses, and one that ends the stream; every fourth request breaks off before that. */
  const tokens: Script = async (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const i of [1, 2, 3]) {
      await delay(PAUSE_MS)
      response.write(`data: ${i}\n\n`)
    }
    if (request.number % 4 === 3) response.destroy()
    else response.end('data: [DONE]\n\n')
  }

  it('have gaps, and none of those that broke off', async () => {
    const http = { url: await server(tokens), stream: true }
    const result = await measure({ arrivals: '400/s', ...all, http, good: { first: '1h', between: '1h' } })
    expect(result.counts).toMatchObject({ completed: 30, failed: 10, good: 30 })
    expect(result.firstMs?.count).toBe(30)
    expect(result.betweenMs?.count).toBe(60)
    // a busy event loop may read some events at once
    expect(result.betweenMs?.max).toBeGreaterThanOrEqual(PAUSE_MS / 2)
    expect(checkBudget(result, { 'between.max': '1h' }).rules[0]?.verdict).toBe('pass')
  })

  it('are those of a stream of HTTP/1 chunks, for a scenario without code too', async () => {
    const http = {
      url: await server(async (_, response) => {
        response.write('a')
        await delay(PAUSE_MS)
        response.write('b')
        await delay(PAUSE_MS)
        response.end('c')
      }),
      stream: true,
    }
    const result = await measure({ arrivals: '400/s', ...all, ...JSON.parse(JSON.stringify({ http })) })
    expect(result.counts.completed).toBe(40)
    expect(result.betweenMs?.count).toBe(80)
    expect(result.scenario?.http?.stream).toBe(true)
  })
})

describe('first of call and handlers', () => {
  it('marks a call once, and not after its end', async () => {
    let late = () => {}
    const result = await measure({
      arrivals: '400/s',
      ...all,
      call: async (_, { first }) => {
        late()
        await delay(PAUSE_MS)
        first()
        await delay(PAUSE_MS)
        first()
        late = first
      },
    })
    expectToAddUp(result)
    expectPauses(result)
  })

  it('is refused in the good of a comparison if no response has it', async () => {
    const both = { arrivals: '500/s', call: () => {}, good: { between: '1s' }, stop: { duration: '50ms' } } as const
    await expect(compare({ ...both, base: {}, head: {} })).rejects.toThrow(
      /^(base|head): goodput is unknown: good\.between limits the gaps between events/,
    )
  })

  it('marks one request of a batch, or all of them, in this process', async () => {
    const result = await measure({
      arrivals: '1000/s',
      ...all,
      batching: { maxBatchSize: 4, maxWait: null },
      handler: async (batch: number[], { first }) => {
        await delay(PAUSE_MS)
        first(0)
        await delay(PAUSE_MS)
        if (batch.length > 1) first(batch.length - 1)
        return batch
      },
    })
    // of each batch of four, two
    expect(result.counts.completed).toBe(40)
    expect(result.firstMs?.count).toBe(20)
    expect(result.firstMs?.min).toBeGreaterThanOrEqual(EARLIEST)
  })

  it('fails a batch that marks a request which it does not have', async () => {
    const handler = (batch: number[], { first }: { first: (i?: number) => void }) => {
      first(batch[0] === 3 ? 1 : 0)
      return batch
    }
    const result = await measure({ arrivals: '1000/s', ...all, handler })
    expect(result.counts).toMatchObject({ completed: 39, failed: 1 })
    expect(result.validity.findings.map(({ message }) => message).join()).toContain(
      'first must be called without an argument, or with the place of a request in its batch, from 0 to 0; got 1',
    )
  })

  it('marks the events of a call, and those of a batch on threads', async () => {
    const result = await measure({
      arrivals: '400/s',
      ...all,
      good: { between: '1h' },
      call: async (_, { next }) => {
        for (let i = 0; i < 3; i++) {
          await delay(PAUSE_MS)
          next()
        }
      },
    })
    expect(result.counts).toMatchObject({ completed: 40, good: 40 })
    expect(result.firstMs?.count).toBe(40)
    expect(result.betweenMs?.count).toBe(80)
    expect(result.betweenMs?.min).toBeGreaterThanOrEqual(EARLIEST)

    const handler = new URL('./handlers/streams.js', import.meta.url)
    const batching = { maxBatchSize: 4, maxWait: null }
    const served = await measure({
      arrivals: '1000/s',
      ...all,
      batching,
      servers: 2,
      handler,
      classes: { some: { weight: 1 }, others: { weight: 1 } },
      good: { between: '9ms' },
    })
    // no pause is shorter than its timer
    expect(served.counts).toMatchObject({ completed: 40, good: 0 })
    expect(served.firstMs?.count).toBe(40)
    // of each batch of four, the first has an event after each of two pauses, and the others have one
    expect(served.betweenMs?.count).toBe(30 + 2 * 10)
    expect(served.betweenMs?.min).toBeGreaterThanOrEqual(10)
    const { some, others } = served.classes ?? {}
    expect([some?.firstMs?.count, others?.firstMs?.count]).toEqual([some?.counts.offered, others?.counts.offered])
    expect((some?.betweenMs?.count ?? 0) + (others?.betweenMs?.count ?? 0)).toBe(50)
    expect(checkResult(JSON.parse(JSON.stringify(served)))).toEqual(served)
  })

  it('works on threads', async () => {
    const handler = new URL('./handlers/begins.js', import.meta.url)
    const batching = { maxBatchSize: 4, maxWait: null }
    const result = await measure({ arrivals: '1000/s', ...all, batching, servers: 2, handler })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(40)
    expect(result.firstMs?.count).toBe(40)
    // one of four waits for nothing, and the others for 10 ms
    expect(result.latencyMs.mean - (result.firstMs?.mean as number)).toBeGreaterThanOrEqual(10 + 10 / 4)
    expect(result.firstMs?.max).toBeLessThan(result.latencyMs.max - 9)
  })
})
