import { decode, encode } from '../histogram/hdr.js'
import type { HistogramSnapshot } from '../histogram/latency-histogram.js'
import { meanOf, stdDevOf } from '../histogram/moments.js'
import { type BoundedCounts, percentileNs, percentilesNs } from '../histogram/percentile.js'
import { NS_PER_MS, nanoseconds } from '../scenario/nanoseconds.js'
import { got, ValidationError } from '../validation/validation-error.js'

/** The estimates that have an interval. */
export const ESTIMATES = ['mean', 'p50', 'p90', 'p95', 'p99', 'p999'] as const
/** An estimate that has an interval, by name. */
export type Estimate = (typeof ESTIMATES)[number]

/** The percentiles that every summary holds, by name. */
export const PERCENTILES = { p50: 50, p90: 90, p95: 95, p99: 99, p999: 99.9 } as const

/** A 95 % interval in milliseconds. A bound that cannot be known from the run is null, and the reason says why. */
export interface Interval {
  low: number | null
  high: number | null
  level: 0.95
  reason?: string
}

/**
 * A distribution of durations in milliseconds. Count, mean, standard deviation, min and max are exact. A
 * percentile is by nearest rank (the lowest recorded value with at least p % at or below it), at most 0.1 % high
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

/** The usual name of an estimate: `p99.9` for p999. */
export const nameOf = (estimate: Estimate) => (estimate === 'p999' ? 'p99.9' : estimate)

const ms = (ns: number) => ns / NS_PER_MS

/** Decodes the histogram of a summary, or of a time in a segment. */
export function decodeSummary({ histogram, min, max }: Pick<Summary, 'min' | 'max' | 'histogram'>): BoundedCounts {
  return { ...decode(histogram), min: nanoseconds(min), max: nanoseconds(max) }
}

/** Makes a summary of a histogram of nanoseconds that is not empty. */
export function summaryOf(histogram: HistogramSnapshot, intervals: Record<Estimate, Interval>): Summary {
  const [p50, p90, p95, p99, p999] = percentilesNs(histogram, Object.values(PERCENTILES)).map(ms) as Five
  return {
    count: histogram.count,
    min: ms(histogram.min),
    mean: ms(meanOf(histogram)),
    stdDev: ms(stdDevOf(histogram)),
    max: ms(histogram.max),
    ...{ p50, p90, p95, p99, p999 },
    intervals,
    histogram: encode(histogram),
  }
}

/** A time of the requests that were due in a segment of the window and completed. */
export interface SegmentTime {
  count: number
  min: number
  mean: number
  max: number
  /** HdrHistogram's compressed base64, in nanoseconds */
  histogram: string
}

/** A time in a segment; null if no request has it. */
export function segmentTime(histogram: HistogramSnapshot): SegmentTime | null {
  if (histogram.count === 0) return null
  return {
    count: histogram.count,
    min: ms(histogram.min),
    mean: ms(meanOf(histogram)),
    max: ms(histogram.max),
    histogram: encode(histogram),
  }
}

type Five = [number, number, number, number, number]

/** A missing interval, with the reason. */
export const noInterval = (reason: string): Interval => ({ low: null, high: null, level: 0.95, reason })

/** Missing intervals of all estimates, with the reason. */
export function withholdIntervals(reason: string): Record<Estimate, Interval> {
  return Object.fromEntries(ESTIMATES.map((estimate) => [estimate, noInterval(reason)])) as Record<Estimate, Interval>
}

/**
 * Checks that a value is a summary, but not its contents.
 *
 * @throws ValidationError
 */
export function checkIsSummary(value: unknown, name = 'summary'): void {
  if (typeof (value as Partial<Summary> | null | undefined)?.histogram === 'string') return
  throw new ValidationError(name, `must be a summary, such as a result's latencyMs, ${got(value)}`)
}

/**
 * Reads any percentile of a summary, or of a time in one of a Result's segments, in milliseconds.
 *
 * @example
 * ```ts
 * import { percentile, summarize } from 'throughline'
 *
 * console.log(percentile(summarize([100, 150, 200, 2500]), 75)) // 200.015871
 * ```
 *
 * @param p above 0 and at most 100
 * @throws ValidationError if p is out of range, or the value is not a summary
 */
export function percentile(summary: Pick<Summary, 'min' | 'max' | 'histogram'>, p: number): number {
  checkIsSummary(summary)
  if (!(typeof p === 'number' && p > 0 && p <= 100))
    throw new ValidationError('percentile', `must be above 0 and at most 100, ${got(p)}`)
  return ms(percentileNs(decodeSummary(summary), p))
}
