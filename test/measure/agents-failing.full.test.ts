import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { afterAll, beforeAll, describe, it, type TestContext } from 'vitest'
import { type MeasureOptions, measure, type Stop } from '../../src/index.js'
import { QUEUE, RunKeys, VERSION } from '../../src/measure/agents/protocol.js'
import { connectRedis } from '../../src/measure/agents/redis.js'
import { checkResult } from '../../src/result/check.js'
import { kill, startAgent } from '../support/processes/agents.js'
import { type Scripted, startServer } from '../support/processes/http-server.js'
import { hasRedis, startRedis } from '../support/processes/redis.js'

// These wait for seconds for what no longer answers, so they run at the same time, each on a Redis of its own.
describe.runIf(hasRedis).concurrent('agents on a real Redis', { timeout: 120_000 }, () => {
  let server: Scripted
  beforeAll(async () => {
    server = await startServer((_, response) => response.end('ok'))
  })
  afterAll(() => server.close())

  /** Starts a Redis and agents of its own. */
  async function start(count: number, onTestFinished: TestContext['onTestFinished']) {
    const redis = await startRedis()
    onTestFinished(() => kill(redis.child))
    const agents = await Promise.all(
      Array.from({ length: count }, (_, i) => startAgent(redis.url, { flags: ['--name', `agent-${i + 1}`] })),
    )
    onTestFinished(async () => void (await Promise.all(agents.map(kill))))
    const run = (among: number, stop: Stop, options: MeasureOptions = {}) =>
      measure(
        { arrivals: '200/s', http: { url: server.url, connections: 10 }, stop },
        { ...options, agents: { redis: redis.url, count: among } },
      )
    return { redis, agents, run }
  }

  it('reject the run if Redis no longer answers, and end on Ctrl-C', async ({ expect, onTestFinished }) => {
    const { redis, agents, run } = await start(1, onTestFinished)
    const running = run(
      1,
      { duration: '60s' },
      {
        onProgress: ({ sent }) => {
          if (sent > 50) redis.child.kill('SIGSTOP')
        },
      },
    )
    await expect(running).rejects.toThrow('the connection to Redis was lost')
    const [agent] = agents
    const ended = new Promise((resolve) => agent?.once('exit', resolve))
    agent?.kill('SIGINT')
    expect(await ended).toBe(0)
  })

  it('report the shard of an agent that is killed as missing', async ({ expect, onTestFinished }) => {
    const { agents, run } = await start(2, onTestFinished)
    let killed = false
    const result = checkResult(
      await run(
        2,
        { requests: 600 },
        {
          onProgress: ({ sent }) => {
            if (sent < 100 || killed) return
            killed = true
            agents[0]?.kill('SIGKILL')
          },
        },
      ),
    )
    expect(killed).toBe(true)
    expect(result.validity.valid).toBe(false)
    expect(result.validity.findings[0]).toMatchObject({ code: 'shards-missing', figures: { missing: 1, shards: 2 } })
    expect(result.merged?.machines).toHaveLength(1)
  })

  it('reject the run if Redis is killed during it', async ({ expect, onTestFinished }) => {
    const { redis, run } = await start(1, onTestFinished)
    const running = run(
      1,
      { duration: '60s' },
      {
        onProgress: ({ sent }) => {
          if (sent > 50) redis.child.kill('SIGKILL')
        },
      },
    )
    await expect(running).rejects.toThrow(/Redis/)
  })

  it('refuse jobs of another version', async ({ expect, onTestFinished }) => {
    const { redis } = await start(1, onTestFinished)
    const client = await connectRedis(redis.url)
    const keys = new RunKeys(client, 'other')
    const queue = new Queue(QUEUE, { connection: client })
    await keys.order({})
    await queue.add('shard', { version: '99.0.0', run: 'other', index: 1, count: 1 })
    let outcome: unknown
    while (outcome === undefined) {
      await keys.order({})
      await sleep(100)
      outcome = (await keys.outcomes()).get(1)
    }
    expect(outcome).toEqual({
      error: `agent agent-1 has throughline ${VERSION}, not 99.0.0; install the same version on all machines`,
    })
    await queue.close()
    client.disconnect()
  })

  it('reject a run that has too few of them', async ({ expect, onTestFinished }) => {
    const { run } = await start(1, onTestFinished)
    const options = { setupTimeout: '12s' }
    await expect(run(3, { requests: 600 }, options)).rejects.toThrow('1 of 3 agents were ready within 12000 ms')
  })

  it('leave nothing in Redis', async ({ expect, onTestFinished }) => {
    const { redis, run } = await start(0, onTestFinished)
    const client = await connectRedis(redis.url)
    const queue = new Queue(QUEUE, { connection: client })
    await expect(run(2, { requests: 600 }, { setupTimeout: '1s' })).rejects.toThrow('0 of 2 agents were ready')
    expect(await queue.getJobCounts()).toMatchObject({ waiting: 0, active: 0, failed: 0 })
    expect(await client.keys('throughline:*')).toEqual([])
    await queue.close()
    client.disconnect()
  })

  it('say that Redis is gone', async ({ expect, onTestFinished }) => {
    const { redis, run } = await start(0, onTestFinished)
    await redis.stop()
    await expect(run(2, { requests: 600 })).rejects.toThrow('cannot connect to Redis')
  })
})
