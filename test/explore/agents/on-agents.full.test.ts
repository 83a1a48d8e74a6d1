import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENGINE, QUEUE, TaskKeys } from '../../../src/explore/agents/protocol.js'
import {
  affine,
  capacity,
  exponential,
  headroom,
  measure,
  replicate,
  type Scenario,
  type SweepProgress,
  sweep,
  tune,
} from '../../../src/index.js'
import { connectRedis } from '../../../src/measure/agents/redis.js'
import { Agents } from '../../support/processes/agents.js'
import { MAIN } from '../../support/processes/command-line.js'
import { hasRedis, startRedis } from '../../support/processes/redis.js'

const mm1: Scenario = {
  arrivals: '50/s',
  service: affine({ base: '10ms', variation: exponential() }),
  stop: { requests: 20_000 },
}
/** Minutes of simulation, for tests that end it. */
const long: Scenario = { ...mm1, stop: { requests: 400_000_000 } }
const bytes = (value: unknown) => JSON.stringify(value)

describe.runIf(hasRedis)('simulating on agents', { timeout: 120_000 }, () => {
  const agents = new Agents()
  let redis: Awaited<ReturnType<typeof startRedis>>
  let client: Redis
  let queue: Queue
  let on: { redis: string }

  beforeAll(async () => {
    redis = await startRedis()
    client = await connectRedis(redis.url)
    queue = new Queue(QUEUE, { connection: client })
    on = { redis: redis.url }
  })
  afterAll(async () => {
    await agents.killAll()
    await queue.close()
    client.disconnect()
    await redis.stop()
  })

  const start = (...flags: string[]) => agents.start(redis.url, '--threads', '1', ...flags)

  async function expectNothingLeft(): Promise<void> {
    // agents end what they run within a second
    const jobs = async () => Object.values(await queue.getJobCounts()).reduce((sum, count) => sum + count, 0)
    for (let tries = 0; tries < 300 && (await jobs()) > 0; tries++) await sleep(100)
    expect(await jobs()).toBe(0)
    expect(await client.keys('throughline:simulations:*')).toEqual([])
  }

  /** Whether the first point is done and its report taken, while another one runs. */
  async function isFirstPointTaken(): Promise<boolean> {
    const [fractions] = await client.keys('throughline:simulations:*:fractions')
    if (fractions === undefined) return false
    const begun = await client.hexists(fractions.replace('fractions', 'begun'), '0')
    const runs = await client.hexists(fractions, '0')
    const reports = await client.llen(fractions.replace('fractions', 'reports'))
    return begun === 1 && runs === 0 && reports === 0
  }

  it('is an error if there is no Redis', async () => {
    const nowhere = { redis: 'redis://127.0.0.1:1' }
    await expect(replicate(mm1, { replications: 2, on: nowhere })).rejects.toThrow(
      'cannot connect to Redis at redis://127.0.0.1:1',
    )
  })

  it('is an error if no agent is there, and leaves nothing in Redis', async () => {
    const alone = { redis: redis.url, agentTimeout: '300ms' }
    const missing = `no agent was connected to ${redis.url} for 300 ms (agentTimeout); start one or more: throughline agent --redis ${redis.url}`
    await expect(replicate(mm1, { replications: 3, on: alone })).rejects.toThrow(missing)
    await expect(capacity(mm1, { p99: '100ms' }, { on: alone })).rejects.toThrow(missing)
    await expectNothingLeft()
  })

  // its agent runs the following tests too
  it('gives up a point of which agents die', async () => {
    const patient = { redis: redis.url, agentTimeout: '60s' }
    const sweeping = sweep(mm1, { servers: [1, 2] }, { cache: false, on: patient })
    const refused = expect(sweeping).rejects.toThrow(
      /^point \{"servers":2\}: 3 agents died while they ran it, so it is not tried again/,
    )
    let orders: string[] = []
    while (orders.length === 0 || (await queue.getWaitingCount()) < 2) {
      orders = await client.keys('throughline:simulations:*:orders')
      await sleep(20)
    }
    // three have begun it
    await client.hset((orders[0] as string).replace('orders', 'begun'), '1', '3')
    await start('--name', 'first')
    await refused
    await expectNothingLeft()
  })

  it('returns the error of a scenario that turns out to be invalid', async () => {
    // the first request is due after the run
    const empty: Scenario = { ...mm1, arrivals: { process: 'constant', rate: '1/m' }, stop: { duration: '1s' } }
    const errorOf = (work: Promise<unknown>) => work.catch(({ name, path, message }) => ({ name, path, message }))
    const local = await errorOf(sweep(empty, { servers: [1, 2] }, { cache: false }))
    expect(local).toMatchObject({ name: 'ValidationError', message: expect.stringContaining('no request due') })
    expect(await errorOf(sweep(empty, { servers: [1, 2] }, { cache: false, on }))).toEqual(local)
    await expectNothingLeft()
  })

  it('ends early with the points that there are, and on an abort', async () => {
    const fields = { 'stop.requests': [20_000, 400_000_000, 399_999_999] }
    // the second point runs
    const onProgress = ({ fraction }: SweepProgress) => fraction <= 1 / 3
    const swept = await sweep({ ...mm1, warmup: { requests: 10 } }, fields, { cache: false, on, onProgress })
    expect(swept.map(({ point }) => point)).toEqual([{ 'stop.requests': 20_000 }, { 'stop.requests': 400_000_000 }])
    expect(swept[1]?.result.validity.findings.map(({ code }) => code)).toContain('interrupted')
    await expectNothingLeft()

    let calls = 0
    const tuned = await tune(long, { budget: { p99: '1s' }, on, onProgress: () => ++calls < 10 })
    expect(tuned).toMatchObject({ interrupted: 'onProgress', best: null })
    await expectNothingLeft()

    const abort = new AbortController()
    const aborted = replicate(long, {
      ...{ replications: 3, on, signal: abort.signal },
      onProgress: () => abort.abort(new Error('enough')),
    })
    await expect(aborted).rejects.toThrow('enough')
    await expectNothingLeft()
    expect((await replicate(mm1, { replications: 2, on })).counts.offered).toBe(36_000)
  })

  it('hands back what it simulates while it sends a shard', async () => {
    const server = createServer((_, response) => response.end('ok'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const http = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
    const abort = new AbortController()
    let fraction = 0
    const simulating = replicate(long, {
      replications: 1,
      on,
      signal: abort.signal,
      onProgress: (progress) => {
        fraction = progress.fraction
      },
    })
    const aborted = expect(simulating).rejects.toThrow('enough')
    while (fraction === 0) await sleep(50)
    const shard = await measure(
      { arrivals: '200/s', http, stop: { requests: 100 }, warmup: { requests: 10 } },
      { agents: { redis: redis.url, count: 1 }, setupTimeout: '30s' },
    )
    expect(shard.counts.completed).toBe(90)
    // it runs again after the shard
    for (const before = fraction; fraction === before; ) await sleep(50)
    abort.abort(new Error('enough'))
    await aborted
    await expectNothingLeft()
    server.closeAllConnections()
    server.close()
  })

  it('is refused by agents of another version', async () => {
    const keys = new TaskKeys(client, 'other')
    await keys.order('run')
    const data = { engine: 'throughline 99.0.0', run: 'other', kind: 'simulateOnce', index: 0, count: 1, argument: 0 }
    await queue.add('simulateOnce', data, { removeOnComplete: true })
    const blocking = client.duplicate()
    let outcome = await keys.nextOutcome(blocking)
    while (outcome === null) outcome = await keys.nextOutcome(blocking)
    expect(outcome).toEqual({
      index: 0,
      error: `agent first has ${ENGINE}, not throughline 99.0.0; install the same on all machines`,
    })
    blocking.disconnect()
    await keys.remove()
    await expectNothingLeft()
  })

  it('ends on Ctrl-C with the points that there are', async () => {
    await start()
    const flags = '--arrivals 50/s --base 10ms --warmup 10 --vary stop.requests=20000,400000000,399999999'.split(' ')
    const child = spawn(process.execPath, [MAIN, 'sweep', ...flags, '--redis', redis.url, '--json'])
    let printed = ''
    child.stdout.on('data', (text) => {
      printed += String(text)
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    while (!(await isFirstPointTaken())) await sleep(50)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(JSON.parse(printed).length).toBeGreaterThan(0)
    await expectNothingLeft()
  })

  it('gives the bytes of one machine', async () => {
    await start()
    const short: Scenario = { ...mm1, stop: { requests: 5000 } }
    const batched: Scenario = { ...short, service: affine({ base: '7.5ms', perItem: '0.25ms' }), arrivals: '400/s' }
    const fields = { servers: [1, 2], rate: ['40/s', '50/s'] }
    const choices = { budget: { p99: '40ms' }, maxBatchSize: [1, 8], maxWait: [0, '5ms'] }
    const limit = { p99: '100ms' }

    const swept = await sweep(short, fields, { cache: false, on })
    expect(swept).toHaveLength(4)
    expect(bytes(swept)).toBe(bytes(await sweep(short, fields, { cache: false, threads: 1 })))
    for (const replications of [1, 3]) {
      const replicated = await replicate(short, { replications, on })
      expect(bytes(replicated)).toBe(bytes(await replicate(short, { replications, threads: 1 })))
    }
    const tuned = await tune(batched, { ...choices, on })
    expect(tuned.best?.confirmed).toBe(true)
    expect(bytes(tuned)).toBe(bytes(await tune(batched, { ...choices, threads: 1 })))
    const highest = await capacity(mm1, limit, { on })
    expect(highest?.rate).toBeGreaterThan(30)
    expect(bytes(highest)).toBe(bytes(capacity(mm1, limit)))
    const room = await headroom(short, limit, { on })
    expect(room?.growth).not.toBeNull()
    expect(bytes(room)).toBe(bytes(await headroom(short, limit)))
    await expectNothingLeft()
  })

  it('gives the bytes of one machine if an agent is killed in the middle, and uses its cache', async () => {
    const victim = await start()
    const scenario = { ...mm1, stop: { requests: 2_000_000 } }
    const fields = { rate: ['40/s', '45/s', '50/s', '55/s'] }
    const seen: SweepProgress[] = []
    const onProgress = (progress: SweepProgress) => {
      seen.push(progress)
      // both are at a point: agents report every half second
      if (progress.done < 4 && progress.fraction > 0) victim.kill('SIGKILL')
    }
    const swept = await sweep(scenario, fields, { on, onProgress })
    expect(victim.signalCode).toBe('SIGKILL')
    expect(bytes(swept)).toBe(bytes(await sweep(scenario, fields, { cache: false })))
    expect(seen.at(-1)).toEqual({ done: 4, total: 4, fraction: 1 })
    // all are in the cache, so that no Redis is needed
    expect(bytes(await sweep(scenario, fields, { on: { redis: 'redis://127.0.0.1:1' } }))).toBe(bytes(swept))
  })

  it('is an error if Redis is killed', async () => {
    const other = await startRedis()
    await agents.start(other.url, '--threads', '1')
    const onProgress = ({ fraction }: { fraction: number }) => {
      if (fraction > 0) other.child.kill('SIGKILL')
    }
    const replicating = replicate(long, { replications: 1, on: { redis: other.url }, onProgress })
    await expect(replicating).rejects.toThrow('the connection to Redis was lost')
  })
})
