import { type HistogramSnapshot, LatencyHistogram, mergeHistograms } from '../histogram/latency-histogram.js'
import { LONGEST_NS, NS_PER_MS, nanoseconds } from '../scenario/nanoseconds.js'
import { mean, sumBy } from '../statistics/descriptive.js'
import { student, tailOf } from '../statistics/student.js'
import { checkList, got, ValidationError } from '../validation/validation-error.js'
import {
  ESTIMATES,
  type Estimate,
  type Interval,
  nameOf,
  noInterval,
  PERCENTILES,
  type Summary,
  summaryOf,
  withholdIntervals,
} from './summary.js'

/** Counts durations in milliseconds, rounded to the nanosecond. */
function histogramOfValues(values: readonly number[], name: string): HistogramSnapshot {
  checkList(values, name, 'durations')
  if (values.length === 0) throw new ValidationError(name, 'must hold at least one duration to summarize')
  const histogram = new LatencyHistogram()
  values.forEach((value, i) => {
    if (typeof value !== 'number' || !(value >= 0) || value * NS_PER_MS >= LONGEST_NS) {
      throw new ValidationError(`${name}[${i}]`, `must be a duration of 0 or more in milliseconds, ${got(value)}`)
    }
    histogram.record(nanoseconds(value))
  })
  return histogram.snapshot()
}

/**
 * Makes a summary of durations in milliseconds, rounded to the nanosecond. It has no intervals, since nothing is known of
 * how the durations depend on each other.
 *
 * @example
 * ```ts
 * import { summarize } from 'throughline'
 *
 * const { p50, max } = summarize([100, 150, 200, 2500])
 * console.log(p50, max) // 150.077439 2500
 * ```
 *
 * @throws ValidationError if the list is empty, or holds anything but numbers of 0 or more
 */
export function summarize(values: readonly number[]): Summary {
  const few = withholdIntervals('plain numbers do not say whether they are independent')
  return summaryOf(histogramOfValues(values, 'values'), few)
}

/** With fewer runs, it is not known well enough how far they differ. */
const FEWEST_RUNS = 5
/** How many values of a run must lie beyond a percentile. */
const BEYOND = 5

/**
 * Makes one summary of several runs of the same thing, each a list of durations in milliseconds. Its 95 % intervals are
 * Student's t over the means and percentiles of the runs, so durations within a run may depend on each other (independent
 * replications: Law and Kelton, Simulation Modeling and Analysis, 9.5.2). They always include the value of all durations
 * together.
 *
 * @example
 * ```ts
 * import { summarizeRuns } from 'throughline'
 *
 * const runs = [[10, 12], [11, 12], [10, 13], [11, 13], [10, 11]]
 * console.log(summarizeRuns(runs).mean) // 11.3
 * ```
 *
 * @throws ValidationError if there is no run, or a run is empty or holds anything but durations
 */
export function summarizeRuns(runs: readonly (readonly number[])[]): Summary {
  checkList(runs, 'runs', 'runs, each a list of durations')
  if (runs.length === 0) throw new ValidationError('runs', 'must hold at least one run')
  const histograms = runs.map((values, i) => histogramOfValues(values, `runs[${i}]`))
  const none = withholdIntervals('')
  const summaries = histograms.map((histogram) => summaryOf(histogram, none))
  const whole = summaryOf(mergeHistograms(histograms), none)
  const intervals = ESTIMATES.map((estimate) => {
    const interval = intervalOf(
      estimate,
      summaries.map((summary) => summary[estimate]),
      whole[estimate],
      Math.min(...histograms.map(({ count }) => count)),
    )
    return [estimate, interval]
  })
  return { ...whole, intervals: Object.fromEntries(intervals) as Summary['intervals'] }
}

function intervalOf(estimate: Estimate, own: number[], all: number, fewest: number): Interval {
  const runs = own.length
  if (runs < FEWEST_RUNS) {
    return noInterval(`at least ${FEWEST_RUNS} runs are needed, and there are ${runs}`)
  }
  const fraction = estimate === 'mean' ? null : PERCENTILES[estimate] / 100
  const needed = fraction === null ? 1 : Math.round(BEYOND / (1 - fraction))
  if (fewest < needed) {
    return noInterval(
      `${nameOf(estimate)} needs ${needed.toLocaleString('en')} values in each run, but one has only ${fewest}`,
    )
  }
  const middle = mean(own)
  const variance = sumBy(own, (value) => (value - middle) ** 2) / (runs - 1)
  const margin = student(tailOf(1), runs - 1) * Math.sqrt(variance / runs)
  return { low: Math.max(0, Math.min(middle - margin, all)), high: Math.max(middle + margin, all), level: 0.95 }
}
