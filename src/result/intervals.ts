import {
  bucketCeiling,
  bucketFloor,
  type HistogramSnapshot,
  type LatencyHistogram,
} from '../histogram/latency-histogram.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/units.js'
import { student, tailOf } from '../statistics/student.js'
import { FEWEST, type Order, type Spread, spreadOf, stretchesName, tooFewStretches } from './spread.js'
import { ESTIMATES, type Estimate, type Interval, noInterval, PERCENTILES } from './summary.js'

/**
 * How many independent values a run must be worth. With fewer, stretches of the run are still alike, and their spread
 * tells too little of the run's own; tuned, as the two below, by `bench/coverage.ts`.
 */
const INDEPENDENT = 300
/**
 * How many independent values must lie beyond a percentile: values above it come in clusters, and with fewer clusters
 * their number is too skewed for a t interval. It is more than what bounds a percentile at all (3.7).
 */
const BEYOND = 15
/**
 * A run that happens to be calm shows short latencies, little autocorrelation and so enough independent values: of all
 * runs of one length, the calm ones are given an interval first. So up to two and a half times of what is needed the
 * upper bound is moved away, by up to this fraction of its distance. Where there are enough independent values and only
 * those beyond a percentile are few, being given one says less about the run.
 */
const CALM = { mean: 1.2, percentiles: [0.4, 0.9, 1, 0.5, 0.5] }
const CALM_UP_TO = 2.5
/** What is advised is this much longer than what was found to be needed, which is known to within a third or so. */
const MARGIN = 1.5

/**
 * 95 % intervals from the stretches of one run, for its mean and percentiles. Latencies of one run depend on each
 * other, so that only the spread *between* stretches tells how far off an estimate may be:
 *
 * - **mean**: batch means with Student's t (Law and Kelton, Simulation Modeling and Analysis, 9.5.3), the t transformed
 *   for skewness (Johnson, J. Am. Stat. Assoc. 73, 1978; as in Willink, Comm. Stat. 34, 2005);
 * - **percentile p**: how far the fraction of values at or below the estimate varies between stretches gives a margin
 *   h to p, and the histogram at p - h and p + h the bounds. It needs no density, and holds at atoms (a test turned
 *   round, as in Woodruff, J. Am. Stat. Assoc. 47, 1952, with the variance between stretches);
 * - both are widened where neighbouring stretches are alike, and where the run is hardly long enough.
 *
 * The variance of independent values over what is found gives how many independent values the run is worth. Where
 * these are too few there is no interval, but the reason and the length of a window that would do.
 *
 * @param total all values, of which the stretches, in order, hold each one
 * @param windowNs how long the window was
 * @param checkpoints how many checkpoints the run has: its intervals hold at all of them
 * @param endsByItself whether the arrivals end by themselves, so that no longer run is advised
 */
export function intervalsOf(
  total: LatencyHistogram,
  stretches: readonly HistogramSnapshot[],
  windowNs: number,
  checkpoints = 1,
  endsByItself = false,
): Record<Estimate, Interval> {
  const advice = endsByItself ? noLonger : longerWindow(total, windowNs)
  return named(intervals(total, stretches, 'in a row', advice, checkpoints))
}

type Advice = (factor: number) => string

const noLonger: Advice = () => 'the arrivals end by themselves, so that the run cannot be longer'

function longerWindow(total: LatencyHistogram, windowNs: number): Advice {
  return (factor) => {
    const requests = roundUp(total.count * factor)
    const seconds = roundUp((windowNs * factor) / NS_PER_SECOND)
    return `a window of about ${count(requests)} requests (${count(seconds)} s) would do`
  }
}

/**
 * 95 % intervals from replications: runs of one scenario that differ in their seeds, and so are independent. Student's
 * t over the replications' means for the mean; for a percentile, that of all their values together, the spread between
 * the fractions that they have at or below it (sectioning: Asmussen and Glynn, Stochastic Simulation, III.5).
 *
 * @param total all values, of which the replications hold each one
 */
export function intervalsBetween(
  total: LatencyHistogram,
  replications: readonly HistogramSnapshot[],
): Record<Estimate, Interval> {
  return named(intervals(total, replications, 'independent', moreReplications(total), 1))
}

const moreReplications =
  (total: LatencyHistogram): Advice =>
  (factor) =>
    `about ${count(roundUp(total.count * factor))} requests in all, in more or longer replications, would do`

const STORED: readonly number[] = Object.values(PERCENTILES)

interface Intervals {
  mean: Interval
  percentiles: Interval[]
}

function named({ mean, percentiles }: Intervals): Record<Estimate, Interval> {
  return Object.fromEntries(ESTIMATES.map((estimate, i) => [estimate, i === 0 ? mean : percentiles[i - 1]])) as Record<
    Estimate,
    Interval
  >
}

/** The mean's, and those of the stored percentiles. */
function intervals(
  total: LatencyHistogram,
  stretches: readonly HistogramSnapshot[],
  order: Order,
  advice: Advice,
  checkpoints: number,
): Intervals {
  const n = total.count
  const few = tooFewStretches(stretches.length, order)
  if (few !== null) {
    // a longer run has as many more segments; none that is advised is shorter than this one
    const factor = Math.max(INDEPENDENT / n, FEWEST[order] / Math.max(1, stretches.length))
    const none = noInterval(n === 0 ? few : `${few}: ${advice(factor)}`)
    return { mean: none, percentiles: STORED.map(() => none) }
  }
  const t = student(tailOf(checkpoints), stretches.length - 1)
  const distribution = new Distribution(total)
  const places = STORED.map((percentile) => distribution.placeOf(percentile / 100))
  const fractions = spreadsOfFractions(places, stretches, n, order)

  const mean = spreadOfMean(total, stretches, order)
  let { independent, ofLongRun } = mean
  const tooFew = (what: string, needed: number): Interval => {
    const few = `${count(n)} requests are too few`
    const worth = independent < n ? `${count(n)} requests are worth ${count(independent)} independent ones` : few
    return noInterval(`${worth}, and ${what} takes ${count(needed)}: ${advice((MARGIN * needed) / ofLongRun)}`)
  }
  const ofMean = () => {
    if (independent < INDEPENDENT) return tooFew('a mean', INDEPENDENT)
    const { low, high } = skewed(t, 2 / Math.sqrt(independent))
    const bound = (errors: number) => (total.sum + errors * mean.error) / n
    return within(total, bound(-low), bound(high * calm(CALM.mean, independent / INDEPENDENT)))
  }
  const meanInterval = ofMean()
  const percentiles = places.map(({ p, bucket }, i) => {
    const fraction = fractions[i] as Spread
    // a percentile further out cannot rest on more than those before it
    independent = Math.min(independent, fraction.independent)
    ofLongRun = Math.min(ofLongRun, fraction.ofLongRun)
    const needed = Math.max(INDEPENDENT, Math.round(BEYOND / Math.min(p, 1 - p)))
    const name = `p${STORED[i]}`
    if (independent < needed) return tooFew(name, needed)
    const down = (t * fraction.error) / n
    const up = down * calm(CALM.percentiles[i] as number, independent / needed)
    // the extremes that were seen are no bounds
    const reach = Math.max(down / p, up / (1 - p))
    if (reach >= 1) {
      return noInterval(
        `too few ${stretchesName(order)} for ${name}, as far apart as they are: ${advice(MARGIN * reach ** 2)}`,
      )
    }
    const low = distribution.boundAt(p - down, 'low', down + up)
    const high = distribution.boundAt(p + up, 'high', down + up)
    // the percentile itself is told as the highest value of its bucket
    return within(total, low, Math.max(high, bucketCeiling(bucket)))
  })
  return { mean: meanInterval, percentiles }
}

/** By how much an upper bound is moved away, where the run is worth so many times what is needed. */
function calm(fraction: number, times: number): number {
  return 1 + fraction * (1 - Math.min(1, Math.log(times) / Math.log(CALM_UP_TO)))
}

/** Where in a distribution a percentile is. */
interface Place {
  p: number
  bucket: number
  /** the fraction of values below the bucket, and in it */
  below: number
  inside: number
  /** the part of the bucket's values that it takes to reach p exactly: the bucket may be an atom */
  part: number
}

/** The running total of a histogram's buckets. */
class Distribution {
  readonly #n: number
  readonly #first: number
  readonly #upTo: Float64Array

  constructor(total: LatencyHistogram) {
    const { count: n, first, counts } = total.compact()
    this.#n = n
    this.#first = first
    this.#upTo = new Float64Array(counts.length)
    let sum = 0
    for (let i = 0; i < counts.length; i++) {
      sum += counts[i] as number
      this.#upTo[i] = sum
    }
  }

  placeOf(p: number): Place {
    const bucket = this.bucketAt(p)
    const i = bucket - this.#first
    const below = (this.#upTo[i - 1] ?? 0) / this.#n
    const inside = this.#inside(bucket)
    return { p, bucket, below, inside, part: (p - below) / inside }
  }

  /**
   * The value with this fraction of all below it: by a straight line through its bucket, unless that stands out from its
   * neighbours and from the fraction that the interval spans. It may then be an atom, and its end is the bound.
   */
  boundAt(fraction: number, end: 'low' | 'high', spans: number): number {
    const { bucket, inside, part } = this.placeOf(fraction)
    const [floor, ceiling] = [bucketFloor(bucket), bucketCeiling(bucket)]
    const beside = Math.max(this.#inside(bucket - 1), this.#inside(bucket + 1))
    if (inside <= Math.max(spans, 2 * beside)) return floor + part * (ceiling - floor)
    return end === 'low' ? floor : ceiling
  }

  /** The fraction of values in a bucket; at most 0 outside of all. */
  #inside(bucket: number): number {
    const i = bucket - this.#first
    return ((this.#upTo[i] ?? 0) - (this.#upTo[i - 1] ?? 0)) / this.#n
  }

  /** The bucket of the least value with this fraction of all at or below it. */
  bucketAt(fraction: number): number {
    // a hair less, as HdrHistogram does, since 0.95 times a whole number may come out above it
    const rank = Math.max(1, Math.min(this.#n, Math.ceil(fraction * this.#n * (1 - 2 ** -52))))
    let low = 0
    let high = this.#upTo.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#upTo[middle] as number) >= rank) high = middle
      else low = middle + 1
    }
    return this.#first + low
  }
}

function spreadOfMean(total: LatencyHistogram, stretches: readonly HistogramSnapshot[], order: Order): Spread {
  const { count: n, mean } = total
  // where all are the same, rounding alone would be left
  const off = stretches.map(({ count, sum }) => (total.min === total.max ? 0 : sum - mean * count))
  return spreadOf(off, n, total.stdDev ** 2, order)
}

/** For each percentile, of the fraction of values at or below its place. */
function spreadsOfFractions(
  places: readonly Place[],
  stretches: readonly HistogramSnapshot[],
  n: number,
  order: Order,
): Spread[] {
  const off = places.map(() => [] as number[])
  for (const { count, first, counts } of stretches) {
    // plain loops, as this is most of a Result of few requests
    let i = 0
    let below = 0
    for (let which = 0; which < places.length; which++) {
      const { p, bucket, part } = places[which] as Place
      const at = Math.max(0, Math.min(bucket - first, counts.length))
      for (; i < at; i++) below += counts[i] as number
      const inside = bucket < first ? 0 : (counts[at] ?? 0)
      off[which]?.push(below + part * inside - p * count)
    }
  }
  return places.map(({ p, below, inside, part }, which) =>
    spreadOf(off[which] as number[], n, below + part ** 2 * inside - p ** 2, order),
  )
}

/**
 * How many standard errors below and above the estimate the bounds of a mean are. A sum of clusters of requests is
 * about gamma distributed, and its skewness that of a gamma of as many independent values.
 */
function skewed(t: number, skewness: number): { low: number; high: number } {
  const a = skewness / 6
  const at = (r: number) => (Math.cbrt(1 + 6 * a * (r - a)) - 1) / (2 * a)
  return { low: at(t), high: -at(-t) }
}

function within({ min, max }: LatencyHistogram, lowNs: number, highNs: number): Interval {
  const clamped = (ns: number) => Math.max(min, Math.min(max, ns)) / NS_PER_MS
  return { low: clamped(lowNs), high: clamped(highNs), level: 0.95 }
}

const count = (requests: number) => Math.floor(requests).toLocaleString('en')

/** Up to two significant digits. */
function roundUp(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
  return Math.ceil(value / unit) * unit
}
