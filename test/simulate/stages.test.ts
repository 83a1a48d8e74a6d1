import { describe, expect, it } from 'vitest'
import {
  type ArrivalsInput,
  checkBudget,
  exponential,
  gamma,
  mergeResults,
  type Result,
  replay,
  replicate,
  type Scenario,
  type StageResult,
  simulate,
  stages,
  summarize,
} from '../../src/index.js'
import { checkResult } from '../../src/result/check.js'
import { dueTimesOf, simulateWithEvents } from '../support/reference/simulate-with-events.js'

const ramps = stages(
  [
    { rate: '200/s', duration: '1s' },
    { rate: '200/s', duration: '0.7s' },
    { rate: '900/s', duration: 0 },
    { rate: '1200/s', duration: '0.4s' },
    { rate: 0, duration: '1.3s' },
  ],
  { from: 0 },
)
/** When each of them begins, but for the jump, and when the last ends. */
const ENDS = [0, 1000, 1700, 2100, 3400]
const RATES = [
  [0, 200],
  [200, 200],
  [900, 1200],
  [1200, 0],
]

const scenario = {
  arrivals: ramps,
  service: { model: 'affine', base: '2ms', perItem: '3ms', variation: gamma({ cv: 0.7 }) },
  batching: { maxBatchSize: 4, maxWait: '5ms' },
  servers: 2,
  queue: { capacity: 30, timeout: '40ms' },
  good: { latency: '20ms' },
} satisfies Scenario

const stagesOf = (result: Result) => result.stages as StageResult[]
const stored = (result: Result) => checkResult(JSON.parse(JSON.stringify(result)))

interface Outcome {
  due: number
  fate: 'rejected' | 'timedOut' | 'completed'
  end: number
}

/** What became of each request, by the events of the run. */
function outcomesOf(given: Scenario): { result: Result; outcomes: Outcome[] } {
  const { events, result } = simulateWithEvents(given)
  // a run to a budget ends before all that are due
  const due = dueTimesOf({ ...given, stop: given.stop && 'budget' in given.stop ? undefined : given.stop })
  const outcomes: Outcome[] = []
  for (const event of events) {
    if (event.type === 'batch') {
      for (const i of event.requests) outcomes[i] = { due: due[i] as number, fate: 'completed', end: event.endMs }
    } else {
      const fate = event.type === 'reject' ? 'rejected' : 'timedOut'
      outcomes[event.request] = { due: due[event.request] as number, fate, end: event.atMs }
    }
  }
  return { result: result as Result, outcomes }
}

describe('stages of a simulation', () => {
  it.each<[string, Partial<Scenario>]>([
    ['with the default warm-up', {}],
    ['without a warm-up', { warmup: { requests: 0 } }],
    ['with a warm-up of more than a stage', { warmup: { duration: '1.2s' } }],
    ['with a warm-up of some requests', { warmup: { requests: 77 } }],
    ['that stops within a stage', { stop: { duration: '1.9s' } }],
    ['that stops after some requests', { stop: { requests: 500 }, warmup: { duration: 0 } }],
    ['of more requests than come', { stop: { requests: 50_000 }, warmup: { requests: 50 } }],
    ['that lasts longer than its stages', { stop: { duration: '6s' } }],
    ['of single requests without limits', { batching: {}, queue: {}, good: undefined }],
    ['to a budget', { stop: { budget: { p99: '10s' } } }],
  ])('are those of its requests, one by one: a run %s', (_, change) => {
    const given: Scenario = { ...scenario, ...change }
    const { result, outcomes } = outcomesOf(given)
    const { window } = result
    const since = given.warmup?.requests ?? 0
    const inWindow = outcomes.filter(({ due }, i) => i >= since && due >= window.startMs)
    expect(inWindow.length).toBe(result.counts.offered)
    expect(stagesOf(result).map(({ first, last }) => [first, last])).toEqual([1, 2, 4, 5].map((k) => [k, k]))
    for (const [k, stage] of stagesOf(result).entries()) {
      const [from, to] = [ENDS[k] as number, ENDS[k + 1] as number]
      const own = inWindow.filter(({ due }) => due >= from && due < to)
      const count = (fate: Outcome['fate']) => own.filter((each) => each.fate === fate).length
      expect(stage).toMatchObject({ startMs: from, endMs: to })
      expect([stage.fromPerSecond, stage.toPerSecond]).toEqual(RATES[k])
      const windowMs = Math.max(0, Math.min(to, window.endMs) - Math.max(from, window.startMs))
      expect(stage.windowMs).toBeCloseTo(windowMs, 9)
      const times = own.flatMap(({ fate, due, end }) => (fate === 'completed' ? end - due : []))
      expect(stage.counts).toEqual({
        offered: own.length,
        completed: times.length,
        ...(given.good !== undefined && { good: times.filter((ms) => ms <= 20).length }),
        rejected: count('rejected'),
        timedOut: count('timedOut'),
        ...{ failed: 0, aborted: 0, unfinished: 0 },
      })
      if (windowMs === 0) expect(stage.throughput).toBeNull()
      else {
        const inside = outcomes.filter(
          ({ fate, end }) =>
            fate === 'completed' && end >= Math.max(from, window.startMs) && end < Math.min(to, window.endMs),
        )
        expect(stage.throughput?.offered).toBeCloseTo((1000 * own.length) / windowMs, 9)
        // the window may end with the completion of a last batch, of up to four
        expect(Math.abs(((stage.throughput?.completed ?? 0) * windowMs) / 1000 - inside.length)).toBeLessThan(4.001)
      }
      if (times.length === 0) expect(stage.latencyMs).toBeNull()
      else {
        const { intervals: _, stdDev, ...figures } = summarize(times)
        expect(stage.latencyMs).toEqual({ ...figures, stdDev: expect.closeTo(stdDev, 6) })
      }
    }
    // what is stored is checked: stages add up to the whole, in counts and in histograms
    expect(stored(result)).toEqual(result)
  })

  it('cut no segment of the run: the same requests as a trace have the same segments', () => {
    const run: Scenario = { ...scenario, service: '3ms', stop: { duration: '3.4s' } }
    const { scenario: _, stages: own, validity: __, ...staged } = simulate(run)
    const trace = replay(dueTimesOf(run))
    const { scenario: ___, validity: ____, ...replayed } = simulate({ ...run, arrivals: trace })
    expect(own).toHaveLength(4)
    expect('stages' in replayed).toBe(false)
    expect(staged.segments).toEqual(replayed.segments)
    expect(staged.latencyMs.histogram).toBe(replayed.latencyMs.histogram)
    expect(staged.batches).toEqual(replayed.batches)
    expect([staged.utilization, staged.meanInSystem]).toEqual([replayed.utilization, replayed.meanInSystem])
  })

  it.each<ArrivalsInput | string>([
    '100/s',
    { process: 'constant', rate: '100/s' },
    { process: 'onOff', rate: '100/s', on: '1s', off: '1s' },
    { process: 'closed', clients: 2 },
    { process: 'replay', timestamps: [0, 5, 9] },
  ])('are absent with other arrivals: %j', (arrivals) => {
    const result = simulate({ arrivals, service: '1ms', stop: { requests: 50 }, warmup: { requests: 1 } })
    expect('stages' in result).toBe(false)
  })

  it('that an interrupted run does not reach have no figures', () => {
    const arrivals = stages([
      { rate: '100000/s', duration: '1s' },
      { rate: '100000/s', duration: '1s' },
    ])
    const result = simulate({ arrivals, service: '1us' }, { onProgress: () => false })
    const [reached, missed] = stagesOf(result)
    expect(reached?.counts.offered).toBe(result.counts.offered)
    expect(reached?.windowMs).toBeCloseTo(result.window.endMs - result.window.startMs, 9)
    expect(missed).toMatchObject({ windowMs: 0, throughput: null, latencyMs: null })
    expect(missed?.counts.offered).toBe(0)
    expect(stored(result)).toEqual(result)
  })

  it('show a backlog: fewer complete than are offered, and more in the next', () => {
    const load = [100, 1000, 100].map((rate) => [
      { rate, duration: 0 },
      { rate, duration: '10s' },
    ])
    const result = simulate({ arrivals: stages(load.flat()), service: '2ms', warmup: { requests: 0 } })
    const [before, peak, after] = stagesOf(result).map(({ throughput }) => throughput)
    expect(before?.completed).toBeCloseTo(before?.offered as number, 0)
    // 2 ms each are at most 500/s, and 5,000 requests are left for the third
    expect(peak?.completed).toBeCloseTo(500, 0)
    expect(after?.completed).toBeGreaterThan(400)
    expect(stagesOf(result)[2]?.latencyMs?.p99).toBeGreaterThan(1000)
  })

  it('are counted together with their neighbours if there are more than 32', () => {
    const steps = Array.from({ length: 100 }, (_, i) => ({ rate: 100 + i, duration: '100ms' }))
    const result = simulate({ arrivals: stages(steps), service: '1ms', warmup: { requests: 0 } })
    const found = stagesOf(result)
    // four at a time
    expect(found).toHaveLength(25)
    expect(found.map(({ first }) => first)).toEqual(found.map((_, k) => 4 * k + 1))
    expect(found.map(({ last }) => last)).toEqual(found.map((_, k) => 4 * k + 4))
    expect(found[1]).toMatchObject({ startMs: 400, endMs: 800, fromPerSecond: 103, toPerSecond: 107 })
    expect(stored(result)).toEqual(result)
    const fewer = simulate({ arrivals: stages(steps.slice(0, 32)), service: '1ms' })
    expect(stagesOf(fewer)).toHaveLength(32)
  })

  it('of replications add up, on threads and merged', async () => {
    const run: Scenario = { arrivals: ramps, service: { model: 'affine', base: '1ms', variation: exponential() } }
    const parts = [1, 2, 3, 4, 5].map((seed) => simulate({ ...run, seed }))
    for (const result of [
      stored(mergeResults(parts, { as: 'replications' })),
      stored(await replicate(run, { replications: 5, threads: 1 })),
    ]) {
      const found = stagesOf(result)
      // a tenth of 3.4 s is warm-up
      expect(found.map(({ windowMs }) => windowMs)).toEqual([660, 700, 400, 1300].map((ms) => 5 * ms))
      const counts = found.map(({ counts }) => counts.offered)
      expect(counts.reduce((sum, each) => sum + each, 0)).toBe(result.counts.offered)
      // 5 times 200/s for 0.7 s: 700 requests, with a standard deviation of 26
      expect(Math.abs((counts[1] as number) - 700)).toBeLessThan(110)
      expect(found[1]?.throughput?.offered).toBeCloseTo((counts[1] as number) / 3.5, 9)
    }
    const merged = stagesOf(mergeResults(parts, { as: 'replications' }))
    for (const [k, stage] of merged.entries()) {
      const own = parts.map((part) => stagesOf(part)[k] as StageResult)
      expect(stage.counts.completed).toBe(own.reduce((sum, { counts }) => sum + counts.completed, 0))
      expect(stage.latencyMs?.max).toBe(Math.max(...own.map(({ latencyMs }) => latencyMs?.max ?? 0)))
    }
  })

  it('of machines that each sent a stream of their own have the rates of all', () => {
    const run: Scenario = { arrivals: ramps, service: '1ms' }
    const parts = [1, 2, 3].map((seed) => simulate({ ...run, seed }))
    const merged = stored(mergeResults(parts, { as: 'shards' }))
    expect(stagesOf(merged).map(({ fromPerSecond, toPerSecond }) => [fromPerSecond, toPerSecond])).toEqual(
      RATES.map((rates) => rates.map((rate) => 3 * rate)),
    )
    expect(stagesOf(merged).map(({ windowMs }) => windowMs)).toEqual([660, 700, 400, 1300])
    expect(stagesOf(merged)[1]?.throughput?.offered).toBeCloseTo(
      parts.reduce((sum, part) => sum + (stagesOf(part)[1]?.throughput?.offered ?? 0), 0),
      9,
    )
  })

  it('are not part of a budget, which judges the whole run', () => {
    const result = simulate(scenario)
    expect(() => checkBudget(result, { 'stages[1].p99': '1s' } as never)).toThrow('stages[1].p99')
  })
})
