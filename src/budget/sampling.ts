import { bucketOf } from '../histogram/buckets.js'
import { decode, forEachBucketOf } from '../histogram/hdr.js'
import { fractionInterval } from '../result/figure-intervals.js'
import { errorsIn } from '../result/recording.js'
import type { Result, Segment } from '../result/result.js'
import { type Order, spreadOf, tooFewSegments } from '../result/spread.js'
import { percentile } from '../result/summary.js'
import { nanoseconds } from '../scenario/units.js'
import { student } from '../statistics/student.js'
import type { ComparedMetric } from './comparison.js'

/** A figure of one run, and where it may lie by what the run could see of it. */
export interface SampledFigure {
  /** null if it is beyond all bounds: a percentile that requests without an answer hold */
  value: number | null
  low: number
  /** null if nothing bounds it */
  high: number | null
  /** why it is not bounded at all */
  reason?: string
}

const PERCENTS = { p50: 50, p90: 90, p95: 95, p99: 99 } as const
/** More degrees of freedom than make a difference. */
const NORMAL = 1e9
/** How much less than that a run may be worth: 20 segments do not know well how alike requests in a row are. */
const UNCERTAIN = 1.7
/** The tail of a stored interval. */
const STORED_TAIL = 0.025

/**
 * What a run shows of a metric: bounds that each miss by this chance, from the spread between the segments of its
 * window, as requests in a row are not independent.
 */
export function sampleMetric(metric: ComparedMetric, result: Result, tail: number): SampledFigure {
  const order: Order = result.replications === undefined ? 'in a row' : 'independent'
  const { segments, latencyMs, serviceMs, throughput, rates } = result
  switch (metric) {
    case 'mean': {
      const answered = segments.flatMap(({ latencyMs }) => latencyMs ?? [])
      const parts = answered.map(({ mean, count }) => ({ amount: mean * count, of: count }))
      return ofRatio(latencyMs.mean, parts, order, tail)
    }
    case 'service.mean': {
      const { low, high, reason } = serviceMs.intervals.mean
      if (low === null || high === null) return unbounded(serviceMs.mean, reason)
      const wider = student(tail, NORMAL) / student(STORED_TAIL, NORMAL)
      return {
        value: serviceMs.mean,
        low: Math.max(0, serviceMs.mean - wider * (serviceMs.mean - low)),
        high: serviceMs.mean + wider * (high - serviceMs.mean),
      }
    }
    case 'throughput': {
      const parts = segments.map(({ counts, startMs, endMs }) => ({
        amount: counts.completed,
        of: (endMs - startMs) / 1000,
      }))
      return ofRatio(throughput.completed, parts, order, tail)
    }
    case 'errorRate': {
      const parts = segments.map(({ counts }) => ({ amount: errorsIn(counts), of: counts.offered }))
      const { low, high, reason } = fractionInterval(parts, order, STORED_TAIL / tail)
      return { value: rates.error, low: low ?? 0, high, ...(reason !== undefined && { reason }) }
    }
    default:
      return ofPercentile(PERCENTS[metric], result, order, tail)
  }
}

const unbounded = (value: number | null, reason?: string): SampledFigure => ({
  value,
  low: 0,
  high: null,
  ...(reason !== undefined && { reason }),
})

/** Batch means over the segments. */
function ofRatio(value: number, parts: { amount: number; of: number }[], order: Order, tail: number): SampledFigure {
  const few = tooFewSegments(parts.length, order)
  if (few !== null) return unbounded(value, few)
  const sum = (of: 'amount' | 'of') => parts.reduce((total, part) => total + part[of], 0)
  const ratio = sum('amount') / sum('of')
  const off = parts.map(({ amount, of }) => amount - ratio * of)
  const margin = (student(tail, parts.length - 1) * spreadOf(off, sum('of'), 1, order).error) / sum('of')
  return { value, low: Math.max(0, value - margin), high: value + margin }
}

/**
 * The ranks that a percentile may have, by how many requests exceed it in each segment: as many as if so many
 * independent requests had been seen (a design effect, as in Korn and Graubard, Survey Methodology 24, 1998).
 */
function ofPercentile(p: number, { latencyMs, counts, segments }: Result, order: Order, tail: number): SampledFigure {
  // requests that were never answered are slower than all others
  const at = (rank: number) => {
    const ofAnswered = (rank * counts.offered) / counts.completed
    return ofAnswered > 100 * (1 + 1e-12) ? null : percentile(latencyMs, Math.min(100, Math.max(ofAnswered, 1e-9)))
  }
  const value = at(p)
  const offered = segments.filter((segment) => segment.counts.offered > 0)
  const few = tooFewSegments(offered.length, order)
  if (few !== null) return unbounded(value, few)
  const over = offered.map((segment) => exceeding(segment, value))
  const n = offered.reduce((total, segment) => total + segment.counts.offered, 0)
  const fraction = over.reduce((total, each) => total + each, 0) / n
  const off = over.map((each, i) => each - fraction * (offered[i] as Segment).counts.offered)
  const allowed = 1 - p / 100
  const variance = Math.max(fraction * (1 - fraction), allowed * (1 - allowed))
  const { ofLongRun } = spreadOf(off, n, variance, order)
  const margin =
    100 *
    student(tail, offered.length - 1) *
    Math.sqrt((allowed * (1 - allowed)) / Math.max(1, Math.min(n, ofLongRun) / UNCERTAIN))
  return {
    value,
    low: p - margin <= 0 ? 0 : (at(p - margin) ?? Number.POSITIVE_INFINITY),
    // the slowest of all requests bounds no percentile
    high: p + margin >= 100 ? null : at(p + margin),
  }
}

/** How many requests of a segment took longer, or have no answer. */
function exceeding({ counts, latencyMs }: Segment, value: number | null): number {
  let over = counts.offered - counts.completed
  if (value === null || latencyMs === null) return over
  const bucket = bucketOf(nanoseconds(value))
  forEachBucketOf(decode(latencyMs.histogram), (each, times) => {
    if (each > bucket) over += times
  })
  return over
}
