import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { describe, it, type TestContext } from 'vitest'
import { QUEUE } from '../../../src/explore/agents/protocol.js'
import {
  affine,
  exponential,
  measure,
  replicate,
  type Scenario,
  type SweepProgress,
  sweep,
} from '../../../src/index.js'
import { connectRedis } from '../../../src/measure/agents/redis.js'
import { kill, startAgent } from '../../support/processes/agents.js'
import { start as startCommand, throughline } from '../../support/processes/command-line.js'
import { startServer } from '../../support/processes/http-server.js'
import { hasRedis, startRedis } from '../../support/processes/redis.js'

const mm1 = (requests: number): Scenario => ({
  arrivals: '50/s',
  service: affine({ base: '10ms', variation: exponential() }),
  stop: { requests },
})
const rate = ['40/s', '45/s', '50/s', '55/s']
const bytes = (value: unknown) => JSON.stringify(value)
const SHORT = 1_000_000
let found: Promise<string> | undefined
/** What one machine finds. */
function expected(): Promise<string> {
  found ??= sweep(mm1(SHORT), { rate }, { cache: false }).then(bytes)
  return found
}

// These wait for seconds for what no longer answers, so they run at the same time, each on a Redis of its own.
describe.runIf(hasRedis).concurrent('simulating on agents', { timeout: 120_000 }, () => {
  async function start(count: number, { expect, onTestFinished }: TestContext) {
    const redis = await startRedis()
    onTestFinished(() => kill(redis.child))
    const agents: ChildProcess[] = []
    onTestFinished(async () => void (await Promise.all(agents.map(kill))))
    const addAgent = async () => void agents.push(await startAgent(redis.url, { flags: ['--threads', '1'] }))
    await Promise.all(Array.from({ length: count }, addAgent))
    const client = await connectRedis(redis.url)
    onTestFinished(() => client.disconnect())
    const queue = new Queue(QUEUE, { connection: client })
    onTestFinished(() => queue.close())
    const on = { redis: redis.url }
    /** Sweeps on agents, and does something while they simulate. */
    const sweepWhile = async (disturb: () => unknown, requests = SHORT): Promise<string> => {
      let isDisturbed = false
      const onProgress = ({ fraction, done }: SweepProgress) => {
        if (isDisturbed || fraction === 0 || done === rate.length) return
        isDisturbed = true
        disturb()
      }
      const swept = await sweep(mm1(requests), { rate }, { cache: false, on, onProgress })
      expect(isDisturbed).toBe(true)
      return bytes(swept)
    }
    const expectNothingLeft = async () => {
      const jobs = async () => Object.values(await queue.getJobCounts()).reduce((sum, each) => sum + each, 0)
      for (let tries = 0; tries < 300 && (await jobs()) > 0; tries++) await sleep(100)
      expect(await jobs()).toBe(0)
      expect(await client.keys('throughline:simulations:*')).toEqual([])
    }
    return { url: redis.url, on, client, queue, agents, addAgent, sweepWhile, expectNothingLeft }
  }

  it('gives the bytes of one machine if an agent sleeps until another has its run', async (context) => {
    const { expect } = context
    const { on, agents, sweepWhile, expectNothingLeft } = await start(2, context)
    const [sleeper, other] = agents
    const begunMs = performance.now()
    // reports are twice a second, so that one is seen only of a long run
    const swept = await sweepWhile(() => sleeper?.kill('SIGSTOP'), 2 * SHORT)
    // the lock of its job had to expire
    expect(performance.now() - begunMs).toBeGreaterThan(4000)
    expect(swept).toBe(bytes(await sweep(mm1(2 * SHORT), { rate }, { cache: false })))
    sleeper?.kill('SIGCONT')
    await expectNothingLeft()
    other?.kill('SIGKILL')
    const [here, there] = [{ threads: 1 }, { on }].map((where) => replicate(mm1(5000), { replications: 2, ...where }))
    expect(bytes(await there)).toBe(bytes(await here))
  })

  it('gives the bytes of one machine if the coordinator sleeps until agents drop its runs', async (context) => {
    const { expect, onTestFinished } = context
    const { url, client, queue, addAgent, expectNothingLeft } = await start(0, context)
    const flags = '--arrivals 50/s --base 10ms --requests 20000 --vary servers=1,2 --json'.split(' ')
    const { child, ended } = startCommand('sweep', ...flags, '--redis', url)
    onTestFinished(() => kill(child))
    while ((await queue.getWaitingCount()) < 2) await sleep(20)
    child.kill('SIGSTOP')
    while ((await client.keys('throughline:simulations:*')).length > 0) await sleep(100)
    await addAgent()
    while ((await queue.getWaitingCount()) > 0) await sleep(100)
    child.kill('SIGCONT')
    const { code, stdout, stderr } = await ended
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toBe((await throughline('sweep', ...flags)).stdout)
    await expectNothingLeft()
  })

  it('gives the bytes of one machine if Redis drops its data or jobs', async (context) => {
    const { expect } = context
    const { client, queue, sweepWhile, expectNothingLeft } = await start(1, context)
    expect(await sweepWhile(() => client.flushall())).toBe(await expected())
    await expectNothingLeft()
    expect(await sweepWhile(() => queue.drain())).toBe(await expected())
    await expectNothingLeft()
  })

  it('gives both of two commands the bytes of one machine', async (context) => {
    const { on, expectNothingLeft } = await start(1, context)
    const both = await Promise.all([1, 2].map(() => sweep(mm1(SHORT), { rate }, { cache: false, on })))
    context.expect(new Set(both.map(bytes))).toEqual(new Set([await expected()]))
    await expectNothingLeft()
  })

  it('gives the bytes of one machine if Redis is full for a while, and sends a shard afterwards', async (context) => {
    const { expect, onTestFinished } = context
    const { on, client, sweepWhile, expectNothingLeft } = await start(1, context)
    const server = await startServer((_, response) => response.end('ok'))
    onTestFinished(() => server.close())
    const fill = async () => {
      await client.config('SET', 'maxmemory', '1')
      // reports are refused meanwhile
      await sleep(2000)
      await client.config('SET', 'maxmemory', '0')
    }
    expect(await sweepWhile(fill)).toBe(await expected())
    // an agent that still waits for the refused report of a simulation would never send this shard
    const scenario = { arrivals: '200/s', http: { url: server.url }, stop: { requests: 100 }, warmup: { requests: 10 } }
    const shard = await measure(scenario, { agents: { ...on, count: 1 }, setupTimeout: '30s' })
    expect(shard.counts.completed).toBe(90)
    await expectNothingLeft()
  })
})
