import { describe, expect, it } from 'vitest'
import { requestsNeeded } from '../../../src/explore/limit/judge-load.js'
import { type LoadCause, nextRun, type RunKind, type Step } from '../../../src/explore/limit/search.js'

const limits = { from: 10, atMostMs: 60_000, requests: 1000 } // a search run of 6 s has enough from 333/s on

/** Steps of the form `80 probe budget`; without a cause they passed. */
const steps = (...texts: string[]) =>
  texts.map((text): Step => {
    const [rate, kind, cause] = text.split(' ')
    return {
      rate: Number(rate),
      kind: kind as RunKind,
      lengthMs: 1000,
      windowMs: 1000,
      cause: (cause ?? null) as LoadCause | null,
    }
  })

describe('nextRun', () => {
  it.each([
    ['begins with the first load', [], 0, '10 probe 1000'],
    ['doubles after a pass', ['10 probe'], 1000, '20 probe 1000'],
    ['doubles if a probe was too short to tell', ['10 probe too-short'], 1000, '20 probe 1000'],
    ['halves before any pass', ['10 probe budget'], 1000, '5 probe 2000'],
    ['does not go below a load that is too low to tell', ['10 search too-short'], 9000, null],
    ['goes below one if there is time to tell', ['500 search too-short'], 9000, '250 confirm 12000'],
    ['runs a load for longer that was too short', ['40 probe too-short', '80 probe budget'], 9000, '40 confirm 24000'],
    ['goes below a load that is still too short', ['20 probe', '40 search too-short'], 9000, '30 confirm 24000'],
    ['goes between', ['800 search', '1000 probe budget'], 9000, '900 search 6000'],
    ['confirms when the bracket is narrow', ['800 search', '830 search budget'], 9000, '800 confirm 12000'],
    ['confirms when the time to search is over', ['800 search', '1000 search errors'], 37_000, '800 confirm 12000'],
    ['continues between at length', ['800 confirm', '1000 search errors'], 45_000, '900 confirm 12000'],
    ['ignores a pass above a load that failed', ['800 confirm', '820 probe budget', '900 search'], 40_000, null],
    [
      'confirms the next, if a long run refuted a short one',
      ['700 search', '800 search', '800 confirm budget'],
      30_000,
      '700 confirm 12000',
    ],
    ['fits a run into the time that is left', ['800 search', '1000 search budget'], 52_000, '800 confirm 8000'],
    ['ends without time for a run', ['800 search', '1000 search budget'], 55_000, null],
    ['ends when the load is found', ['800 confirm', '830 search machine'], 30_000, null],
    ['ends when hardly any load is left', ['0.2 probe budget'], 30_000, null],
  ])('%s', (_, given, elapsedMs, expected) => {
    const next = nextRun(steps(...given), limits, elapsedMs)
    expect(next && `${next.rate} ${next.kind} ${next.lengthMs}`).toBe(expected)
  })

  it.each([
    [1, 0],
    [10, 9.7],
  ])('gives no run a length of 0, with %d ms for all of them, after %d ms', (atMostMs, elapsedMs) => {
    expect(nextRun([], { ...limits, atMostMs }, elapsedMs)?.lengthMs).toBe(1)
  })
})

describe('requestsNeeded', () => {
  it('is what a percentile takes', () => {
    // without one request over the limit, 0.99^n <= 0.025 after n = 367 independent requests
    expect(requestsNeeded({ p99: '1s' })).toBe(Math.ceil(1.8 * 367.04))
    expect(requestsNeeded({ p50: '1s', errorRate: '1%' })).toBe(requestsNeeded({ p99: '1s' }))
    expect(requestsNeeded({ mean: '1s' })).toBeLessThan(100)
  })

  it.each([{ throughput: '500/s' }, { p99: '> 1ms' }, { utilization: '>= 0.5' }])('refuses %j', (budget) => {
    expect(() => requestsNeeded(budget)).toThrow(/^budget\.\w+: must be a limit that a higher load breaks/)
  })
})
