import { build, decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { deflate } from 'hdr-histogram-js/dist/JsHistogram.encoding.js'
import pako from 'pako'
import { BUCKETS_PER_OCTAVE, bucketFloor, bucketOf, HIGHEST_NS } from './buckets.js'
import type { HistogramSnapshot } from './latency-histogram.js'

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
/** A gap takes 3 bytes at most, a count of 32 bits 5. */
const MOST_BYTES_OF_BUCKET = 8

/**
 * Encodes a histogram as HdrHistogram's compressed base64 (V2), which its tools in every language read. The bytes are
 * those of hdr-histogram-js, which visits each of its 33,792 counts for them: most of the time that a Result takes.
 *
 * ```
 * compressed: | cookie: int32 | length: int32 | deflated                                                          |
 * inflated:   | cookie: int32 | payload length: int32 | offset: int32 | digits: int32                             |
 *             | lowest: int64 | highest: int64 | ratio: int64 | payload: a ZigZag LEB128 a count, or -gap of zeros |
 * ```
 */
export function encode({ buckets, counts }: HistogramSnapshot): string {
  const bytes = new Uint8Array(PAYLOAD + MOST_BYTES_OF_BUCKET * buckets.length)
  let end = PAYLOAD
  let next = 0
  for (let i = 0; i < buckets.length; i++) {
    const bucket = Math.min(buckets[i] as number, LAST_BUCKET)
    let count = counts[i] as number
    if (bucket === LAST_BUCKET) while (++i < buckets.length) count += counts[i] as number
    const index = countsIndexOf(bucket)
    // one zero is a count, several are a gap
    if (index > next) end = writeZigZag(bytes, end, index - next === 1 ? 0 : next - index)
    end = writeZigZag(bytes, end, count)
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
  const deflated: Uint8Array = deflate(bytes.subarray(0, end), { chunkSize: Math.max(LEAST_CHUNK, end) })
  const encoded = new Uint8Array(HEADER + deflated.length)
  encoded.set(deflated, HEADER)
  const header = new DataView(encoded.buffer)
  header.setInt32(0, COMPRESSED_COOKIE)
  header.setInt32(4, deflated.length)
  return base64(encoded)
}

/** Writes a ZigZag LEB128 number, and returns where it ends. */
function writeZigZag(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >= 0 ? 2 * value : -2 * value - 1
  let end = at
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) | 128
  bytes[end++] = rest
  return end
}

/** A call takes no more arguments than the stack has room for. */
const MOST_ARGUMENTS = 8192

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += MOST_ARGUMENTS) {
    // a typed array is applied as it is, and spread through an iterator
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(from, from + MOST_ARGUMENTS))
  }
  return btoa(text)
}

/** Members of a histogram of hdr-histogram-js that its interface leaves out. */
interface Internals {
  getCountAtIndex(index: number): number
  readonly countsArrayLength: number
  readonly maxValue: number
  readonly minNonZeroValue: number
  readonly lowestDiscernibleValue: number
  readonly highestTrackableValue: number
}

/** Calls `visit` with each bucket of a decoded histogram that is not empty, in rising order. */
export function forEachBucketOf(histogram: Histogram, visit: (bucket: number, count: number) => void): void {
  const counts = histogram as Histogram & Internals
  const zeros = counts.getCountAtIndex(0)
  if (zeros > 0) visit(0, zeros)
  // most counts are 0: read only those between the extremes
  const last = Math.min(countsIndexOf(bucketOf(counts.maxValue)), counts.countsArrayLength - 1)
  for (let index = Math.max(1, countsIndexOf(bucketOf(counts.minNonZeroValue))); index <= last; index++) {
    const count = counts.getCountAtIndex(index)
    const shared = index >= BUCKETS_PER_OCTAVE
    if (count > 0) visit(shared ? index - BUCKETS_PER_OCTAVE + FIRST_SHARED : bucketOf(index), count)
  }
}

/**
 * How many bytes a histogram may inflate to. One of 33,792 counts takes less than 400 kB; a megabyte of deflated zeros
 * would inflate to a gigabyte.
 */
const MOST_INFLATED = 1_000_000

/** Inflates an encoded histogram, and throws as soon as it is longer than a histogram can be. */
function checkInflated(base64: string): void {
  if (base64.length > 2 * MOST_INFLATED) throw new RangeError('is longer than a histogram')
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const inflate = new pako.Inflate()
  let length = 0
  inflate.onData = (chunk) => {
    length += chunk.length
    if (length > MOST_INFLATED) throw new RangeError('inflates to more than a histogram')
  }
  inflate.push(bytes.subarray(HEADER), true)
}

/**
 * Decodes a histogram to read it. Do not add to it.
 *
 * @throws Error if the text is not an encoded histogram, or is larger than one of durations can be
 */
export function decode(base64: string): Histogram {
  checkInflated(base64)
  const decoded = decodeFromCompressedBase64(base64, 64) as Histogram & Internals
  // counts of a histogram of another shape, from another tool, are at other indices: record them anew
  if (
    decoded.lowestDiscernibleValue === SHAPE.lowestDiscernibleValue &&
    decoded.highestTrackableValue === SHAPE.highestTrackableValue &&
    decoded.numberOfSignificantValueDigits === SHAPE.numberOfSignificantValueDigits
  ) {
    return decoded
  }
  const histogram = emptyHdr()
  histogram.add(decoded)
  return histogram
}
