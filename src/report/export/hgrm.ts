import { BUCKETS_PER_OCTAVE, bucketCeiling, HIGHEST_NS } from '../../histogram/buckets.js'
import { decode } from '../../histogram/hdr.js'
import { checkIsSummary, type Summary } from '../../result/summary.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'

/** The number of lines for each halving of the distance to 100 %. */
const TICKS = 5
/** As HdrHistogram counts them: twice the buckets of an octave for the values below 2,048 ns, and one for each octave above. */
const SUB_BUCKETS = 2 * BUCKETS_PER_OCTAVE
const OCTAVES = Math.ceil(Math.log2(HIGHEST_NS / SUB_BUCKETS)) + 1

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
  const { count, buckets, counts } = decode(summary.histogram)
  const lines: string[] = []
  let below = 0
  let level = 0
  const addLine = (bucket: number) => {
    const ms = Math.max(summary.min, Math.min(summary.max, bucketCeiling(bucket) / NS_PER_MS))
    const line = `${formatValue(ms)} ${(level / 100).toFixed(12)} ${String(below).padStart(10)}`
    lines.push(level < 100 ? `${line} ${(1 / (1 - level / 100)).toFixed(2).padStart(14)}` : line)
  }
  for (const [i, bucket] of buckets.entries()) {
    below += counts[i] as number
    while (level < 100 && (100 * below) / count >= level) {
      addLine(bucket)
      // the last bucket has a line for the level that it reaches, and one for 100 %
      level = below === count ? 100 : level + 100 / (TICKS * 2 ** (Math.floor(Math.log2(100 / (100 - level))) + 1))
    }
    if (below === count) addLine(bucket)
  }
  const whole = (count: number) => String(count).padStart(12)
  return [
    '       Value     Percentile TotalCount 1/(1-Percentile)',
    '',
    ...lines,
    `#[Mean    = ${formatValue(summary.mean)}, StdDeviation   = ${formatValue(summary.stdDev)}]`,
    `#[Max     = ${formatValue(summary.max)}, Total count    = ${whole(summary.count)}]`,
    `#[Buckets = ${whole(OCTAVES)}, SubBuckets     = ${whole(SUB_BUCKETS)}]`,
    '',
  ].join('\n')
}

const formatValue = (ms: number) => ms.toFixed(6).padStart(12)
