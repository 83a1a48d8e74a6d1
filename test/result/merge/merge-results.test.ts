import { describe, expect, it } from 'vitest'
import {
  affine,
  assertBudget,
  type Budget,
  checkBudget,
  compareResults,
  constant,
  createRecorder,
  exponential,
  type MergeOptions,
  mergeResults,
  poisson,
  type Result,
  recorded,
  type Scenario,
  simulate,
  ValidationError,
} from '../../../src/index.js'
import { renderHtml, renderMarkdown, renderResult } from '../../../src/report/index.js'
import { checkResult } from '../../../src/result/check.js'
import { goodPart } from '../../../src/result/goodput.js'
import { fractionInterval } from '../../../src/result/intervals/figure-intervals.js'
import { mergeReplications, packReplication } from '../../../src/result/replications.js'
import { resultOf } from '../../../src/result/result.js'
import { resolveScenario } from '../../../src/scenario/scenario.js'
import { Engine } from '../../../src/simulate/engine.js'
import { runOf } from '../../support/results/run-of.js'

const mm1: Scenario = {
  arrivals: poisson('50/s'),
  service: affine({ base: '10ms', variation: exponential() }),
  good: { latency: '30ms' },
  stop: { requests: 20_000 },
}
const runs = (seeds: number[], scenario: Scenario = mm1) => seeds.map((seed) => runOf({ ...scenario, seed }))
const stored = (result: Result): Result => checkResult(JSON.parse(JSON.stringify(result)))
const total = (of: readonly Result[], value: (each: Result) => number) => of.reduce((sum, each) => sum + value(each), 0)

/** A result whose latencies are these, in milliseconds: requests a second apart, each served at once. */
function ofLatencies(times: number[]): Result {
  return simulate({
    arrivals: constant('1/s'),
    service: recorded({ by: 'order', times }),
    stop: { requests: times.length },
    warmup: { requests: 0 },
  })
}

/** 1,000 latencies of 1 ms, with a p98 and a p99 of these. */
const tail = (p98: number, p99: number) => Array.from({ length: 1000 }, (_, i) => (i >= 989 ? p99 : i >= 979 ? p98 : 1))

describe('mergeResults', () => {
  it('gives the percentiles of all requests together, and no mean of percentiles', () => {
    const halves = [tail(1.5, 1.9), tail(120.9, 197)].map((times) => ofLatencies(times))
    expect(halves.map(({ latencyMs }) => Math.round(10 * latencyMs.p99) / 10)).toEqual([1.9, 197])
    // the two scenarios differ in their recorded times only
    const [first, second] = halves as [Result, Result]
    const merged = mergeResults([first, { ...second, scenario: first.scenario }], { as: 'shards' })
    expect(merged.latencyMs.p99).toBeCloseTo(120.9, 1)
    expect(merged.latencyMs.count).toBe(2000)
  })

  it.each([3, 6])('merges %i replications as one run after another', (count) => {
    const parts = runs(Array.from({ length: count }, (_, i) => i + 1))
    const merged = stored(mergeResults(parts, { as: 'replications' }))
    const windowMs = total(parts, ({ window }) => window.endMs - window.startMs)
    expect(merged.window.endMs - merged.window.startMs).toBeCloseTo(windowMs, 6)
    for (const name of ['offered', 'completed', 'good'] as const) {
      expect(merged.counts[name]).toBe(total(parts, ({ counts }) => counts[name] as number))
    }
    expect(merged.goodput?.perSecond).toBeCloseTo(((merged.counts.good as number) / windowMs) * 1000, 9)
    expect(merged.batches.count).toBe(total(parts, ({ batches }) => batches.count))
    const { latencyMs } = merged
    expect(latencyMs.mean).toBeCloseTo(
      total(parts, ({ latencyMs }) => latencyMs.mean * latencyMs.count) / latencyMs.count,
      9,
    )
    expect(latencyMs.max).toBe(Math.max(...parts.map(({ latencyMs }) => latencyMs.max)))
    expect(merged.merged?.machines.map(({ seed }) => seed)).toEqual(parts.map((_, i) => i + 1))
    // with fewer than five machines, all of their segments are kept
    expect(merged.segments).toHaveLength(count < 5 ? 20 * count : count)
    expect(merged.replications).toBe(count < 5 ? undefined : count)
    // M/M/1 at half load: p99 is 92.1 ms
    const { low, high } = latencyMs.intervals.p99
    expect(low).toBeLessThan(92.1)
    expect(high).toBeGreaterThan(92.1)
    expect(merged.waitMs.intervals.mean.low === null).toBe(count < 5)
    expect(checkBudget(merged, { p99: '200ms' }).verdict).toBe('pass')
    expect(checkBudget(merged, { p99: '60ms' }).verdict).toBe('fail')
  })

  it('is what replications merged in one process are', () => {
    const seeds = [1, 2, 3, 4, 5]
    const merged = mergeResults(runs(seeds), { as: 'replications' })
    const recordings = seeds.map((seed) => new Engine(resolveScenario({ ...mm1, seed }, 'simulate')).run())
    const together = resultOf(mergeReplications(recordings.map((recording) => packReplication(recording, false))))
    for (const { latencyMs } of [merged, together]) {
      // a Result holds its square to the precision of a double
      latencyMs.stdDev = Number(latencyMs.stdDev.toPrecision(9))
      for (const interval of Object.values(latencyMs.intervals)) {
        interval.low = Number(interval.low?.toPrecision(9))
        interval.high = Number(interval.high?.toPrecision(9))
      }
    }
    expect(merged.latencyMs).toEqual(together.latencyMs)
    expect(merged.segments.map(({ counts }) => counts)).toEqual(together.segments.map(({ counts }) => counts))
    expect(merged.window).toEqual(together.window)
  })

  it('adds up the rates of shards, aligns their segments by time and counts the servers of all', () => {
    const parts = runs([1, 2], { ...mm1, stop: { duration: '400s' } })
    const merged = stored(mergeResults(parts, { as: 'shards' }))
    expect(merged.window).toEqual(parts[0]?.window)
    expect(merged.throughput.offered).toBeCloseTo(
      total(parts, ({ throughput }) => throughput.offered),
      9,
    )
    expect(merged.throughput.completed).toBeCloseTo(
      total(parts, ({ throughput }) => throughput.completed),
      9,
    )
    expect(merged.meanInSystem).toBeCloseTo(
      total(parts, ({ meanInSystem }) => meanInSystem),
      9,
    )
    expect(merged.servers).toBe(2)
    expect(merged.utilization).toBeCloseTo(total(parts, ({ utilization }) => utilization as number) / 2, 9)
    expect(merged.segments).toHaveLength(20)
    merged.segments.forEach((segment, k) => {
      const own = parts.map(({ segments }) => segments[k] as Result['segments'][number])
      expect(segment.startMs).toBe(own[0]?.startMs)
      expect(segment.counts.offered).toBe((own[0]?.counts.offered ?? 0) + (own[1]?.counts.offered ?? 0))
      expect(segment.inSystem).toBe((own[0]?.inSystem ?? 0) + (own[1]?.inSystem ?? 0))
    })
  })

  it('has the intervals of classes and of goodput from where those of latency come from', () => {
    const scenario: Scenario = { ...mm1, classes: { all: {} }, stop: { requests: 5000 } }
    const parts = runs([1, 2, 3, 4, 5, 6], scenario)
    const [few, many] = [parts.slice(0, 4), parts].map((some) => mergeResults(some, { as: 'shards' })) as [
      Result,
      Result,
    ]
    for (const merged of [few, many]) {
      // the only class is the whole, but for the last digits of its sum of squares
      const { mean: own, ...ownPercentiles } = merged.classes?.all?.latencyMs?.intervals ?? {}
      const { mean, ...percentiles } = merged.latencyMs.intervals
      expect(ownPercentiles).toEqual(percentiles)
      expect(own?.low).toBeCloseTo(mean.low as number, 9)
      expect(own?.high).toBeCloseTo(mean.high as number, 9)
      expect(merged.classes?.all?.goodput?.interval).toEqual(merged.goodput?.interval)
    }
    const good = (of: readonly { counts: Result['counts'] }[]) => of.map(({ counts }) => goodPart(counts))
    expect(few.goodput?.interval).toEqual(fractionInterval(good(few.segments), 'in a row'))
    expect(many.goodput?.interval).toEqual(fractionInterval(good(parts), 'independent'))
    expect(many.goodput?.interval).not.toEqual(fractionInterval(good(many.segments), 'in a row'))
  })

  it('has all figures of a budget judged by the machines if there are five or more', () => {
    const classes = { some: { weight: 1 }, all: { weight: 3 } }
    const scenario: Scenario = {
      ...{ ...mm1, arrivals: poisson('90/s'), classes, queue: { capacity: 2 }, batching: { maxBatchSize: 2 } },
      ...{ stop: { duration: '60s' }, warmup: { duration: '6s' } },
    }
    const parts = runs([1, 2, 3, 4, 5, 6], scenario)
    const rules: Budget = {
      ...{ errorRate: '50%', rejectionRate: '50%', goodput: '1%', 'some.errorRate': '50%', 'all.rejectionRate': '50%' },
      ...{ throughput: 1, meanBatchSize: 1, utilization: '99%' },
    }
    const checked = (result: Result) =>
      Object.fromEntries(checkBudget(stored(result), rules).rules.map(({ metric, interval }) => [metric, interval]))
    const merge = (some: Result[]) => mergeResults(some, { as: 'shards' })
    const found = checked(merge(parts))
    const failed = (of: (each: Result) => { counts: Result['counts'] } | undefined) =>
      fractionInterval(
        parts.map((each) => {
          const { offered, rejected } = (of(each) as { counts: Result['counts'] }).counts
          return { amount: rejected, of: offered }
        }),
        'independent',
      )
    expect(found.errorRate).toEqual(failed((each) => each))
    expect(found.rejectionRate).toEqual(failed((each) => each))
    expect(found['some.errorRate']).toEqual(failed(({ classes }) => classes?.some))
    expect(found['all.rejectionRate']).toEqual(failed(({ classes }) => classes?.all))
    // Student's t over six machines, by hand
    const t = 2.570582
    const spread = (values: number[]) => {
      const mean = values.reduce((sum, each) => sum + each, 0) / values.length
      const variance = values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (values.length - 1)
      return { mean, margin: t * Math.sqrt(variance / values.length) }
    }
    const rates = spread(parts.map(({ throughput }) => throughput.completed))
    expect(found.throughput?.low).toBeCloseTo(6 * (rates.mean - rates.margin), 4)
    expect(found.throughput?.high).toBeCloseTo(6 * (rates.mean + rates.margin), 4)
    const busy = spread(parts.map(({ utilization }) => utilization as number))
    expect(found.utilization?.low).toBeCloseTo(busy.mean - busy.margin, 6)
    expect(found.utilization?.high).toBeCloseTo(busy.mean + busy.margin, 6)
    // with fewer, or if a stored result does not have the figures of its machines, by the segments
    const ofSegments = (result: Result) =>
      fractionInterval(
        result.segments.map(({ counts }) => ({ amount: counts.rejected, of: counts.offered })),
        'in a row',
      )
    const few = merge(parts.slice(0, 4))
    expect(checked(few).errorRate).toEqual(ofSegments(few))
    const old = structuredClone(merge(parts))
    for (const machine of old.merged?.machines ?? []) {
      for (const field of ['batches', 'classes', 'utilization']) Reflect.deleteProperty(machine, field)
    }
    expect(checked(old).errorRate).toEqual(ofSegments(old))
    expect(checked(old).errorRate).not.toEqual(found.errorRate)
    const some =
      old.classes?.some?.segments.map(({ counts }) => ({ amount: counts.rejected, of: counts.offered })) ?? []
    expect(checked(old)['some.errorRate']).toEqual(fractionInterval(some, 'in a row'))
  })

  it('aligns the segments of shards that ended at other times', () => {
    const closed: Scenario = { ...mm1, arrivals: { process: 'closed', clients: 3 }, stop: { requests: 4000 } }
    const parts = runs([1, 2, 3], closed)
    const merged = stored(mergeResults(parts, { as: 'shards' }))
    expect(merged.segments).toHaveLength(20)
    expect(merged.window.startMs).toBe(Math.min(...parts.map(({ window }) => window.startMs)))
    expect(merged.window.endMs).toBe(Math.max(...parts.map(({ window }) => window.endMs)))
  })

  it('keeps findings under the names of their machines, and is invalid if one is', () => {
    const [valid, other] = runs([1, 2]) as [Result, Result]
    const finding = { code: 'cut-off', severity: 'error', message: '3 requests hang', figures: {} } as const
    const warning = { ...finding, code: 'cpu-contention', severity: 'warning', message: 'busy' } as const
    const invalid = { ...other, validity: { valid: false, findings: [warning, finding] } }
    const also = { ...valid, validity: { valid: true, findings: [warning] } }
    const merged = stored(
      mergeResults(
        [
          { name: 'east', result: also },
          { name: 'west', result: invalid },
        ],
        { as: 'shards' },
      ),
    )
    expect(merged.validity.valid).toBe(false)
    expect(merged.validity.findings.map(({ message }) => message)).toEqual([
      'on 2 of 2 machines (east, west): busy',
      'on west: 3 requests hang',
      expect.stringContaining('no 95 % interval for p99.9: 36,000 requests'),
    ])
    expect(merged.merged?.machines.map(({ valid }) => valid)).toEqual([true, false])
  })

  it('is reported, with a row for each machine', () => {
    const merged = mergeResults(
      runs([1, 2]).map((result, i) => ({ name: `runner <${i}>`, result })),
      { as: 'replications' },
    )
    expect(renderResult(merged)).toMatch(/2 machines as replications[\s\S]*runner <0> +18,000/)
    expect(renderMarkdown(merged)).toContain('| runner \\<1\\> | 18,000 |')
    expect(renderHtml(merged)).toContain('<th scope="row"><bdi>runner &lt;1&gt;</bdi></th>')
  })

  it('is judged and compared like any other result', () => {
    const base = mergeResults(runs([1, 2, 3, 4, 5]), { as: 'replications' })
    const slower = { ...mm1, service: affine({ base: '13ms', variation: exponential() }) }
    const head = mergeResults(runs([6, 7, 8, 9, 10], slower), { as: 'replications' })
    expect(compareResults(base, head, { of: 'mean' }).verdict).toBe('slower')
    const { findings } = compareResults(base, simulate(mm1))
    expect(findings.map(({ message }) => message)).toContain(
      'base is from 5 machines as replications, head from one machine',
    )
    expect(() => assertBudget(base, { p99: '200ms', throughput: '>= 45/s' })).not.toThrow()
  })

  it('merges live services', () => {
    const live = [1, 2].map((each) => {
      let now = 0
      const recorder = createRecorder({ clock: () => now })
      for (let i = 0; i < 500; i++) {
        const start = recorder.start()
        now += each
        recorder.record(start)
        now += 50
      }
      return recorder.snapshot() as Result
    })
    const merged = stored(mergeResults(live, { as: 'shards' }))
    expect(merged.counts.completed).toBe(1000)
    expect(merged.scenario).toBe(null)
    // as replications they are of the same servers
    const alike = live.map((each) => ({ ...each, servers: 2, utilization: 0.5 }))
    expect(stored(mergeResults(alike, { as: 'shards' }))).toMatchObject({ servers: 4 })
    expect(stored(mergeResults(alike, { as: 'replications' }))).toMatchObject({ servers: 2, utilization: 0.5 })
  })

  const [a, b] = runs([1, 2]) as [Result, Result]
  const scenario = a.scenario as NonNullable<Result['scenario']>
  const shard = (index: number, count: number) => ({
    ...a,
    shard: { index, count, startedAt: '2026-01-01T00:00:00.000Z' },
  })
  it.each<[string, unknown, unknown, string, string]>([
    ['one result', [a], 'shards', 'results', 'must be a list of two or more results'],
    ['no list', a, 'shards', 'results', 'must be a list of two or more results'],
    ['another kind', [a, b], 'both', 'merge.as', "must be 'shards' or 'replications', got \"both\""],
    ['no name', [a, { name: '', result: b }], 'shards', 'results[1].name', 'must be the name of a machine'],
    [
      'another scenario',
      [a, { ...b, scenario: { ...scenario, queue: { capacity: 5, timeout: null } } }],
      'shards',
      'machine 2.scenario.queue.capacity',
      'must be null, as in machine 1, to be merged with it; got 5',
    ],
    [
      'another rate',
      [a, { name: 'east', result: { ...b, scenario: { ...scenario, arrivals: { process: 'poisson', rate: 60 } } } }],
      'shards',
      'east.scenario.arrivals.rate',
      'must be 50, as in machine 1, to be merged with it; got 60',
    ],
    ['another engine', [a, { ...b, engine: 'measure' }], 'shards', 'machine 2.engine', 'must be "simulate"'],
    ['other parts', [a, { ...b, fromSendMs: b.latencyMs }], 'shards', 'machine 2.fromSendMs', 'must be null'],
    ['another version', [a, { ...b, schema: 'throughline/result@2' }], 'shards', 'results[1]', 'throughline/result@1'],
    ['the same seed', [a, a], 'replications', 'machine 2.scenario.seed', 'must differ from that of machine 1'],
    [
      'shards as replications',
      [shard(1, 2), shard(2, 2)],
      'replications',
      'shard 1.shard',
      "to merge shards, set as: 'shards'",
    ],
    ['a shard twice', [shard(2, 3), shard(2, 3)], 'shards', 'shard 2.shard.index', 'got 2 twice'],
    ['shards of other divisions', [shard(1, 3), shard(2, 4)], 'shards', 'shard 2.shard.count', 'must be 3'],
    [
      'what is merged already',
      [mergeResults([a, b], { as: 'replications' }), runs([3])[0]],
      'replications',
      'machine 1.merged',
      'is merged already',
    ],
    [
      'a run to a precision',
      runs([1, 2], { ...mm1, stop: { precision: '20%', of: 'mean' } }),
      'replications',
      'machine 1.checkpoints',
      'so its length depends on its results',
    ],
  ])('refuses %s', (_, results, as, path, said) => {
    let thrown: unknown
    try {
      mergeResults(results as Result[], { as } as MergeOptions)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(ValidationError)
    expect((thrown as ValidationError).path).toBe(path)
    expect((thrown as ValidationError).message).toContain(said)
  })

  it('reports shards that are missing', () => {
    const merged = stored(mergeResults([shard(1, 3), shard(3, 3)], { as: 'shards' }))
    expect(merged.validity.findings[0]).toMatchObject({ code: 'shards-missing', severity: 'error' })
    expect(merged.validity.findings[0]?.message).toContain('1 of 3 shards are missing')
    // long latencies may be missing too, but those that are there are real
    expect(checkBudget(merged, { p99: '200ms' }).verdict).toBe('inconclusive')
    expect(checkBudget(merged, { p99: '60ms' }).verdict).toBe('fail')
  })

  it('reports shards that did not load their server together', () => {
    const http = { method: 'GET', url: 'http://127.0.0.1/', batch: false }
    const at = (index: number, startedAt: string) =>
      ({
        ...a,
        scenario: { ...scenario, http },
        shard: { index, count: 2, startedAt },
      }) as unknown as Result
    const begin = '2026-01-01T00:00:00.000Z'
    const merge = (second: string) => mergeResults([at(1, begin), at(2, second)], { as: 'shards' })
    expect(merge('2026-01-01T00:00:10.000Z').validity.findings.map(({ code }) => code)).not.toContain('shards-apart')
    const apart = merge('2026-01-01T00:03:20.000Z').validity.findings.find(({ code }) => code === 'shards-apart')
    expect(apart).toMatchObject({ severity: 'error', figures: { apartMs: 200_000 } })
  })

  it('warns if results do not record when they began to load their server', () => {
    const http = { method: 'GET', url: 'http://127.0.0.1/', batch: false }
    const of = (seed: number) => ({ ...a, scenario: { ...scenario, http, seed } }) as unknown as Result
    const merged = mergeResults([of(1), of(2)], { as: 'shards' })
    const apart = merged.validity.findings.find(({ code }) => code === 'shards-apart')
    expect(apart).toMatchObject({ severity: 'warning', figures: { unknown: 2, results: 2 } })
    expect(apart?.message).toContain('2 of 2 results do not record when they began')
  })
})

it('refuses results of other classes, which a file of requests of the same name may have', () => {
  // the classes of such a file are in the result alone
  const ofFile = (name: string, seed: number): { name: string; result: Result } => {
    const result = simulate({ ...mm1, seed, classes: { browse: { weight: 4 }, [name]: { weight: 1 } } })
    const { classes: _, ...rest } = result.scenario ?? {}
    return { name: `run-${seed}`, result: { ...result, scenario: rest as Result['scenario'] } }
  }
  expect(() => mergeResults([ofFile('checkout', 1), ofFile('order', 2)], { as: 'replications' })).toThrow(
    'run-2.classes: must be "browse, checkout", as in run-1, to be merged with it; got "browse, order"',
  )
  const merged = mergeResults([ofFile('checkout', 1), ofFile('checkout', 2)], { as: 'replications' })
  expect(Object.keys(merged.classes ?? {})).toEqual(['browse', 'checkout'])
})
