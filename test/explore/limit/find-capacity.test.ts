import { describe, expect, it } from 'vitest'
import { judgeLoad, requestsNeeded } from '../../../src/explore/limit/judge-load.js'
import { extentsOf, findCapacity, type MeasureCapacityOptions } from '../../../src/explore/limit/measure-capacity.js'
import { affine, type Budget, exponential, type Result, type Scenario, simulate } from '../../../src/index.js'
import type { Finding } from '../../../src/result/validity.js'
import { runOf } from '../../support/results/run-of.js'

const MM1: Partial<Scenario> = { service: affine({ base: '1ms', variation: exponential() }) }

interface Setting {
  scenario?: Partial<Scenario>
  budget?: Budget
  from?: number
  atMostMs?: number
  /** changes the result at a load */
  change?: (result: Result, rate: number) => Result | { error: Error; offered: number }
  onProgress?: MeasureCapacityOptions['onProgress']
  signal?: AbortSignal
}

/** Searches with simulations as measurements, on a clock that they advance. */
async function search(setting: Setting = {}) {
  const { scenario = MM1, budget = { p99: '20ms' }, from = 100, atMostMs = 60_000, change, ...control } = setting
  let nowMs = 0
  const found = await findCapacity(
    async (run, { onProgress }) => {
      onProgress()
      const result = runOf({ ...scenario, arrivals: run.rate, ...extentsOf(run, budget) } as Scenario)
      nowMs += result.window.endMs
      return change === undefined ? result : change(result, run.rate)
    },
    {
      ...{ from, requests: requestsNeeded(budget), atMostMs, now: () => nowMs, ...control },
      judge: (result) => judgeLoad(result, budget),
    },
  )
  // what holds of every search
  const { rate, failed, limit, tried } = found
  // the last request may complete a little later
  expect(nowMs).toBeLessThan(atMostMs + 100)
  if (rate !== null && failed !== null) expect(rate).toBeLessThan(failed)
  if (rate !== null && limit !== null) expect(rate).toBeLessThan(limit.rate)
  const last = tried.findLast((each) => each.rate === rate)
  expect(last?.verdict).toBe(rate === null ? undefined : 'pass')
  if (last?.kind === 'confirm') expect(found.confirmed).toBe(true)
  if (found.ended === 'found') expect(found.confirmed).toBe(rate !== null)
  for (const { verdict, cause, reason } of tried) {
    expect(cause === null).toBe(verdict === 'pass')
    expect(reason === null).toBe(verdict === 'pass')
  }
  return { ...found, tookMs: nowMs }
}

const withFinding = (result: Result, finding: Pick<Finding, 'code' | 'severity'>): Result => {
  const findings = [...result.validity.findings, { message: 'disturbed', figures: {}, ...finding }]
  return { ...result, validity: { valid: findings.every(({ severity }) => severity !== 'error'), findings } }
}

describe('findCapacity', () => {
  // latency is exponential of rate mu - lambda, so that p99 = ln(100) / (mu - lambda)
  const exact = 1000 - Math.log(100) / 0.02

  it('finds the load of M/M/1 at which its p99 meets the limit, from below', async () => {
    const found = await search({ atMostMs: 600_000 })
    expect(found).toMatchObject({ ended: 'found', confirmed: true })
    expect(found.rate).toBeLessThan(exact)
    expect(found.rate).toBeGreaterThan(0.8 * exact)
    expect(found.failed).toBeGreaterThan(exact)
    expect(found.result?.scenario?.arrivals).toMatchObject({ rate: found.rate })
  })

  it('doubles first, and finds less in less time, but not more', async () => {
    const { rate, tried } = await search()
    expect(rate).toBeLessThan(exact)
    expect(rate).toBeGreaterThan(0.6 * exact)
    // doubles to the first load that fails
    expect(tried.slice(0, 4).map((each) => [each.rate, each.kind])).toEqual(
      [100, 200, 400, 800].map((each) => [each, 'probe']),
    )
  })

  it('goes down from a load that is too high', async () => {
    const { rate } = await search({ from: 10_000 })
    expect(rate).toBeLessThan(exact)
    expect(rate).toBeGreaterThan(0.6 * exact)
  })

  it('finds a fraction of a slow target, which has too few requests for a verdict', async () => {
    const slow = { service: affine({ base: '10ms', variation: exponential() }) }
    const found = await search({ scenario: slow, budget: { p99: '200ms' }, from: 10 })
    expect(found).toMatchObject({ ended: 'time', limit: { cause: 'too-short', verdict: 'inconclusive' } })
    // a tenth as fast as the target of the other tests, so that a tenth of their limit is its own
    expect(found.rate).toBeGreaterThanOrEqual(10)
    expect(found.rate).toBeLessThan(exact / 10)
  })

  it('has no load if the limit is shorter than the service', async () => {
    const found = await search({ scenario: { service: '10ms' }, budget: { p99: '9ms' }, from: 10 })
    expect(found).toMatchObject({
      rate: null,
      ended: 'found',
      result: null,
      confirmed: false,
      limit: { cause: 'budget' },
    })
    expect(found.failed).toBeLessThanOrEqual(10)
  })

  it('names the budget, if latency breaks it and nothing else', async () => {
    const { tried } = await search({ scenario: { service: '1ms' }, budget: { p99: '6ms' } })
    const broken = tried.filter(({ verdict, rate }) => verdict === 'fail' && rate < 1000)
    expect(broken.length).toBeGreaterThan(0)
    for (const { cause, reason } of broken) {
      expect(cause).toBe('budget')
      expect(reason).toMatch(/^p99 <= 6 ms: .* % of requests/)
    }
  })

  it('names saturation, if the servers sustain no more, though no limit of the budget is exceeded', async () => {
    const found = await search({ scenario: { service: '1ms' }, budget: { 'service.p99': '2ms' } })
    expect(found).toMatchObject({ ended: 'found', limit: { cause: 'saturation', verdict: 'fail' } })
    expect(found.rate).toBeLessThan(1000)
    expect(found.rate).toBeGreaterThan(900)
  })

  it('names errors, if requests are rejected', async () => {
    const found = await search({ scenario: { ...MM1, queue: { capacity: 5 } }, budget: { p99: '1s' } })
    expect(found.limit).toMatchObject({ cause: 'errors', reason: expect.stringContaining('errorRate <= 0 %') })
    // the same with an allowance: more load is within it
    const allowed = await search({
      scenario: { ...MM1, queue: { capacity: 5 } },
      budget: { p99: '1s', errorRate: '20%' },
    })
    expect(allowed.rate).toBeGreaterThan(1.5 * (found.rate ?? 0))
  })

  it.each(['event-loop-late', 'littles-law'] as const)('counts no run with the error %s as a pass', async (code) => {
    const found = await search({
      change: (result, rate) => (rate > 300 ? withFinding(result, { code, severity: 'error' }) : result),
    })
    expect(found.limit).toMatchObject({ cause: 'machine', verdict: 'inconclusive' })
    expect(found.limit?.reason).toContain(code)
    expect(found.rate).toBeGreaterThan(200)
    expect(found.rate).toBeLessThanOrEqual(300)
  })

  it('names this machine, if it may be why a run broke the budget', () => {
    const result = simulate({ arrivals: '500/s', ...MM1, stop: { requests: 100_000 } } as Scenario)
    // a little too slow as a whole, but not in every part of the run
    const budget = { p99: 0.93 * result.latencyMs.p99 }
    expect(judgeLoad(result, budget)).toMatchObject({ verdict: 'fail', cause: 'budget' })
    const disturbed = withFinding(result, { code: 'cpu-contention', severity: 'warning' })
    expect(judgeLoad(disturbed, budget)).toMatchObject({ verdict: 'inconclusive', cause: 'machine' })
    // and is too short to tell with or without the warning
    const short = simulate({ arrivals: '500/s', ...MM1, stop: { requests: 100 } } as Scenario)
    const same = withFinding(short, { code: 'cpu-contention', severity: 'warning' })
    expect(judgeLoad(same, { p99: '20ms' })).toMatchObject({ verdict: 'inconclusive', cause: 'too-short' })
  })

  it('counts a load at which nothing completes as errors, but throws if it is the first', async () => {
    const error = new Error('http GET http://127.0.0.1:1/: no request due in the window completed')
    const refuse = (from: number) => (result: Result, rate: number) => (rate >= from ? { error, offered: 10 } : result)
    const found = await search({ change: refuse(250) })
    expect(found.limit).toMatchObject({ cause: 'errors', check: null, windowMs: null, reason: error.message })
    expect(found.rate).toBeLessThan(250)
    await expect(search({ change: refuse(1) })).rejects.toThrow(error)
  })

  it('never counts a short pass that a long run refutes', async () => {
    const doubt = (result: Result, rate: number) =>
      result.window.endMs > 30_000 && rate > 300
        ? withFinding(result, { code: 'littles-law', severity: 'error' })
        : result
    const { rate, tried } = await search({ change: doubt, atMostMs: 200_000 })
    expect(tried.some((each) => each.kind === 'search' && each.rate > 300 && each.verdict === 'pass')).toBe(true)
    expect(rate === null || rate <= 300).toBe(true)
  })

  it('returns the best load so far if it is stopped', async () => {
    let runs = 0
    const onProgress = (at: { runs: number }) => {
      runs = at.runs
      return runs < 8
    }
    const found = await search({ atMostMs: 200_000, onProgress })
    expect(found).toMatchObject({ ended: 'stopped', confirmed: false })
    expect(runs).toBe(8)
    expect(found.tried.length).toBeGreaterThanOrEqual(8)
    expect(found.rate).toBeLessThan(exact)
    const none = await search({ onProgress: () => false })
    expect(none).toMatchObject({ ended: 'stopped', rate: null, failed: null, limit: null, tried: [] })
  })

  it('rejects with the reason of the signal, and with what onProgress throws', async () => {
    const reason = new Error('enough')
    await expect(search({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const onProgress = () => {
      throw reason
    }
    await expect(search({ onProgress })).rejects.toBe(reason)
  })

  it('says that a load is undecided if there is too little time for any', async () => {
    const found = await search({ atMostMs: 2_000, budget: { 'p99.9': '200ms' }, from: 10 })
    expect(found).toMatchObject({ rate: null, ended: 'time' })
    expect(found.tried.some(({ cause }) => cause === 'too-short')).toBe(true)
  })
})
