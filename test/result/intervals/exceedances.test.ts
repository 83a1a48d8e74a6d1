import { describe, expect, it } from 'vitest'
import { affine, exponential, percentile, type Result, type Scenario, simulate } from '../../../src/index.js'
import { Exceedances, FractionBounds } from '../../../src/result/intervals/exceedances.js'

const scenario: Scenario = {
  arrivals: '50/s',
  service: affine({ base: '10ms', variation: exponential() }),
  stop: { requests: 100_000 },
}
const result = simulate(scenario)
const of = (result: Result, unanswered: 'slowest' | 'fastest' = 'slowest') =>
  new Exceedances(result, 'in a row', unanswered)

describe('the requests over a level', () => {
  it('are counted as one by one, between what is certain and what is possible', () => {
    const ends: number[] = []
    const counted = simulate(
      { ...scenario, arrivals: { process: 'constant', rate: 50 }, stop: { requests: 5000 }, warmup: { requests: 0 } },
      {
        onEvent: (event) => {
          if (event.type === 'batch') for (const number of event.requests) ends[number] = event.endMs
        },
      },
    )
    const latencies = ends.map((endMs, number) => endMs - 20 * number)
    expect(Math.max(...latencies)).toBeCloseTo(counted.latencyMs.max, 6)
    for (const ms of [1, 5, 10, 33.3, 50]) {
      const exact = latencies.filter((latency) => latency > ms).length
      const { least, most } = of(counted).over(ms * 1e6)
      expect(least).toBeLessThanOrEqual(exact)
      expect(most).toBeGreaterThanOrEqual(exact)
      expect(most - least).toBeLessThanOrEqual(20)
    }
  })

  it('count no request over the longest, and every request over less than the shortest', () => {
    const { min, max, count } = result.latencyMs
    const [minNs, maxNs] = [Math.round(min * 1e6), Math.round(max * 1e6)]
    expect(of(result).over(maxNs)).toEqual({ least: 0, most: 0, design: 1 })
    expect(of(result).over(maxNs, true).most).toBeGreaterThanOrEqual(1)
    expect(of(result).over(minNs, true)).toEqual({ least: count, most: count, design: 1 })
    expect(of(result).over(minNs).least).toBeLessThan(count)
  })

  it('are known exactly of constant times', () => {
    const constant = simulate({
      arrivals: { process: 'constant', rate: 50 },
      service: '10ms',
      stop: { requests: 2000 },
    })
    expect(of(constant).over(10e6)).toMatchObject({ least: 0, most: 0 })
    expect(of(constant).over(10e6, true)).toMatchObject({ least: 1800, most: 1800 })
  })

  it('come in clusters, more so the busier the queue is', () => {
    // relaxation times of M/M/1 at 50 and 90 % load are 6 and 340 requests
    const busy = simulate({ ...scenario, arrivals: '90/s' })
    const [calm, clustered] = [of(result), of(busy)].map((each) => each.over(each.percentileNs(90) as number).design)
    expect(calm).toBeGreaterThan(3)
    expect(clustered).toBeGreaterThan(10 * (calm as number))
  })

  it('are as many in a trend as by chance, if only neighbours are compared', () => {
    const ramp = simulate({
      arrivals: { process: 'stages', from: 10, stages: [{ rate: 60, duration: 600_000 }] },
      service: affine({ base: '10ms', variation: exponential() }),
    })
    const level = 50e6
    const row = new Exceedances(ramp, 'in a row', 'slowest').over(level).design
    const varying = new Exceedances(ramp, 'varying', 'slowest').over(level).design
    expect(varying).toBeLessThan(row / 2)
  })

  it('give percentiles as the summary has them', () => {
    for (const p of [0.5, 5, 50, 97, 99, 99.9]) {
      expect((of(result).percentileNs(p) as number) / 1e6).toBeCloseTo(percentile(result.latencyMs, p), 9)
    }
  })
})

describe('requests that were never answered', () => {
  const lossy = simulate({ ...scenario, queue: { timeout: '30ms' } })
  const lost = lossy.rates.error

  it('are slower than any other if that does not help', () => {
    expect(lost).toBeGreaterThan(0.03)
    const p = 100 * (1 - 2 * lost)
    // a percentile of the offered requests is a higher percentile of the completed ones
    expect((of(lossy).percentileNs(p) as number) / 1e6).toBeCloseTo(percentile(lossy.latencyMs, p / (1 - lost)), 6)
    expect(of(lossy).percentileNs(99)).toBeNull()
    expect(of(lossy).over(3.6e12).least).toBe(lossy.counts.offered - lossy.counts.completed)
  })

  it('are faster than any other if that does not help', () => {
    const fastest = of(lossy, 'fastest')
    const answered = percentile(lossy.latencyMs, (100 * (0.5 - lost)) / (1 - lost))
    expect((fastest.percentileNs(50) as number) / 1e6).toBeCloseTo(answered, 6)
    expect(fastest.percentileNs((100 * lost) / 2)).toBe(0)
  })
})

describe('the bounds of a fraction', () => {
  it('are those of Clopper and Pearson', () => {
    // 5 of 100: 0.01643 to 0.11283 (R, binom.test)
    const { low, high } = new FractionBounds(5, 100, 1, 0.025)
    expect(low).toBeCloseTo(0.01643, 5)
    expect(high).toBeCloseTo(0.11283, 5)
    // none of n: 1 - 0.025^(1 / n)
    expect(new FractionBounds(0, 368, 1, 0.025).high).toBeCloseTo(1 - 0.025 ** (1 / 368), 12)
  })

  it('compare with a fraction as the computed bounds do', () => {
    const bounds = new FractionBounds(30, 2000, 3, 0.025)
    expect([bounds.isAtMost(bounds.high * 1.0001), bounds.isAtMost(bounds.high * 0.9999)]).toEqual([true, false])
    expect([bounds.isAbove(bounds.low * 0.9999), bounds.isAbove(bounds.low * 1.0001)]).toEqual([true, false])
  })
})
