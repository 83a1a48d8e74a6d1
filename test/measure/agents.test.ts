import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { measure } from '../../src/index.js'
import { runAgent } from '../../src/measure/agents/agent.js'
import { checkResult } from '../../src/result/check.js'
import { hasRedis, startRedis } from '../support/processes/redis.js'

describe.runIf(hasRedis)('an agent on a real Redis', () => {
  it('sends a shard of a run', async () => {
    const redis = await startRedis()
    const server = createServer((_, response) => response.end('ok'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const abort = new AbortController()
    const agent = runAgent({ redis: redis.url, name: 'east', signal: abort.signal })
    const http = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
    const scenario = { arrivals: '200/s', http, stop: { requests: 100 } }
    const result = checkResult(await measure(scenario, { agents: { redis: redis.url, count: 1 } }))
    abort.abort()
    await agent
    server.closeAllConnections()
    server.close()
    await redis.stop()
    expect(result.counts.offered).toBe(90)
    expect(result.merged?.machines.map(({ name }) => name)).toEqual(['east'])
  }, 60_000)
})

describe('agents', () => {
  it.each([
    [{ call: () => {} }, { redis: 'redis://127.0.0.1', count: 2 }, 'agents: send http scenarios only'],
    [{ http: { body: () => 'x' } }, { redis: 'redis://127.0.0.1', count: 2 }, 'http.body: must be plain data'],
    [{ http: {} }, { redis: 'localhost', count: 2 }, 'options.agents.redis: must be the URL of a Redis'],
    [{ http: {} }, { redis: 'redis://127.0.0.1', count: 0 }, 'options.agents.count: must be a whole number'],
  ])('are refused for what they cannot do: %#', async (target, agents, said) => {
    const http = 'http' in target ? { http: { url: 'http://127.0.0.1/', ...target.http } } : target
    await expect(measure({ arrivals: '100/s', ...http } as never, { agents })).rejects.toThrow(said)
  })
})
