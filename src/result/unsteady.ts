import type { HistogramSnapshot } from '../histogram/latency-histogram.js'
import { stdDevOf } from '../histogram/moments.js'
import { isStationary } from '../scenario/arrivals/arrivals.js'
import { NS_PER_MS } from '../scenario/nanoseconds.js'
import { sumBy } from '../statistics/descriptive.js'
import { milliseconds, roughPercent } from '../text/number.js'
import { MOST_ALIKE } from './intervals/spread.js'
import { type Recording, segmentHistograms } from './recording.js'
import type { Finding } from './validity.js'

/** With fewer segments, their spread is not known well enough. */
const FEWEST = 10
/** Student's t at 99.75 %, one-sided, for two halves of 10 segments: 18 degrees of freedom. */
const T = 3.2
/** How many independent values each half must be worth. With fewer, its segments agree by chance. */
const INDEPENDENT = 100
/** A smaller difference, as a fraction of the mean, does not matter even if it is real. */
const LEAST = 0.05
/** In a measurement the speed of the machine changes by up to 1.6 times within seconds (docs/validation/measuring.md). */
const LEAST_MEASURED = 0.5

const TIMES = { service: 'service time', latency: 'latency' } as const

/**
 * Finds a difference between the first and the second half of the window: their mean latencies or service times are
 * further apart than the spread between the segments of each half explains (Welch's test on batch means, widened if
 * neighbouring segments are correlated; `bench/studies/unsteady.ts` measures how often it is wrong, and what it finds).
 */
export function unsteadyFinding(recording: Recording): Finding | null {
  for (const metric of Object.keys(TIMES) as (keyof typeof TIMES)[]) {
    const least = recording.engine === 'measure' ? LEAST_MEASURED : LEAST
    const found = halvesOf(segmentHistograms(recording, metric), stdDevOf(recording.histograms[metric]) ** 2, least)
    if (found === null) continue
    const [firstMs, secondMs] = found.map((ns) => ns / NS_PER_MS) as [number, number]
    const { scenario } = recording
    const meant = scenario !== null && (!isStationary(scenario.arrivals) || scenario.arrivals.process === 'onOff')
    const change = secondMs / firstMs - 1
    const by = roughPercent(Math.abs(change))
    const why = meant
      ? 'the arrivals vary by design, and the percentiles describe the whole window'
      : `the percentiles mix two different states; ${scenario === null ? 'take a snapshot of less' : 'warm up for longer'}, or find out what changed`
    return {
      code: 'unsteady',
      severity: meant ? 'info' : 'warning',
      message: `the mean ${TIMES[metric]} was ${milliseconds(firstMs)} in the first half of the window and ${milliseconds(secondMs)} in the second, ${by} ${change > 0 ? 'more' : 'less'}, which chance does not explain: ${why}`,
      figures: { firstMs, secondMs, change },
    }
  }
  return null
}

/**
 * The means of the two halves if they differ; otherwise null.
 *
 * @param variance of a single value
 * @param least how far apart they must be, as a fraction of the lower one
 */
function halvesOf(segments: readonly HistogramSnapshot[], variance: number, least: number): [number, number] | null {
  if (segments.length < FEWEST) return null
  const middle = segments.length >> 1
  const halves = [halfOf(segments.slice(0, middle)), halfOf(segments.slice(-middle))] as const
  const [first, second] = halves
  const apart = Math.abs(second.mean - first.mean)
  if (!(apart > least * Math.min(first.mean, second.mean))) return null

  const squares = first.squares + second.squares
  // the correlation of independent segments is -1 / (middle - 1), since `off` adds up to 0 in each half
  const found = squares === 0 ? 0 : (first.neighbours + second.neighbours) / squares + 1 / (middle - 1)
  const alike = Math.max(0, Math.min(MOST_ALIKE, found))
  let error = 0
  for (const { count, squares } of halves) {
    const ofMean = ((squares / count ** 2) * middle * (1 + alike)) / (middle - 1)
    if (ofMean * Math.min(INDEPENDENT, count) > variance) return null
    error += ofMean
  }
  return apart > T * Math.sqrt(error) ? [first.mean, second.mean] : null
}

interface Half {
  count: number
  mean: number
  /** by how much the sum of each segment is off what its number of values would give: sums of the squares, and of the products of neighbours */
  squares: number
  neighbours: number
}

function halfOf(segments: readonly HistogramSnapshot[]): Half {
  const count = sumBy(segments, (each) => each.count)
  const mean = sumBy(segments, ({ sum }) => sum) / count
  const off = segments.map((each) => each.sum - mean * each.count)
  const squares = sumBy(off, (each) => each ** 2)
  const neighbours = off.slice(1).reduce((total, each, i) => total + each * (off[i] as number), 0)
  return { count, mean, squares, neighbours }
}
