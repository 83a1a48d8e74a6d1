import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketFloor } from '../../../src/histogram/buckets.js'
import { type HistogramSnapshot, LatencyHistogram, mergeHistograms } from '../../../src/histogram/latency-histogram.js'
import { meanOf } from '../../../src/histogram/moments.js'
import { affine, exponential, type Scenario, simulate } from '../../../src/index.js'
import { drawExponential } from '../../../src/random/exponential.js'
import { stream } from '../../../src/random/stream.js'
import { intervalsBetween, intervalsOf } from '../../../src/result/intervals/intervals.js'
import { type Metric, segmentHistograms } from '../../../src/result/recording.js'
import { ESTIMATES, type Estimate, type Interval, type Summary } from '../../../src/result/summary.js'
import { resolveScenario } from '../../../src/scenario/scenario.js'
import { Engine } from '../../../src/simulate/engine.js'

const SECOND = 1e9

/** M/M/1 with 100 requests a second served: its latency is exponential with rate 100 (1 - load). */
const mm1 = (load: number): Scenario => ({
  arrivals: 100 * load,
  service: affine({ base: '10ms', variation: exponential() }),
})
const exactMs = (load: number) => {
  const mean = 10 / (1 - load)
  return { mean, p50: mean * Math.log(2), p95: mean * Math.log(20), p99: mean * Math.log(100) }
}

function record(scenario: Scenario, requests: number, seed: number) {
  return new Engine(resolveScenario({ ...scenario, stop: { requests }, seed }, 'simulate')).run()
}

function intervalsOfRun(metric: Metric, scenario: Scenario, requests: number, seed: number) {
  const recording = record(scenario, requests, seed)
  const { histograms, startNs, endNs } = recording
  return intervalsOf(histograms[metric], segmentHistograms(recording, metric), endNs - startNs)
}
const latencyIntervals = (scenario: Scenario, requests: number, seed: number) =>
  intervalsOfRun('latency', scenario, requests, seed)

/** Segments of plain values, and all of them together. */
function segmentsOf(values: number[][]): [HistogramSnapshot, HistogramSnapshot[]] {
  const segments = values.map((segment) => {
    const histogram = new LatencyHistogram()
    for (const value of segment) histogram.record(value)
    return histogram.snapshot()
  })
  return [mergeHistograms(segments), segments]
}

const covers = ({ low, high }: Interval, exact: number) =>
  low !== null && high !== null && low <= exact && exact <= high
const isGiven = ({ low, high }: Interval) => low !== null && high !== null

/** At least 95 % of `runs` intervals cover, less four standard errors; that not too many do, `bench/studies/coverage.ts` shows. */
function expectCoverage(covered: number, runs: number) {
  const standardError = Math.sqrt((0.95 * 0.05) / runs)
  expect(covered / runs).toBeGreaterThan(0.95 - 4 * standardError)
}

describe('intervals of one run', () => {
  it('cover the exact values of M/M/1 at 50 % load in 95 % of 100 runs', { tags: 'full' }, () => {
    const exact = exactMs(0.5)
    const covered = { mean: 0, p50: 0, p95: 0, p99: 0 }
    const estimates = Object.keys(covered) as (keyof typeof covered)[]
    for (let seed = 0; seed < 100; seed++) {
      const intervals = latencyIntervals(mm1(0.5), 40_000, seed)
      for (const estimate of estimates) if (covers(intervals[estimate], exact[estimate])) covered[estimate]++
    }
    for (const estimate of estimates) expectCoverage(covered[estimate], 100)
  })

  it('cover the wait too, half of which is an atom at 0', { tags: 'full' }, () => {
    let p50 = 0
    let p95 = 0
    for (let seed = 0; seed < 60; seed++) {
      const intervals = intervalsOfRun('wait', mm1(0.5), 20_000, seed)
      if (covers(intervals.p50, 0)) p50++
      if (covers(intervals.p95, 20 * Math.log(10))) p95++
    }
    expectCoverage(p50, 60)
    expectCoverage(p95, 60)
  })

  it('are given for 10^6 requests of M/M/1 at 80 % load', { tags: 'full' }, () => {
    const { latencyMs, waitMs, validity } = simulate(mm1(0.8))
    for (const estimate of ['mean', 'p50', 'p90', 'p95', 'p99'] as const) {
      expect(isGiven(latencyMs.intervals[estimate])).toBe(true)
      expect(isGiven(waitMs.intervals[estimate])).toBe(true)
    }
    const { low, high } = latencyMs.intervals.mean
    expect(((high as number) - (low as number)) / 2 / latencyMs.mean).toBeLessThan(0.04)
    expect(validity.valid).toBe(true)
  })

  it('are withheld from a run that is too short, with how long one would do, which then does', () => {
    const short = latencyIntervals(mm1(0.95), 10_000, 1)
    for (const estimate of ESTIMATES) {
      const { low, high, reason } = short[estimate]
      expect([low, high]).toEqual([null, null])
      expect(reason).toMatch(
        /^9,000 requests are worth \d+ independent ones, and .+ needs [\d,]+: a window of about [\d,]+ requests \([\d,]+ s\) would be enough$/,
      )
    }
    const { reason = '' } = latencyIntervals(mm1(0.5), 20_000, 3).p999
    const advised = Number(/about ([\d,]+) requests/.exec(reason)?.[1]?.replaceAll(',', ''))
    expect(advised).toBeGreaterThan(40_000)
    expect(isGiven(latencyIntervals(mm1(0.5), Math.ceil(advised / 0.9), 3).p999)).toBe(true)
  })

  it('are withheld where a handful of requests is all there is', () => {
    const { p50 } = simulate({ ...mm1(0.5), stop: { requests: 100 } }).latencyMs.intervals
    expect(p50.reason).toContain('90 requests')
    const { mean } = simulate({ ...mm1(0.5), stop: { requests: 5 }, warmup: { requests: 0 } }).latencyMs.intervals
    expect(mean.reason).toContain('at least 10 segments of the window are needed, and there are 5')
    // or many, but in bursts
    const bursts = Array.from({ length: 3 }, () => {
      const histogram = new LatencyHistogram()
      for (let i = 0; i < 10_000; i++) histogram.record(1_000_000 + i)
      return histogram.snapshot()
    })
    const given = intervalsOf(mergeHistograms(bursts), bursts, 300 * SECOND)
    const advised = Number(/about ([\d,]+) requests/.exec(given.p50.reason ?? '')?.[1]?.replaceAll(',', ''))
    expect(advised).toBeGreaterThan(30_000)
  })

  it('are reported missing by a finding, if a percentile of latency has no interval', () => {
    const { validity, latencyMs } = simulate({ ...mm1(0.8), stop: { requests: 10_000 } })
    const finding = validity.findings.find(({ code }) => code === 'too-few-samples')
    expect(finding?.severity).toBe('info')
    expect(finding?.message).toMatch(/^no 95 % interval for .*p99, p99\.9: /)
    expect(finding?.figures).toEqual({ requests: latencyMs.count })
    const { validity: ample } = simulate({ arrivals: '100/s', service: '5ms', stop: { requests: 20_000 } })
    expect(ample.findings.some(({ code }) => code === 'too-few-samples')).toBe(true)
  })

  it('are of no width where all values are the same', () => {
    const { latencyMs, lagMs } = simulate({
      arrivals: { process: 'constant', rate: 100 },
      service: '5ms',
      stop: { requests: 20_000 },
    })
    for (const estimate of ESTIMATES) {
      if (estimate === 'p999') continue
      expect(latencyMs.intervals[estimate]).toEqual({ low: 5, high: 5, level: 0.95 })
      expect(lagMs.intervals[estimate]).toEqual({ low: 0, high: 0, level: 0.95 })
    }
  })

  it('are withheld where there is no steady state', () => {
    const { latencyMs } = simulate({ arrivals: '150/s', service: '10ms', stop: { requests: 50_000 } })
    expect(latencyMs.intervals.p50).toMatchObject({ low: null, high: null })
    expect(latencyMs.intervals.p50.reason).toContain('backlog grew')
  })

  it('hold their estimate and lie within the extremes, whatever the values', () => {
    const value = fc.oneof(fc.nat(1_000_000), fc.constant(0), fc.constant(7_000_000), fc.nat(3))
    const lists = fc.array(fc.array(value, { minLength: 0, maxLength: 40 }), { minLength: 20, maxLength: 20 })
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 20 }), (values, times) => {
        const repeated = values.map((segment) => Array.from({ length: times }, () => segment).flat())
        const [total, parts] = segmentsOf(repeated)
        if (total.count === 0) return
        expectSound(total, intervalsOf(total, parts, SECOND))
      }),
      { numRuns: 100, seed: 4 },
    )
  })

  it('hold the very value where many values are the same', () => {
    const random = stream(13, 'values')
    const values = Array.from({ length: 20 }, () =>
      // 10,000,001 is not the least of its bucket, nor the highest
      Array.from({ length: 1000 }, () => (random.uniform() < 0.7 ? 10_000_001 : 20_000_003)),
    )
    const { p50, p90, p95 } = intervalsOf(...segmentsOf(values), SECOND)
    expect(covers(p50, 10.000001)).toBe(true)
    for (const { low, high } of [p90, p95]) {
      expect(low).toBeLessThanOrEqual(20.000003)
      expect(high).toBe(20.000003)
    }
  })

  it('are as wide as for independent values, where they are independent', () => {
    const random = stream(11, 'values')
    const values = Array.from({ length: 20 }, () =>
      Array.from({ length: 2000 }, () => Math.round(1e9 * drawExponential(random))),
    )
    const widths = (estimate: Estimate) => {
      const { low, high } = intervalsOf(...segmentsOf(values), SECOND)[estimate]
      return (high as number) - (low as number)
    }
    // 1.96 standard errors of 40,000 exponentials: of the mean 1 / sqrt(n), of a percentile sqrt(p / (1 - p) / n)
    const expected = (p: number) => (2 * 1.96 * 1000 * Math.sqrt(p / (1 - p))) / Math.sqrt(40_000)
    // the spread of 20 segments is known to within a sixth: three times that
    for (const [estimate, p] of [
      ['mean', 0.5],
      ['p50', 0.5],
      ['p90', 0.9],
      ['p99', 0.99],
    ] as const) {
      const ratio = widths(estimate) / expected(p)
      expect(ratio).toBeGreaterThan(0.5)
      expect(ratio).toBeLessThan(1.6)
    }
  })

  it('are wider if neighbouring segments are alike', () => {
    const random = stream(12, 'values')
    const offset = (wave: (i: number) => number) =>
      Array.from({ length: 20 }, (_, i) =>
        Array.from({ length: 1000 }, () => Math.round(1e9 * (drawExponential(random) + wave(i)))),
      )
    const width = (values: number[][]) => {
      const { low, high } = intervalsOf(...segmentsOf(values), SECOND).mean
      return (high as number) - (low as number)
    }
    const alternating = width(offset((i) => 0.1 * (i % 2)))
    const inWaves = width(offset((i) => 0.1 * (Math.floor(i / 5) % 2)))
    expect(inWaves).toBeGreaterThan(1.2 * alternating)
  })
})

const between = (histograms: HistogramSnapshot[]) => intervalsBetween(mergeHistograms(histograms), histograms)

describe('intervals between replications', () => {
  it('cover the exact values of M/M/1 at 80 % load in 95 % of 15 times 8 runs', () => {
    const exact = exactMs(0.8)
    const covered = { mean: 0, p50: 0, p95: 0 }
    const estimates = Object.keys(covered) as (keyof typeof covered)[]
    for (let seed = 0; seed < 15; seed++) {
      const histograms = Array.from({ length: 8 }, (_, i) => record(mm1(0.8), 5000, 1000 * seed + i).histograms.latency)
      const intervals = between(histograms)
      for (const estimate of estimates) if (covers(intervals[estimate], exact[estimate])) covered[estimate]++
    }
    for (const estimate of estimates) expectCoverage(covered[estimate], 15)
  })

  it('are Student t intervals of the means, but for skewness, where the runs are as long', () => {
    const histograms = Array.from({ length: 16 }, (_, i) => record(mm1(0.3), 15_000, i).histograms.latency)
    const means = histograms.map((histogram) => meanOf(histogram) / 1e6)
    const mean = means.reduce((sum, each) => sum + each) / 16
    const variance = means.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 15
    // t of 15 degrees of freedom at 97.5 %
    const half = 2.1314 * Math.sqrt(variance / 16)
    const { low, high } = between(histograms).mean
    expect(Math.abs((low as number) - (mean - half))).toBeLessThan(0.05 * half)
    expect(Math.abs((high as number) - (mean + half))).toBeLessThan(0.05 * half)
  })

  it('never take the extremes that were seen for bounds', () => {
    // t of one degree of freedom is 12.7
    const histograms = [1, 2].map((seed) => record(mm1(0.9), 200_000, seed).histograms.latency)
    const { p95 } = between(histograms)
    expect(p95).toMatchObject({ low: null, high: null })
    expect(p95.reason).toMatch(
      /^the replications differ too much for an interval of p95: .* in more or longer replications, would be enough$/,
    )
  })

  it('are withheld from none and from one', () => {
    const { latency } = record(mm1(0.5), 10_000, 1).histograms
    expect(between([]).mean.reason).toBe('at least 2 replications are needed, and there are 0')
    expect(between([latency]).p99.reason).toContain('there are 1')
  })
})

function expectSound(total: HistogramSnapshot, intervals: Record<Estimate, Interval>) {
  const sorted = [...total.buckets].map((bucket, i): [number, number] => [
    bucketFloor(bucket) / 1e6,
    total.counts[i] as number,
  ])
  for (const estimate of ESTIMATES) {
    const { low, high, reason } = intervals[estimate]
    if (low === null || high === null) {
      expect([low, high]).toEqual([null, null])
      expect(reason).toBeTruthy()
      continue
    }
    expect(low).toBeLessThanOrEqual(high)
    expect(low).toBeGreaterThanOrEqual(total.min / 1e6)
    expect(high).toBeLessThanOrEqual(total.max / 1e6)
    const point = estimate === 'mean' ? meanOf(total) / 1e6 : nearestRank(sorted, total.count, POINTS[estimate])
    // the least of a bucket, or the overall least
    expect(low).toBeLessThanOrEqual(Math.max(point, total.min / 1e6) * (1 + 1e-12))
    expect(high).toBeGreaterThanOrEqual(Math.min(point, total.max / 1e6) * (1 - 1e-12))
  }
}

const POINTS: Record<Exclude<Estimate, 'mean'>, number> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 }

function nearestRank(sorted: [number, number][], n: number, p: number): number {
  const rank = Math.ceil(p * n - 1e-9)
  let counted = 0
  for (const [value, count] of sorted) {
    counted += count
    if (counted >= rank) return value
  }
  return Number.NaN
}

describe('a summary', () => {
  it('has its percentiles within their intervals', () => {
    const { latencyMs, waitMs, serviceMs, queueingMs } = simulate({
      arrivals: '2000/s',
      service: affine({ base: '7.5ms', perItem: '0.25ms' }),
      batching: { maxBatchSize: 50, maxWait: '20ms' },
      stop: { requests: 50_000 },
    })
    for (const summary of [latencyMs, waitMs, serviceMs, queueingMs] as Summary[]) {
      for (const estimate of ESTIMATES) {
        const { low, high } = summary.intervals[estimate]
        if (low === null || high === null) continue
        expect(low).toBeLessThanOrEqual(summary[estimate])
        expect(high).toBeGreaterThanOrEqual(summary[estimate])
      }
    }
  })
})
