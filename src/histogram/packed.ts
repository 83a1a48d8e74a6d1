import { type HistogramSnapshot, LatencyHistogram } from './latency-histogram.js'

/** A histogram as it goes from thread to thread: everything that it holds, in no more memory than that takes. */
export interface PackedHistogram extends HistogramSnapshot {
  moments: Float64Array
}

export const packHistogram = (histogram: LatencyHistogram): PackedHistogram => ({
  ...histogram.compact(),
  moments: histogram.moments.slice(),
})

export function unpackHistogram({ moments, first, counts }: PackedHistogram): LatencyHistogram {
  const histogram = new LatencyHistogram()
  histogram.moments.set(moments)
  histogram.buckets.set(counts, first)
  return histogram
}
