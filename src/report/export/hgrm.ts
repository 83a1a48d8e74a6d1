import { decode } from '../../histogram/hdr.js'
import { checkIsSummary, type Summary } from '../../result/summary.js'
import { NS_PER_MS } from '../../scenario/units.js'

/** The number of lines for each halving of the distance to 100 %. */
const TICKS = 5

/**
 * Renders a distribution in HdrHistogram's text format (`outputPercentileDistribution`), for its plotters: for each
 * percentile its value in milliseconds, and the number of values up to it. Values have six decimals and equal
 * `percentile(summary, p)`; mean, standard deviation and max are exact.
 *
 * @throws ValidationError if it is not a summary
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const text = renderHgrm(result.latencyMs)
 */
export function renderHgrm(summary: Summary): string {
  checkIsSummary(summary)
  const histogram = decode(summary.histogram) as ReturnType<typeof decode> & UntypedHistogram
  const clamp = (ns: number) => Math.max(summary.min, Math.min(summary.max, ns / NS_PER_MS))
  const lines: string[] = []
  const iterator = histogram.percentileIterator
  iterator.reset(TICKS)
  while (iterator.hasNext()) {
    const { valueIteratedTo, percentileLevelIteratedTo: level, totalCountToThisValue } = iterator.next()
    const line = `${formatValue(clamp(valueIteratedTo))} ${(level / 100).toFixed(12)} ${String(totalCountToThisValue).padStart(10)}`
    lines.push(level < 100 ? `${line} ${(1 / (1 - level / 100)).toFixed(2).padStart(14)}` : line)
  }
  const whole = (count: number) => String(count).padStart(12)
  return [
    '       Value     Percentile TotalCount 1/(1-Percentile)',
    '',
    ...lines,
    `#[Mean    = ${formatValue(summary.mean)}, StdDeviation   = ${formatValue(summary.stdDev)}]`,
    `#[Max     = ${formatValue(summary.max)}, Total count    = ${whole(summary.count)}]`,
    `#[Buckets = ${whole(histogram.bucketCount)}, SubBuckets     = ${whole(histogram.subBucketCount)}]`,
    '',
  ].join('\n')
}

const formatValue = (ms: number) => ms.toFixed(6).padStart(12)

/** Properties of hdr-histogram-js's histogram that its types omit. */
interface UntypedHistogram {
  readonly bucketCount: number
  readonly subBucketCount: number
  readonly percentileIterator: {
    reset(ticks: number): void
    hasNext(): boolean
    next(): { valueIteratedTo: number; percentileLevelIteratedTo: number; totalCountToThisValue: number }
  }
}
