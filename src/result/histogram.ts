import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { type CompactTally, forEachBucket, HIGHEST_NS, Tally } from './tally.js'

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
export function emptyHistogram(): Histogram {
  return build(SHAPE)
}

export function histogramOf(tally: Tally | CompactTally): Histogram {
  const histogram = emptyHistogram()
  const record = (ns: number, count: number) => histogram.recordValueWithCount(Math.min(ns, HIGHEST_NS), count)
  if (tally instanceof Tally) tally.forEach(record)
  else forEachBucket(tally, record)
  return histogram
}

/** HdrHistogram's compressed base64, which its tools in every language read. */
export function encode(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram)
}

export function decode(base64: string): Histogram {
  const histogram = emptyHistogram()
  // a decoded copy can neither grow nor be added to; a fresh one of our shape can
  histogram.add(decodeFromCompressedBase64(base64, 64))
  return histogram
}
