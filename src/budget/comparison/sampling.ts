import { bucketOf } from '../../histogram/buckets.js'
import { decode } from '../../histogram/hdr.js'
import { goodPart } from '../../result/goodput.js'
import { fractionInterval, type RatioPart } from '../../result/intervals/figure-intervals.js'
import { estimateError, type Order, tooFewSegments } from '../../result/intervals/spread.js'
import { errorsIn } from '../../result/recording.js'
import type { Result, Segment } from '../../result/result.js'
import { percentile } from '../../result/summary.js'
import { nanoseconds } from '../../scenario/nanoseconds.js'
import { sum, sumBy } from '../../statistics/descriptive.js'
import { student } from '../../statistics/student.js'
import type { ComparedMetric } from './comparison.js'

/** A figure of one run, and its bounds. */
export interface SampledFigure {
  /** null if it is infinite: the percentile falls on a request without an answer */
  value: number | null
  low: number
  /** null if there is no upper bound */
  high: number | null
  /** why there are no bounds */
  reason?: string
}

const PERCENTS = { p50: 50, p90: 90, p95: 95, p99: 99 } as const
/** Degrees of freedom at which Student's t is the normal distribution. */
const NORMAL = 1e9
/** Factor by which the effective sample size may be overestimated: 20 segments estimate autocorrelation poorly. */
const UNCERTAIN = 1.7
/** The probability of error on each side of a stored interval. */
const STORED_TAIL = 0.025

/**
 * Estimates a metric of a run with bounds, each with this probability of error. They come from the spread between the
 * segments of the window, because consecutive requests are not independent.
 */
export function sampleMetric(metric: ComparedMetric, result: Result, tail: number): SampledFigure {
  const order: Order = result.replications === undefined ? 'in a row' : 'independent'
  const { segments, latencyMs, serviceMs, throughput, rates, goodput } = result
  switch (metric) {
    case 'mean': {
      const answered = segments.flatMap(({ latencyMs }) => latencyMs ?? [])
      const parts = answered.map(({ mean, count }) => ({ amount: mean * count, of: count }))
      return boundRatio(latencyMs.mean, parts, order, tail)
    }
    case 'service.mean': {
      const { low, high, reason } = serviceMs.intervals.mean
      if (low === null || high === null) return withoutBounds(serviceMs.mean, reason)
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
      return boundRatio(throughput.completed, parts, order, tail)
    }
    case 'errorRate': {
      const parts = segments.map(({ counts }) => ({ amount: errorsIn(counts), of: counts.offered }))
      return boundFraction(rates.error, parts, order, tail)
    }
    case 'goodput':
      return boundFraction(
        goodput?.fraction ?? null,
        segments.map(({ counts }) => goodPart(counts)),
        order,
        tail,
      )
    default:
      return boundPercentile(PERCENTS[metric], result, order, tail)
  }
}

const withoutBounds = (value: number | null, reason?: string): SampledFigure => ({
  value,
  low: 0,
  high: null,
  ...(reason !== undefined && { reason }),
})

function boundFraction(value: number | null, parts: RatioPart[], order: Order, tail: number): SampledFigure {
  const { low, high, reason } = fractionInterval(parts, order, STORED_TAIL / tail)
  return { value, low: low ?? 0, high, ...(reason !== undefined && { reason }) }
}

/** Bounds a ratio by batch means over the segments. */
function boundRatio(value: number, parts: { amount: number; of: number }[], order: Order, tail: number): SampledFigure {
  const few = tooFewSegments(parts.length, order)
  if (few !== null) return withoutBounds(value, few)
  const total = sumBy(parts, ({ of }) => of)
  const ratio = sumBy(parts, ({ amount }) => amount) / total
  const off = parts.map(({ amount, of }) => amount - ratio * of)
  const margin = (student(tail, parts.length - 1) * estimateError(off, total, 1, order).error) / total
  return { value, low: Math.max(0, value - margin), high: value + margin }
}

/**
 * Bounds a percentile by the range of its rank. The variance of the number of requests over it in each segment gives the
 * effective number of independent requests (a design effect, as in Korn and Graubard, Survey Methodology 24, 1998).
 */
function boundPercentile(
  p: number,
  { latencyMs, counts, segments }: Result,
  order: Order,
  tail: number,
): SampledFigure {
  // unanswered requests count as slower than all others
  const at = (rank: number) => {
    const ofAnswered = (rank * counts.offered) / counts.completed
    return ofAnswered > 100 * (1 + 1e-12) ? null : percentile(latencyMs, Math.min(100, Math.max(ofAnswered, 1e-9)))
  }
  const value = at(p)
  const offered = segments.filter((segment) => segment.counts.offered > 0)
  const few = tooFewSegments(offered.length, order)
  if (few !== null) return withoutBounds(value, few)
  const over = offered.map((segment) => countExceeding(segment, value))
  const n = sumBy(offered, ({ counts }) => counts.offered)
  const fraction = sum(over) / n
  const off = over.map((each, i) => each - fraction * (offered[i] as Segment).counts.offered)
  const allowed = 1 - p / 100
  const variance = Math.max(fraction * (1 - fraction), allowed * (1 - allowed))
  const { independentInLongRun } = estimateError(off, n, variance, order)
  const margin =
    100 *
    student(tail, offered.length - 1) *
    Math.sqrt((allowed * (1 - allowed)) / Math.max(1, Math.min(n, independentInLongRun) / UNCERTAIN))
  return {
    value,
    low: p - margin <= 0 ? 0 : (at(p - margin) ?? Number.POSITIVE_INFINITY),
    // the slowest request is not an upper bound
    high: p + margin >= 100 ? null : at(p + margin),
  }
}

/** Counts the requests of a segment that took longer than a value, or have no answer. */
function countExceeding({ counts, latencyMs }: Segment, value: number | null): number {
  let over = counts.offered - counts.completed
  if (value === null || latencyMs === null) return over
  const bucket = bucketOf(nanoseconds(value))
  const { buckets, counts: times } = decode(latencyMs.histogram)
  for (let i = buckets.length - 1; i >= 0 && (buckets[i] as number) > bucket; i--) over += times[i] as number
  return over
}
