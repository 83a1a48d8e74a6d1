import type { Histogram } from 'hdr-histogram-js'
import { decode, encode, toHdr } from '../histogram/hdr.js'
import { bucketCeiling, bucketOf, HIGHEST_NS, type LatencyHistogram } from '../histogram/latency-histogram.js'
import { NS_PER_MS, nanoseconds } from '../scenario/units.js'
import { got, ValidationError } from '../validation/validation-error.js'

/** What an interval is given for. */
export const ESTIMATES = ['mean', 'p50', 'p90', 'p95', 'p99', 'p999'] as const
export type Estimate = (typeof ESTIMATES)[number]

/** The percentiles that every summary holds, by their names. */
export const PERCENTILES = { p50: 50, p90: 90, p95: 95, p99: 99, p999: 99.9 } as const

/** A 95 % interval in milliseconds; a bound that the run cannot tell is null, and the reason says why. */
export interface Interval {
  low: number | null
  high: number | null
  level: 0.95
  reason?: string
}

/**
 * A distribution of durations in milliseconds. Count, mean, standard deviation, min and max are exact. A
 * percentile is by nearest rank (the least recorded value with at least p % at or below it), at most 0.1 % high
 * and never beyond the extremes. `p999` is p99.9.
 */
export interface Summary {
  count: number
  min: number
  mean: number
  stdDev: number
  max: number
  p50: number
  p90: number
  p95: number
  p99: number
  p999: number
  intervals: Record<Estimate, Interval>
  /** HdrHistogram's compressed base64, in nanoseconds */
  histogram: string
}

/** An estimate as people write it: `p99.9` for p999. */
export const nameOf = (estimate: Estimate) => (estimate === 'p999' ? 'p99.9' : estimate)

const ms = (ns: number) => ns / NS_PER_MS

/** Which value a percentile is, of so many in rising order: a hair less, since 0.95 times a whole number may be above it. */
export const rankOf = (percentile: number, count: number) =>
  Math.max(1, Math.ceil((percentile / 100) * count * (1 - 2 ** -52)))

/** The percentile of a histogram in nanoseconds, within the exact extremes. */
export function percentileNs(histogram: Histogram, percentile: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, histogram.getValueAtPercentile(percentile)))
}

/** Percentiles of what was counted, from the lowest upwards, in nanoseconds. */
export function histogramPercentilesNs(histogram: LatencyHistogram, percentiles: readonly number[]): number[] {
  return percentilesNs(percentiles, histogram, (visit) => histogram.forEach(visit))
}

/** A percentile of what was counted, in nanoseconds. */
export function histogramPercentileNs(histogram: LatencyHistogram, percentile: number): number {
  return histogramPercentilesNs(histogram, [percentile])[0] as number
}

/** Percentiles of buckets, from the lowest upwards, each the greatest value of its bucket within the exact extremes. */
export function percentilesNs(
  percentiles: readonly number[],
  { count, min, max }: { count: number; min: number; max: number },
  forEach: (visit: (bucket: number, count: number) => void) => void,
): number[] {
  const ranks = percentiles.map((percentile) => rankOf(percentile, count))
  const values: number[] = []
  let below = 0
  forEach((bucket, times) => {
    below += times
    while (values.length < ranks.length && below >= (ranks[values.length] as number)) {
      // HdrHistogram's last is an hour
      const ceiling = Math.min(bucketCeiling(bucket), LAST_NS)
      values.push(Math.max(min, Math.min(max, ceiling)))
    }
  })
  return values
}
const LAST_NS = bucketCeiling(bucketOf(HIGHEST_NS))

/** Makes a summary of a histogram of nanoseconds that holds at least one. */
export function summaryOf(histogram: LatencyHistogram, intervals: Record<Estimate, Interval>): Summary {
  const [p50, p90, p95, p99, p999] = histogramPercentilesNs(histogram, Object.values(PERCENTILES)).map(ms) as Five
  return {
    count: histogram.count,
    min: ms(histogram.min),
    mean: ms(histogram.mean),
    stdDev: ms(histogram.stdDev),
    max: ms(histogram.max),
    ...{ p50, p90, p95, p99, p999 },
    intervals,
    histogram: encode(toHdr(histogram)),
  }
}

type Five = [number, number, number, number, number]

/** No interval, for this reason. */
export const noInterval = (reason: string): Interval => ({ low: null, high: null, level: 0.95, reason })

/** No interval for any estimate, for this reason. */
export function withheld(reason: string): Record<Estimate, Interval> {
  return Object.fromEntries(ESTIMATES.map((estimate) => [estimate, noInterval(reason)])) as Record<Estimate, Interval>
}

/**
 * Refuses what is no summary at all. What it holds is taken as it is.
 *
 * @throws ValidationError
 */
export function checkIsSummary(value: unknown, name = 'summary'): void {
  if (typeof (value as Partial<Summary> | null | undefined)?.histogram === 'string') return
  throw new ValidationError(name, `must be a summary, such as a result's latencyMs, ${got(value)}`)
}

/**
 * Reads any percentile from a summary, in milliseconds: `percentile(result.latencyMs, 99.99)`; or from the latency of one
 * of a result's segments, so over time.
 *
 * @param p above 0 and at most 100
 * @throws ValidationError where p is out of range, or what is read is no summary
 */
export function percentile(summary: Pick<Summary, 'min' | 'max' | 'histogram'>, p: number): number {
  checkIsSummary(summary)
  if (!(typeof p === 'number' && p > 0 && p <= 100))
    throw new ValidationError('percentile', `must be above 0 and at most 100, ${got(p)}`)
  const bounds = [summary.min, summary.max].map(nanoseconds) as [number, number]
  return ms(percentileNs(decode(summary.histogram), p, ...bounds))
}
