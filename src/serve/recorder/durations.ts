import { FIRST_BUCKET_NS, LAST_BUCKET_NS } from '../../histogram/latency-histogram.js'

/** Durations about to be counted, in whole nanoseconds. */
export class Durations {
  readonly values: Float64Array
  /** the same memory: the bucket of a duration stands in the high word of its double */
  readonly words: Uint32Array

  constructor(room: number) {
    this.values = new Float64Array(room)
    this.words = new Uint32Array(this.values.buffer)
  }

  /**
   * Moves what has no bucket of its own, 0 and hours, into the bucket where it is counted. That is seldom, and so asked of
   * the least and the most of many: for each of them it would be a tenth of what it costs to count it.
   */
  intoBuckets(length: number, min: number, max: number): void {
    if (min >= FIRST_BUCKET_NS && max <= LAST_BUCKET_NS) return
    const { values } = this
    for (let i = 0; i < length; i++) {
      values[i] = Math.min(LAST_BUCKET_NS, Math.max(FIRST_BUCKET_NS, values[i] as number))
    }
  }
}
