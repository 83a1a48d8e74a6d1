import { describe, expect, it, onTestFinished } from 'vitest'
import { measure } from '../../src/index.js'
import { runAgent } from '../../src/measure/agents/agent.js'
import { checkResult } from '../../src/result/check.js'
import { startServer } from '../support/processes/http-server.js'
import { hasRedis, startRedis } from '../support/processes/redis.js'

describe.runIf(hasRedis)('an agent on a real Redis', () => {
  it('sends a shard of a run', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const server = await startServer((_, response) => response.end('ok'))
    onTestFinished(() => server.close())
    const abort = new AbortController()
    const agent = runAgent({ redis: redis.url, name: 'east', signal: abort.signal })
    onTestFinished(async () => {
      abort.abort()
      await agent
    })
    const scenario = { arrivals: '200/s', http: { url: server.url }, stop: { requests: 100 } }
    const result = checkResult(await measure(scenario, { agents: { redis: redis.url, count: 1 } }))
    expect(result.counts.offered).toBe(90)
    expect(result.merged?.machines.map(({ name }) => name)).toEqual(['east'])
  }, 60_000)
})

describe('agents', () => {
  const redis = 'redis://127.0.0.1:1'
  const url = 'http://127.0.0.1/'
  const call = () => {}
  it.each([
    [{ call }, {}, 'agents: send http scenarios only'],
    [{ http: { url, body: () => 'x' } }, {}, 'http.body: must be plain data for agents'],
    [{ http: { url, check: () => true } }, {}, 'http.check: must be plain data for agents'],
    [{ http: { url, requests: () => ({}) } }, {}, 'got a function'],
    [{ http: { url, requests: [{ method: 'POST', body: new Uint8Array(3) }] } }, {}, 'http.requests.0.body: must be'],
    [{ http: { url, tls: { ca: [new Date()] } } }, {}, 'http.tls.ca.0: must be plain data for agents, which run on'],
    [{ http: { url, requests: 'missing.csv' } }, {}, 'missing.csv'],
    [{ http: { url, requests: [{ path: '/{id}' }] } }, {}, 'http.requests.0.path: has the placeholder {id}'],
    [
      { http: { url }, stop: { requests: 1 }, warmup: { requests: 0 } },
      {},
      'must be at most 1, the number of requests',
    ],
    [
      { http: { url }, arrivals: '1000000/s', stop: { duration: '72m' } },
      {},
      'stop: must be shorter: it makes 4,320,000,000 requests, and a Result counts up to 4,294,967,295',
    ],
    [{ http: { url } }, { redis: 'localhost' }, 'options.agents.redis: must be the URL of a Redis'],
    [{ http: { url } }, { count: 0 }, 'options.agents.count: must be a whole number'],
  ])('are refused before the run for what they cannot do: %#', async (scenario, agents, message) => {
    const options = { agents: { redis, count: 2, ...agents } }
    await expect(measure({ arrivals: '100/s', ...scenario } as never, options)).rejects.toThrow(message)
  })
})
