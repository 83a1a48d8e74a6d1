/** Ten bits of mantissa: 1,024 buckets for each power of two, 3 significant digits. */
const SIGNIFICANT_BITS = 10
export const BUCKETS_PER_OCTAVE = 1 << SIGNIFICANT_BITS
const EXPONENT_BIAS = 1023
const ZERO = EXPONENT_BIAS * BUCKETS_PER_OCTAVE - 1
const SHIFT = 20 - SIGNIFICANT_BITS

/** An hour. Longer durations are counted in the last bucket. */
export const HIGHEST_NS = 3_600_000_000_000
const OCTAVES = Math.floor(Math.log2(HIGHEST_NS)) + 1
export const BUCKETS = OCTAVES * BUCKETS_PER_OCTAVE + 1

const value = new Float64Array(1)
const words = new Uint32Array(value.buffer)

/**
 * The bucket of a whole number of nanoseconds: the exponent and the top ten bits of the mantissa of its double, read as
 * one integer. These are HdrHistogram's own buckets at 3 significant digits, without its arithmetic.
 *
 * ```
 * high word of the double:  | sign: 1 | exponent: 11 | mantissa: 20 ...
 * bucket + ZERO:            |      0  |      11      |  top 10 |
 * ```
 */
export function bucketOf(ns: number): number {
  value[0] = ns
  return bucketOfWord(words[1] as number)
}

/** The same from the high word of the double. */
export function bucketOfWord(high: number): number {
  const bucket = bucketInRange(high)
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket
}

/** The same for durations from `FIRST_BUCKET_NS` to `LAST_BUCKET_NS`, which need no clamping. */
export function bucketInRange(high: number): number {
  return (high >>> SHIFT) - ZERO
}

/** Shorter durations are counted in the first bucket, as this one is: 0 has no bucket of its own. */
export const FIRST_BUCKET_NS = 1 - 2 ** -(SIGNIFICANT_BITS + 1)
/** Longer durations are counted in the last bucket, as this one is. */
export const LAST_BUCKET_NS = 2 ** OCTAVES - 1

/** The lowest whole number of a bucket. */
export function bucketFloor(bucket: number): number {
  if (bucket === 0) return 0
  words[0] = 0
  words[1] = (bucket + ZERO) << SHIFT
  return Math.ceil(value[0] as number)
}

/** The highest whole number of a bucket. */
export const bucketCeiling = (bucket: number) => bucketFloor(bucket + 1) - 1

/** The high words of doubles. */
export const highWords = (values: Float64Array, length = values.length) =>
  new Uint32Array(values.buffer, values.byteOffset, 2 * length)

/** Clamps durations to those that have a bucket of their own. */
export function clampToBuckets(values: Float64Array, length: number): void {
  for (let i = 0; i < length; i++) {
    values[i] = Math.min(LAST_BUCKET_NS, Math.max(FIRST_BUCKET_NS, values[i] as number))
  }
}
