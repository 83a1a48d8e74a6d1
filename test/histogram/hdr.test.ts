import { deflateSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { describe, expect, it } from 'vitest'
import { bucketFloor, bucketOf, HIGHEST_NS } from '../../src/histogram/buckets.js'
import { decode, emptyHdr, encode } from '../../src/histogram/hdr.js'
import { LatencyHistogram } from '../../src/histogram/latency-histogram.js'
import { drawExponential } from '../../src/random/exponential.js'
import { stream } from '../../src/random/stream.js'
import { atLength } from '../support/at-length.js'
import { inflated } from '../support/reference/inflated.js'

const durations = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 2_000_000_000 }),
  fc.maxSafeInteger().map((n) => Math.abs(n) % (HIGHEST_NS + 1)),
  fc.integer({ min: 0, max: 41 }).map((octave) => 2 ** octave),
  fc.constant(HIGHEST_NS),
)
const recorded = (times: fc.Arbitrary<number>) => fc.array(fc.tuple(durations, times), { minLength: 1, maxLength: 60 })

/** The buckets that hdr-histogram-js reads, from values that it counts, one for each of its own. */
function theirs(histogram: Histogram): [bucket: number, count: number][] {
  const counts = histogram as Histogram & { getCountAtIndex(index: number): number; valueFromIndex(i: number): number }
  return Array.from({ length: 33_792 }, (_, index): [number, number] => [
    bucketOf(counts.valueFromIndex(index)),
    counts.getCountAtIndex(index),
  ]).filter(([, count]) => count > 0)
}

it('encodes what HdrHistogram encodes after recording each value itself, and decodes it again', {
  tags: 'at-length',
}, () => {
  fc.assert(
    fc.property(recorded(fc.integer({ min: 1, max: 1000 })), (all) => {
      const histogram = new LatencyHistogram()
      const hdr = emptyHdr()
      for (const [ns, times] of all) {
        histogram.record(ns, times)
        hdr.recordValueWithCount(ns, times)
      }
      const { count, buckets, counts } = histogram.snapshot()
      const text = encode({ buckets, counts })
      expect(inflated(text)).toEqual(inflated(encodeIntoCompressedBase64(hdr)))
      expect(decode(text)).toEqual({ count, buckets, counts: Float64Array.from(counts) })
    }),
    { seed: 1, numRuns: atLength(200) },
  )
})

it('decodes what the decoder of HdrHistogram decodes, with counts of any size', { tags: 'at-length' }, () => {
  const times = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 45 }))
  fc.assert(
    fc.property(recorded(times), (all) => {
      const hdr = emptyHdr()
      for (const [ns, times] of all) hdr.recordValueWithCount(ns, times)
      const text = encodeIntoCompressedBase64(hdr)
      const read = decode(text)
      const independent = decodeFromCompressedBase64(text, 64)
      expect(read.count).toBe(independent.totalCount)
      expect(Array.from(read.buckets, (bucket, i) => [bucket, read.counts[i]])).toEqual(theirs(independent))
      expect(inflated(encode(read))).toEqual(inflated(text))
    }),
    { seed: 2, numRuns: atLength(100) },
  )
})

it('counts durations above an hour at the hour', () => {
  const histogram = new LatencyHistogram()
  const hdr = emptyHdr()
  for (const ns of [5, HIGHEST_NS, 2 * HIGHEST_NS, 3 * HIGHEST_NS]) {
    histogram.record(ns, 1000)
    hdr.recordValueWithCount(Math.min(ns, HIGHEST_NS), 1000)
  }
  expect(inflated(encode(histogram.snapshot()))).toEqual(inflated(encodeIntoCompressedBase64(hdr)))
})

it('encodes a large histogram, which HdrHistogram reads, in fewer bytes than it, and a small one after it', () => {
  const histogram = new LatencyHistogram()
  const hdr = emptyHdr()
  const random = stream(1, 'service')
  for (let i = 0; i < 100_000; i++) {
    const ns = Math.round(1e8 * drawExponential(random))
    histogram.record(ns)
    hdr.recordValue(ns)
  }
  const [text, theirText] = [encode(histogram.snapshot()), encodeIntoCompressedBase64(hdr)]
  expect(inflated(text)).toEqual(inflated(theirText))
  expect(theirs(decodeFromCompressedBase64(text, 64))).toEqual(theirs(hdr))
  expect(text.length).toBeLessThan(theirText.length)

  const small = new LatencyHistogram()
  small.record(5)
  expect(decode(encode(small.snapshot()))).toMatchObject({ count: 1, buckets: Uint16Array.of(bucketOf(5)) })
})

it.each([
  ['of more digits', { numberOfSignificantValueDigits: 4 as const }],
  ['of fewer digits', { numberOfSignificantValueDigits: 2 as const }],
  ['of another range', { highestTrackableValue: 60_000_000_000 }],
  ['of microseconds', { lowestDiscernibleValue: 1000 }],
  ['that grows', { autoResize: true }],
])('decodes a histogram %s, from another tool', (_, shape) => {
  const other = build({ bitBucketSize: 64, highestTrackableValue: HIGHEST_NS, ...shape })
  const values = [3000, 1_234_567, 1_234_567, 5_000_000_000]
  for (const value of values) other.recordValue(value)
  const { count, buckets, counts } = decode(encodeIntoCompressedBase64(other))
  expect(count).toBe(values.length)
  expect([...counts]).toEqual([1, 2, 1])
  // to the precision of the other histogram
  for (const [i, value] of [3000, 1_234_567, 5_000_000_000].entries()) {
    expect(Math.abs(bucketFloor(buckets[i] as number) - value)).toBeLessThanOrEqual(Math.max(0.01 * value, 1000))
  }
})

describe('refuses', () => {
  const histogram = new LatencyHistogram()
  for (let ns = 1000; ns < 2000; ns++) histogram.record(ns * ns, ns)
  const valid = Buffer.from(encode(histogram.snapshot()), 'base64')
  const inflated = inflateSync(valid.subarray(8))

  /** Compresses an inflated histogram, with the length of its payload. */
  function compress(bytes: Buffer, payload = bytes.length - 40, cookie = 0x1c849314): string {
    const histogram = Buffer.from(bytes)
    if (histogram.length >= 8) histogram.writeInt32BE(payload, 4)
    const deflated = deflateSync(histogram)
    const header = Buffer.alloc(8)
    header.writeInt32BE(cookie, 0)
    header.writeInt32BE(deflated.length, 4)
    return Buffer.concat([header, deflated]).toString('base64')
  }
  const of = (...payload: number[]) => compress(Buffer.concat([inflated.subarray(0, 40), Buffer.from(payload)]))
  const withByte = (bytes: Buffer, at: number, value: number) => {
    const copy = Buffer.from(bytes)
    copy[at] = value
    return copy
  }

  it('nothing that is valid', () => {
    expect(decode(compress(inflated))).toEqual(decode(valid.toString('base64')))
    // index 5 after a gap of four zeros and one zero, and the last index
    const { buckets, counts } = decode(of(7, 0, 6, 0xf1, 0x8f, 4, 2))
    expect([[...buckets].map(bucketFloor), [...counts]]).toEqual([
      [5, expect.any(Number)],
      [3, 1],
    ])
  })

  it.each([
    ['no text', ''],
    ['what is not base64', '%%%'],
    ['what is shorter than a header', valid.subarray(0, 5).toString('base64')],
    ['another cookie', withByte(valid, 3, 0x04 ^ 0x0f).toString('base64')],
    ['a histogram of version 1', withByte(valid, 3, 0x02).toString('base64')],
    ['what ends within the deflated bytes', valid.subarray(0, -20).toString('base64')],
    ['bytes after the deflated ones', Buffer.concat([valid, Buffer.alloc(3)]).toString('base64')],
    ['damaged deflated bytes', withByte(valid, 30, (valid[30] as number) ^ 0xff).toString('base64')],
    ['another checksum', withByte(valid, valid.length - 1, (valid.at(-1) as number) ^ 1).toString('base64')],
    ['another cookie inside', compress(withByte(inflated, 3, 0x01))],
    ['what inflates to less than a header', compress(inflated.subarray(0, 39))],
    ['bytes after the counts', compress(Buffer.concat([inflated, Buffer.alloc(3)]), inflated.length - 40)],
    ['fewer counts than it says', compress(inflated.subarray(0, -3), inflated.length - 40)],
    ['a negative length', compress(inflated, -1)],
    ['what ends within a count', of(2, 0x80)],
    ['a count of nine bytes', of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a count of endless bytes', of(...Array.from({ length: 200 }, () => 0x80), 0)],
    ['a count above the safe integers', of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40)],
    [
      'counts whose sum is above them',
      of(...[1, 2, 3, 4].flatMap(() => [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])),
    ],
    ['a gap over the last count', of(0xff, 0xff, 0xff, 0x7f, 2)],
    ['more counts than there are', of(...Array.from({ length: 33_793 }, () => 2))],
  ])('%s', (_, text) => {
    expect(() => decode(text)).toThrow(Error)
  })

  it('any other bytes, or reads counts', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (payload) => {
        let read: ReturnType<typeof decode>
        try {
          read = decode(of(...payload))
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          return
        }
        expect([...read.counts].every((count) => Number.isSafeInteger(count) && count > 0)).toBe(true)
        expect(read.count).toBe([...read.counts].reduce((all, count) => all + count, 0))
        expect([...read.buckets]).toEqual([...new Set(read.buckets)].sort((a, b) => a - b))
      }),
      { seed: 3, numRuns: atLength(300) },
    )
  })
})

it('keeps what it decoded last, up to 10 MB', () => {
  const bytes = Buffer.from(encode({ buckets: Uint16Array.of(5, 7), counts: Uint32Array.of(1, 2) }), 'base64')
  /** the same histogram in a longer text: what follows the deflated bytes is ignored */
  const longer = (filler: number) => {
    const text = Buffer.concat([bytes, Buffer.alloc(1_000_000, filler)])
    text.writeInt32BE(text.length - 8, 4)
    return text.toString('base64')
  }
  const first = longer(1)
  const decoded = decode(first)
  expect(decode(first)).toBe(decoded)
  // each is 1.3 MB of text
  for (let filler = 2; filler < 10; filler++) decode(longer(filler))
  const again = decode(first)
  expect(again).not.toBe(decoded)
  expect(again).toEqual(decoded)
  expect(decode(first)).toBe(again)
})
