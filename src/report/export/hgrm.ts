import { decode } from '../../histogram/hdr.js'
import { checkIsSummary, type Summary } from '../../result/summary.js'
import { NS_PER_MS } from '../../scenario/units.js'

/** How many lines there are for each halving of what is left to 100 %. */
const TICKS = 5

/**
 * A distribution as HdrHistogram prints it (`outputPercentileDistribution`), which its plotters read: for each
 * percentile its value in milliseconds, and how many are at or below it. Values have six decimals, to the nanosecond,
 * and are those that `percentile(summary, p)` gives; mean, deviation and max are exact.
 *
 * @throws ValidationError if it is not a summary
 */
export function renderHgrm(summary: Summary): string {
  checkIsSummary(summary)
  const histogram = decode(summary.histogram) as ReturnType<typeof decode> & Layout
  const clamped = (ns: number) => Math.max(summary.min, Math.min(summary.max, ns / NS_PER_MS))
  const lines: string[] = []
  const iterator = histogram.percentileIterator
  iterator.reset(TICKS)
  while (iterator.hasNext()) {
    const { valueIteratedTo, percentileLevelIteratedTo: level, totalCountToThisValue } = iterator.next()
    const line = `${value(clamped(valueIteratedTo))} ${(level / 100).toFixed(12)} ${String(totalCountToThisValue).padStart(10)}`
    lines.push(level < 100 ? `${line} ${(1 / (1 - level / 100)).toFixed(2).padStart(14)}` : line)
  }
  const whole = (count: number) => String(count).padStart(12)
  return [
    '       Value     Percentile TotalCount 1/(1-Percentile)',
    '',
    ...lines,
    `#[Mean    = ${value(summary.mean)}, StdDeviation   = ${value(summary.stdDev)}]`,
    `#[Max     = ${value(summary.max)}, Total count    = ${whole(summary.count)}]`,
    `#[Buckets = ${whole(histogram.bucketCount)}, SubBuckets     = ${whole(histogram.subBucketCount)}]`,
    '',
  ].join('\n')
}

const value = (ms: number) => ms.toFixed(6).padStart(12)

/** What a histogram of hdr-histogram-js has besides, that its interface leaves out. */
interface Layout {
  readonly bucketCount: number
  readonly subBucketCount: number
  readonly percentileIterator: {
    reset(ticks: number): void
    hasNext(): boolean
    next(): { valueIteratedTo: number; percentileLevelIteratedTo: number; totalCountToThisValue: number }
  }
}
