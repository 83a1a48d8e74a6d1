import fc from 'fast-check'
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import { expect, it } from 'vitest'
import { bucketOf, HIGHEST_NS } from '../../src/histogram/buckets.js'
import { decode, emptyHdr, encode, forEachBucketOf } from '../../src/histogram/hdr.js'
import { LatencyHistogram } from '../../src/histogram/latency-histogram.js'

const durations = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 2_000_000_000 }),
  fc.maxSafeInteger().map((n) => Math.abs(n) % (HIGHEST_NS + 1)),
  fc.integer({ min: 0, max: 41 }).map((octave) => 2 ** octave),
  fc.constant(HIGHEST_NS),
)

it('encodes what HdrHistogram encodes after recording each value itself', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(durations, fc.integer({ min: 1, max: 1000 })), { minLength: 1, maxLength: 60 }),
      (all) => {
        const histogram = new LatencyHistogram()
        const recorded = emptyHdr()
        for (const [ns, times] of all) {
          histogram.record(ns, times)
          recorded.recordValueWithCount(ns, times)
        }
        const snapshot = histogram.snapshot()
        expect(encode(snapshot)).toBe(encodeIntoCompressedBase64(recorded))
        const made = decode(encode(snapshot))
        expect(made.totalCount).toBe(recorded.totalCount)
        for (const percentile of [0.1, 25, 50, 90, 99, 99.9, 100]) {
          expect(made.getValueAtPercentile(percentile)).toBe(recorded.getValueAtPercentile(percentile))
        }
        // an encoded histogram has only the buckets of its extremes
        expect(bucketOf(made.maxValue)).toBe(bucketOf(recorded.maxValue))
        expect(bucketOf(made.minNonZeroValue)).toBe(bucketOf(recorded.minNonZeroValue))
        const buckets: number[] = []
        const counts: number[] = []
        forEachBucketOf(made, (bucket, count) => {
          buckets.push(bucket)
          counts.push(count)
        })
        expect([buckets, counts]).toEqual([[...snapshot.buckets], [...snapshot.counts]])
      },
    ),
    { seed: 1, numRuns: 200 },
  )
})

it('counts durations above an hour at the hour', () => {
  const histogram = new LatencyHistogram()
  const recorded = emptyHdr()
  for (const ns of [5, HIGHEST_NS, 2 * HIGHEST_NS, 3 * HIGHEST_NS]) {
    histogram.record(ns, 1000)
    recorded.recordValueWithCount(Math.min(ns, HIGHEST_NS), 1000)
  }
  expect(encode(histogram.snapshot())).toBe(encodeIntoCompressedBase64(recorded))
})
