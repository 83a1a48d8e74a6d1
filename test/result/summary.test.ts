import fc from 'fast-check'
import { decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import { describe, expect, it } from 'vitest'
import { decode, emptyHdr, encode } from '../../src/histogram/hdr.js'
import { LatencyHistogram } from '../../src/histogram/latency-histogram.js'
import { percentileNs } from '../../src/histogram/percentile.js'
import { percentile, type Summary, simulate, summarize, ValidationError } from '../../src/index.js'
import { atLength } from '../support/at-length.js'
import { inflated } from '../support/reference/inflated.js'

const HOUR_MS = 3.6e6

/** Durations in milliseconds, whole nanoseconds up to an hour, as often small as large; ties are common. */
const ms = fc
  .oneof(
    fc.nat(20),
    fc.integer({ min: 0, max: 42 }).chain((bits) => fc.nat({ max: Math.min(2 ** bits, 3.6e12) })),
  )
  .map((ns) => ns / 1e6)
const values = fc.array(ms, { minLength: 1, maxLength: 120, size: 'max' })
/** Percentiles as whole thousandths of a percent, so that their ranks are exact. */
const thousandths = fc.oneof(
  fc.constantFrom(1, 50_000, 90_000, 95_000, 99_000, 99_900, 99_990, 100_000),
  fc.integer({ min: 1, max: 100_000 }),
)

/** The nearest rank: the smallest value with at least p % at or below it. */
function nearestRank(values: number[], thousandths: number): number {
  const rank = Number((BigInt(thousandths) * BigInt(values.length) + 99_999n) / 100_000n)
  return [...values].sort((a, b) => a - b)[Math.max(rank, 1) - 1] as number
}

function expectPercentile(found: number, exact: number, summary: Summary): void {
  // never low, and at most 0.1 % high; times as doubles differ in the last bit
  expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-12))
  expect(found).toBeLessThanOrEqual(exact * 1.001 + 1e-12)
  expect(found).toBeGreaterThanOrEqual(summary.min)
  expect(found).toBeLessThanOrEqual(summary.max)
}

describe('a percentile', () => {
  it('is the nearest rank, at most 0.1 % high and within the extremes', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(values, fc.array(thousandths, { minLength: 1, maxLength: 8 }), (values, asked) => {
        const summary = summarize(values)
        for (const p of asked) expectPercentile(percentile(summary, p / 1000), nearestRank(values, p), summary)
      }),
      { seed: 3, numRuns: atLength(150) },
    )
  })

  it('is in the summary under its name', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(values, (values) => {
        const summary = summarize(values)
        for (const [name, p] of [
          ['p50', 50],
          ['p90', 90],
          ['p95', 95],
          ['p99', 99],
          ['p999', 99.9],
        ] as const) {
          expect(summary[name]).toBe(percentile(summary, p))
          expectPercentile(summary[name], nearestRank(values, p * 1000), summary)
        }
      }),
      { seed: 3, numRuns: atLength(80) },
    )
  })

  it('turns on the rank and on no neighbour of it', () => {
    // of n different values, p % is the k-th for exactly k = ceil(p n / 100)
    for (const n of [1, 2, 3, 7, 10, 20, 100, 101, 999, 1000, 1001, 2000]) {
      const summary = summarize(Array.from({ length: n }, (_, i) => (i + 1) * 1e-6))
      for (const thousandths of [500, 50_000, 66_667, 90_000, 95_000, 99_000, 99_900, 100_000]) {
        const rank = Math.max(1, Number((BigInt(thousandths) * BigInt(n) + 99_999n) / 100_000n))
        expect(Math.round(percentile(summary, thousandths / 1000) * 1e6), `p${thousandths / 1000} of ${n}`).toBe(rank)
      }
    }
  })

  it('has the name of its rank', () => {
    // 1 to 20,000 ns: no two of the ranks lie within a thousandth of one another
    const summary = summarize(Array.from({ length: 20_000 }, (_, i) => (i + 1) * 1e-6))
    const ranks = { p50: 10_000, p90: 18_000, p95: 19_000, p99: 19_800, p999: 19_980 }
    for (const [name, rank] of Object.entries(ranks)) {
      const ns = summary[name as keyof typeof ranks] * 1e6
      expect(ns).toBeGreaterThanOrEqual(rank - 1e-6)
      expect(ns).toBeLessThanOrEqual(Math.min(20_000, rank + 15))
    }
    expect(summary.p999).toBeLessThan(summary.max)
  })

  it('of a simulation is that of its latencies', () => {
    const latencies: number[] = []
    const dues = Array.from({ length: 3000 }, (_, i) => i * 5 + (i % 4))
    const result = simulate(
      {
        arrivals: { process: 'replay', timestamps: dues },
        service: { model: 'affine', base: 4, variation: { distribution: 'lognormal', cv: 1 } },
        warmup: { requests: 0 },
      },
      {
        onEvent: (event) => {
          if (event.type === 'batch') latencies.push(event.endMs - (dues[event.requests[0] as number] as number))
        },
      },
    )
    for (const p of [1000, 25_000, 50_000, 99_000, 99_990]) {
      expectPercentile(percentile(result.latencyMs, p / 1000), nearestRank(latencies, p), result.latencyMs)
    }
  })

  it('is refused outside of 0 to 100', () => {
    const summary = summarize([1, 2, 3])
    for (const p of [0, -1, 100.1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => percentile(summary, p)).toThrow(ValidationError)
      expect(() => percentile(summary, p)).toThrow(`percentile: must be above 0 and at most 100, got ${p}`)
    }
    expect(percentile(summary, 100)).toBe(3)
    expect(percentile(summary, 1e-9)).toBeCloseTo(1, 2)
  })
})

describe('a summary', () => {
  it('of the ten textbook requests: a mean that describes none of them', () => {
    const summary = summarize([100, 102, 100, 100, 99, 104, 110, 90, 3000, 95])
    expect(summary).toMatchObject({ count: 10, min: 90, mean: 390, max: 3000, p95: 3000, p99: 3000, p999: 3000 })
    // within a thousandth
    expect(summary.p50).toBeGreaterThanOrEqual(100)
    expect(summary.p50).toBeLessThan(100.1)
    // by nearest rank the ninth of ten; what is beyond it is 3,000
    expect(summary.p90).toBeGreaterThanOrEqual(110)
    expect(summary.p90).toBeLessThan(110.11)
    expect(percentile(summary, 90.001)).toBe(3000)
    expect(summary.stdDev).toBeCloseTo(870.013, 2)
  })

  it('has exact count, mean and extremes, to the nanosecond', () => {
    expect(summarize([0.000_001, 0.000_002, 3])).toMatchObject({
      count: 3,
      min: 1e-6,
      max: 3,
      mean: 3_000_003 / 3 / 1e6,
    })
    expect(summarize([0])).toMatchObject({ count: 1, min: 0, mean: 0, max: 0, p50: 0, p999: 0, stdDev: 0 })
    // a time below half a nanosecond rounds to 0
    expect(summarize([4e-7]).max).toBe(0)
  })

  it('gives no interval where it cannot know of any', () => {
    const { intervals } = summarize([1, 2, 3])
    expect(Object.keys(intervals)).toEqual(['mean', 'p50', 'p90', 'p95', 'p99', 'p999'])
    for (const interval of Object.values(intervals)) {
      expect(interval).toMatchObject({ low: null, high: null, level: 0.95 })
      expect(interval.reason).toMatch(/independent/)
    }
  })

  it('counts what is longer than an hour as an hour, and keeps the maximum', () => {
    const summary = summarize([1, 2, 2 * HOUR_MS])
    expect(summary.max).toBe(2 * HOUR_MS)
    expect(summary.p99).toBeGreaterThanOrEqual(HOUR_MS)
    expect(summary.p99).toBeLessThan(HOUR_MS * 1.001)
    expect(summarize([2 * HOUR_MS]).p50).toBe(2 * HOUR_MS)
  })

  it('is plain data', () => {
    const summary = summarize([1, 2, 3])
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary)
  })

  it('is refused of what are no durations, naming the place and the value', () => {
    const bad: [values: unknown[], message: string][] = [
      [[], 'values: must hold at least one duration to summarize'],
      [[1, -1], 'values[1]: must be a duration of 0 or more in milliseconds, got -1'],
      [[Number.NaN], 'values[0]: must be a duration of 0 or more in milliseconds, got NaN'],
      [[1, 2, Number.POSITIVE_INFINITY], 'values[2]: must be a duration of 0 or more in milliseconds, got Infinity'],
      [[1, '5ms'], 'values[1]: must be a duration of 0 or more in milliseconds, got "5ms"'],
      [[null], 'values[0]: must be a duration of 0 or more in milliseconds, got null'],
      [[1, undefined], 'values[1]: must be a duration of 0 or more in milliseconds, got nothing'],
      [[1e10], 'values[0]: must be a duration of 0 or more in milliseconds, got 10000000000'],
    ]
    for (const [values, message] of bad) {
      expect(() => summarize(values as number[])).toThrow(ValidationError)
      expect(() => summarize(values as number[])).toThrow(message)
    }
  })
})

describe('a histogram as text', () => {
  const theirs = (text: string) => decodeFromCompressedBase64(text, 64)
  const histogramOf = (values: number[]) => {
    const histogram = new LatencyHistogram()
    for (const value of values) histogram.record(Math.round(value * 1e6))
    return histogram.snapshot()
  }

  it('is read again as it was', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(values, (values) => {
        const histogram = emptyHdr()
        for (const value of values) histogram.recordValue(Math.round(value * 1e6))
        const text = encode(histogramOf(values))
        const read = decode(text)
        expect(read.count).toBe(values.length)
        expect(encode(read)).toBe(text)
        const whole = { ...read, min: 0, max: Number.POSITIVE_INFINITY }
        for (const p of [1, 25, 50, 75, 99, 100]) {
          expect(percentileNs(whole, p)).toBe(histogram.getValueAtPercentile(p))
        }
      }),
      { seed: 12, numRuns: atLength(200) },
    )
  })

  it("is HdrHistogram's own, which its tools read, in nanoseconds", () => {
    const read = decodeFromCompressedBase64(summarize([1, 2, 3]).histogram)
    expect(read.totalCount).toBe(3)
    expect(read.getValueAtPercentile(100) / 1e6).toBeCloseTo(3, 2)
  })

  it('adds up: two read and added are one of both', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const both = emptyHdr()
        both.add(theirs(summarize(a).histogram))
        both.add(theirs(summarize(b).histogram))
        expect(inflated(summarize([...a, ...b]).histogram)).toEqual(inflated(encodeIntoCompressedBase64(both)))
      }),
      { seed: 12, numRuns: atLength(80) },
    )
  })

  it('holds more than 2^32 of one time', () => {
    const histogram = emptyHdr()
    histogram.recordValueWithCount(1000, 5e9)
    expect(decode(encodeIntoCompressedBase64(histogram)).count).toBe(5e9)
  })
})
