import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import pako from 'pako'
import {
  BUCKETS_PER_OCTAVE,
  bucketFloor,
  bucketOf,
  forEachBucket,
  HIGHEST_NS,
  type HistogramSnapshot,
  LatencyHistogram,
} from './latency-histogram.js'

const SHAPE = {
  // counts of 32 bits would wrap in silence
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

/** What a histogram of hdr-histogram-js can do besides, that its interface leaves out. */
interface Counts {
  addToCountAtIndex(index: number, count: number): void
  addToTotalCount(count: number): void
  getCountAtIndex(index: number): number
  readonly countsArrayLength: number
  readonly maxValue: number
  readonly minNonZeroValue: number
}

const FIRST_SHARED = bucketOf(BUCKETS_PER_OCTAVE)
/** What is longer than an hour is counted in the last of its buckets. */
const LAST_BUCKET = bucketOf(HIGHEST_NS)

export function toHdr(recorded: LatencyHistogram | HistogramSnapshot): Histogram {
  const histogram = emptyHdr() as Histogram & Counts
  let first: number | null = null
  let last = 0
  const record = (bucket: number, count: number) => {
    histogram.addToCountAtIndex(countsIndexOf(Math.min(bucket, LAST_BUCKET)), count)
    histogram.addToTotalCount(count)
    if (bucket > 0) first ??= bucket
    last = bucket
  }
  if (recorded instanceof LatencyHistogram) recorded.forEach(record)
  else forEachBucket(recorded, record)
  // what is recorded no times tells it of its extremes
  for (const end of first === null ? [] : [first, last]) {
    histogram.recordValueWithCount(Math.min(bucketFloor(end), HIGHEST_NS), 0)
  }
  return histogram
}

/**
 * Where HdrHistogram keeps the count of a bucket. Its buckets are the same, but below 1,024 ns it has one for each
 * nanosecond; asking it for the place of each value would take most of the time that a Result takes.
 */
function countsIndexOf(bucket: number): number {
  return bucket < FIRST_SHARED ? bucketFloor(bucket) : bucket - FIRST_SHARED + BUCKETS_PER_OCTAVE
}

/** Calls back for each bucket of a histogram of ours that holds anything, the shortest durations first. */
export function forEachBucketOf(histogram: Histogram, visit: (bucket: number, count: number) => void): void {
  const counts = histogram as Histogram & Counts
  const zeros = counts.getCountAtIndex(0)
  if (zeros > 0) visit(0, zeros)
  // most of its places are empty: only those between its extremes are read
  const last = Math.min(countsIndexOf(bucketOf(counts.maxValue)), counts.countsArrayLength - 1)
  for (let index = Math.max(1, countsIndexOf(bucketOf(counts.minNonZeroValue))); index <= last; index++) {
    const count = counts.getCountAtIndex(index)
    const shared = index >= BUCKETS_PER_OCTAVE
    if (count > 0) visit(shared ? index - BUCKETS_PER_OCTAVE + FIRST_SHARED : bucketOf(index), count)
  }
}

/** HdrHistogram's compressed base64, which its tools in every language read. */
export function encode(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram)
}

/**
 * How many bytes a histogram may inflate to. One of ours holds at most 33,792 counts, and takes less than 400 kB; a
 * thousandth of a megabyte of zeros, deflated, would take a gigabyte.
 */
const MOST_INFLATED = 1_000_000
/** The cookie and the length that stand before what is deflated. */
const HEADER = 8

/** Inflates what is encoded for as long as it is no longer than a histogram. */
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
 * What was encoded, to be read: to a copy nothing can be added.
 *
 * @throws an error if it is no histogram, or larger than one of durations can be
 */
export function decode(base64: string): Histogram {
  checkInflated(base64)
  const decoded = decodeFromCompressedBase64(base64, 64) as Histogram & Shape
  // one of our shape has its counts where we look for them; of another, by other tools, they are counted anew
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

/** What a histogram of hdr-histogram-js can tell of its shape, that its interface leaves out. */
interface Shape {
  lowestDiscernibleValue: number
  highestTrackableValue: number
}
