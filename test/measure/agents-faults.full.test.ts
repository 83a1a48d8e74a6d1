import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it, type TestContext } from 'vitest'
import { type MeasureOptions, measure, type Stop } from '../../src/index.js'
import { runAgent } from '../../src/measure/agents/agent.js'
import { checkResult } from '../../src/result/check.js'
import { kill, startAgent } from '../support/processes/agents.js'
import { startServer } from '../support/processes/http-server.js'
import { namespacePartition, proxyPartition } from '../support/processes/partition.js'
import { hasRedis, startRedis } from '../support/processes/redis.js'

// They run at the same time, each on a Redis of its own.
describe.runIf(hasRedis).concurrent('agents', { timeout: 120_000 }, () => {
  /** Starts an agent as a process, and waits until it waits for work. */
  async function start({ onTestFinished }: TestContext, redis: string, name: string, under: string[] = []) {
    const agent = await startAgent(redis, { under, flags: ['--name', name] })
    onTestFinished(() => kill(agent))
  }

  async function startParts({ onTestFinished }: TestContext, host: string, ...flags: string[]) {
    const redis = await startRedis(...flags)
    onTestFinished(() => redis.stop())
    const server = await startServer((_, response) => response.end('ok'), host)
    onTestFinished(() => server.close())
    const run = (stop: Stop, options: MeasureOptions = {}) =>
      measure(
        { arrivals: '200/s', http: { url: server.url, connections: 10 }, stop, warmup: { requests: 0 } },
        { ...options, agents: { redis: redis.url, count: 2 } },
      )
    return { redis, server, run }
  }

  // a link that goes down is the real thing, but not every system allows it
  it('end if they are cut off from Redis, without a word, and join again afterwards', async (context) => {
    const { expect, onTestFinished } = context
    const partition = namespacePartition() ?? proxyPartition()
    onTestFinished(() => partition.remove())
    const { host, under } = partition
    const hosts = [...new Set(['127.0.0.1', host])]
    const { redis, server, run } = await startParts(context, host, '--bind', ...hosts, '--protected-mode', 'no')
    const far = `redis://${host}:${await partition.portOf(redis.port)}`
    await Promise.all([start(context, redis.url, 'near'), start(context, far, 'far', under)])

    let isCut = false
    const onProgress = ({ sent }: { sent: number }) => {
      if (sent > 100 && !isCut) partition.cut()
      isCut ||= sent > 100
    }
    const result = checkResult(await run({ duration: '2s' }, { onProgress }))
    expect(result.validity.findings[0]).toMatchObject({
      code: 'shards-missing',
      message: expect.stringContaining('agent far died or lost its connection'),
    })
    expect(result.merged?.machines.map(({ name }) => name)).toEqual(['near'])

    // it is alone: it has given up by now, or does within seconds
    await sleep(1000)
    const before = server.received.length
    await sleep(1000)
    expect(server.received.length).toBe(before)
    partition.heal()
    const again = checkResult(await run({ requests: 200 }))
    expect(again.merged?.machines.map(({ name }) => name).sort()).toEqual(['far', 'near'])
    expect(again.counts.offered).toBe(200)
  })

  it('send two runs one after the other, whatever they are called', async (context) => {
    const { expect } = context
    const { redis, run } = await startParts(context, '127.0.0.1')
    await Promise.all([start(context, redis.url, 'east'), start(context, redis.url, 'east')])
    let begun: () => unknown = () => {}
    const sending = new Promise<void>((resolve) => {
      begun = resolve
    })
    const first = run({ duration: '3s' }, { onProgress: ({ sent }) => void (sent > 0 && begun()) })
    await sending
    await expect(run({ requests: 200 }, { setupTimeout: '500ms' })).rejects.toThrow(
      '0 of 2 agents were ready within 500 ms (setupTimeout), and 2 sent another run; wait until it is over',
    )
    const second = await run({ requests: 200 })
    expect(second.counts.offered).toBe(200)
    const { merged, validity } = await first
    expect(merged?.machines.map(({ name }) => name)).toEqual(['east (shard 1)', 'east (shard 2)'])
    expect(validity.findings.map(({ code }) => code)).not.toContain('shards-missing')
  })

  it('reject the run if the memory of Redis is full', async (context) => {
    const { run } = await startParts(context, '127.0.0.1', '--maxmemory', '100kb')
    await context.expect(run({ requests: 10 })).rejects.toThrow(/^Redis refused a command: OOM command not allowed/)
  })

  it('say that a Redis may not use TLS', async (context) => {
    const { redis } = await startParts(context, '127.0.0.1')
    const url = redis.url.replace('redis:', 'rediss:')
    const scenario = { arrivals: '200/s', http: { url: 'http://127.0.0.1:1/' }, stop: { requests: 50 } }
    await context
      .expect(measure(scenario, { agents: { redis: url, count: 1 } }))
      .rejects.toThrow(`cannot connect to Redis at ${url}: connect ETIMEDOUT; without TLS it is redis://`)
  })

  it('use the password of Redis, and say if it is wrong, without showing it', async (context) => {
    const { expect } = context
    const { redis, server } = await startParts(context, '127.0.0.1', '--requirepass', 'secret')
    const abort = new AbortController()
    const urlWith = (password: string) => redis.url.replace('//', `//:${password}@`)
    const agent = runAgent({ redis: urlWith('secret'), name: 'east', signal: abort.signal })
    const scenario = { arrivals: '200/s', http: { url: server.url }, stop: { requests: 50 } }
    const result = await measure(scenario, { agents: { redis: urlWith('secret'), count: 1 } })
    expect(result.merged?.machines.map(({ name }) => name)).toEqual(['east'])
    abort.abort()
    await agent
    for (const url of [urlWith('guessed'), redis.url]) {
      for (const begin of [
        () => measure(scenario, { agents: { redis: url, count: 1 } }),
        () => runAgent({ redis: url, signal: abort.signal }),
      ]) {
        const { message }: Error = await begin().then(String, (error) => error)
        expect(message).toContain(`cannot connect to Redis at ${redis.url}: `)
        expect(message).toMatch(/WRONGPASS|NOAUTH/)
        expect(message).not.toContain('guessed')
      }
    }
  })
})
