import { bucketOf, clampToBuckets, FIRST_BUCKET_NS, LAST_BUCKET_NS } from '../../histogram/buckets.js'
import { type HistogramSnapshot, mergeHistograms, zeros } from '../../histogram/latency-histogram.js'
import { addMoments, addMomentsOf, MAX, MIN, MOMENTS, momentsAt } from '../../histogram/moments.js'
import type { FailureCounts } from '../../result/failures.js'
import { type ClassRecordings, type Counts, type Metric, noCounts } from '../../result/recording.js'
import { NS_PER_SECOND } from '../../scenario/nanoseconds.js'
import { MOST_REQUESTS } from '../../scenario/units.js'
import { sum, sumBy } from '../../statistics/descriptive.js'
import { BucketPages } from './bucket-pages.js'
import { ClassSegments } from './class-segments.js'
import { addFailure, withUnknown } from './failure-counts.js'

/** The sums of a segment; times in nanoseconds. */
const START = 0
const END = 1
/** of the requests due in it: how many, their outcomes, and of those in flight how long after its start they were due */
const OFFERED = 2
const COMPLETED = 3
const FAILED = 4
const REJECTED = 5
const TIMED_OUT = 6
const ABORTED = 7
const PENDING_DUE = 8
/** requests that left in it, and completed in it, whenever they were due */
const LEFT = 9
const COMPLETIONS = 10
/** from each arrival in it to its end, less from each departure: the number in the system over it, less that at its start */
const AREA = 11
/** every stay in the system, and every service, clipped to it */
const STAYS = 12
const SERVING = 13
/** the batches that started in it, the requests in them, and their total service time */
const BATCHES = 14
const BATCHED = 15
const STARTED_SERVING = 16
/** of the completed requests that were due in it, those within all limits of `good` */
const GOOD = 17
const FIELDS = 18

const FIELD_OF = {
  completed: COMPLETED,
  failed: FAILED,
  rejected: REJECTED,
  timedOut: TIMED_OUT,
  aborted: ABORTED,
} as const
export type RequestOutcome = keyof typeof FIELD_OF

/**
 * The histograms of a segment. `alone` is the latency of requests without a batch, which were all service, `failed` that of
 * failed requests.
 */
const HISTOGRAM_OF = {
  ...{ latency: 0, wait: 1, service: 2, queueing: 3, batching: 4, dispatch: 5 },
  ...{ alone: 6, failed: 7 },
} as const
export type StoredHistogram = keyof typeof HISTOGRAM_OF
/** how many batches there were of each size: counts by size instead of by bucket */
const SIZES = 8
const HISTOGRAMS = 9
/** The stored histograms of each metric. The requests in none of them took no such time. */
const STORED: Record<Metric, readonly StoredHistogram[]> = {
  latency: ['latency', 'alone'],
  wait: ['wait'],
  service: ['service', 'alone'],
  lag: [],
  queueing: ['queueing'],
  batching: ['batching'],
  dispatch: ['dispatch'],
}

/** The length of the newest segments; as they age, they are merged into longer ones. */
const FINEST_NS = NS_PER_SECOND / 2
/**
 * How long a segment may be that ended this long ago, if that is at most a twentieth of all: so a window of 10 s, 1 min,
 * 5 min or of all time has 20 segments or more.
 */
const GRAINS = [
  { ageNs: 75 * NS_PER_SECOND, lengthNs: 15 * NS_PER_SECOND },
  { ageNs: 16 * NS_PER_SECOND, lengthNs: 3 * NS_PER_SECOND },
] as const
/** Beyond this age there are this many in all, however long they get. */
const OLD_NS = 360 * NS_PER_SECOND
const MOST_OLD = 40
const PLACES = 192
/** Batch sizes from here on are counted in a map. */
const LARGE = 2 ** 15

/**
 * Time cut into segments, from the start to now, each with the outcomes of the requests that were due in it. As time
 * passes, short segments are merged into longer ones, and nothing else is lost.
 *
 * ```
 * order:    | place of the oldest | ... | place of the newest |
 * by place:
 * sums:     | 18 sums of place 0            | 18 sums of place 1 | ...
 * moments:  | 9 x 5 moments of place 0      | ...
 * pages:    | 9 histograms' counts, place 0 | ...
 * ```
 *
 * A segment is referred to by the index of its first sum (`at`), which holds until the next call of `advance`.
 */
export class Segments {
  /** the places of the segments, the oldest first */
  readonly #order = new Uint8Array(PLACES)
  #length = 0
  readonly #sums = new Float64Array(PLACES * FIELDS)
  readonly #moments = new Float64Array(PLACES * HISTOGRAMS * MOMENTS)
  readonly #pages = new BucketPages(PLACES * HISTOGRAMS, (histogram) =>
    this.#coarsen(Math.floor(histogram / HISTOGRAMS)),
  )
  readonly #large: (Map<number, number> | null)[] = new Array(PLACES).fill(null)
  /** the failed requests of known kinds, by place, and since the start */
  readonly #failures: (Map<string, number> | null)[] = new Array(PLACES).fill(null)
  readonly #allFailures = new Map<string, number>()
  /** null if requests have no classes */
  readonly classes: ClassSegments | null
  readonly #free: number[] = Array.from({ length: PLACES }, (_, place) => PLACES - 1 - place)
  readonly #judged: boolean
  /** the newest segment, which holds the present */
  #newest = 0

  /**
   * @param judged whether requests are judged by the limits of `good`
   * @param classes the names of the classes that requests may have; none if they have no classes
   */
  constructor(startNs: number, judged = false, classes: readonly string[] = []) {
    this.#judged = judged
    this.classes =
      classes.length === 0 ? null : new ClassSegments(classes, PLACES, judged, (place) => this.#coarsen(place))
    this.#open(startNs, startNs + FINEST_NS)
  }

  /** The segments, the oldest first; valid until the next change. */
  views(): SegmentView[] {
    const places = this.#order.subarray(0, this.#length)
    const { classes } = this
    const shown = classes === null ? [] : classes.shown(places)
    return Array.from(places, (place) => {
      const sums = this.#sums.subarray(place * FIELDS, (place + 1) * FIELDS)
      return new SegmentView(sums, this.#judged, {
        histogram: (name) => this.#snapshot(place, HISTOGRAM_OF[name]),
        sizes: () => this.#sizes(place),
        failures: () => this.#failures[place] ?? new Map(),
        classes: () => classes?.read(place, shown),
      })
    })
  }

  /** The failed requests since the start by kind. They never fall, as a kind keeps its count once it has one. */
  get allFailures(): FailureCounts {
    const failed = sumBy(this.views(), ({ counts }) => counts.failed)
    return withUnknown(this.#allFailures, failed)
  }

  #at(i: number): number {
    return (this.#order[i] as number) * FIELDS
  }

  /** When the newest segment ends. Call `advance` before recording anything at this time or later. */
  get endNs(): number {
    return this.#sums[this.#newest + END] as number
  }

  startOf(at: number): number {
    return this.#sums[at + START] as number
  }

  endOf(at: number): number {
    return this.#sums[at + END] as number
  }

  /** The segment that a time is in; the first one if it is before all of them. */
  of(ns: number): number {
    const sums = this.#sums
    if (ns >= (sums[this.#newest + START] as number)) return this.#newest
    for (let i = this.#length - 2; i > 0; i--) {
      const at = this.#at(i)
      if (ns >= (sums[at + START] as number)) return at
    }
    return this.#at(0)
  }

  /**
   * Records the outcome of a request, which left at `leftNs`. Buffered requests that completed are counted in their class
   * by the buffer.
   *
   * @returns the segment that it was due in
   */
  settle(dueNs: number, leftNs: number, outcome: RequestOutcome, ofClass = 0): number {
    const sums = this.#sums
    const at = this.of(dueNs)
    if (this.classes !== null && outcome !== 'completed') this.classes.settle(at / FIELDS, ofClass, outcome)
    const field = at + FIELD_OF[outcome]
    const start = sums[at + START] as number
    const due = Math.max(dueNs, start)
    sums[field] = (sums[field] as number) + 1
    sums[at + PENDING_DUE] = (sums[at + PENDING_DUE] as number) - (due - start)
    const left = this.of(leftNs)
    sums[left + LEFT] = (sums[left + LEFT] as number) + 1
    sums[left + AREA] = (sums[left + AREA] as number) - ((sums[left + END] as number) - leftNs)
    if (outcome === 'completed') sums[left + COMPLETIONS] = (sums[left + COMPLETIONS] as number) + 1
    if (at === left) sums[at + STAYS] = (sums[at + STAYS] as number) + leftNs - due
    else this.#spread(STAYS, due, leftNs)
    return at
  }

  /** Records a request that failed at `leftNs`, and its kind of failure; null if that is not known. */
  fail(dueNs: number, leftNs: number, kind: string | null, ofClass: number): void {
    const at = this.settle(dueNs, leftNs, 'failed', ofClass)
    this.record(at, 'failed', leftNs - dueNs)
    if (kind === null) return
    const place = at / FIELDS
    const failures = this.#failures[place] ?? new Map<string, number>()
    this.#failures[place] = failures
    addFailure(failures, kind)
    addFailure(this.#allFailures, kind)
  }

  /** Records that `length` requests of these classes, due in a segment, arrived. */
  arriveInClasses(at: number, classes: Uint8Array, from: number, length: number): void {
    if (this.classes === null) return
    for (let i = from; i < from + length; i++) this.classes.arrive(at / FIELDS, classes[i] as number)
  }

  /**
   * Records that `length` requests of these classes, due in a segment, completed.
   *
   * @param bad 1 for each that was not good; null if requests are not judged
   */
  completeInClasses(
    at: number,
    classes: Uint8Array,
    from: number,
    latencies: Float64Array,
    length: number,
    bad: Uint8Array | null,
  ): void {
    if (this.classes === null) return
    for (let i = 0; i < length; i++) {
      this.classes.complete(at / FIELDS, classes[from + i] as number, latencies[i] as number, bad?.[i] === 0)
    }
  }

  /** Records a batch, in the segment that it started in. */
  batch(size: number, startNs: number, endNs: number): void {
    const sums = this.#sums
    const at = this.of(startNs)
    sums[at + BATCHES] = (sums[at + BATCHES] as number) + 1
    sums[at + BATCHED] = (sums[at + BATCHED] as number) + size
    sums[at + STARTED_SERVING] = (sums[at + STARTED_SERVING] as number) + endNs - startNs
    if (at === this.#newest) sums[at + SERVING] = (sums[at + SERVING] as number) + endNs - startNs
    else this.#spread(SERVING, startNs, endNs)
    // batches of one request are those that no other size accounts for
    if (size === 1) return
    const place = at / FIELDS
    if (size < LARGE) this.#pages.add(place * HISTOGRAMS + SIZES, size, 1)
    else this.#addLarge(place, size, 1)
  }

  #addLarge(place: number, size: number, times: number): void {
    const sizes = this.#large[place] ?? new Map<number, number>()
    sizes.set(size, (sizes.get(size) ?? 0) + times)
    this.#large[place] = sizes
  }

  /** Adds a period of time to the segments that it overlaps. */
  #spread(field: number, fromNs: number, toNs: number): void {
    const sums = this.#sums
    for (let i = this.#length - 1; i >= 0; i--) {
      const at = this.#at(i)
      const from = Math.max(fromNs, sums[at + START] as number)
      const to = Math.min(toNs, sums[at + END] as number)
      if (to > from) sums[at + field] = (sums[at + field] as number) + to - from
      if ((sums[at + START] as number) <= fromNs) return
    }
  }

  /** Records `n` arrivals that were due in a segment, in total `dueAfter` after its start. */
  arriveAll(at: number, n: number, dueAfter: number): void {
    const sums = this.#sums
    sums[at + OFFERED] = (sums[at + OFFERED] as number) + n
    sums[at + PENDING_DUE] = (sums[at + PENDING_DUE] as number) + dueAfter
    const length = (sums[at + END] as number) - (sums[at + START] as number)
    sums[at + AREA] = (sums[at + AREA] as number) + n * length - dueAfter
  }

  /** Records `n` requests that were due in a segment and completed in it, in total so long after its start. */
  settleAll(at: number, n: number, dueAfter: number, leftAfter: number): void {
    const sums = this.#sums
    sums[at + COMPLETED] = (sums[at + COMPLETED] as number) + n
    sums[at + PENDING_DUE] = (sums[at + PENDING_DUE] as number) - dueAfter
    sums[at + LEFT] = (sums[at + LEFT] as number) + n
    sums[at + COMPLETIONS] = (sums[at + COMPLETIONS] as number) + n
    const length = (sums[at + END] as number) - (sums[at + START] as number)
    sums[at + AREA] = (sums[at + AREA] as number) - (n * length - leftAfter)
    sums[at + STAYS] = (sums[at + STAYS] as number) + leftAfter - dueAfter
  }

  /** Records that `n` of the requests that were due in a segment were good. */
  goodAll(at: number, n: number): void {
    this.#sums[at + GOOD] = (this.#sums[at + GOOD] as number) + n
  }

  /** Records `n` batches of one request that were served within a segment, for `servingNs` in total. */
  aloneAll(at: number, n: number, servingNs: number): void {
    const sums = this.#sums
    sums[at + SERVING] = (sums[at + SERVING] as number) + servingNs
    sums[at + BATCHES] = (sums[at + BATCHES] as number) + n
    sums[at + BATCHED] = (sums[at + BATCHED] as number) + n
    sums[at + STARTED_SERVING] = (sums[at + STARTED_SERVING] as number) + servingNs
  }

  /** Counts `times` durations of `ns` in a histogram of a segment. */
  record(at: number, name: StoredHistogram, ns: number, times = 1): void {
    const histogram = (at / FIELDS) * HISTOGRAMS + HISTOGRAM_OF[name]
    this.#pages.add(histogram, bucketOf(ns), times)
    addMoments(this.#moments, histogram * MOMENTS, times, times * ns, times * ns * ns, ns, ns)
  }

  /** Counts the first `length` of `values`, each `times[i]` times or once. May overwrite them. */
  recordMany(
    at: number,
    name: StoredHistogram,
    values: Float64Array,
    length: number,
    times: Float64Array | null = null,
  ): void {
    const histogram = (at / FIELDS) * HISTOGRAMS + HISTOGRAM_OF[name]
    addMomentsOf(this.#moments, histogram * MOMENTS, values, length, times)
    this.#countMany(histogram, values, length, times)
  }

  /** The same for values whose moments the caller has computed with them, which is faster than a loop of its own. */
  recordManyOf(
    at: number,
    name: StoredHistogram,
    values: Float64Array,
    length: number,
    sum: number,
    squares: number,
    min: number,
    max: number,
  ): void {
    const histogram = (at / FIELDS) * HISTOGRAMS + HISTOGRAM_OF[name]
    addMoments(this.#moments, histogram * MOMENTS, length, sum, squares, min, max)
    this.#countMany(histogram, values, length, null)
  }

  #countMany(histogram: number, values: Float64Array, length: number, times: Float64Array | null): void {
    const moments = this.#moments
    const m = histogram * MOMENTS
    // rare, so it is cheaper to check the extremes than every value
    const inRange = (moments[m + MIN] as number) >= FIRST_BUCKET_NS && (moments[m + MAX] as number) <= LAST_BUCKET_NS
    if (!inRange) clampToBuckets(values, length)
    this.#pages.addMany(histogram, values, length, times)
  }

  /** Opens segments up to a time. */
  advance(toNs: number): void {
    while (toNs >= this.endNs) {
      const start = this.endNs
      this.#open(start, start + this.#lengthOf(start, toNs))
      this.#consolidate(toNs)
    }
  }

  /** The length that a segment of this age would be merged to: nothing happened in it. */
  #lengthOf(startNs: number, toNs: number): number {
    const ageNs = toNs - startNs
    if (ageNs > OLD_NS) return Math.ceil((ageNs - OLD_NS) / FINEST_NS) * FINEST_NS
    const all = toNs - this.startOf(this.#at(0))
    const grain = GRAINS.find((each) => ageNs - each.lengthNs >= each.ageNs && all >= 20 * each.lengthNs)
    return grain?.lengthNs ?? FINEST_NS
  }

  #open(startNs: number, endNs: number): void {
    if (this.#free.length === 0) this.#coarsen(this.#newest / FIELDS)
    const place = this.#free.pop() as number
    this.#order[this.#length++] = place
    this.#newest = place * FIELDS
    this.#sums[this.#newest + START] = startNs
    this.#sums[this.#newest + END] = endNs
  }

  /** Merges segments that have become old enough to be longer. */
  #consolidate(nowNs: number): void {
    const all = nowNs - this.startOf(this.#at(0))
    let old = 0
    for (let i = 0; i < this.#length - 2; i++) {
      const [a, b] = [this.#at(i), this.#at(i + 1)]
      const age = nowNs - this.endOf(b)
      if (nowNs - this.endOf(a) >= OLD_NS) old++
      if (age >= OLD_NS) continue
      const grain = GRAINS.find((each) => age >= each.ageNs && all >= 20 * each.lengthNs)
      if (grain === undefined) break
      if (this.endOf(b) - this.startOf(a) <= grain.lengthNs) this.#merge(i--)
    }
    for (; old > MOST_OLD; old--) this.#shorten(old)
  }

  /** Makes the old segments one fewer: merges the two neighbours that are shortest together. */
  #shorten(old: number): void {
    const sums = this.#sums
    let shortest = -1
    let length = Number.POSITIVE_INFINITY
    for (let i = 0; i < old - 1; i++) {
      const [a, b] = [this.#at(i), this.#at(i + 1)]
      // counts have 32 bits
      if ((sums[a + OFFERED] as number) + (sums[b + OFFERED] as number) > MOST_REQUESTS) continue
      const together = this.endOf(b) - this.startOf(a)
      if (together >= length) continue
      shortest = i
      length = together
    }
    if (shortest >= 0) this.#merge(shortest)
    else this.#drop()
  }

  /** Frees memory: merges the two neighbours that are shortest for their age, but not the one in use. */
  #coarsen(used: number): void {
    let shortest = 0
    let fraction = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#length - 2; i++) {
      if (this.#order[i] === used || this.#order[i + 1] === used) continue
      const start = this.startOf(this.#at(i))
      const together = (this.endOf(this.#at(i + 1)) - start) / (this.endNs - start)
      if (together >= fraction) continue
      shortest = i
      fraction = together
    }
    this.#merge(shortest)
  }

  /** Adds the segment after the i-th to it. */
  #merge(i: number): void {
    const sums = this.#sums
    const [to, from] = [this.#order[i] as number, this.#order[i + 1] as number]
    const [a, b] = [to * FIELDS, from * FIELDS]
    const pending = pendingIn(sums, b)
    const later = this.startOf(b) - this.startOf(a)
    const grown = (sums[a + OFFERED] as number) - (sums[a + LEFT] as number)
    sums[a + PENDING_DUE] = (sums[a + PENDING_DUE] as number) + pending * later
    sums[a + AREA] = (sums[a + AREA] as number) + grown * (this.endOf(b) - this.startOf(b))
    for (let field = OFFERED; field < FIELDS; field++) {
      sums[a + field] = (sums[a + field] as number) + (sums[b + field] as number)
    }
    sums[a + END] = sums[b + END] as number
    for (let histogram = 0; histogram < SIZES; histogram++)
      this.#moveHistogram(from * HISTOGRAMS + histogram, to * HISTOGRAMS + histogram)
    if ((sums[b + BATCHED] as number) > (sums[b + BATCHES] as number)) {
      this.#pages.move(from * HISTOGRAMS + SIZES, to * HISTOGRAMS + SIZES, 0, LARGE)
    }
    for (const [size, times] of this.#large[from] ?? []) this.#addLarge(to, size, times)
    this.#mergeFailures(to, from)
    this.classes?.merge(from, to)
    this.#remove(i + 1)
  }

  #mergeFailures(to: number, from: number): void {
    const [known, more] = [this.#failures[to] ?? null, this.#failures[from] ?? null]
    if (known === null) this.#failures[to] = more
    else if (more !== null) for (const [kind, times] of more) addFailure(known, kind, times)
  }

  #moveHistogram(from: number, to: number): void {
    const { count, sum, squares, min, max } = momentsAt(this.#moments, from * MOMENTS)
    if (count === 0) return
    this.#pages.move(from, to, bucketOf(min), bucketOf(max))
    addMoments(this.#moments, to * MOMENTS, count, sum, squares, min, max)
  }

  /** Drops the oldest segment. Requests in flight since then count as due in the next one. */
  #drop(): void {
    const sums = this.#sums
    const [a, b] = [this.#at(0), this.#at(1)]
    const pending = pendingIn(sums, a)
    sums[b + OFFERED] = (sums[b + OFFERED] as number) + pending
    sums[b + AREA] = (sums[b + AREA] as number) + pending * (this.endOf(b) - this.startOf(b))
    for (let histogram = 0; histogram < HISTOGRAMS; histogram++)
      this.#pages.clear((this.#order[0] as number) * HISTOGRAMS + histogram)
    this.classes?.drop(this.#order[0] as number, this.#order[1] as number)
    this.#remove(0)
  }

  /** Removes a segment whose histograms are empty. */
  #remove(i: number): void {
    const order = this.#order
    const place = order[i] as number
    this.#sums.fill(0, place * FIELDS, (place + 1) * FIELDS)
    this.#moments.fill(0, place * HISTOGRAMS * MOMENTS, (place + 1) * HISTOGRAMS * MOMENTS)
    this.#large[place] = null
    this.#failures[place] = null
    this.classes?.reset(place)
    order.copyWithin(i, i + 1, this.#length--)
    this.#free.push(place)
  }

  #snapshot(place: number, name: number): HistogramSnapshot {
    const histogram = place * HISTOGRAMS + name
    const moments = momentsAt(this.#moments, histogram * MOMENTS)
    if (moments.count === 0) return zeros(0)
    return { ...moments, ...this.#pages.read(histogram, bucketOf(moments.min), bucketOf(moments.max)) }
  }

  #sizes(place: number): Map<number, number> {
    const at = place * FIELDS
    const sizes = new Map<number, number>(this.#large[place])
    if ((this.#sums[at + BATCHED] as number) > (this.#sums[at + BATCHES] as number)) {
      const { buckets, counts } = this.#pages.read(place * HISTOGRAMS + SIZES, 0, LARGE)
      for (let i = 0; i < buckets.length; i++) sizes.set(buckets[i] as number, counts[i] as number)
    }
    const counted = sum([...sizes.values()])
    const alone = (this.#sums[at + BATCHES] as number) - counted
    return alone > 0 ? sizes.set(1, alone) : sizes
  }

  /** How much memory it takes at present. */
  get bytes(): number {
    return this.#sums.byteLength + this.#moments.byteLength + this.#pages.bytes + (this.classes?.bytes ?? 0)
  }
}

/** How many of the requests due in a segment are still in flight. */
function pendingIn(sums: Float64Array, at: number): number {
  return (
    (sums[at + OFFERED] as number) -
    (sums[at + COMPLETED] as number) -
    (sums[at + FAILED] as number) -
    (sums[at + REJECTED] as number) -
    (sums[at + TIMED_OUT] as number) -
    (sums[at + ABORTED] as number)
  )
}

/** Reads what a segment has in addition to its sums. */
interface SegmentReader {
  histogram(name: StoredHistogram): HistogramSnapshot
  sizes(): Map<number, number>
  failures(): ReadonlyMap<string, number>
  classes(): ClassRecordings | undefined
}

/** Reads one segment. */
export class SegmentView {
  readonly #sums: Float64Array
  readonly #judged: boolean
  readonly #reader: SegmentReader

  constructor(sums: Float64Array, judged: boolean, reader: SegmentReader) {
    this.#sums = sums
    this.#judged = judged
    this.#reader = reader
  }

  #get(field: number): number {
    return this.#sums[field] as number
  }

  get startNs(): number {
    return this.#get(START)
  }
  get endNs(): number {
    return this.#get(END)
  }
  /** How many requests were due in it. */
  get offered(): number {
    return this.#get(OFFERED)
  }
  /** How many of them are still in flight; below 0 if some left twice. */
  get pending(): number {
    return pendingIn(this.#sums, 0)
  }
  /** How long after its start those were due, in total. */
  get pendingDueNs(): number {
    return this.#get(PENDING_DUE)
  }
  /** The outcomes of the requests due in it. Offered is their sum, even if some left twice. */
  get counts(): Counts {
    const unfinished = Math.max(0, this.pending)
    const counts = { ...noCounts(), ...(this.#judged && { good: this.#get(GOOD) }), unfinished, offered: unfinished }
    for (const outcome of Object.keys(FIELD_OF) as RequestOutcome[]) {
      counts[outcome] = this.#get(FIELD_OF[outcome])
      counts.offered += counts[outcome]
    }
    return counts
  }
  /** By how much the number in the system grew in it. */
  get grown(): number {
    return this.#get(OFFERED) - this.#get(LEFT)
  }
  /** The number in the system over it, less that at its start. */
  get areaNs(): number {
    return this.#get(AREA)
  }
  get completions(): number {
    return this.#get(COMPLETIONS)
  }
  /** Every stay in the system, clipped to it. */
  get staysNs(): number {
    return this.#get(STAYS)
  }
  /** Every service, clipped to it. */
  get servingNs(): number {
    return this.#get(SERVING)
  }
  /** The batches that started in it, the requests in them, and their total service time. */
  get started(): { batches: number; batched: number; servingNs: number } {
    return { batches: this.#get(BATCHES), batched: this.#get(BATCHED), servingNs: this.#get(STARTED_SERVING) }
  }
  /** How many batches of each size started in it. */
  get batchSizes(): Map<number, number> {
    return this.#reader.sizes()
  }
  /** Of the requests due in it, those that failed, by kind, and their latency. */
  get failures(): FailureCounts {
    return withUnknown(this.#reader.failures(), this.#get(FAILED))
  }
  get failedLatency(): HistogramSnapshot {
    return this.#reader.histogram('failed')
  }
  /** Of the requests due in it, those of each class; undefined if requests have no classes. */
  get classes(): ClassRecordings | undefined {
    return this.#reader.classes()
  }

  /** A metric of the completed requests that were due in it. */
  histogram(metric: Metric): HistogramSnapshot {
    const completed = this.#get(COMPLETED)
    if (completed === 0) return zeros(0)
    const stored = STORED[metric].map((name) => this.#reader.histogram(name))
    const counted = sumBy(stored, ({ count }) => count)
    return mergeHistograms([...stored, zeros(completed - counted)])
  }
}
