import { build, decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { deflate, inflate } from 'hdr-histogram-js/dist/JsHistogram.encoding.js'
import { BUCKETS, BUCKETS_PER_OCTAVE, bucketFloor, bucketOf, HIGHEST_NS } from './buckets.js'
import type { BucketCounts } from './latency-histogram.js'

// deflate and inflate are internal to hdr-histogram-js, hence its exact version in package.json. They are those of zlib
// where there is one: pako takes several times as long for each of the 27 histograms of a Result, or more.
const SHAPE = {
  // 32-bit counts would overflow without an error
  bitBucketSize: 64,
  autoResize: false,
  lowestDiscernibleValue: 1,
  highestTrackableValue: HIGHEST_NS,
  numberOfSignificantValueDigits: 3,
  useWebAssembly: false,
} as const

/** An HdrHistogram of nanoseconds from 1 ns to an hour, at 3 significant digits. */
export function emptyHdr(): Histogram {
  return build(SHAPE)
}

const FIRST_SHARED = bucketOf(BUCKETS_PER_OCTAVE)
/** Durations above an hour are counted in this bucket. */
const LAST_BUCKET = bucketOf(HIGHEST_NS)

/**
 * The index of a bucket's count in an HdrHistogram: its buckets are the same, except that it has one for each nanosecond
 * below 1,024 ns.
 */
function countsIndexOf(bucket: number): number {
  return bucket < FIRST_SHARED ? bucketFloor(bucket) : bucket - FIRST_SHARED + BUCKETS_PER_OCTAVE
}

/** Cookie and length of the compressed form, which come before the deflated bytes. */
const HEADER = 8
const COMPRESSED_COOKIE = 0x1c849314
const COOKIE = 0x1c849313
const PAYLOAD = 40
/** The smallest that zlib accepts. */
const LEAST_CHUNK = 64
/**
 * Z_HUFFMAN_ONLY, a code for each 1,024 bytes or so. A search for repeated text, of which a histogram has little, takes
 * twice as long for more bytes; and clearing the tables for it, of 256 kB by default, takes as long as coding the bytes.
 */
const DEFLATE = { strategy: 2, memLevel: 4, windowBits: 10 } as const
/** A gap takes 3 bytes at most, a count 8. */
const MOST_BYTES_OF_BUCKET = 11

/**
 * Encodes a histogram as HdrHistogram's compressed base64 (V2), which its tools in every language read. The inflated bytes
 * are those of hdr-histogram-js, which visits each of its 33,792 counts for them.
 *
 * ```
 * compressed: | cookie: int32 | length: int32 | deflated                                                          |
 * inflated:   | cookie: int32 | payload length: int32 | offset: int32 | digits: int32                             |
 *             | lowest: int64 | highest: int64 | ratio: int64 | payload: a ZigZag LEB128 a count, or -gap of zeros |
 * ```
 */
export function encode({ buckets, counts }: Pick<BucketCounts, 'buckets' | 'counts'>): string {
  const most = PAYLOAD + MOST_BYTES_OF_BUCKET * buckets.length
  if (inflated.length < most) inflated = new Uint8Array(most)
  const bytes = inflated
  let end = PAYLOAD
  let next = 0
  for (let i = 0; i < buckets.length; i++) {
    const bucket = Math.min(buckets[i] as number, LAST_BUCKET)
    let count = counts[i] as number
    if (bucket === LAST_BUCKET) while (++i < buckets.length) count += counts[i] as number
    const index = countsIndexOf(bucket)
    // one zero is a count, several are a gap
    if (index > next) end = writeZigZag(bytes, end, index - next === 1 ? 0 : next - index)
    // nearly all counts take one byte
    if (count < 64) bytes[end++] = 2 * count
    else end = writeZigZag(bytes, end, count)
    next = index + 1
  }
  const view = new DataView(bytes.buffer)
  view.setInt32(0, COOKIE)
  view.setInt32(4, end - PAYLOAD)
  view.setInt32(8, 1)
  view.setInt32(12, SHAPE.numberOfSignificantValueDigits)
  view.setBigInt64(16, BigInt(SHAPE.lowestDiscernibleValue))
  view.setBigInt64(24, BigInt(SHAPE.highestTrackableValue))
  view.setBigInt64(32, 1n)

  // a buffer of the default size, 16 kB, would be garbage each time
  const chunkSize = Math.max(LEAST_CHUNK, end)
  const deflated: Uint8Array = deflate(bytes.subarray(0, end), { ...DEFLATE, chunkSize })
  const encoded = Buffer.alloc(HEADER + deflated.length)
  encoded.writeInt32BE(COMPRESSED_COOKIE, 0)
  encoded.writeInt32BE(deflated.length, 4)
  encoded.set(deflated, HEADER)
  return encoded.toString('base64')
}
/** The bytes to deflate, kept from call to call: each would be garbage, of half a megabyte for the largest histogram. */
let inflated = new Uint8Array(0)

/** Writes a ZigZag LEB128 number, and returns where it ends. */
function writeZigZag(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >= 0 ? 2 * value : -2 * value - 1
  let end = at
  // a count may have more bits than a shift keeps
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) | 128
  for (; rest >= 128; rest >>= 7) bytes[end++] = (rest & 127) | 128
  bytes[end++] = rest
  return end
}

/**
 * How many bytes a histogram may inflate to. One of 33,792 counts takes less than 400 kB; a megabyte of deflated zeros
 * would inflate to a gigabyte.
 */
const MOST_INFLATED = 1_000_000
/** An HdrHistogram of this shape has as many counts. */
const COUNTS = countsIndexOf(BUCKETS - 1) + 1
/** The bits of a cookie that say how long a count may be. */
const WORD_SIZE = 0xf0

/**
 * The histograms that were used last. To check a Result, to judge it by a budget and to compare it all decode its histograms,
 * which takes most of the time.
 */
const recent = new Map<string, BucketCounts>()
/** How many bytes they take at most together. */
const MOST_RECENT_BYTES = 10_000_000
let recentBytes = 0
const bytesOf = (base64: string, { buckets, counts }: BucketCounts) =>
  base64.length + buckets.byteLength + counts.byteLength

/**
 * Decodes a histogram. One of another shape, from another tool, is counted in the buckets of this one.
 *
 * @throws Error if the text is not an encoded histogram, or is larger than one of durations can be
 */
export function decode(base64: string): BucketCounts {
  const known = recent.get(base64)
  // it is the last one again
  if (known !== undefined) recent.delete(base64)
  const histogram = known ?? decodeAnew(base64)
  recent.set(base64, histogram)
  if (known === undefined) recentBytes += bytesOf(base64, histogram)
  for (const [text, oldest] of recent) {
    if (recentBytes <= MOST_RECENT_BYTES) break
    recent.delete(text)
    recentBytes -= bytesOf(text, oldest)
  }
  return histogram
}

function decodeAnew(base64: string): BucketCounts {
  const inflated = inflateHistogram(base64)
  const view = new DataView(inflated.buffer, inflated.byteOffset, inflated.length)
  checkCookie(view.getInt32(0), COOKIE)
  if (view.getInt32(4) !== inflated.length - PAYLOAD) throw new RangeError('does not have the length in its header')
  return view.getInt32(12) === SHAPE.numberOfSignificantValueDigits &&
    view.getBigInt64(16) === BigInt(SHAPE.lowestDiscernibleValue) &&
    view.getBigInt64(24) === BigInt(SHAPE.highestTrackableValue)
    ? readCounts(inflated)
    : countsOfAnotherShape(base64)
}

/** Inflates an encoded histogram, and throws as soon as it is longer than a histogram can be. */
function inflateHistogram(base64: string): Uint8Array {
  if (base64.length > 2 * MOST_INFLATED) throw new RangeError('is longer than an HdrHistogram of durations')
  const bytes = Buffer.from(atob(base64), 'latin1')
  checkCookie(bytes.readInt32BE(0), COMPRESSED_COOKIE)
  if (bytes.readInt32BE(4) !== bytes.length - HEADER) throw new RangeError('does not have the length in its header')
  return inflate(bytes.subarray(HEADER), { maxOutputLength: MOST_INFLATED })
}

function checkCookie(cookie: number, expected: number): void {
  if ((cookie | WORD_SIZE) !== (expected | WORD_SIZE)) throw new RangeError('is not an HdrHistogram of version 2')
}

/** Reads the counts that are not 0 of an inflated histogram of this shape: hdr-histogram-js would fill all 33,792. */
function readCounts(bytes: Uint8Array): BucketCounts {
  // each takes a byte or more
  const buckets = new Uint16Array(bytes.length - PAYLOAD)
  const counts = new Float64Array(bytes.length - PAYLOAD)
  let length = 0
  let all = 0
  let index = 0
  for (let at = PAYLOAD; at < bytes.length; ) {
    let value = 0
    let factor = 1
    let byte: number
    do {
      if (at === bytes.length) throw new RangeError('ends in the middle of a count')
      byte = bytes[at++] as number
      value += (byte & 127) * factor
      factor *= 128
      if (value > Number.MAX_SAFE_INTEGER || factor > MOST_FACTOR) throw new RangeError('has too high a count')
    } while (byte >= 128)
    // ZigZag: even numbers are counts, odd ones are gaps of zeros
    if (value % 2 === 1) {
      index += (value + 1) / 2
    } else {
      if (value > 0) {
        if (index >= COUNTS) throw new RangeError('has more counts than an HdrHistogram holds')
        buckets[length] = bucketOfIndex(index)
        counts[length++] = value / 2
        all += value / 2
      }
      index++
    }
  }
  if (all > Number.MAX_SAFE_INTEGER) throw new RangeError('has too high a count')
  return { count: all, buckets: buckets.slice(0, length), counts: counts.slice(0, length) }
}
/** The factor after the eighth byte of a number: the numbers of HdrHistogram have nine at most, safe integers eight. */
const MOST_FACTOR = 128 ** 8

/** The bucket of a count in an HdrHistogram, by its index. */
function bucketOfIndex(index: number): number {
  return index < BUCKETS_PER_OCTAVE ? bucketOf(index) : index - BUCKETS_PER_OCTAVE + FIRST_SHARED
}

/** Counts of another shape are at other indices: records them again. */
function countsOfAnotherShape(base64: string): BucketCounts {
  const histogram = emptyHdr() as Histogram & Internals
  histogram.add(decodeFromCompressedBase64(base64, 64))
  const buckets: number[] = []
  const counts: number[] = []
  for (let index = 0; index < COUNTS; index++) {
    const count = histogram.getCountAtIndex(index)
    if (count === 0) continue
    buckets.push(bucketOfIndex(index))
    counts.push(count)
  }
  return { count: histogram.totalCount, buckets: Uint16Array.from(buckets), counts: Float64Array.from(counts) }
}

/** A member of a histogram of hdr-histogram-js that its interface leaves out. */
interface Internals {
  getCountAtIndex(index: number): number
}
