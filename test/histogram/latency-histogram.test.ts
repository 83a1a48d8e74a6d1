import fc from 'fast-check'
import { build } from 'hdr-histogram-js'
import { describe, expect, it } from 'vitest'
import { BUCKETS, bucketFloor, bucketOf, HIGHEST_NS } from '../../src/histogram/buckets.js'
import {
  HISTOGRAM_BYTES,
  type HistogramSnapshot,
  LatencyHistogram,
  mergeHistograms,
  zeros,
} from '../../src/histogram/latency-histogram.js'
import { meanOf, stdDevOf } from '../../src/histogram/moments.js'
import { atLength } from '../support/at-length.js'

const runs = { seed: 8, numRuns: 200 }
const HOUR_NS = 3.6e12

/** HdrHistogram at 3 significant digits, whose buckets ours claim to be. */
const hdr = build({
  numberOfSignificantValueDigits: 3,
  lowestDiscernibleValue: 1,
  highestTrackableValue: HOUR_NS,
}) as unknown as {
  lowestEquivalentValue(value: number): number
  nextNonEquivalentValue(value: number): number
}

/** Whole nanoseconds up to an hour, as often small as large. */
const ns = fc.integer({ min: 0, max: 42 }).chain((bits) => fc.nat({ max: Math.min(2 ** bits, HOUR_NS) }))

describe('a bucket', () => {
  const isSameBucket = (ns: number): boolean => {
    const bucket = bucketOf(ns)
    const next = hdr.nextNonEquivalentValue(ns)
    // one more than HdrHistogram's is one more than ours
    const isNext =
      next > HOUR_NS ||
      (bucketFloor(bucketOf(next)) === next && bucketOf(next - 1) === bucket && bucketOf(next) > bucket)
    return isNext && bucketFloor(bucket) === hdr.lowestEquivalentValue(ns)
  }

  it("is HdrHistogram's own, at any time up to an hour", { tags: 'at-length' }, () => {
    expect(HIGHEST_NS).toBe(HOUR_NS)
    fc.assert(fc.property(ns, isSameBucket), { ...runs, numRuns: atLength(10_000) })
  })

  it("is HdrHistogram's own for all of the first times, and about every power of two", () => {
    const tried = [...Array.from({ length: 10_001 }, (_, ns) => ns), HOUR_NS - 1, HOUR_NS]
    for (let power = 10; power <= 41; power++) {
      for (let near = -3; near <= 3; near++) tried.push(2 ** power + near)
    }
    expect(tried.filter((ns) => !isSameBucket(ns))).toEqual([])
  })

  it('is the last one for whatever is longer', () => {
    for (const ns of [2 ** 42, 2 ** 43, 2 ** 53]) expect(bucketOf(ns)).toBe(BUCKETS - 1)
    expect(bucketOf(HOUR_NS)).toBeLessThan(BUCKETS)
  })

  it('is no wider than a thousandth of the times in it', () => {
    fc.assert(
      fc.property(ns, (ns) => {
        const floor = bucketFloor(bucketOf(ns))
        expect(floor).toBeLessThanOrEqual(ns)
        expect(ns).toBeLessThanOrEqual(floor * 1.001)
      }),
      runs,
    )
  })
})

const times = fc.array(ns, { maxLength: 60 })
const histogramOf = (values: number[]) => {
  const histogram = new LatencyHistogram()
  for (const value of values) histogram.record(value)
  return histogram
}
/** All that a histogram holds. */
const contents = (histogram: LatencyHistogram | HistogramSnapshot) => {
  const snapshot = histogram instanceof LatencyHistogram ? histogram.snapshot() : histogram
  const { count, sum, squares, min, max, counts } = snapshot
  const buckets = [...snapshot.buckets].map((bucket, i) => [bucketFloor(bucket), counts[i]])
  return { moments: [count, sum, squares, min, max], buckets, all: counts.reduce((all, each) => all + each, 0) }
}

const expectSameContents = (histogram: LatencyHistogram | HistogramSnapshot, one: LatencyHistogram) => {
  expect(contents(histogram).buckets).toEqual(contents(one).buckets)
  expect([histogram.count, histogram.sum, histogram.min, histogram.max]).toEqual([one.count, one.sum, one.min, one.max])
}

describe('a histogram', () => {
  it('counts each time in its bucket, and keeps count, sum and extremes exactly', () => {
    fc.assert(
      fc.property(
        times.filter((values) => values.length > 0),
        (values) => {
          const histogram = histogramOf(values)
          const sum = values.reduce((total, value) => total + value, 0)
          expect(histogram.count).toBe(values.length)
          expect(histogram.sum).toBe(sum)
          expect(meanOf(histogram)).toBe(sum / values.length)
          expect(histogram.min).toBe(Math.min(...values))
          expect(histogram.max).toBe(Math.max(...values))

          const expected = new Map<number, number>()
          for (const value of [...values].sort((a, b) => a - b)) {
            const floor = hdr.lowestEquivalentValue(value)
            expected.set(floor, (expected.get(floor) ?? 0) + 1)
          }
          expect(contents(histogram).buckets).toEqual([...expected])
          expect(contents(histogram).all).toBe(values.length)
        },
      ),
      runs,
    )
  })

  it('has the standard deviation of its times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1e9), { minLength: 1, maxLength: 50 }), (values) => {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
        expect(Math.abs(stdDevOf(histogramOf(values)) - Math.sqrt(variance))).toBeLessThan(100)
      }),
      runs,
    )
    expect(stdDevOf(histogramOf([5, 5, 5]))).toBe(0)
    expect(stdDevOf(histogramOf([1e12, 1e12 + 2e9]))).toBeCloseTo(1e9, -3)
  })

  it('takes many at a time as it takes them one by one', () => {
    const many = fc.array(fc.tuple(ns, fc.integer({ min: 1, max: 5 })), { maxLength: 20 })
    fc.assert(
      fc.property(many, (values) => {
        const histogram = new LatencyHistogram()
        for (const [value, times] of values) histogram.record(value, times)
        const one = histogramOf(values.flatMap(([value, times]) => Array.from({ length: times }, () => value)))
        expectSameContents(histogram, one)
      }),
      runs,
    )
  })

  it('takes the first of a list as it takes them one by one', () => {
    fc.assert(
      fc.property(times, times, fc.nat(10), (before, values, beyond) => {
        const histogram = histogramOf(before)
        histogram.recordMany(Float64Array.from([...values, ...Array.from({ length: beyond }, () => 7)]), values.length)
        const one = histogramOf([...before, ...values])
        expectSameContents(histogram, one)
        expect(Math.abs(stdDevOf(histogram) - stdDevOf(one)) || 0).toBeLessThanOrEqual(1e-6 * (one.max || 1))
      }),
      runs,
    )
  })

  it('takes the first of a list, each many times, as it takes them one by one', () => {
    const many = fc.array(fc.tuple(ns, fc.integer({ min: 1, max: 5 })), { maxLength: 20 })
    fc.assert(
      fc.property(times, many, fc.nat(10), (before, values, beyond) => {
        const [histogram, one] = [histogramOf(before), histogramOf(before)]
        const more = Array.from({ length: beyond }, () => 7)
        const list = (of: number[]) => Float64Array.from([...of, ...more])
        histogram.recordMany(
          list(values.map(([value]) => value)),
          values.length,
          list(values.map(([, count]) => count)),
        )
        for (const [value, count] of values) one.record(value, count)
        expectSameContents(histogram, one)
        expect(Math.abs(stdDevOf(histogram) - stdDevOf(one)) || 0).toBeLessThanOrEqual(1e-6 * (one.max || 1))
      }),
      runs,
    )
  })

  it('adds another as if it had counted its times itself', () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        const [sum, other] = [histogramOf(a), histogramOf(b)]
        const before = contents(other)
        const one = histogramOf([...a, ...b])
        expectSameContents(mergeHistograms([sum, other.snapshot()]), one)
        const fromSnapshot = histogramOf(a)
        fromSnapshot.merge(other.snapshot())
        expectSameContents(fromSnapshot, one)
        sum.merge(other)
        expectSameContents(sum, one)
        expect(contents(sum).all).toBe(a.length + b.length)
        expect(contents(other)).toEqual(before)
      }),
      runs,
    )
  })

  it('forgets everything when its contents are taken', () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        const histogram = histogramOf(a)
        expect(histogram.take()).toEqual(histogramOf(a).snapshot())
        expect(contents(histogram)).toEqual(contents(new LatencyHistogram()))
        for (const value of b) histogram.record(value)
        expect(contents(histogram)).toEqual(contents(histogramOf(b)))
      }),
      runs,
    )
  })

  it('merges any number, as if one had counted all', () => {
    fc.assert(
      fc.property(fc.array(times, { maxLength: 8 }), (all) => {
        const merged = mergeHistograms(all.map((values) => histogramOf(values).snapshot()))
        expectSameContents(merged, histogramOf(all.flat()))
        // and leaves nothing behind for the next
        expect(mergeHistograms([histogramOf([3]), histogramOf([5])])).toEqual(histogramOf([3, 5]).snapshot())
      }),
      runs,
    )
    expect(mergeHistograms([])).toEqual(new LatencyHistogram().snapshot())
    expect(zeros(3)).toEqual(histogramOf([0, 0, 0]).snapshot())
    expect(zeros(0)).toEqual(new LatencyHistogram().snapshot())
  })

  it('merges histograms that threads are filling, and leaves nothing behind for the next', () => {
    // another thread records a longer time just after the max was read
    class Filled extends LatencyHistogram {
      override get max() {
        const max = super.max
        this.record(2 * max)
        return max
      }
    }
    const filled = new Filled()
    filled.record(1000)
    mergeHistograms([filled, histogramOf([1000])])
    const next = [1000, 2000, 8000]
    expect(mergeHistograms([histogramOf([1]), histogramOf(next)])).toEqual(histogramOf([1, ...next]).snapshot())
  })

  it('is seen by whichever thread has its memory', () => {
    const buffer = new SharedArrayBuffer(8 + HISTOGRAM_BYTES)
    const [writer, reader] = [new LatencyHistogram(buffer, 8), new LatencyHistogram(buffer, 8)]
    writer.record(1e6, 3)
    expect(contents(reader)).toEqual(contents(histogramOf([1e6, 1e6, 1e6])))
  })

  it('keeps the extremes of what is longer than an hour', () => {
    const histogram = histogramOf([1, 2 ** 52])
    expect([histogram.min, histogram.max, histogram.sum]).toEqual([1, 2 ** 52, 2 ** 52 + 1])
    expect(contents(histogram).all).toBe(2)
  })
})
