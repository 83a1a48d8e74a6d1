/** Ten bits of mantissa: 1,024 buckets for each power of two, 3 significant digits. */
const SIGNIFICANT_BITS = 10
export const BUCKETS_PER_OCTAVE = 1 << SIGNIFICANT_BITS
const EXPONENT_BIAS = 1023
const ZERO = EXPONENT_BIAS * BUCKETS_PER_OCTAVE - 1

/** An hour; what takes longer is counted in the last bucket. */
export const HIGHEST_NS = 3_600_000_000_000
const OCTAVES = Math.floor(Math.log2(HIGHEST_NS)) + 1
export const BUCKETS = OCTAVES * BUCKETS_PER_OCTAVE + 1

const value = new Float64Array(1)
const words = new Uint32Array(value.buffer)

/**
 * The bucket of a whole number of nanoseconds: the exponent and the top ten bits of the mantissa, as they stand in
 * a double. They are HdrHistogram's own buckets at 3 significant digits, without its arithmetic.
 */
export function bucketOf(ns: number): number {
  value[0] = ns
  const bucket = bucketInRange(words[1] as number)
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket
}

/** The same of what lies from `FIRST_BUCKET_NS` to `LAST_BUCKET_NS`, from the high word of its double. */
export function bucketInRange(high: number): number {
  return (high >>> (20 - SIGNIFICANT_BITS)) - ZERO
}

/** Less than this is counted in the first bucket, as this is; 0 has none of its own. */
export const FIRST_BUCKET_NS = 1 - 2 ** -(SIGNIFICANT_BITS + 1)
/** More than this is counted in the last bucket, as this is. */
export const LAST_BUCKET_NS = 2 ** OCTAVES - 1

/** The least whole number of a bucket. */
export function bucketFloor(bucket: number): number {
  if (bucket === 0) return 0
  words[0] = 0
  words[1] = (bucket + ZERO) << (20 - SIGNIFICANT_BITS)
  return Math.ceil(value[0] as number)
}

/** The greatest whole number of a bucket. */
export const bucketCeiling = (bucket: number) => bucketFloor(bucket + 1) - 1

/** Calls back for each bucket of it that holds anything, the shortest durations first. */
export function forEachBucket(
  { first, counts }: HistogramSnapshot,
  visit: (bucket: number, count: number) => void,
): void {
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number
    if (count > 0) visit(first + i, count)
  }
}

/** What is kept exactly beside the buckets of a histogram, and how much of it there is. */
export const COUNT = 0
export const SUM = 1
export const SQUARES = 2
export const MIN = 3
export const MAX = 4
export const MOMENTS = 5

/** Adds to the moments that begin at `at` those of `count` more durations, which are one or more. */
export function addMoments(
  moments: Float64Array,
  at: number,
  count: number,
  sum: number,
  squares: number,
  min: number,
  max: number,
): void {
  const empty = moments[at + COUNT] === 0
  if (empty || min < (moments[at + MIN] as number)) moments[at + MIN] = min
  if (empty || max > (moments[at + MAX] as number)) moments[at + MAX] = max
  moments[at + COUNT] = (moments[at + COUNT] as number) + count
  moments[at + SUM] = (moments[at + SUM] as number) + sum
  moments[at + SQUARES] = (moments[at + SQUARES] as number) + squares
}

/** How many bytes a histogram takes, for those that several threads share. */
export const TALLY_BYTES = MOMENTS * 8 + Math.ceil((BUCKETS * 4) / 8) * 8

/** A copy of what a histogram holds, in no more memory than that takes. */
export interface HistogramSnapshot {
  count: number
  sum: number
  /** the bucket that the counts begin with */
  first: number
  counts: Uint32Array
}

/**
 * Durations counted in buckets, with their count, sum, sum of squares and extremes kept exactly beside them. It
 * lies in one buffer, so that a thread can fill it and another read it.
 */
export class LatencyHistogram {
  readonly moments: Float64Array
  readonly buckets: Uint32Array

  /** @param buffer where it lies, zeroed or filled by another histogram; its own memory when left out */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(TALLY_BYTES), offset = 0) {
    this.moments = new Float64Array(buffer, offset, MOMENTS)
    this.buckets = new Uint32Array(buffer, offset + MOMENTS * 8, BUCKETS)
  }

  /** Counts `times` durations of `ns` whole nanoseconds. */
  record(ns: number, times = 1): void {
    const moments = this.moments
    const bucket = bucketOf(ns)
    this.buckets[bucket] = (this.buckets[bucket] as number) + times
    const count = moments[COUNT] as number
    if (count === 0) {
      moments[MIN] = ns
      moments[MAX] = ns
    } else if (ns < (moments[MIN] as number)) moments[MIN] = ns
    else if (ns > (moments[MAX] as number)) moments[MAX] = ns
    moments[COUNT] = count + times
    moments[SUM] = (moments[SUM] as number) + ns * times
    moments[SQUARES] = (moments[SQUARES] as number) + ns * ns * times
  }

  /** Counts the first `length` of `values`, whole nanoseconds: a tight loop, for an engine that gathers them first. */
  recordAll(values: Float64Array, length: number): void {
    if (length === 0) return
    const buckets = this.buckets
    const highWords = new Uint32Array(values.buffer, values.byteOffset, 2 * length)
    let sum = 0
    let squares = 0
    let min = values[0] as number
    let max = min
    for (let i = 0; i < length; i++) {
      const ns = values[i] as number
      let bucket = ((highWords[2 * i + 1] as number) >>> (20 - SIGNIFICANT_BITS)) - ZERO
      if (bucket < 0) bucket = 0
      else if (bucket >= BUCKETS) bucket = BUCKETS - 1
      buckets[bucket] = (buckets[bucket] as number) + 1
      sum += ns
      squares += ns * ns
      if (ns < min) min = ns
      if (ns > max) max = ns
    }
    addMoments(this.moments, 0, length, sum, squares, min, max)
  }

  /** Counts the first `length` of `values`, whole nanoseconds, each `times` as often. */
  recordEach(values: Float64Array, times: Float64Array, length: number): void {
    if (length === 0) return
    const buckets = this.buckets
    const highWords = new Uint32Array(values.buffer, values.byteOffset, 2 * length)
    let count = 0
    let sum = 0
    let squares = 0
    let min = values[0] as number
    let max = min
    for (let i = 0; i < length; i++) {
      const ns = values[i] as number
      const many = times[i] as number
      let bucket = ((highWords[2 * i + 1] as number) >>> (20 - SIGNIFICANT_BITS)) - ZERO
      if (bucket < 0) bucket = 0
      else if (bucket >= BUCKETS) bucket = BUCKETS - 1
      buckets[bucket] = (buckets[bucket] as number) + many
      count += many
      sum += ns * many
      squares += ns * ns * many
      if (ns < min) min = ns
      if (ns > max) max = ns
    }
    addMoments(this.moments, 0, count, sum, squares, min, max)
  }

  get count(): number {
    return this.moments[COUNT] as number
  }
  get sum(): number {
    return this.moments[SUM] as number
  }
  get min(): number {
    return this.moments[MIN] as number
  }
  get max(): number {
    return this.moments[MAX] as number
  }
  get mean(): number {
    return this.sum / this.count
  }

  /** The standard deviation of what was counted. */
  get stdDev(): number {
    if (this.min === this.max) return 0
    const variance = (this.moments[SQUARES] as number) / this.count - this.mean ** 2
    return Math.sqrt(Math.max(0, variance))
  }

  /** Adds another's counts to this one. */
  add(other: LatencyHistogram): void {
    if (other.count === 0) return
    addMoments(this.moments, 0, other.count, other.sum, other.moments[SQUARES] as number, other.min, other.max)
    const { buckets } = this
    const added = other.buckets
    const last = bucketOf(other.max)
    for (let bucket = bucketOf(other.min); bucket <= last; bucket++) {
      const count = added[bucket] as number
      // most are empty
      if (count > 0) buckets[bucket] = (buckets[bucket] as number) + count
    }
  }

  compact(): HistogramSnapshot {
    const { count, sum } = this
    const first = bucketOf(this.min)
    return { count, sum, first, counts: this.buckets.slice(first, count === 0 ? first : bucketOf(this.max) + 1) }
  }

  /** Forgets everything. */
  clear(): void {
    if (this.count > 0) this.buckets.fill(0, bucketOf(this.min), bucketOf(this.max) + 1)
    this.moments.fill(0)
  }

  /** Calls back for each bucket that holds anything, the shortest durations first. */
  forEach(visit: (bucket: number, count: number) => void): void {
    if (this.count === 0) return
    const last = bucketOf(this.max)
    for (let bucket = bucketOf(this.min); bucket <= last; bucket++) {
      const count = this.buckets[bucket] as number
      if (count > 0) visit(bucket, count)
    }
  }
}
