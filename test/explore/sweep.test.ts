import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type SweepFields, type SweepOptions, type SweepProgress, sweep } from '../../src/explore/sweep.js'
import { closed, constant } from '../../src/scenario/arrivals/arrivals.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { affine, recorded } from '../../src/scenario/service/service.js'
import { simulate } from '../../src/simulate/simulate.js'
import { ValidationError } from '../../src/validation/validation-error.js'

const scenario: Scenario = {
  arrivals: '100/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  stop: { requests: 2000 },
}

// threads may be slow to start
const THREADS = { timeout: 60_000 }

describe('a sweep', () => {
  it('gives the same result at each point as simulate', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 4, null] })
    expect(swept.map(({ point }) => point)).toEqual([{ maxBatchSize: 1 }, { maxBatchSize: 4 }, { maxBatchSize: null }])
    for (const { point, result } of swept) {
      expect(result).toEqual(simulate({ ...scenario, batching: point }))
    }
  })

  it('has the same requests at every point', async () => {
    const swept = await sweep(scenario, { servers: [1, 2, 3] })
    expect(new Set(swept.map(({ result }) => result.throughput.offered)).size).toBe(1)
  })

  it('combines several fields, the last changing fastest', async () => {
    const swept = await sweep(scenario, { rate: ['50/s', 100], 'batching.maxBatchSize': [1, 2] })
    expect(swept.map(({ point }) => point)).toEqual([
      { rate: '50/s', 'batching.maxBatchSize': 1 },
      { rate: '50/s', 'batching.maxBatchSize': 2 },
      { rate: 100, 'batching.maxBatchSize': 1 },
      { rate: 100, 'batching.maxBatchSize': 2 },
    ])
  })

  it('sets any field, parents before their fields', async () => {
    const fields: SweepFields = {
      'service.stalls.probability': [0.1],
      'service.stalls': [{ probability: 0, time: '20ms' }],
      'queue.capacity': [5],
      'arrivals.process': ['constant'],
      seed: [3],
    }
    const [swept] = await sweep({ ...scenario, service: '8ms' }, fields)
    expect(swept?.result).toEqual(
      simulate({
        ...scenario,
        arrivals: constant('100/s'),
        service: affine({ base: '8ms', stalls: { probability: 0.1, time: '20ms' } }),
        queue: { capacity: 5 },
        seed: 3,
      }),
    )
  })

  it('changes the rate of a process and keeps its other options', async () => {
    const [swept] = await sweep({ ...scenario, arrivals: constant(10) }, { rate: ['50/s'] })
    expect(swept?.result.scenario?.arrivals).toEqual({ process: 'constant', rate: 50 })
  })

  it('keeps batching options that it does not sweep', async () => {
    const [swept] = await sweep({ ...scenario, batching: { maxBatchSize: 8 } }, { maxWait: ['5ms'] })
    expect(swept?.result.scenario?.batching).toEqual({ maxBatchSize: 8, maxWait: 5 })
  })

  it('reports progress', async () => {
    const reports: SweepProgress[] = []
    await sweep(scenario, { servers: [1, 2] }, { cache: false, onProgress: (progress) => reports.push(progress) })
    expect(reports).toEqual([
      { done: 0, total: 2, fraction: 0 },
      { done: 1, total: 2, fraction: 0.5 },
      { done: 2, total: 2, fraction: 1 },
    ])
  })

  it('stops if it is aborted', async () => {
    const abort = new AbortController()
    const options = { cache: false, signal: abort.signal, onProgress: () => abort.abort() }
    await expect(sweep(scenario, { servers: [1, 2] }, options)).rejects.toThrow('aborted')
  })

  it.each([
    [1, 2],
    [2, 1],
  ])('returns what it has if it is stopped early, on %i threads', THREADS, async (threads, times) => {
    const long: Scenario = { ...scenario, arrivals: '50/s', stop: { requests: 100_000_000 }, warmup: { requests: 0 } }
    const options = { cache: true, threads, onProgress: ({ fraction }: SweepProgress) => !(fraction > 0) }
    for (let again = 0; again < times; again++) {
      const swept = await sweep(long, { servers: [1, 2, 3, 4] }, options)
      // points under way are not cached
      expect([1, threads]).toContain(swept.length)
      for (const { result } of swept) {
        expect(result.validity.findings).toContainEqual(expect.objectContaining({ code: 'interrupted' }))
        expect(result.counts.offered).toBeLessThan(50_000_000)
      }
    }
  })

  it.each([
    [
      'an unknown field',
      { 'batching.maxBatchSzie': [1] },
      "sweep.batching.maxBatchSzie: is not a field of a scenario (did you mean 'batching.maxBatchSize'?)",
    ],
    ['what every object has', { '__proto__.polluted': [1] }, 'sweep.__proto__.polluted: is not a field of a scenario'],
    ['a field twice', { rate: [1], 'arrivals.rate': [2] }, 'sweep.arrivals.rate: is already swept as rate'],
    [
      'fields in a Map',
      new Map([['servers', [1, 2]]]),
      'sweep: must be an object of fields, such as { servers: [1, 2] }, got a Map',
    ],
    ['no values', { servers: [] }, 'sweep.servers: must be a non-empty list of values'],
    ['a value that no scenario takes', { maxBatchSize: [1, 0] }, 'batching.maxBatchSize'],
    ['a field of what has none', { 'servers.x': [1] }, 'sweep.servers.x: is not a field'],
  ])('refuses %s, before it runs any point', async (_, fields, message) => {
    const begun: unknown[] = []
    const options = { onProgress: (progress: SweepProgress) => begun.push(progress) }
    await expect(sweep(scenario, fields as SweepFields, options)).rejects.toThrow(message)
    expect(begun).toEqual([])
  })

  it('refuses to sweep the rate of arrivals without one', async () => {
    const loop = { ...scenario, arrivals: closed({ clients: 3 }) }
    await expect(sweep(loop, { rate: [1] })).rejects.toThrow("arrivals: 'rate' is not an option here")
  })

  it.each([
    [{ engine: 'guess' }, "sweep.engine: must be 'simulate' or 'measure'"],
    [{ cache: 5 }, 'sweep.cache: must be true, false, or the path of a folder'],
    [{ caches: true }, "'caches' is not an option here"],
  ])('refuses the options %j', async (options, message) => {
    await expect(sweep(scenario, { servers: [1] }, options as SweepOptions)).rejects.toThrow(message)
  })
})

describe('the threads of a sweep', () => {
  it('simulate closed loops that end by time, whose length is unknown', THREADS, async () => {
    const closedLoop: Scenario = { ...scenario, arrivals: closed({ clients: 2 }), stop: { duration: '24h' } }
    const aborting = new AbortController()
    const swept = sweep(closedLoop, { servers: [1, 2] }, { cache: false, signal: aborting.signal })
    // noticed at once, since this thread has nothing to do
    setTimeout(() => aborting.abort(), 1)
    await expect(swept).rejects.toThrow('aborted')
  })

  it('give the same bytes as one thread', THREADS, async () => {
    const fields: SweepFields = { 'batching.maxBatchSize': [1, 8], servers: [1, 2] }
    const [alone, parallel] = await Promise.all(
      [1, 2].map((threads) => sweep(scenario, fields, { threads, cache: false })),
    )
    expect(JSON.stringify(parallel)).toBe(JSON.stringify(alone))
  })

  it('report why a point could not run', THREADS, async () => {
    // found only when it runs
    const few = recorded({ times: ['1ms'], by: 'order' })
    const swept = sweep({ ...scenario, service: few }, { servers: [1] }, { threads: 2, cache: false })
    await expect(swept).rejects.toThrow(ValidationError)
    await expect(swept).rejects.toThrow(/^service\.times: /)
  })
})

it('measures a scenario with a target and no service, and simulates one with both', async () => {
  const target: Scenario = { arrivals: 200, handler: async (batch) => batch, stop: { duration: '200ms' } }
  const [measured] = await sweep(target, { servers: [1] })
  expect(measured?.result.engine).toBe('measure')
  const [simulated] = await sweep({ ...target, service: '1ms' }, { servers: [1] })
  expect(simulated?.result.engine).toBe('simulate')
  await expect(sweep(target, { servers: [1] }, { engine: 'simulate' })).rejects.toThrow('service: is required')
})

describe('the cache of a sweep', () => {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  /** The number of points that a sweep runs. */
  const run = async (fields: SweepFields, cache: string | boolean) => {
    const begun = new Set<number>()
    const swept = await sweep({ ...scenario, seed: 99 }, fields, {
      cache,
      threads: 1,
      onProgress: ({ done, fraction }) => fraction < 1 && begun.add(done),
    })
    return { run: begun.size, swept }
  }

  it('is in memory: one more point runs one point, and callers get separate copies', async () => {
    const first = await run({ servers: [1, 2] }, true)
    expect(first.run).toBe(2)
    const p99 = first.swept[0]?.result.latencyMs.p99
    if (first.swept[0] !== undefined) first.swept[0].result.latencyMs.p99 = -1
    const again = await run({ servers: [1, 2, 3] }, true)
    expect(again.run).toBe(1)
    expect(again.swept[0]?.result.latencyMs.p99).toBe(p99)
    expect((await run({ servers: [1, 2, 3] }, false)).run).toBe(3)
  })

  it('is in a folder, which is created, with one complete file per point', async () => {
    const cache = join(folder, 'made', 'here')
    const fresh = await run({ servers: [1, 2] }, cache)
    expect(fresh.run).toBe(2)
    const kept = await run({ servers: [1, 2, 3] }, cache)
    expect(kept.run).toBe(1)
    expect(JSON.stringify(kept.swept.slice(0, 2))).toBe(JSON.stringify(fresh.swept))
    expect(readdirSync(cache).every((file) => /^[0-9a-f]{64}\.jsonl$/.test(file))).toBe(true)
    expect(readdirSync(cache)).toHaveLength(3)
  })

  it.each<[string, (text: string) => string]>([
    ['cut short', (text) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['changed', (text) => text.replace('"p99":', '"p99":1')],
    ['of something else', () => '{"schema":"throughline/cached@1"}\n{}\n'],
    [
      'changed, with its hash made anew',
      (text) => {
        const result = (text.split('\n')[1] as string).replace(/"p99":[\d.]+/, '"p99":0.001')
        const sha256 = createHash('sha256').update(result).digest('hex')
        return `${text.split('\n')[0]?.replace(/"sha256":"\w+"/, `"sha256":"${sha256}"`)}\n${result}\n`
      },
    ],
    ['of another scenario', (text) => text.replace(/"key":"./, '"key":"x')],
  ])('ignores a file that is %s, and writes it again', async (_, spoil) => {
    const cache = join(folder, 'spoilt')
    await run({ servers: [1] }, cache)
    const file = join(cache, readdirSync(cache)[0] as string)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, spoil(text))
    const { run: begun, swept } = await run({ servers: [1] }, cache)
    expect(begun).toBe(1)
    expect(swept[0]?.result).toEqual(simulate({ ...scenario, seed: 99, servers: 1 }))
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('removes leftovers of killed processes, but not files that another may be writing', async () => {
    const cache = join(folder, 'left')
    await run({ servers: [1] }, cache)
    const [old, fresh] = ['1', '2'].map((n) => join(cache, `.throughline-00000000-0000-0000-0000-00000000000${n}`))
    for (const file of [old, fresh]) writeFileSync(file as string, 'half')
    utimesSync(old as string, new Date(0), new Date(0))
    await run({ servers: [2] }, cache)
    expect([old, fresh].map((file) => existsSync(file as string))).toEqual([false, true])
  })

  it('refuses a folder that is a file', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    await expect(run({ servers: [1] }, file)).rejects.toThrow('sweep.cache: must be a writable folder')
    await expect(run({ servers: [1] }, join(file, 'in'))).rejects.toThrow('is a file')
  })

  it.runIf(process.platform === 'linux').each(['/proc', '/proc/made', '/proc/made/here'])(
    'refuses a folder that is not writable, without hanging: %s',
    async (path) => {
      await expect(run({ servers: [1] }, path)).rejects.toThrow(`${path} is not writable (ENOENT)`)
    },
  )

  it('has one entry for a scenario in any spelling', async () => {
    await run({ maxBatchSize: [8], maxWait: ['5ms'] }, true)
    expect((await run({ maxBatchSize: [8], 'batching.maxWait': [5, '0.005s'] }, true)).run).toBe(0)
  })
})
