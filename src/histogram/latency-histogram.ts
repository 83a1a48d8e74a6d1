import { BUCKETS, bucketOf, bucketOfWord, highWords } from './buckets.js'
import { addMoments, addMomentsOf, COUNT, MAX, MIN, MOMENTS, type Moments, SQUARES, SUM } from './moments.js'

/** How many durations are in each bucket. */
export interface BucketCounts {
  readonly count: number
  /** the buckets that are not empty, in rising order */
  readonly buckets: Uint16Array
  /** how many durations are in each of them: doubles if another tool may have counted more than 2^32 of one */
  readonly counts: Uint32Array | Float64Array
}

/** A copy of a histogram, as plain data: it can be sent to another thread, and is as large as what it holds. */
export interface HistogramSnapshot extends Moments, BucketCounts {
  readonly counts: Uint32Array
}

/** Buckets are read four at a time, since most are empty. */
const AT_A_TIME = 4
const ROOM = Math.ceil(BUCKETS / AT_A_TIME) * AT_A_TIME
/** How many bytes a histogram takes, for threads that share one. */
export const HISTOGRAM_BYTES = MOMENTS * 8 + ROOM * 4

/**
 * Durations counted in buckets, with their exact moments. It lies in one buffer, so that one thread can fill it and
 * another can read it.
 *
 * ```
 * buffer: | moments: 5 doubles | counts by bucket: 43,009 uint32 | unused: 3 uint32 |
 * ```
 */
export class LatencyHistogram implements Moments {
  readonly #moments: Float64Array
  readonly #counts: Uint32Array

  /** @param buffer memory that is zeroed, or filled by another histogram. Default: its own */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(HISTOGRAM_BYTES), offset = 0) {
    this.#moments = new Float64Array(buffer, offset, MOMENTS)
    this.#counts = new Uint32Array(buffer, offset + MOMENTS * 8, ROOM)
  }

  /** Counts `times` durations of `ns` whole nanoseconds. */
  record(ns: number, times = 1): void {
    const counts = this.#counts
    const bucket = bucketOf(ns)
    counts[bucket] = (counts[bucket] as number) + times
    addMoments(this.#moments, 0, times, ns * times, ns * ns * times, ns, ns)
  }

  /** Counts the first `length` of `values`, whole nanoseconds, each `times[i]` times or once: faster than one by one. */
  recordMany(values: Float64Array, length: number, times: Float64Array | null = null): void {
    if (length === 0) return
    const counts = this.#counts
    const words = highWords(values, length)
    for (let i = 0; i < length; i++) {
      const bucket = bucketOfWord(words[2 * i + 1] as number)
      counts[bucket] = (counts[bucket] as number) + (times === null ? 1 : (times[i] as number))
    }
    addMomentsOf(this.#moments, 0, values, length, times)
  }

  /** Adds all that another histogram holds. */
  merge(other: LatencyHistogram | HistogramSnapshot): void {
    // read once, since another thread may be filling it: a bucket beyond `min` and `max` would never be cleared
    const { count, sum, squares, min, max } = other
    if (count === 0) return
    addMoments(this.#moments, 0, count, sum, squares, min, max)
    const counts = this.#counts
    if (other instanceof LatencyHistogram) {
      const added = other.#counts
      const last = bucketOf(max)
      for (let bucket = bucketOf(min); bucket <= last; bucket++) {
        const many = added[bucket] as number
        // most are empty
        if (many > 0) counts[bucket] = (counts[bucket] as number) + many
      }
    } else {
      const { buckets, counts: added } = other
      for (let i = 0; i < buckets.length; i++) {
        const bucket = buckets[i] as number
        counts[bucket] = (counts[bucket] as number) + (added[i] as number)
      }
    }
  }

  snapshot(): HistogramSnapshot {
    const { count, sum, squares, min, max } = this
    const counts = this.#counts
    const last = count === 0 ? -1 : bucketOf(max)
    let length = 0
    for (let from = bucketOf(min) & -AT_A_TIME; from <= last; from += AT_A_TIME) {
      const left = (counts[from] as number) | (counts[from + 1] as number)
      const right = (counts[from + 2] as number) | (counts[from + 3] as number)
      if ((left | right) === 0) continue
      for (let bucket = from; bucket < from + AT_A_TIME; bucket++) {
        const many = counts[bucket] as number
        if (many === 0) continue
        foundBuckets[length] = bucket
        foundCounts[length++] = many
      }
    }
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

  /** Empties it. */
  clear(): void {
    if (this.count > 0) this.#counts.fill(0, bucketOf(this.min), bucketOf(this.max) + 1)
    this.#moments.fill(0)
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

/** Where a snapshot collects its buckets, since how many there are is known at the end. */
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
  // cleared afterwards: a new one for each call would be 172 kB of garbage
  merged ??= new LatencyHistogram()
  for (const histogram of filled) merged.merge(histogram)
  const snapshot = merged.snapshot()
  merged.clear()
  return snapshot
}

let merged: LatencyHistogram | undefined
