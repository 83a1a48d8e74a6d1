import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import { describe, it, type TestContext } from 'vitest'
import { type MeasureOptions, measure, type Stop } from '../../src/index.js'
import { QUEUE } from '../../src/measure/agents/protocol.js'
import { connectRedis } from '../../src/measure/agents/redis.js'
import { checkResult } from '../../src/result/check.js'
import { kill, startAgent } from '../support/processes/agents.js'
import { start as startCommand } from '../support/processes/command-line.js'
import { startServer } from '../support/processes/http-server.js'
import { hasRedis, startRedis } from '../support/processes/redis.js'

const TOTAL = 1600
/** Each request of a run has a path of its own. */
const requests = Array.from({ length: TOTAL }, (_, i) => ({ path: `/${i}` }))

// These wait for seconds for what sleeps, so they run at the same time, each on a Redis of its own.
describe.runIf(hasRedis).concurrent('agents', { timeout: 120_000 }, () => {
  async function start(count: number, { onTestFinished }: TestContext) {
    const redis = await startRedis()
    onTestFinished(() => kill(redis.child))
    const server = await startServer((_, response) => response.end('ok'))
    onTestFinished(() => server.close())
    const agents = await Promise.all(
      Array.from({ length: count }, (_, i) => startAgent(redis.url, { flags: ['--name', `agent-${i + 1}`] })),
    )
    onTestFinished(async () => void (await Promise.all(agents.map(kill))))
    const client = await connectRedis(redis.url)
    onTestFinished(() => client.disconnect())
    const queue = new Queue(QUEUE, { connection: client })
    onTestFinished(() => queue.close())
    const run = (stop: Stop, options: MeasureOptions = {}, among = count) => {
      server.received.length = 0
      const http = { url: server.url, connections: 10, requests }
      const scenario = { arrivals: '200/s', http, stop, warmup: { requests: 0 } }
      return measure(scenario, { ...options, agents: { redis: redis.url, count: among } }).then(checkResult)
    }
    /** How many requests the server got, and how many of them are different. */
    const sent = () => {
      const paths = server.received.map(({ path }) => path)
      return { requests: paths.length, different: new Set(paths).size }
    }
    const waitForEmptyQueue = async () => {
      const jobs = async () => Object.values(await queue.getJobCounts()).reduce((sum, each) => sum + each, 0)
      while ((await jobs()) > 0) await sleep(100)
    }
    return { redis, server, agents, client, queue, run, sent, waitForEmptyQueue }
  }

  it('count the requests of an agent that sleeps once, and leave it out if it was given up', async (context) => {
    const { expect } = context
    const { agents, run, sent, waitForEmptyQueue } = await start(2, context)
    const [sleeper] = agents
    /** Runs, and stops an agent in the middle. */
    const runAsleep = (requests: number, onSleep = () => {}) => {
      let isAsleep = false
      const onProgress = ({ sent: already }: { sent: number }) => {
        if (already < 100 || isAsleep) return
        isAsleep = true
        sleeper?.kill('SIGSTOP')
        onSleep()
      }
      return run({ requests }, { onProgress })
    }
    // longer than the 5 s after which it counts as dead, unless it reports again
    const wakeUp = () => void setTimeout(() => sleeper?.kill('SIGCONT'), 5200)
    const { counts, validity, latencyMs, merged } = await runAsleep(TOTAL, wakeUp)
    const codes = validity.findings.map(({ code }) => code)
    expect(validity.valid).toBe(false)
    if (merged?.machines.length === 2) {
      expect(counts.offered).toBe(TOTAL)
      expect(latencyMs.max).toBeGreaterThan(4000)
      expect(codes).toContain('event-loop-stalled')
    } else {
      // on a slow machine the other was done before it woke up
      expect(counts.offered).toBe(TOTAL / 2)
      expect(codes).toContain('shards-missing')
    }
    expect(sent().requests).toBe(sent().different)

    await waitForEmptyQueue()
    const without = await runAsleep(400)
    expect(without.counts.offered).toBe(200)
    expect(without.validity.findings[0]).toMatchObject({ code: 'shards-missing', figures: { missing: 1, shards: 2 } })
    sleeper?.kill('SIGCONT')
    await waitForEmptyQueue()
    const again = await run({ requests: 400 })
    expect(again.counts.offered).toBe(400)
    expect(again.validity.findings.map(({ code }) => code)).not.toContain('shards-missing')
    expect(sent()).toEqual({ requests: 400, different: 400 })
  })

  it('end their shards if the coordinator sleeps, which says so when it wakes up, or if it is killed', async (context) => {
    const { expect, onTestFinished } = context
    const { redis, server, agents, run, sent } = await start(1, context)
    const flags = ['--url', server.url, '--arrivals', '200/s', '--duration', '60s', '--warmup', '0s']
    const { child, ended } = startCommand('measure', ...flags, '--agents', '1', '--redis', redis.url)
    onTestFinished(() => kill(child))
    const waits = new Promise<void>((resolve) => {
      agents[0]?.stderr?.on('data', (text) => String(text).includes('waiting for work') && resolve())
    })
    while (server.received.length < 50) await sleep(50)
    child.kill('SIGSTOP')
    await Promise.all([waits, sleep(10_500)])
    child.kill('SIGCONT')
    const { code, stderr } = await ended
    expect(stderr).toContain(
      'throughline: the run was gone from Redis, so that its agents ended their shards: this process',
    )
    expect(code).toBe(2)
    await run({ requests: 100 })
    expect(sent()).toEqual({ requests: 100, different: 100 })

    const victim = startCommand('measure', ...flags, '--agents', '1', '--redis', redis.url).child
    server.received.length = 0
    while (server.received.length < 50) await sleep(50)
    victim.kill('SIGKILL')
    // they notice, and take the next run
    expect((await run({ requests: 100 })).counts.offered).toBe(100)
  })

  it('end their shards if Redis is emptied, before the start and after', async (context) => {
    const { expect } = context
    const { client, run, sent } = await start(1, context)
    const gone = 'the run was gone from Redis, so that its agents ended their shards'
    let isEmpty = false
    const onProgress = ({ sent: already }: { sent: number }) => {
      if (already > 50 && !isEmpty) client.flushall()
      isEmpty ||= already > 50
    }
    await expect(run({ requests: 1200 }, { onProgress })).rejects.toThrow(gone)
    // one of two agents is there
    const waiting = expect(run({ requests: 100 }, {}, 2)).rejects.toThrow(gone)
    while ((await client.keys('throughline:run:*:agents')).length === 0) await sleep(50)
    await client.flushall()
    await waiting
    expect((await run({ requests: 100 })).counts.offered).toBe(100)
    expect(sent()).toEqual({ requests: 100, different: 100 })
  })

  it('send no shard again after BullMQ gave up its job, and serve several coordinators', async (context) => {
    const { expect } = context
    const { redis, client, queue, run, sent, waitForEmptyQueue } = await start(3, context)
    const connection = { host: '127.0.0.1', port: redis.port, maxRetriesPerRequest: null }
    const checker = new Worker(QUEUE, null, { connection, autorun: false, stalledInterval: 100, maxStalledCount: 0 })
    context.onTestFinished(() => checker.close())
    let fewest = 2
    let isChecking = false
    // what happens to agents that sleep for longer than the lock: their jobs fail at the agent that is idle
    const stall = async () => {
      if (!isChecking) await checker.startStalledCheckTimer()
      isChecking = true
      const locks = await client.keys(`bull:${QUEUE}:*:lock`)
      await client.del(`bull:${QUEUE}:stalled-check`, ...locks)
      fewest = Math.min(fewest, await queue.getActiveCount())
    }
    const onProgress = ({ sent: already }: { sent: number }) => void (already > 50 && stall())
    const result = await run({ requests: 600 }, { onProgress }, 2)
    expect(fewest).toBe(0)
    expect(result.counts.offered).toBe(600)
    expect(sent()).toEqual({ requests: 600, different: 600 })
    await checker.close()
    await waitForEmptyQueue()
    expect((await run({ requests: 100 })).merged?.machines).toHaveLength(3)

    // more than there are
    const tooMany = expect(run({ requests: 100 }, { setupTimeout: '2500ms' }, 4)).rejects.toThrow(
      /^[0-3] of 4 agents were/,
    )
    await sleep(200)
    const both = await Promise.all([1, 2].map(() => run({ requests: 300 }, {}, 2)))
    await tooMany
    expect(both.map(({ counts }) => counts.offered)).toEqual([300, 300])
    expect(sent()).toEqual({ requests: 600, different: 300 })
  })

  it('reject the run if BullMQ drops a job', async (context) => {
    const { queue, run } = await start(0, context)
    const lost = '0 of 1 agents were ready within 3000 ms (setupTimeout), and 1 of their jobs disappeared'
    const running = context.expect(run({ requests: 100 }, { setupTimeout: '3s' }, 1)).rejects.toThrow(lost)
    while ((await queue.getWaitingCount()) === 0) await sleep(20)
    await queue.drain()
    await running
  })
})
