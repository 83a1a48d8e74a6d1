import { describe, expect, it } from 'vitest'
import { measureCapacity } from '../../../src/index.js'
import { startServer } from '../../support/processes/http-server.js'

describe('measureCapacity', () => {
  it('finds what a server of one connection and 10 ms sustains, below its 100/s', async () => {
    const server = await startServer((_, response) => setTimeout(() => response.end('ok'), 10))
    const startMs = performance.now()
    const found = await measureCapacity(
      { arrivals: '10/s', http: { url: server.url, connections: 1 } },
      { p95: '200ms' },
      { atMost: '20s' },
    )
    // setting up and closing are on top
    expect(performance.now() - startMs).toBeLessThan(25_000)
    await server.close()
    const { rate, tried, limit } = found
    // timers are late, so it takes more than 10 ms; a busy machine takes longer
    expect(rate).toBeLessThan(100)
    expect(rate).toBeGreaterThanOrEqual(10)
    expect(limit?.rate).toBeGreaterThan(rate as number)
    expect(limit?.rate).toBeLessThanOrEqual(160)
    expect(tried.at(0)).toMatchObject({ rate: 10, kind: 'probe' })
  }, 60_000)

  it('tells errors from saturation: a server that refuses what is above 100/s', async () => {
    let tokens = 20
    const refill = setInterval(() => {
      tokens = Math.min(20, tokens + 10)
    }, 100)
    const server = await startServer((_, response) => {
      response.statusCode = tokens-- > 0 ? 200 : 503
      response.end()
    })
    const found = await measureCapacity(
      { arrivals: { process: 'constant', rate: 20 }, http: { url: server.url } },
      { p95: '500ms' },
      { atMost: '15s' },
    )
    clearInterval(refill)
    await server.close()
    expect(found.rate ?? 0).toBeLessThan(130)
    // whatever the machine does, something is known of a load that the server takes or refuses
    expect(found.tried.some(({ verdict }) => verdict !== 'inconclusive')).toBe(true)
    // on a busy machine, the machine may end the search before the server does
    const failed = found.tried.filter(({ verdict }) => verdict === 'fail')
    for (const { cause, reason } of failed) {
      expect(cause).toBe('errors')
      expect(reason).toContain('503')
    }
    expect(['errors', 'machine', 'too-short']).toContain(found.limit?.cause)
  }, 60_000)
})
