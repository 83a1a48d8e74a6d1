import { bucketCeiling, bucketFloor } from '../../histogram/buckets.js'
import type { HistogramSnapshot } from '../../histogram/latency-histogram.js'
import { meanOf, stdDevOf } from '../../histogram/moments.js'
import { endsByItself } from '../../scenario/arrivals/arrivals.js'
import { NS_PER_MS, NS_PER_SECOND } from '../../scenario/nanoseconds.js'
import { student, tailOf } from '../../statistics/student.js'
import { count } from '../../text/number.js'
import type { Recording } from '../recording.js'
import { ESTIMATES, type Estimate, type Interval, noInterval, PERCENTILES } from '../summary.js'
import {
  type EstimateError,
  estimateError,
  FEWEST_SEGMENTS,
  type Order,
  segmentsName,
  tooFewSegments,
} from './spread.js'

/**
 * How many independent values a run must be worth. With fewer, its segments are still correlated, and their spread does
 * not show the run's own. Tuned, like the two below, with `bench/studies/coverage.ts`.
 */
const INDEPENDENT = 300
/**
 * How many independent values must lie beyond a percentile. Values above it come in clusters, and with fewer clusters
 * their number is too skewed for a t interval. Bounding a percentile needs at least 3.7 values beyond it.
 */
const BEYOND = 15
/**
 * A run that happens to be calm has short latencies and little autocorrelation, and so enough independent values: of all
 * runs of one length, calm ones get an interval first. So up to two and a half times the needed values, the upper bound
 * is moved away by up to this fraction of its distance. It is less for percentiles that need values beyond them, since
 * getting an interval then says less about the run.
 */
const CALM = { mean: 1.2, percentiles: [0.4, 0.9, 1, 0.5, 0.5] }
const CALM_UP_TO = 2.5
/** The advised length is this many times the length that seems needed, which is known to within about a third. */
const MARGIN = 1.5

/**
 * Computes 95 % intervals of the mean and percentiles from the segments of one run. Latencies of one run depend on each
 * other, so only the spread *between* segments shows how far off an estimate may be:
 *
 * - **mean**: batch means with Student's t (Law and Kelton, Simulation Modeling and Analysis, 9.5.3), the t transformed
 *   for skewness (Johnson, J. Am. Stat. Assoc. 73, 1978; as in Willink, Comm. Stat. 34, 2005);
 * - **percentile p**: the variation between segments of the fraction of values at or below the estimate gives a margin
 *   h, and the histogram at p - h and p + h gives the bounds. This needs no density, and holds at atoms (an inverted
 *   test, as in Woodruff, J. Am. Stat. Assoc. 47, 1952, with the variance between segments);
 * - both are widened if neighbouring segments are correlated, and if the run is barely long enough.
 *
 * The variance of independent values over the one found is the number of independent values that the run is worth. If
 * they are too few there is no interval, but the reason and the length of a sufficient window.
 *
 * @param total all values
 * @param segments the same values, by segment, in order
 * @param windowNs the length of the window
 * @param checkpoints how many checkpoints the run has: its intervals hold at all of them
 * @param endsByItself the arrivals end, so do not advise a longer run
 * @param counted what the values are of
 */
export function intervalsOf(
  total: HistogramSnapshot,
  segments: readonly HistogramSnapshot[],
  windowNs: number,
  checkpoints = 1,
  endsByItself = false,
  counted: Counted = 'requests',
): Record<Estimate, Interval> {
  const advice = endsByItself ? noLonger : longerWindow(total, windowNs, counted)
  return nameIntervals(intervals(total, segments, 'in a row', advice, checkpoints, counted))
}

/** What the values of a distribution are of, in messages. */
type Counted = 'requests' | 'gaps'

type Advice = (factor: number) => string

const noLonger: Advice = () => 'the arrivals end by themselves, so that the run cannot be longer'

function longerWindow(total: HistogramSnapshot, windowNs: number, counted: Counted): Advice {
  return (factor) => {
    const values = roundUp(total.count * factor)
    const seconds = roundUp((windowNs * factor) / NS_PER_SECOND)
    return `a window of about ${count(values)} ${counted} (${count(seconds)} s) would be enough`
  }
}

/**
 * Computes 95 % intervals from replications, which are independent runs of one scenario. The mean's is Student's t over
 * the replications' means; a percentile's comes from the spread between the fractions of their values at or below the
 * percentile of all values (sectioning: Asmussen and Glynn, Stochastic Simulation, III.5).
 *
 * @param total all values
 * @param replications the same values, by replication
 */
export function intervalsBetween(
  total: HistogramSnapshot,
  replications: readonly HistogramSnapshot[],
  counted: Counted = 'requests',
): Record<Estimate, Interval> {
  return nameIntervals(intervals(total, replications, 'independent', moreReplications(total, counted), 1, counted))
}

/**
 * The intervals of a distribution of a recording, from its segments or its replications.
 *
 * @param total all values
 * @param segments the same values by segment, or by replication
 */
export function intervalsIn(
  { startNs, endNs, replications, checkpoints, scenario }: Recording,
  total: HistogramSnapshot,
  segments: readonly HistogramSnapshot[],
  counted: Counted = 'requests',
): Record<Estimate, Interval> {
  if (replications !== undefined) return intervalsBetween(total, segments, counted)
  const filled = segments.filter(({ count }) => count > 0)
  const ends = scenario !== null && endsByItself(scenario.arrivals)
  return intervalsOf(total, filled, endNs - startNs, checkpoints?.planned, ends, counted)
}

const moreReplications =
  (total: HistogramSnapshot, counted: Counted): Advice =>
  (factor) =>
    `about ${count(roundUp(total.count * factor))} ${counted} in all, in more or longer replications, would be enough`

const STORED: readonly number[] = Object.values(PERCENTILES)

interface Intervals {
  mean: Interval
  percentiles: Interval[]
}

function nameIntervals({ mean, percentiles }: Intervals): Record<Estimate, Interval> {
  return Object.fromEntries(ESTIMATES.map((estimate, i) => [estimate, i === 0 ? mean : percentiles[i - 1]])) as Record<
    Estimate,
    Interval
  >
}

/** Computes the intervals of the mean and of the stored percentiles. */
function intervals(
  total: HistogramSnapshot,
  segments: readonly HistogramSnapshot[],
  order: Order,
  advice: Advice,
  checkpoints: number,
  counted: Counted,
): Intervals {
  const n = total.count
  const few = tooFewSegments(segments.length, order)
  if (few !== null) {
    // a longer run has proportionally more segments; never advise a shorter one
    const factor = Math.max(INDEPENDENT / n, FEWEST_SEGMENTS[order] / Math.max(1, segments.length))
    const none = noInterval(n === 0 ? few : `${few}: ${advice(factor)}`)
    return { mean: none, percentiles: STORED.map(() => none) }
  }
  const t = student(tailOf(checkpoints), segments.length - 1)
  const distribution = new Distribution(total)
  const places = STORED.map((percentile) => distribution.placeOf(percentile / 100))
  const fractions = spreadsOfFractions(places, segments, n, order)

  const mean = spreadOfMean(total, segments, order)
  let { independent, independentInLongRun } = mean
  const tooFew = (what: string, needed: number): Interval => {
    const few = `${count(n)} ${counted} are too few`
    const worth =
      independent < n ? `${count(n)} ${counted} are worth ${count(Math.floor(independent))} independent ones` : few
    return noInterval(
      `${worth}, and ${what} needs ${count(needed)}: ${advice((MARGIN * needed) / independentInLongRun)}`,
    )
  }
  const ofMean = () => {
    if (independent < INDEPENDENT) return tooFew('a mean', INDEPENDENT)
    const { low, high } = skewBounds(t, 2 / Math.sqrt(independent))
    const bound = (errors: number) => (total.sum + errors * mean.error) / n
    return clampInterval(total, bound(-low), bound(high * calmFactor(CALM.mean, independent / INDEPENDENT)))
  }
  const meanInterval = ofMean()
  const percentiles = places.map(({ p, bucket }, i) => {
    const fraction = fractions[i] as EstimateError
    // a percentile further out cannot have more independent values than those before it
    independent = Math.min(independent, fraction.independent)
    independentInLongRun = Math.min(independentInLongRun, fraction.independentInLongRun)
    const needed = Math.max(INDEPENDENT, Math.round(BEYOND / Math.min(p, 1 - p)))
    const name = `p${STORED[i]}`
    if (independent < needed) return tooFew(name, needed)
    const down = (t * fraction.error) / n
    const up = down * calmFactor(CALM.percentiles[i] as number, independent / needed)
    // the observed extremes are not bounds
    const reach = Math.max(down / p, up / (1 - p))
    if (reach >= 1) {
      return noInterval(
        `the ${segmentsName(order)} differ too much for an interval of ${name}: ${advice(MARGIN * reach ** 2)}`,
      )
    }
    const low = distribution.boundAt(p - down, 'low', down + up)
    const high = distribution.boundAt(p + up, 'high', down + up)
    // the percentile itself is reported as the highest value of its bucket
    return clampInterval(total, low, Math.max(high, bucketCeiling(bucket)))
  })
  return { mean: meanInterval, percentiles }
}

/** The factor that moves an upper bound away, if a run is worth `times` the needed independent values. */
function calmFactor(fraction: number, times: number): number {
  return 1 + fraction * (1 - Math.min(1, Math.log(times) / Math.log(CALM_UP_TO)))
}

/** Where in a distribution a percentile is. */
interface Place {
  p: number
  bucket: number
  /** the fraction of values below the bucket, and in it */
  below: number
  inside: number
  /** the fraction of the bucket's values that lies below p: the bucket may be an atom */
  part: number
}

/** The running total of a histogram's buckets. */
class Distribution {
  readonly #n: number
  readonly #buckets: Uint16Array
  readonly #upTo: Float64Array

  constructor({ count, buckets, counts }: HistogramSnapshot) {
    this.#n = count
    this.#buckets = buckets
    this.#upTo = new Float64Array(counts.length)
    let sum = 0
    for (let i = 0; i < counts.length; i++) {
      sum += counts[i] as number
      this.#upTo[i] = sum
    }
  }

  placeOf(p: number): Place {
    const i = this.#indexAt(p)
    const below = (this.#upTo[i - 1] ?? 0) / this.#n
    const inside = this.#inside(i)
    return { p, bucket: this.#buckets[i] as number, below, inside, part: (p - below) / inside }
  }

  /**
   * The value with this fraction of all below it, interpolated within its bucket. A bucket that stands out from its
   * neighbours, and from the fraction that the interval spans, may be an atom: then its end is the bound.
   */
  boundAt(fraction: number, end: 'low' | 'high', spans: number): number {
    const { bucket, inside, part } = this.placeOf(fraction)
    const i = this.#indexAt(fraction)
    const [floor, ceiling] = [bucketFloor(bucket), bucketCeiling(bucket)]
    const [before, after] = [i - 1, i + 1].map((near) =>
      Math.abs((this.#buckets[near] ?? Number.NaN) - bucket) === 1 ? this.#inside(near) : 0,
    ) as [number, number]
    if (inside <= Math.max(spans, 2 * Math.max(before, after))) return floor + part * (ceiling - floor)
    return end === 'low' ? floor : ceiling
  }

  /** The fraction of values in the bucket at an index. */
  #inside(i: number): number {
    return ((this.#upTo[i] as number) - (this.#upTo[i - 1] ?? 0)) / this.#n
  }

  /** The index of the bucket of the lowest value with this fraction of all at or below it. */
  #indexAt(fraction: number): number {
    // as HdrHistogram does: rounding may put 0.95 times a whole number just above it
    const rank = Math.max(1, Math.min(this.#n, Math.ceil(fraction * this.#n * (1 - 2 ** -52))))
    let low = 0
    let high = this.#upTo.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#upTo[middle] as number) >= rank) high = middle
      else low = middle + 1
    }
    return low
  }
}

function spreadOfMean(total: HistogramSnapshot, segments: readonly HistogramSnapshot[], order: Order): EstimateError {
  const n = total.count
  const mean = meanOf(total)
  // if all are the same, only rounding errors would be left
  const off = segments.map(({ count, sum }) => (total.min === total.max ? 0 : sum - mean * count))
  return estimateError(off, n, stdDevOf(total) ** 2, order)
}

/** The spread, for each percentile, of the fraction of values at or below its place. */
function spreadsOfFractions(
  places: readonly Place[],
  segments: readonly HistogramSnapshot[],
  n: number,
  order: Order,
): EstimateError[] {
  const off = places.map(() => [] as number[])
  for (const { count, buckets, counts } of segments) {
    let i = 0
    let below = 0
    for (let which = 0; which < places.length; which++) {
      const { p, bucket, part } = places[which] as Place
      for (; i < buckets.length && (buckets[i] as number) < bucket; i++) below += counts[i] as number
      const inside = buckets[i] === bucket ? (counts[i] as number) : 0
      off[which]?.push(below + part * inside - p * count)
    }
  }
  return places.map(({ p, below, inside, part }, which) =>
    estimateError(off[which] as number[], n, below + part ** 2 * inside - p ** 2, order),
  )
}

/**
 * How many standard errors the bounds of a mean are below and above it. A sum over clusters of requests is about gamma
 * distributed, with the skewness of a gamma distribution for the number of independent values.
 */
function skewBounds(t: number, skewness: number): { low: number; high: number } {
  const a = skewness / 6
  const at = (r: number) => (Math.cbrt(1 + 6 * a * (r - a)) - 1) / (2 * a)
  return { low: at(t), high: -at(-t) }
}

function clampInterval({ min, max }: HistogramSnapshot, lowNs: number, highNs: number): Interval {
  const clamped = (ns: number) => Math.max(min, Math.min(max, ns)) / NS_PER_MS
  return { low: clamped(lowNs), high: clamped(highNs), level: 0.95 }
}

/** Up to two significant digits. */
function roundUp(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
  return Math.ceil(value / unit) * unit
}
