import { describe, expect, it } from 'vitest'
import { affine, exponential, percentile, type Result, replicate, type Scenario, simulate } from '../../src/index.js'
import { latencyOverOffered, tallyOf } from '../../src/result/stored.js'

const scenario: Scenario = {
  arrivals: '50/s',
  service: affine({ base: '10ms', variation: exponential() }),
  stop: { requests: 100_000 },
}
const NAMES = { p50: 50, p90: 90, p95: 95, p99: 99, p999: 99.9 } as const

const reread = (result: Result): Result => JSON.parse(JSON.stringify(result))

describe('a result read again', () => {
  it('has the intervals that it was stored with, of a run', () => {
    const result = reread(simulate(scenario))
    for (const [name, p] of Object.entries(NAMES)) {
      const stored = result.latencyMs.intervals[name as keyof typeof NAMES]
      expect(latencyOverOffered(result, p, 'slowest').interval).toEqual(stored)
    }
  })

  it('and of replications', async () => {
    const result = reread(await replicate(scenario, { replications: 3 }))
    const { interval, observed } = latencyOverOffered(result, 95, 'slowest')
    expect(interval).toEqual(result.latencyMs.intervals.p95)
    expect(observed).toBe(result.latencyMs.p95)
  })

  it('has any percentile, with an interval about it', () => {
    const { latencyMs, ...rest } = reread(simulate(scenario))
    for (const p of [0.5, 5, 25, 75, 97, 98.5]) {
      const { observed, interval } = latencyOverOffered({ latencyMs, ...rest }, p, 'slowest')
      expect(observed).toBeCloseTo(percentile(latencyMs, p), 9)
      expect(interval.low).toBeLessThan(observed as number)
      expect(interval.high).toBeGreaterThan(observed as number)
    }
    expect(latencyOverOffered({ latencyMs, ...rest }, 99.999, 'slowest').interval).toMatchObject({
      low: null,
      reason: expect.stringMatching(/p99\.999 takes 1,500,000: a window of about/),
    })
  })

  it('keeps its tally to the bucket and the moment', () => {
    const { latencyMs } = reread(simulate(scenario))
    const tally = tallyOf(latencyMs)
    expect([tally.count, tally.min / 1e6, tally.max / 1e6]).toEqual([latencyMs.count, latencyMs.min, latencyMs.max])
    expect(tally.mean / 1e6).toBeCloseTo(latencyMs.mean, 9)
    expect(tally.stdDev / 1e6).toBeCloseTo(latencyMs.stdDev, 6)
  })
})

describe('requests that were never answered', () => {
  const result = simulate({ ...scenario, queue: { timeout: '30ms' } })
  const lost = result.rates.error

  it('are slower than any other where that does not help', () => {
    expect(lost).toBeGreaterThan(0.03)
    const p = 100 * (1 - 2 * lost)
    const { observed, interval } = latencyOverOffered(result, p, 'slowest')
    // so many of those offered are so many more of those answered
    expect(observed).toBeCloseTo(percentile(result.latencyMs, p / (1 - lost)), 6)
    expect(interval.low).toBeLessThan(observed as number)
    expect(interval.high).toBeGreaterThan(observed as number)
    expect(latencyOverOffered(result, 99, 'slowest')).toEqual({
      observed: null,
      interval: { low: Number.POSITIVE_INFINITY, high: Number.POSITIVE_INFINITY, level: 0.95 },
    })
  })

  it('are unsure where about as many are lost as the percentile leaves', () => {
    const { interval } = latencyOverOffered(result, 100 * (1 - lost), 'slowest')
    expect(interval.low).toBeLessThan(result.latencyMs.max)
    expect(interval.high).toBe(Number.POSITIVE_INFINITY)
  })

  it('are faster than any other where that does not help', () => {
    const { observed } = latencyOverOffered(result, 50, 'fastest')
    expect(observed).toBeCloseTo(percentile(result.latencyMs, (100 * (0.5 - lost)) / (1 - lost)), 6)
    expect(latencyOverOffered(result, (100 * lost) / 2, 'fastest').observed).toBe(0)
  })
})
