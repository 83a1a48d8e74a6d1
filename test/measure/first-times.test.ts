import { describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { headroom } from '../../src/explore/tune/headroom.js'
import { tune } from '../../src/explore/tune/tune.js'
import { buildRecording } from '../../src/measure/recording/build-recording.js'
import { renderMarkdown } from '../../src/report/export/markdown.js'
import { renderHtml } from '../../src/report/html/render.js'
import { renderResult } from '../../src/report/terminal/result-table.js'
import { checkResult } from '../../src/result/check.js'
import { mergeResults } from '../../src/result/merge/merge-results.js'
import { type Result, resultOf } from '../../src/result/result.js'
import { summarize } from '../../src/result/runs.js'
import { percentile, type Summary } from '../../src/result/summary.js'
import type { Budget } from '../../src/scenario/budget.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { simulate } from '../../src/simulate/simulate.js'
import { cycle } from '../support/virtual-time/cycle.js'
import { type Behaviour, serveInVirtualTime } from '../support/virtual-time/virtual-event-loop.js'

const scenario: ScenarioParts = {
  arrivals: { process: 'poisson', rate: 700 },
  batching: { maxBatchSize: 4, maxWait: 2 },
  servers: 4,
  stop: { requests: 4000 },
  warmup: { requests: 100 },
  seed: 7,
}
const MS = 1e6
const behaviour = (first: Behaviour['first'], more: Partial<Behaviour> = {}): Behaviour => ({
  service: () => 3 * MS,
  lateness: () => 0,
  ...(first && { first }),
  ...more,
})

/** A run in virtual time, and the times of its requests until their responses began, in milliseconds. */
function run(given: Behaviour, parts: Partial<ScenarioParts> = {}): { result: Result; times: number[] } {
  const { flown, ...state } = serveInVirtualTime({ ...scenario, ...parts } as ScenarioParts, given)
  const times = flown
    .filter(({ endNs }) => endNs < Number.POSITIVE_INFINITY)
    .flatMap(({ due, firstNs, endNs, requests }) =>
      due.flatMap((dueNs, i) => {
        const ns = firstNs[i] as number
        return (requests[i] as number) >= 100 && ns <= endNs ? [(ns - dueNs) / MS] : []
      }),
    )
  return { result: resultOf(buildRecording(state.scenario, state.state, state.nowNs)), times }
}

/** Each response begins a millisecond after its start, and ends after three. */
const { result: begun } = run(behaviour(() => MS))

describe('firstMs', () => {
  it('is from when each request was due to the beginning of its own response', () => {
    const { result, times } = run(behaviour((i) => (1 + 0.3 * i) * MS))
    const { firstMs, latencyMs, counts } = checkResult(result)
    const { intervals: _, stdDev, ...own } = summarize(times)
    expect(firstMs).toMatchObject(own)
    expect(firstMs?.stdDev).toBeCloseTo(stdDev, 9)
    expect(firstMs?.count).toBe(counts.completed)
    expect(firstMs?.mean).toBeLessThan(latencyMs.mean - 1)
    // from the segments, as those of latency
    const { low, high } = firstMs?.intervals.p50 ?? {}
    expect(low).toBeLessThan(firstMs?.p50 as number)
    expect(high).toBeGreaterThan(firstMs?.p50 as number)
  })

  it('is of the completed requests that have one', () => {
    const hangs = cycle([3 * MS, 3 * MS, 3 * MS, Number.POSITIVE_INFINITY])
    const { result, times } = run(
      behaviour((i) => (i === 0 ? MS : Number.POSITIVE_INFINITY), { service: hangs, batchTimeoutMs: 5 }),
    )
    expect(result.counts.failed).toBeGreaterThan(0)
    expect(times.length).toBeLessThan(result.counts.completed)
    expect(result.firstMs?.count).toBe(times.length)
    expect(renderResult(result)).toMatch(/known for [\d,]+ of [\d,]+ completed requests/)
  })

  it('is absent if no response has a beginning, or only after the end, and in simulations', () => {
    expect(run(behaviour(undefined)).result.firstMs).toBeUndefined()
    expect(run(behaviour(() => 5 * MS)).result.firstMs).toBeUndefined()
    expect(simulate({ arrivals: '100/s', service: '1ms', stop: { requests: 500 } }).firstMs).toBeUndefined()
  })

  it('leaves the rest of the result as it is', () => {
    const { firstMs, segments, ...others } = begun
    expect(firstMs).toBeDefined()
    expect(run(behaviour(undefined)).result).toEqual({
      ...others,
      segments: segments.map(({ firstMs: _, ...segment }) => segment),
    })
  })

  it('has rows and a curve in reports', () => {
    const result = begun
    expect(renderResult(result)).toMatch(/^ *first +\d/m)
    expect(renderMarkdown(result)).toMatch(/^\| first +\|/m)
    expect(renderHtml(result)).toContain('<bdi>first</bdi>')
  })

  it('is merged: of few machines with intervals from their segments, of many with those between machines', () => {
    const results = [1, 2, 3, 4, 5].map((seed) =>
      run(
        behaviour((i) => (1 + i) * MS),
        { seed },
      ),
    )
    const all = summarize(results.flatMap(({ times }) => times))
    const merge = (machines: number) =>
      mergeResults(
        results.slice(0, machines).map(({ result }) => result),
        { as: 'replications' },
      )
    const { firstMs } = checkResult(merge(5))
    expect(firstMs).toMatchObject({ count: all.count, min: all.min, p99: all.p99, max: all.max })
    expect(firstMs?.intervals.p50.low).toBeLessThan(all.p50)
    const { p50, intervals } = checkResult(merge(2)).firstMs as Summary
    expect(intervals.p50.low).toBeLessThan(p50)
  })

  it.each<[fault: string, change: (result: Result) => unknown]>([
    [
      'firstMs.count',
      ({ latencyMs, counts }) => summarize(Array(counts.completed + 1).fill(latencyMs.min) as number[]),
    ],
    ['firstMs.max', ({ latencyMs }) => summarize([latencyMs.max + 1])],
    ['firstMs.mean', ({ latencyMs, counts }) => summarize(Array(counts.completed).fill(latencyMs.max) as number[])],
  ])('is checked on reading: %s', (fault, change) => {
    expect(() => checkResult({ ...begun, firstMs: change(begun) } as Result)).toThrow(fault)
  })
})

describe('first in a budget', () => {
  const check = (result: Result, budget: Budget) => checkBudget(result, { errorRate: '100%', ...budget }).rules[1]

  it('is judged by the fraction of requests over the limit', () => {
    const { result } = run(behaviour((i) => (1 + 0.3 * i) * MS))
    const p50 = result.firstMs?.p50 as number
    expect(check(result, { 'first.p50': p50 + 0.5 })).toMatchObject({ verdict: 'pass', metric: 'first.p50' })
    expect(check(result, { 'first.p50': p50 - 0.5 })).toMatchObject({ verdict: 'fail', observed: p50 })
    expect(check(result, { 'first.mean': result.firstMs?.mean as number })?.verdict).toBe('inconclusive')
    expect(check(result, { 'first.max': result.firstMs?.max as number })).toMatchObject({
      verdict: 'pass',
      reason: `the maximum of ${result.counts.completed.toLocaleString('en')} requests; a longer run can only raise it`,
    })
    // latency is never shorter
    expect(check(result, { 'first.p99.9': result.latencyMs.max * 3.1 })).toMatchObject({ verdict: 'pass' })
  })

  it('counts requests without an answer as slower, and leaves out completed ones without a beginning', () => {
    const hangs = cycle([...Array(9).fill(3 * MS), Number.POSITIVE_INFINITY] as number[])
    const { result, times } = run(
      behaviour((i) => (i === 0 ? MS : Number.POSITIVE_INFINITY), { service: hangs, batchTimeoutMs: 5 }),
    )
    const { offered, completed } = result.counts
    const unanswered = offered - completed
    const p = 60
    const rank = (p * (times.length + unanswered)) / times.length
    const firstMs = result.firstMs as NonNullable<Result['firstMs']>
    expect(check(result, { [`first.p${p}`]: '100ms' })?.observed).toBe(rank > 100 ? null : percentile(firstMs, rank))
    // more never had an answer than may be over any limit
    expect(check(result, { 'first.p99': '10s' })).toMatchObject({
      ...{ verdict: 'fail', observed: null },
      reason: expect.stringContaining('were never answered, and count as slower than any limit'),
    })
    // latency as a whole keeps it, but says nothing about the fraction of fewer requests
    expect(check(result, { 'first.p60': '1s' })?.reason).not.toBe('latency as a whole meets this limit')
  })

  it('is inconclusive if it is unknown, and refused for simulations that search', async () => {
    const { result } = run(behaviour(undefined))
    expect(check(result, { 'first.p99': '1s' })).toMatchObject({
      verdict: 'inconclusive',
      observed: null,
      reason: expect.stringContaining('it is unknown when responses began'),
    })
    const refused =
      'budget.first.p99: cannot be simulated: only a measurement knows when a response begins and its events arrive'
    const given = { arrivals: '100/s', service: '1ms' }
    await expect(headroom(given, { 'first.p99': '1s' })).rejects.toThrow(refused)
    await expect(tune(given, { budget: { 'first.p99': '1s' } })).rejects.toThrow(refused)
    expect(() => checkBudget(result, { 'frist.p99': 1 } as never)).toThrow("did you mean 'first.p99'?")
  })
})
