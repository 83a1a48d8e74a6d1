import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decode, emptyHdr, encode, toHdr } from '../../src/histogram/hdr.js'
import { bucketOf, HIGHEST_NS, LatencyHistogram } from '../../src/histogram/latency-histogram.js'

const durations = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 2_000_000_000 }),
  fc.maxSafeInteger().map((n) => Math.abs(n) % (HIGHEST_NS + 1)),
  fc.integer({ min: 0, max: 41 }).map((octave) => 2 ** octave),
  fc.constant(HIGHEST_NS),
)

it('is the histogram that HdrHistogram makes when it records each value itself', () => {
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
        const made = toHdr(histogram)
        expect(made.totalCount).toBe(recorded.totalCount)
        expect(encode(made)).toBe(encode(recorded))
        for (const percentile of [0.1, 25, 50, 90, 99, 99.9, 100]) {
          expect(made.getValueAtPercentile(percentile)).toBe(recorded.getValueAtPercentile(percentile))
        }
        // a bucket's extremes are all that a recorded histogram has
        expect(bucketOf(made.maxValue)).toBe(bucketOf(recorded.maxValue))
        expect(bucketOf(made.minNonZeroValue)).toBe(bucketOf(recorded.minNonZeroValue))
        expect(encode(toHdr(histogram.compact()))).toBe(encode(made))
        expect(decode(encode(made)).totalCount).toBe(recorded.totalCount)
      },
    ),
    { seed: 1, numRuns: 200 },
  )
})
