import { BUCKETS, bucketCeiling, bucketFloor, bucketOf } from '../../histogram/buckets.js'
import { decode } from '../../histogram/hdr.js'
import { rankOf } from '../../histogram/percentile.js'
import { nanoseconds } from '../../scenario/nanoseconds.js'
import { betaCdf, betaQuantile } from '../../statistics/beta.js'
import { sum, sumBy } from '../../statistics/descriptive.js'
import { student } from '../../statistics/student.js'
import type { ClassMetric } from '../recording.js'
import type { Result, Segment } from '../result.js'
import type { SegmentTime } from '../summary.js'

/** How the segments of a run relate to each other. */
export type Segmentation =
  /** one after another, in a steady state */
  | 'in a row'
  /** one after another, with arrivals that are meant to vary: only neighbours are comparable */
  | 'varying'
  /** replications */
  | 'independent'

/** How many requests, or gaps between events, exceeded a level, and how clustered they were. */
export interface Exceeding {
  /** bounds of their number: a histogram does not show which values in the level's own bucket exceed it */
  least: number
  most: number
  /**
   * How many requests are worth one independent request (the design effect of Kish 1965): the variance between segments
   * of the number that exceed the level, over that of independent requests. At least 1; of gaps, at least as many as a
   * response has, since one that stalls may have only long ones.
   */
  design: number
}

interface CountedSegment {
  /** how many values it has, with those that requests without an answer would have */
  offered: number
  unanswered: number
  min: number
  max: number
  first: number
  /** how many values are in a bucket or in a higher one, from the first bucket on */
  from: Uint32Array
}

/**
 * Counts the requests that took longer than a level in each segment of a Result, for verdicts on percentiles of latency and
 * of the times of responses. A request that was not answered counts as slower or as faster than any level; among the gaps
 * between events, as many gaps as the others have on average.
 */
export class Exceedances {
  readonly offered: number
  readonly segmentation: Segmentation
  /** how many segments have requests */
  readonly segments: number
  readonly #segments: CountedSegment[]
  readonly #slowest: boolean
  /** a design effect is at least this: the gaps of a response may all be alike, whatever the others are */
  readonly #leastDesign: number
  readonly #known = new Map<number, Exceeding>()

  /**
   * @param unanswered how to count requests that were not answered
   * @param time a time that the segments hold
   */
  constructor(
    { segments }: Pick<Result, 'segments'>,
    segmentation: Segmentation,
    unanswered: 'slowest' | 'fastest',
    time: ClassMetric = 'latency',
  ) {
    this.segmentation = segmentation
    this.#slowest = unanswered === 'slowest'
    const each = time === 'between' ? gapsPerResponse(segments) : 1
    this.#leastDesign = Math.max(1, each)
    this.#segments = segments
      .map((segment) => countSegment(segment[`${time}Ms`] ?? null, Math.round(unansweredIn(segment) * each)))
      .filter(({ offered }) => offered > 0)
    this.offered = sumBy(this.#segments, ({ offered }) => offered)
    this.segments = this.#segments.length
  }

  /** @param orAtIt a request that took exactly as long exceeds the level too */
  over(levelNs: number, orAtIt = false): Exceeding {
    const key = orAtIt ? -levelNs - 1 : levelNs
    let known = this.#known.get(key)
    if (known === undefined) {
      const least = this.#segments.map((segment) => this.#countOver(segment, levelNs, orAtIt, 'least'))
      const most = this.#segments.map((segment) => this.#countOver(segment, levelNs, orAtIt, 'most'))
      known = { least: sum(least), most: sum(most), design: this.#designEffect(most) }
      this.#known.set(key, known)
    }
    return known
  }

  /** The percentile of all offered requests, by nearest rank; null if it is a request that was not answered. */
  percentileNs(percentile: number): number | null {
    const rank = rankOf(percentile, this.offered)
    const over = this.offered - rank
    // the lowest bucket with at most that many above it
    let [low, high] = [0, BUCKETS - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#above(middle) <= over) high = middle
      else low = middle + 1
    }
    if (this.#above(low) > over) return null
    const answered = this.#segments.filter(({ from }) => from.length > 0)
    const unanswered = sumBy(this.#segments, (segment) => segment.unanswered)
    if (!this.#slowest && rank <= unanswered) return 0
    const [min, max] = [Math.min(...answered.map(({ min }) => min)), Math.max(...answered.map(({ max }) => max))]
    return Math.max(min, Math.min(max, bucketCeiling(low)))
  }

  /** The fraction of requests over a level in the tenth of the segments with the lowest fractions. */
  calmest(levelNs: number, orAtIt: boolean): number {
    const fractions = this.#segments
      .map((segment) => ({ segment, over: this.#countOver(segment, levelNs, orAtIt, 'least') }))
      .sort((a, b) => a.over / a.segment.offered - b.over / b.segment.offered)
      .slice(0, Math.ceil(this.segments / 10))
    return sumBy(fractions, ({ over }) => over) / sumBy(fractions, ({ segment }) => segment.offered)
  }

  #above(bucket: number): number {
    return sumBy(this.#segments, (segment) => countFrom(segment, bucket + 1) + (this.#slowest ? segment.unanswered : 0))
  }

  #countOver(segment: CountedSegment, levelNs: number, orAtIt: boolean, which: 'least' | 'most'): number {
    const { min, max, unanswered, from } = segment
    const never = this.#slowest ? unanswered : 0
    const answered = from[0] ?? 0
    if (orAtIt ? max < levelNs : max <= levelNs) return never
    if (orAtIt ? min >= levelNs : min > levelNs) return answered + never
    const bucket = bucketOf(levelNs)
    // values are whole nanoseconds: all of the bucket exceed the level, none does, or it is unknown
    const allOver = orAtIt && levelNs <= bucketFloor(bucket)
    const noneOver = !orAtIt && levelNs >= bucketCeiling(bucket)
    const withBucket = allOver || (which === 'most' && !noneOver)
    return countFrom(segment, withBucket ? bucket : bucket + 1) + never
  }

  /**
   * The design effect: the largest of those of the segments, of pairs of segments, and so on until 5 to 9 are left, since
   * clusters that are longer than a segment show only in longer ones. With few segments it is poorly known, and taken as
   * larger by the factor that Student's t is larger than for 20 segments, squared.
   */
  #designEffect(over: readonly number[]): number {
    const n = this.offered
    const all = sum(over)
    if (all === 0 || all === n) return this.#leastDesign
    const fraction = all / n
    const variance = n * fraction * (1 - fraction)
    let offered = this.#segments.map((segment) => segment.offered)
    let off = over.map((count, i) => count - fraction * (offered[i] as number))
    let largest = this.#leastDesign
    if (this.segmentation === 'varying') {
      // a trend moves all of them: only the difference of neighbours is chance
      const fractions = over.map((count, i) => count / (offered[i] as number))
      const mean = n / over.length
      const differences = fractions.slice(1).map((each, i) => ((each - (fractions[i] as number)) * mean) ** 2 / 2)
      return Math.max(
        this.#leastDesign,
        ((sum(differences) * over.length) / (over.length - 1) / variance) * fewSegmentsFactor(over.length),
      )
    }
    for (;;) {
      const segments = off.length
      const between = (sum(off.map((each) => each ** 2)) * segments) / (segments - 1)
      largest = Math.max(largest, between / variance)
      if (segments < 10 || this.segmentation === 'independent') break
      off = addPairs(off)
      offered = addPairs(offered)
    }
    return Math.max(this.#leastDesign, largest * fewSegmentsFactor(over.length))
  }
}

/** The factor by which a design effect is taken as larger, if it is known from few segments. */
function fewSegmentsFactor(segments: number): number {
  if (segments >= USUAL) return 1
  return segments < 2 ? Number.POSITIVE_INFINITY : (student(0.025, segments - 1) / student(0.025, USUAL - 1)) ** 2
}
const USUAL = 20

/** Adds up pairs; an odd one at the end joins the last pair. */
function addPairs(values: readonly number[]): number[] {
  const pairs = Array.from(
    { length: values.length >> 1 },
    (_, i) => (values[2 * i] as number) + (values[2 * i + 1] as number),
  )
  if (values.length % 2 === 1) pairs[pairs.length - 1] = (pairs.at(-1) as number) + (values.at(-1) as number)
  return pairs
}

const unansweredIn = ({ counts }: Segment) => counts.offered - counts.completed

/** How many gaps a completed request has whose response has a beginning. */
const gapsPerResponse = (segments: readonly Segment[]) =>
  sumBy(segments, ({ betweenMs }) => betweenMs?.count ?? 0) / sumBy(segments, ({ firstMs }) => firstMs?.count ?? 0)

function countSegment(time: SegmentTime | null, unanswered: number): CountedSegment {
  const empty = { offered: unanswered, unanswered, min: 0, max: 0, first: 0, from: new Uint32Array() }
  if (time === null) return empty
  const [min, max] = [nanoseconds(time.min), nanoseconds(time.max)]
  const first = bucketOf(min)
  const from = new Uint32Array(bucketOf(max) - first + 1)
  const { buckets, counts: times } = decode(time.histogram)
  for (let i = 0; i < buckets.length; i++) {
    const at = Math.max(0, Math.min(from.length - 1, (buckets[i] as number) - first))
    from[at] = (from[at] as number) + (times[i] as number)
  }
  for (let i = from.length - 2; i >= 0; i--) from[i] = (from[i] as number) + (from[i + 1] as number)
  return { ...empty, offered: time.count + unanswered, min, max, first, from }
}

/** How many values of a segment are in a bucket or in a higher one. */
const countFrom = ({ from, first }: CountedSegment, bucket: number) => from[Math.max(0, bucket - first)] ?? 0

/**
 * Bounds of a fraction, from `count` of `n` requests if `design` requests are worth one independent request: exact
 * binomial bounds (Clopper and Pearson 1934) at the effective sample size (Korn and Graubard, Survey Methodology 24,
 * 1998).
 */
export class FractionBounds {
  readonly #count: number
  readonly #n: number
  readonly #tail: number

  constructor(count: number, n: number, design: number, tail: number) {
    this.#count = count / design
    this.#n = n / design
    this.#tail = tail
  }

  /** Whether the upper bound is at most this fraction: cheaper than computing the bound. */
  isAtMost(fraction: number): boolean {
    if (!(this.#n > 0) || this.#count >= this.#n) return fraction >= 1
    return betaCdf(fraction, this.#count + 1, this.#n - this.#count) >= 1 - this.#tail
  }

  /** Whether the lower bound is above this fraction. */
  isAbove(fraction: number): boolean {
    if (!(this.#count > 0)) return false
    return betaCdf(fraction, this.#count, this.#n - this.#count + 1) <= this.#tail
  }

  get low(): number {
    return this.#count > 0 ? betaQuantile(this.#tail, this.#count, this.#n - this.#count + 1) : 0
  }
  get high(): number {
    if (!(this.#n > 0) || this.#count >= this.#n) return 1
    return betaQuantile(1 - this.#tail, this.#count + 1, this.#n - this.#count)
  }
}
