import { describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { headroom } from '../../src/explore/tune/headroom.js'
import { tune } from '../../src/explore/tune/tune.js'
import { buildRecording } from '../../src/measure/recording/build-recording.js'
import { renderHlog } from '../../src/report/export/hlog.js'
import { renderMarkdown } from '../../src/report/export/markdown.js'
import { renderHtml } from '../../src/report/html/render.js'
import { renderResult } from '../../src/report/terminal/result-table.js'
import { checkResult } from '../../src/result/check.js'
import { mergeResults } from '../../src/result/merge/merge-results.js'
import { type Result, resultOf, type Segment } from '../../src/result/result.js'
import { summarize } from '../../src/result/runs.js'
import { percentile, type SegmentTime, type Summary } from '../../src/result/summary.js'
import type { Budget } from '../../src/scenario/budget.js'
import { resolveScenario, type ScenarioParts } from '../../src/scenario/scenario.js'
import { createRecorder } from '../../src/serve/recorder/recorder.js'
import { simulate } from '../../src/simulate/simulate.js'
import { cycle } from '../support/virtual-time/cycle.js'
import { type Behaviour, serveInVirtualTime } from '../support/virtual-time/virtual-event-loop.js'

const WARMUP = 100
const scenario: ScenarioParts = {
  arrivals: { process: 'poisson', rate: 700 },
  batching: { maxBatchSize: 4, maxWait: 2 },
  servers: 4,
  stop: { requests: 1500 },
  warmup: { requests: WARMUP },
  seed: 7,
}
const MS = 1e6

/**
 * Each response has events after 1, 1.5 and 2 ms, and after 4 ms of place 3; it ends after 5. Place 2 has only the first, and
 * an event after its end.
 */
const EVENTS = [[1.5, 2], [1.5, 2], [6], [1.5, 2, 4]]
const LONGEST = [0.5, 0.5, 0, 2]
const streams: Behaviour = {
  service: () => 5 * MS,
  lateness: () => 0,
  first: () => MS,
  later: (i) => (EVENTS[i] as number[]).map((ms) => ms * MS),
}

/** A run in virtual time, and what is known of each of its requests that completed in the window, in milliseconds. */
function run(behaviour: Behaviour, parts: Partial<ScenarioParts> = {}) {
  const { flown, ...state } = serveInVirtualTime({ ...scenario, ...parts } as ScenarioParts, behaviour)
  const served = flown
    .filter(({ endNs }) => endNs < Number.POSITIVE_INFINITY)
    .flatMap(({ due, requests, firstNs, laterNs, endNs }) =>
      due.flatMap((dueNs, i) => {
        if ((requests[i] as number) < WARMUP) return []
        const times = [firstNs[i] as number, ...(laterNs[i] as number[])].filter((ns) => ns <= endNs)
        const gaps = times.slice(1).map((ns, k) => (ns - (times[k] as number)) / MS)
        return [{ gaps, firstMs: ((times[0] ?? endNs) - dueNs) / MS, latencyMs: (endNs - dueNs) / MS }]
      }),
    )
  return { result: resultOf(buildRecording(state.scenario, state.state, state.nowNs)), served }
}

const { result: streamed, served } = run(streams)
const gaps = served.flatMap((each) => each.gaps)
const [firstSegment, ...otherSegments] = streamed.segments as [Segment, ...Segment[]]
const changeGaps = (change: object): Segment[] => [
  { ...firstSegment, betweenMs: { ...firstSegment.betweenMs, ...change } as SegmentTime },
  ...otherSegments,
]
const withoutGaps = (result: Result): Result => ({
  ...result,
  segments: result.segments.map(({ betweenMs: _, ...segment }) => segment),
})
const silent: Behaviour = { service: () => 5 * MS, lateness: () => 0 }

describe('betweenMs', () => {
  it('has every gap between the events of each response, and none after its end', () => {
    const { betweenMs, firstMs, counts } = checkResult(streamed)
    const { intervals: _, stdDev, ...all } = summarize(gaps)
    expect(betweenMs).toMatchObject(all)
    expect(betweenMs?.stdDev).toBeCloseTo(stdDev, 9)
    expect(betweenMs?.max).toBe(2)
    expect(firstMs?.count).toBe(counts.completed)
    expect(betweenMs?.intervals.mean.low).toBeLessThan(all.mean)
    expect(betweenMs?.intervals.mean.high).toBeGreaterThan(all.mean)
  })

  it('begins with the first mark, whichever it is', () => {
    const { first: _, ...rest } = streams
    const { result } = run({ ...rest, later: () => [MS, 1.5 * MS, 3.5 * MS] })
    const { completed } = result.counts
    expect(result.firstMs?.count).toBe(completed)
    expect(result.betweenMs).toMatchObject({ count: 2 * completed, min: 0.5, max: 2 })
  })

  it('leaves out failed requests', () => {
    const hangs = cycle([...Array(3).fill(5 * MS), Number.POSITIVE_INFINITY] as number[])
    const { result, served } = run({ ...streams, service: hangs, batchTimeoutMs: 7 })
    expect(result.counts.failed).toBeGreaterThan(0)
    expect(result.betweenMs?.count).toBe(served.flatMap((each) => each.gaps).length)
  })

  it('is absent if no response has two events, and leaves the rest as it is', () => {
    const { later: _, ...begins } = streams
    const { betweenMs, segments, ...others } = streamed
    expect(betweenMs).toBeDefined()
    expect(run(begins).result).toEqual({
      ...others,
      segments: segments.map(({ betweenMs: _, ...segment }) => segment),
    })
    expect(simulate({ arrivals: '100/s', service: '1ms', stop: { requests: 500 } }).betweenMs).toBeUndefined()
  })

  it('names gaps where it lacks them for an interval', () => {
    const { result } = run(streams, { stop: { requests: 160 } })
    expect(result.betweenMs?.intervals.p99.reason).toMatch(/gaps are (too few|worth)/)
    expect(result.betweenMs?.intervals.p99.reason).not.toContain('requests')
  })

  it('has rows, a curve and a tag in reports', () => {
    expect(renderResult(streamed)).toMatch(/^ *between +\d/m)
    expect(renderResult(streamed)).toContain(`${gaps.length.toLocaleString('en')} gaps between events of responses`)
    expect(renderMarkdown(streamed)).toMatch(/^\| between +\|/m)
    expect(renderHtml(streamed)).toContain('<bdi>between</bdi>')
    expect(renderHlog([{ name: 'streams', result: streamed }])).toMatch(/^Tag=between,/m)
  })

  it('is merged: of few machines with intervals from their segments, of many with those between machines', () => {
    const runs = [1, 2, 3, 4, 5].map((seed) => run(streams, { seed, stop: { requests: 600 } }))
    const all = summarize(runs.flatMap(({ served }) => served.flatMap((each) => each.gaps)))
    const merge = (machines: number) =>
      checkResult(
        mergeResults(
          runs.slice(0, machines).map(({ result }) => result),
          { as: 'replications' },
        ),
      ).betweenMs
    expect(merge(5)).toMatchObject({ count: all.count, min: all.min, p99: all.p99, max: all.max })
    expect(merge(5)?.intervals.mean.low).toBeLessThan(all.mean)
    expect(merge(2)?.intervals.mean.low).toBeLessThan(merge(2)?.mean as number)
  })

  it.each<[fault: string, change: Partial<Result>]>([
    ['betweenMs.max', { betweenMs: summarize([streamed.latencyMs.max + 1]) }],
    ['betweenMs.mean', { betweenMs: summarize(Array(4 * gaps.length).fill(5) as number[]) }],
    ['betweenMs: must be absent without firstMs', { firstMs: undefined as never }],
    [
      "segments: must hold the same 'between' times as the whole",
      { segments: [firstSegment, ...withoutGaps(streamed).segments.slice(1)] },
    ],
    ['segments.0.betweenMs: must have as many values as its histogram', { segments: changeGaps({ count: 1 }) }],
    ['segments.0.betweenMs.max: must be at most the longest latency', { segments: changeGaps(summarize([1e4])) }],
  ])('is checked on reading: %s', (fault, change) => {
    expect(() => checkResult({ ...streamed, ...change })).toThrow(fault)
  })
})

describe('between in a budget', () => {
  const check = (result: Result, budget: Budget) => checkBudget(result, { errorRate: '100%', ...budget }).rules[1]

  it('is judged by the fraction of gaps over the limit, and its maximum as observed', () => {
    expect(check(streamed, { 'between.p50': 0.6 })).toMatchObject({
      verdict: 'pass',
      observed: streamed.betweenMs?.p50,
    })
    const over = gaps.filter((ms) => ms > 0.4).length / gaps.length
    expect(check(streamed, { 'between.p50': 0.4 })).toMatchObject({
      ...{ verdict: 'fail', metric: 'between.p50', over: { fraction: over, allowed: 0.5 } },
      reason: expect.stringContaining('% of gaps took longer than 400 us; 50 % may; 95 % interval'),
    })
    expect(check(streamed, { 'between.max': 2 })).toMatchObject({
      verdict: 'pass',
      reason: `the maximum of ${gaps.length.toLocaleString('en')} gaps; a longer run can only raise it`,
    })
    expect(check(streamed, { 'between.max': 1.9 })?.verdict).toBe('fail')
    // a few slow requests may have most of the gaps
    const { reason } = check(streamed, { 'between.p99.99': '1m' }) ?? {}
    expect(reason).not.toBe('latency as a whole meets this limit')
  })

  it('counts the gaps of requests without an answer as longer, as many as the others have', () => {
    const hangs = cycle([...Array(9).fill(5 * MS), Number.POSITIVE_INFINITY] as number[])
    const { result } = run({ ...streams, service: hangs, batchTimeoutMs: 7 })
    const { offered, completed } = result.counts
    const p = 80
    const rank = (p * offered) / completed
    expect(rank).toBeGreaterThan(p)
    expect(check(result, { [`between.p${p}`]: '1s' })?.observed).toBe(percentile(result.betweenMs as never, rank))
    expect(check(result, { 'between.p99': '1s' })).toMatchObject({
      ...{ verdict: 'fail', observed: null },
      reason: expect.stringContaining('were never answered, and count as slower than any limit'),
    })
  })

  it('decides far from its limit where there is no interval, by responses and not by gaps', () => {
    // each response is slow or fast as a whole, as if it waited for others
    const { result } = run(
      { ...streams, later: (i) => [1, 1.4, 1.8, 3 + (i % 7) / 2].map((ms) => ms * MS) },
      { stop: { requests: 300 } },
    )
    const { count, p95, max, intervals } = result.betweenMs as Summary
    expect(intervals.p99.low).toBeNull()
    expect(check(result, { 'between.p95': 5 * max })?.verdict).toBe('pass')
    expect(check(result, { 'between.p95': p95 / 5 })?.verdict).toBe('fail')
    // as many requests would pass, but a response in a hundred may have only long gaps, and none of 200 be one
    expect(count).toBeGreaterThan(369)
    expect(result.counts.completed).toBeLessThan(369)
    expect(check(result, { 'between.p99': 5 * max })?.verdict).toBe('inconclusive')
  })

  it('does not pass by the gaps of one response', () => {
    const { result } = run(
      { ...streams, later: () => Array.from({ length: 500 }, (_, i) => (1.5 + i / 1000) * MS) },
      { stop: { requests: WARMUP + 1 } },
    )
    expect(result.counts.completed).toBeLessThan(5)
    expect(result.betweenMs?.count).toBeGreaterThan(400)
    expect(check(result, { 'between.p90': '1s' })?.verdict).toBe('inconclusive')
  })

  it('is merged with the beginnings of the same responses, or not at all', () => {
    const begins = run({ ...streams, later: () => [] }).result
    const stored: Result = { ...begins, segments: begins.segments.map(({ firstMs: _, ...segment }) => segment) }
    const merged = checkResult(mergeResults([stored, run(streams, { seed: 2 }).result], { as: 'replications' }))
    expect(merged.betweenMs).toBeDefined()
    for (const segment of merged.segments) expect(segment).not.toHaveProperty('betweenMs')
  })

  it('is judged by its interval in a result that was stored without the gaps of its segments', () => {
    const stored = withoutGaps(streamed)
    expect(checkResult(stored)).toBe(stored)
    const rule = check(stored, { 'between.p50': 0.6 })
    expect(rule).toMatchObject({ verdict: 'pass', interval: streamed.betweenMs?.intervals.p50 })
    expect(rule).not.toHaveProperty('over')
    const other = run(streams, { seed: 2 }).result
    const merged = checkResult(mergeResults([stored, other], { as: 'replications' }))
    expect(merged.segments.some((segment) => 'betweenMs' in segment)).toBe(false)
    expect(check(merged, { 'between.p50': 0.6 })).toMatchObject({
      ...{ verdict: 'inconclusive', observed: merged.betweenMs?.p50 },
      reason: expect.stringContaining('only for latency and the times of responses'),
    })
  })

  it('is inconclusive if it is unknown, and refused where it cannot be known', async () => {
    expect(check(run(silent).result, { 'between.p99': '1s' })).toMatchObject({
      verdict: 'inconclusive',
      observed: null,
      reason: expect.stringContaining('it is unknown how far apart events were'),
    })
    const budget = { 'between.p99': '1s' }
    const refused =
      'between.p99: cannot be simulated: only a measurement knows when a response begins and its events arrive'
    const given = { arrivals: '100/s', service: '1ms' }
    await expect(headroom(given, budget)).rejects.toThrow(`budget.${refused}`)
    await expect(tune(given, { budget })).rejects.toThrow(`budget.${refused}`)
    expect(() => simulate({ ...given, stop: { budget } })).toThrow(`stop.budget.${refused}`)
    expect(() =>
      resolveScenario({ arrivals: 1, http: { url: 'http://127.0.0.1/' }, stop: { budget } }, 'measure'),
    ).toThrow('stop.budget.between.p99: needs http.stream, which finds the events of a response: set stream: true')
    expect(() => checkBudget(streamed, { 'betwen.p99': 1 } as never)).toThrow("did you mean 'between.p99'?")
  })
})

describe('goodput over first and between times', () => {
  const goodOf = (good: ScenarioParts['good'], behaviour = streams) => run(behaviour, { good })

  it.each<[what: string, good: NonNullable<ScenarioParts['good']>]>([
    ['first', { first: 3 }],
    ['between', { between: 1 }],
    ['both, and latency', { latency: 8, first: 4, between: '1.9ms' }],
    ['a gap of exactly the limit', { between: 2 }],
  ])('counts each request by %s', (_, good) => {
    const { result, served } = goodOf(good)
    const within = (ms: number, limit: unknown) => limit === undefined || ms <= Number.parseFloat(String(limit))
    const found = served.filter(
      ({ gaps, firstMs, latencyMs }) =>
        within(firstMs, good.first) && within(latencyMs, good.latency) && within(Math.max(0, ...gaps), good.between),
    ).length
    expect(checkResult(result).counts.good).toBe(found)
    expect(result.goodput?.fraction).toBe(found / result.counts.offered)
    expect(result.goodput?.limits).toMatchObject({ ...(good.first !== undefined && { first: good.first }) })
    expect(found).toBeGreaterThan(0)
    expect(renderResult(result)).toContain('goodput')
  })

  it('takes the longest gap of a request', () => {
    const { result } = goodOf({ between: 1 })
    const bad = served.filter(({ gaps }) => Math.max(0, ...gaps) === LONGEST[3]).length
    expect(bad).toBeGreaterThan(0)
    expect(result.counts.good).toBe(result.counts.completed - bad)
  })

  it('takes a response without a beginning to begin at its end', () => {
    const { result, served } = goodOf(
      { first: 6 },
      { ...streams, first: (i) => (i === 0 ? MS : Infinity), later: () => [] },
    )
    const found = served.filter(({ firstMs }) => firstMs <= 6).length
    expect(result.counts.good).toBe(found)
    expect(found).toBeGreaterThan(0)
    expect(found).toBeLessThan(result.counts.completed)
  })

  it.each(['first', 'between'] as const)('is unknown if no response has %s, and says so', (time) => {
    const { result } = goodOf({ latency: 100, [time]: 100 }, silent)
    expect(checkResult(result).goodput).toBeUndefined()
    expect(result.counts.good).toBeUndefined()
    const [finding] = result.validity.findings.filter(({ code }) => code === 'goodput-unknown')
    expect(finding?.message).toContain(`goodput is unknown: good.${time} limits`)
    const { rules } = checkBudget(result, { goodput: '90%' })
    expect(rules[0]).toMatchObject({ verdict: 'inconclusive', observed: null, reason: finding?.message })
    expect(() => checkResult({ ...result, validity: { valid: true, findings: [] } })).toThrow(/^result.goodput/)
  })

  it('is unknown of merged results if it is of one of them', () => {
    const good = { between: 1 }
    const results = [streams, silent].map((behaviour, i) => run(behaviour, { good, seed: i + 1 }).result)
    const merged = checkResult(mergeResults(results, { as: 'replications' }))
    expect(merged.goodput).toBeUndefined()
    expect(merged.segments.every(({ counts }) => counts.good === undefined)).toBe(true)
    expect(merged.validity.findings.map(({ code }) => code)).toContain('goodput-unknown')
  })

  it('is refused where no response has these times', async () => {
    const given = { arrivals: '100/s', service: '1ms' }
    for (const time of ['first', 'between']) {
      const good = { [time]: '10ms' }
      const refused = `good.${time}: cannot be simulated: only a measurement knows when a response begins and its events arrive`
      expect(() => simulate({ ...given, good })).toThrow(refused)
      await expect(tune({ ...given, good }, { budget: { p99: 1 } })).rejects.toThrow(refused)
      expect(() => createRecorder({ good } as never)).toThrow(
        `good.${time}: is not recorded for live requests: a recorder does not know when responses begin`,
      )
    }
    const http = { url: 'http://127.0.0.1/' }
    const measured = (parts: object) => resolveScenario({ arrivals: 1, ...parts } as never, 'measure')
    expect(() => measured({ http, good: { between: 1 } })).toThrow('good.between: needs http.stream')
    expect(measured({ http, good: { first: 1 } }).good).toEqual({ first: 1 })
    expect(measured({ http: { ...http, stream: true }, good: { between: 1 } }).good).toEqual({ between: 1 })
    expect(() => measured({ http, good: { first: -1 } })).toThrow('good.first')
    expect(() => measured({ http, good: { betwen: 1 } })).toThrow("did you mean 'between'?")
  })
})
