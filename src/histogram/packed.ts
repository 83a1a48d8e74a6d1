import { type CompactTally, Tally } from './latency-histogram.js'

/** A tally as it goes from thread to thread: everything that it holds, in no more memory than that takes. */
export interface PackedTally extends CompactTally {
  moments: Float64Array
}

export const packTally = (tally: Tally): PackedTally => ({ ...tally.compact(), moments: tally.moments.slice() })

export function unpackTally({ moments, first, counts }: PackedTally): Tally {
  const tally = new Tally()
  tally.moments.set(moments)
  tally.buckets.set(counts, first)
  return tally
}
