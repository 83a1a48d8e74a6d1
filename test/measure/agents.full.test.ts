import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  constant,
  type MeasureOptions,
  type MeasureProgress,
  measure,
  type Result,
  type Scenario,
  type Stop,
} from '../../src/index.js'
import { checkResult } from '../../src/result/check.js'
import { kill, startAgent } from '../support/processes/agents.js'
import { MAIN } from '../support/processes/command-line.js'
import { type Scripted, startServer } from '../support/processes/http-server.js'
import { hasRedis, startRedis } from '../support/processes/redis.js'

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)
const AGENTS = ['east', 'north', 'west']
/** The clock of one agent is 5 s fast. */
const FAST_CLOCK = 'data:text/javascript,const now = Date.now; Date.now = () => now() + 5000'

// The agents serve one run after another: each test shows also that they go back to waiting after the one before.
describe.runIf(hasRedis)('agents on a real Redis', { timeout: 120_000 }, () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let server: Scripted
  const arrived: number[] = []
  let agents: ChildProcess[] = []
  const http = () => ({ url: server.url, connections: 10 })

  beforeAll(async () => {
    redis = await startRedis()
    server = await startServer((request, response) => {
      arrived.push(performance.now())
      response.statusCode = request.url?.startsWith('/fail/') ? 503 : 200
      response.end('ok')
    })
    agents = await Promise.all(
      AGENTS.map((name) =>
        startAgent(redis.url, { node: name === 'north' ? ['--import', FAST_CLOCK] : [], flags: ['--name', name] }),
      ),
    )
  })
  afterAll(async () => {
    await Promise.all(agents.map(kill))
    await server.close()
    await redis.stop()
  })

  const options = () => ({ redis: redis.url, count: 3 })
  const run = (control: MeasureOptions = {}, stop: Stop = { requests: 600 }) =>
    measure({ arrivals: '400/s', http: http(), stop, warmup: { requests: 60 } }, { ...control, agents: options() })
  const received = async (count: number) => {
    server.received.length = 0
    while (server.received.length < count) await sleep(50)
  }

  it('send the stream together, from one instant on, whatever their own clocks say', async () => {
    // they take turns in a constant stream: if one began later, the gap before its requests would be longer
    server.received.length = 0
    arrived.length = 0
    const scenario: Scenario = { arrivals: constant('25/s'), http: http(), stop: { requests: 100 } }
    const result = checkResult(await measure(scenario, { agents: options() }))
    expect(server.received).toHaveLength(100)
    expect(result.counts.offered).toBe(90)
    expect(result.merged?.machines.map(({ name }) => name).sort()).toEqual(AGENTS)
    for (const machine of result.merged?.machines ?? []) expect(machine.clockErrorMs).toBeLessThan(50)
    expect(result.validity.findings.map(({ code }) => code)).not.toContain('shards-missing')

    const gaps = arrived.slice(1).map((ms, i) => ms - (arrived[i] as number))
    const middles = [0, 1, 2].map((turn) => {
      const own = gaps.filter((_, i) => i % 3 === turn).sort((a, b) => a - b)
      return own[Math.floor(own.length / 2)] as number
    })
    for (const middle of middles) expect(Math.abs(middle - 40)).toBeLessThan(20)
  })

  it('send the requests of a file that they do not have, by class', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'throughline-'))
    const [requests, data] = [join(folder, 'requests.csv'), join(folder, 'data.jsonl')]
    await writeFile(requests, 'path,class,weight\n/read/{id},read,2\n/fail/{id},fail,1\n')
    await writeFile(data, '{"id":"a"}\n{"id":"b"}\n')
    const scenario = {
      arrivals: '400/s',
      http: { ...http(), requests, data },
      stop: { requests: 603 },
      warmup: { requests: 63 },
    }
    const paths = () => server.received.map(({ path }) => path).sort()
    server.received.length = 0
    const whole = await measure(scenario)
    const sent = paths()
    expect(new Set(sent)).toEqual(new Set(['/read/a', '/read/b', '/fail/a', '/fail/b']))
    server.received.length = 0
    // in three shards, one would have only requests that fail
    const result = checkResult(await measure(scenario, { agents: { ...options(), count: 2 } }))
    await rm(folder, { recursive: true })
    expect(paths()).toEqual(sent)
    const countsOf = ({ classes = {} }: Result) =>
      Object.entries(classes).map(([name, { counts, latencyMs }]) => ({ name, counts, latencies: latencyMs?.count }))
    expect(countsOf(result).sort(byName)).toEqual(countsOf(whole).sort(byName))
    expect(result.counts).toMatchObject({ offered: 540, completed: 360, failed: 180 })
    expect(result.failures).toEqual(whole.failures)
    expect(result.failedMs?.count).toBe(180)
    expect(result.scenario?.http).toEqual(whole.scenario?.http)
  })

  it('show results of the run so far, merged', async () => {
    const shown: Result[] = []
    const onProgress = ({ resultSoFar }: MeasureProgress) => {
      resultSoFar().then((result) => result !== null && shown.push(result))
      return shown.length === 0
    }
    await run({ onProgress }, { duration: '60s' })
    expect(shown[0]?.merged?.machines.length).toBeGreaterThan(0)
    expect(shown[0]?.validity.findings.map(({ code }) => code)).toContain('in-progress')
  })

  it('end early together, and report what there is', async () => {
    const result = checkResult(await run({ onProgress: ({ sent }) => sent < 150 }, { duration: '60s' }))
    expect(result.validity.findings.map(({ code }) => code)).toContain('interrupted')
    expect(result.counts.completed).toBeGreaterThan(50)
  })

  it('stop if the run is aborted, and take the next one', async () => {
    const abort = new AbortController()
    const aborted = run(
      { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) },
      { duration: '60s' },
    )
    await expect(aborted).rejects.toThrow('enough')
    expect((await run()).counts.offered).toBe(540)
  })

  const flags = (...more: string[]) => [
    ...[MAIN, 'measure', '--url', server.url, '--arrivals', '400/s', '--duration', '60s', '--warmup', '0s'],
    ...['--agents', '3', '--redis', redis.url, ...more],
  ]

  it('end on Ctrl-C of the command line, which reports what there is', async () => {
    const coordinator = spawn(process.execPath, flags('--json'))
    let printed = ''
    coordinator.stdout.on('data', (text) => {
      printed += String(text)
    })
    await received(300)
    coordinator.kill('SIGINT')
    expect(await new Promise((resolve) => coordinator.once('close', resolve))).toBe(130)
    const result = checkResult(JSON.parse(printed))
    expect(result.validity.findings.map(({ code }) => code)).toContain('interrupted')
    expect(result.merged?.machines).toHaveLength(3)
  })
})
