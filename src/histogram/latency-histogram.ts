import { BUCKETS, bucketOf, bucketOfWord, highWords } from './buckets.js'
import { addMoments, addMomentsOf, COUNT, MAX, MIN, MOMENTS, type Moments, SQUARES, SUM } from './moments.js'

/** How many durations are in each bucket. */
export interface BucketCounts {
  readonly count: number
  /** the buckets that are not empty, in ascending order */
  readonly buckets: Uint16Array
  /** how many durations are in each of them: doubles if another tool may have counted more than 2^32 of one */
  readonly counts: Uint32Array | Float64Array
}

/** A copy of a histogram, as plain data: it can be sent to another thread, and is as large as what it holds. */
export interface HistogramSnapshot extends Moments, BucketCounts {
  readonly counts: Uint32Array
}

/** One bit a bucket, in words of 32. */
const WORDS = Math.ceil(BUCKETS / 32)
const FILLED_AT = MOMENTS * 8
const COUNTS_AT = FILLED_AT + WORDS * 4
/** How many bytes a histogram takes, for threads that share one: a whole number of doubles. */
export const HISTOGRAM_BYTES = Math.ceil((COUNTS_AT + BUCKETS * 4) / 8) * 8

/**
 * Durations counted in buckets, with their exact moments. It lies in one buffer, so that one thread can fill it and
 * another can read it.
 *
 * ```
 * buffer: | moments: 5 doubles | filled: a bit by bucket, 1,345 uint32 | counts by bucket: 43,009 uint32 |
 * ```
 *
 * The bits find the few hundred buckets that a segment fills among tens of thousands.
 */
export class LatencyHistogram implements Moments {
  readonly #moments: Float64Array
  readonly #counts: Uint32Array
  readonly #filled: Int32Array

  /** @param buffer memory that is zeroed, or filled by another histogram. Default: its own */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(HISTOGRAM_BYTES), offset = 0) {
    this.#moments = new Float64Array(buffer, offset, MOMENTS)
    this.#filled = new Int32Array(buffer, offset + FILLED_AT, WORDS)
    this.#counts = new Uint32Array(buffer, offset + COUNTS_AT, BUCKETS)
  }

  /** Counts `times` durations of `ns` whole nanoseconds. */
  record(ns: number, times = 1): void {
    const counts = this.#counts
    const bucket = bucketOf(ns)
    counts[bucket] = (counts[bucket] as number) + times
    const filled = this.#filled
    filled[bucket >> 5] = (filled[bucket >> 5] as number) | (1 << (bucket & 31))
    addMoments(this.#moments, 0, times, ns * times, ns * ns * times, ns, ns)
  }

  /** Counts the first `length` of `values`, whole nanoseconds, each `times[i]` times or once: faster than one by one. */
  recordMany(values: Float64Array, length: number, times: Float64Array | null = null): void {
    if (length === 0) return
    const counts = this.#counts
    const filled = this.#filled
    const words = highWords(values, length)
    for (let i = 0; i < length; i++) {
      const bucket = bucketOfWord(words[2 * i + 1] as number)
      counts[bucket] = (counts[bucket] as number) + (times === null ? 1 : (times[i] as number))
      filled[bucket >> 5] = (filled[bucket >> 5] as number) | (1 << (bucket & 31))
    }
    addMomentsOf(this.#moments, 0, values, length, times)
  }

  /** Adds all that another histogram holds. */
  merge(other: LatencyHistogram | HistogramSnapshot): void {
    // read once, since another thread may be filling it
    const { count, sum, squares, min, max } = other
    if (count === 0) return
    addMoments(this.#moments, 0, count, sum, squares, min, max)
    const counts = this.#counts
    const filled = this.#filled
    const here = other instanceof LatencyHistogram
    const buckets = here ? foundBuckets : other.buckets
    const added = here ? other.#counts : other.counts
    const length = here ? other.#find() : buckets.length
    for (let i = 0; i < length; i++) {
      const bucket = buckets[i] as number
      counts[bucket] = (counts[bucket] as number) + (added[here ? bucket : i] as number)
      filled[bucket >> 5] = (filled[bucket >> 5] as number) | (1 << (bucket & 31))
    }
  }

  /** Copies another histogram. This one must be empty or an earlier copy of it. */
  copyFrom(other: LatencyHistogram): void {
    const length = other.#find()
    for (let i = 0; i < length; i++) {
      const bucket = foundBuckets[i] as number
      this.#counts[bucket] = other.#counts[bucket] as number
    }
    this.#filled.set(other.#filled)
    this.#moments.set(other.#moments)
  }

  snapshot(): HistogramSnapshot {
    const { count, sum, squares, min, max } = this
    const length = this.#find()
    for (let i = 0; i < length; i++) foundCounts[i] = this.#counts[foundBuckets[i] as number] as number
    return {
      count,
      sum,
      squares,
      min,
      max,
      buckets: foundBuckets.slice(0, length),
      counts: foundCounts.slice(0, length),
    }
  }

  /** Returns what it holds, and empties it. */
  take(): HistogramSnapshot {
    const snapshot = this.snapshot()
    const { buckets } = snapshot
    for (let i = 0; i < buckets.length; i++) this.#counts[buckets[i] as number] = 0
    this.#filled.fill(0)
    this.#moments.fill(0)
    return snapshot
  }

  /** Lists the buckets that are not empty in `foundBuckets`, in ascending order, and returns how many there are. */
  #find(): number {
    const filled = this.#filled
    let length = 0
    for (let word = 0; word < WORDS; word++) {
      // from the lowest bit that is set to the highest
      for (let bits = filled[word] as number; bits !== 0; bits &= bits - 1) {
        foundBuckets[length++] = 32 * word + 31 - Math.clz32(bits & -bits)
      }
    }
    return length
  }

  get count(): number {
    return this.#moments[COUNT] as number
  }
  get sum(): number {
    return this.#moments[SUM] as number
  }
  get squares(): number {
    return this.#moments[SQUARES] as number
  }
  get min(): number {
    return this.#moments[MIN] as number
  }
  get max(): number {
    return this.#moments[MAX] as number
  }
}

/** What `#find` finds, and the counts of a snapshot: how many there are is known at the end. */
const foundBuckets = new Uint16Array(BUCKETS)
const foundCounts = new Uint32Array(BUCKETS)

/** A snapshot of `times` durations that took no time. */
export function zeros(times: number): HistogramSnapshot {
  const counts = times === 0 ? [] : [times]
  return {
    count: times,
    sum: 0,
    squares: 0,
    min: 0,
    max: 0,
    buckets: new Uint16Array(counts.length),
    counts: Uint32Array.of(...counts),
  }
}

/** All that these hold, in one snapshot. */
export function mergeHistograms(histograms: readonly (LatencyHistogram | HistogramSnapshot)[]): HistogramSnapshot {
  const filled = histograms.filter(({ count }) => count > 0)
  const [first] = filled
  if (first === undefined) return zeros(0)
  if (filled.length === 1) return first instanceof LatencyHistogram ? first.snapshot() : first
  // emptied afterwards: a new one for each call would be 177 kB of garbage
  merged ??= new LatencyHistogram()
  for (const histogram of filled) merged.merge(histogram)
  return merged.take()
}

let merged: LatencyHistogram | undefined
