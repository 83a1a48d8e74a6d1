import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  constant,
  type MeasureOptions,
  type MeasureProgress,
  measure,
  type Result,
  type Stop,
} from '../../src/index.js'
import { QUEUE, RunKeys, VERSION } from '../../src/measure/agents/protocol.js'
import { connectRedis } from '../../src/measure/agents/redis.js'
import { checkResult } from '../../src/result/check.js'
import { MAIN } from '../support/processes/command-line.js'
import { type Scripted, startServer } from '../support/processes/http-server.js'
import { hasRedis, startRedis } from '../support/processes/redis.js'

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)

describe.runIf(hasRedis)('agents on a real Redis', { timeout: 120_000 }, () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let server: Scripted
  let url: string
  const seen: string[] = []
  const arrived: number[] = []
  const agents: ChildProcess[] = []

  beforeAll(async () => {
    redis = await startRedis()
    server = await startServer((request, response) => {
      seen.push(request.url ?? '')
      arrived.push(performance.now())
      response.statusCode = request.url?.startsWith('/fail/') ? 503 : 200
      response.end('ok')
    })
    url = `${server.url}/`
  })
  afterEach(async () => {
    await Promise.all(
      agents.splice(0).map((agent) => {
        if (agent.exitCode !== null || agent.signalCode !== null) return null
        const ended = new Promise((resolve) => agent.once('exit', resolve))
        agent.kill('SIGKILL')
        return ended
      }),
    )
  })
  afterAll(async () => {
    await server.close()
    await redis.stop()
  })

  async function startAgents(count: number, flags: string[] = []): Promise<void> {
    const begun = agents.length
    await Promise.all(
      Array.from({ length: count }, (_, i) => {
        const args = [...flags, MAIN, 'agent', '--redis', redis.url, '--name', `agent-${begun + i + 1}`]
        const agent = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
        agents.push(agent)
        return new Promise<void>((resolve) =>
          agent.stderr?.on('data', (text) => {
            if (String(text).includes('waits for work')) resolve()
          }),
        )
      }),
    )
  }

  async function until(is: () => boolean): Promise<void> {
    while (!is()) await sleep(50)
  }

  const run = (count: number, options: MeasureOptions = {}, stop: Stop = { requests: 600 }) =>
    measure(
      { arrivals: '200/s', http: { url, connections: 10 }, stop, warmup: { requests: 60 } },
      { ...options, agents: { redis: redis.url, count } },
    )

  it('send the stream together, from one instant on', async () => {
    await startAgents(3)
    seen.length = 0
    const result = checkResult(await run(3))
    expect(seen).toHaveLength(600)
    expect(result.counts.offered).toBe(540)
    expect(result.merged?.machines.map(({ name }) => name).sort()).toEqual(['agent-1', 'agent-2', 'agent-3'])
    for (const machine of result.merged?.machines ?? []) expect(machine.clockErrorMs).toBeLessThan(50)
    expect(result.validity.findings.map(({ code }) => code)).not.toContain('shards-missing')
  })

  it('start at one instant, whatever their own clocks say', async () => {
    // two agents take turns in a constant stream: if one began later, gaps would alternate
    await startAgents(1)
    const wrong = 'data:text/javascript,const now = Date.now; Date.now = () => now() + 5000'
    await startAgents(1, ['--import', wrong])
    seen.length = 0
    arrived.length = 0
    const scenario = { arrivals: constant('50/s'), http: { url, connections: 10 }, stop: { requests: 200 } }
    await measure(scenario, { agents: { redis: redis.url, count: 2 } })
    const gaps = arrived.slice(1).map((ms, i) => ms - (arrived[i] as number))
    const [odd, even] = [0, 1].map((rest) => gaps.filter((_, i) => i % 2 === rest).sort((a, b) => a - b))
    const middle = (of: number[] | undefined) => of?.[Math.floor(of.length / 2)] as number
    expect(Math.abs(middle(odd) - middle(even))).toBeLessThan(10)
  })

  it('refuse jobs of another version', async () => {
    await startAgents(1)
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

  it('send the requests of a file that they do not have, by class', async () => {
    await startAgents(2)
    const folder = await mkdtemp(join(tmpdir(), 'throughline-'))
    const [requests, data] = [join(folder, 'requests.csv'), join(folder, 'data.jsonl')]
    await writeFile(requests, 'path,class,weight\n/read/{id},read,2\n/fail/{id},fail,1\n')
    await writeFile(data, '{"id":"a"}\n{"id":"b"}\n')
    const scenario = {
      arrivals: '200/s',
      http: { url, connections: 10, requests, data },
      stop: { requests: 603 },
      warmup: { requests: 63 },
    }
    seen.length = 0
    const whole = await measure(scenario)
    const paths = [...seen].sort()
    expect(new Set(paths)).toEqual(new Set(['/read/a', '/read/b', '/fail/a', '/fail/b']))
    seen.length = 0
    const plan = measure(scenario, { agents: { redis: redis.url, count: 2 } })
    const result = checkResult(await plan)
    await rm(folder, { recursive: true })
    expect([...seen].sort()).toEqual(paths)
    const countsOf = ({ classes = {} }: Result) =>
      Object.entries(classes).map(([name, { counts, latencyMs }]) => ({ name, counts, latencies: latencyMs?.count }))
    expect(countsOf(result).sort(byName)).toEqual(countsOf(whole).sort(byName))
    expect(result.counts).toMatchObject({ offered: 540, completed: 360, failed: 180 })
    expect(result.failures).toEqual(whole.failures)
    expect(result.failedMs?.count).toBe(180)
    expect(result.scenario?.http).toEqual(whole.scenario?.http)
  })

  it('show results of the run so far, merged', async () => {
    await startAgents(2)
    const shown: Result[] = []
    const onProgress = ({ resultSoFar }: MeasureProgress) => {
      resultSoFar().then((result) => result !== null && shown.push(result))
      return shown.length === 0
    }
    await run(2, { onProgress }, { duration: '60s' })
    expect(shown[0]?.merged?.machines.length).toBeGreaterThan(0)
    expect(shown[0]?.validity.findings.map(({ code }) => code)).toContain('in-progress')
  })

  it('report the shard of an agent that is killed as missing', async () => {
    await startAgents(2)
    let killed = false
    const result = checkResult(
      await run(2, {
        onProgress: ({ sent }) => {
          if (sent < 100 || killed) return
          killed = true
          agents[0]?.kill('SIGKILL')
        },
      }),
    )
    expect(killed).toBe(true)
    expect(result.validity.valid).toBe(false)
    expect(result.validity.findings[0]).toMatchObject({ code: 'shards-missing', figures: { missing: 1, shards: 2 } })
    expect(result.merged?.machines).toHaveLength(1)
  })

  it('end early together, and report what there is', async () => {
    await startAgents(2)
    const result = checkResult(await run(2, { onProgress: ({ sent }) => sent < 150 }, { duration: '60s' }))
    expect(result.validity.findings.map(({ code }) => code)).toContain('interrupted')
    expect(result.counts.completed).toBeGreaterThan(50)
  })

  it('stop if the run is aborted, and take the next one', async () => {
    await startAgents(2)
    const abort = new AbortController()
    const aborted = run(
      2,
      { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) },
      { duration: '60s' },
    )
    await expect(aborted).rejects.toThrow('enough')
    expect((await run(2)).counts.offered).toBe(540)
  })

  it('reject a run that has too few of them', async () => {
    await startAgents(1)
    await expect(run(3, { setupTimeout: '3s' })).rejects.toThrow('1 of 3 agents were ready within 3000 ms')
  })

  it('go back to waiting if the coordinator is killed', async () => {
    await startAgents(2)
    const flags = `--url ${url} --arrivals 200/s --duration 60s --agents 2 --redis ${redis.url}`.split(' ')
    const coordinator = spawn(process.execPath, [MAIN, 'measure', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
    seen.length = 0
    await until(() => seen.length > 50)
    coordinator.kill('SIGKILL')
    // they notice, and take the next run
    expect((await run(2)).counts.offered).toBe(540)
  })

  it('end on Ctrl-C of the command line, which reports what there is', async () => {
    await startAgents(2)
    const flags = `--url ${url} --arrivals 200/s --duration 60s --warmup 0s --agents 2 --redis ${redis.url} --json`
    const coordinator = spawn(process.execPath, [MAIN, 'measure', ...flags.split(' ')])
    let printed = ''
    coordinator.stdout.on('data', (text) => {
      printed += String(text)
    })
    seen.length = 0
    await until(() => seen.length > 300)
    coordinator.kill('SIGINT')
    expect(await new Promise((resolve) => coordinator.once('close', resolve))).toBe(130)
    const result = checkResult(JSON.parse(printed))
    expect(result.validity.findings.map(({ code }) => code)).toContain('interrupted')
    expect(result.merged?.machines).toHaveLength(2)
  })

  it('reject the run if Redis is killed during it', async () => {
    const other = await startRedis()
    const args = [MAIN, 'agent', '--redis', other.url]
    const agent = spawn(process.execPath, args, { stdio: 'ignore' })
    agents.push(agent)
    const running = measure(
      { arrivals: '200/s', http: { url, connections: 10 }, stop: { duration: '60s' } },
      {
        agents: { redis: other.url, count: 1 },
        onProgress: ({ sent }) => {
          if (sent > 50) other.child.kill('SIGKILL')
        },
      },
    )
    await expect(running).rejects.toThrow(/Redis/)
  })

  it('reject the run if Redis no longer answers, and end on Ctrl-C', async () => {
    const other = await startRedis()
    const agent = spawn(process.execPath, [MAIN, 'agent', '--redis', other.url], { stdio: 'ignore' })
    agents.push(agent)
    const scenario = { arrivals: '200/s', http: { url, connections: 10 }, stop: { duration: '60s' } }
    const onProgress = ({ sent }: { sent: number }) => {
      if (sent > 50) other.child.kill('SIGSTOP')
    }
    const running = measure(scenario, { agents: { redis: other.url, count: 1 }, onProgress })
    await expect(running).rejects.toThrow('the connection to Redis was lost')
    const ended = new Promise((resolve) => agent.once('exit', resolve))
    agent.kill('SIGINT')
    expect(await ended).toBe(0)
    other.child.kill('SIGKILL')
  })

  it('leave nothing in Redis', async () => {
    const other = await startRedis()
    const client = await connectRedis(other.url)
    const queue = new Queue(QUEUE, { connection: client })
    const options = { setupTimeout: '1s', agents: { redis: other.url, count: 2 } }
    await expect(measure({ arrivals: '200/s', http: { url } }, options)).rejects.toThrow('0 of 2 agents were ready')
    expect(await queue.getJobCounts()).toMatchObject({ waiting: 0, active: 0, failed: 0 })
    expect(await client.keys('throughline:*')).toEqual([])
    await queue.close()
    client.disconnect()
    await other.stop()
  })

  it('say that Redis is gone', async () => {
    const other = await startRedis()
    await other.stop()
    const scenario = { arrivals: '200/s', http: { url } }
    await expect(measure(scenario, { agents: { redis: other.url, count: 2 } })).rejects.toThrow(
      'cannot connect to Redis',
    )
  })
})
