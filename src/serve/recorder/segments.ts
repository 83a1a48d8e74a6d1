import { addMoments, bucketOf, COUNT, MAX, MIN, MOMENTS, SQUARES, SUM } from '../../histogram/latency-histogram.js'
import { MOST_REQUESTS, NS_PER_SECOND } from '../../scenario/units.js'
import type { Durations } from './durations.js'
import { Pages } from './pages.js'

/** What a segment holds beside its histograms; times in nanoseconds. */
export const START = 0
export const END = 1
/** of the requests due in it: how many, what became of them, and of those under way how long after its start they were due */
export const OFFERED = 2
export const COMPLETED = 3
export const FAILED = 4
export const REJECTED = 5
export const TIMED_OUT = 6
export const ABORTED = 7
export const PENDING_DUE = 8
/** requests that left in it, and completed in it, whenever they were due */
export const LEFT = 9
export const COMPLETIONS = 10
/** from each arrival in it to its end, less from each leaving: the number in the system over it, less that at its start */
export const AREA = 11
/** every stay in the system, and every service, clipped to it */
export const STAYS = 12
export const SERVING = 13
/** the batches that started in it, the requests in them, and how long they were served */
export const BATCHES = 14
export const BATCHED = 15
export const STARTED_SERVING = 16
const FIELDS = 17

export type Outcome = typeof COMPLETED | typeof FAILED | typeof REJECTED | typeof TIMED_OUT | typeof ABORTED

/** Its histograms; `ALONE` is the latency of requests that were all service, and were no part of a batch. */
export const LATENCY = 0
export const WAIT = 1
export const SERVICE = 2
export const QUEUEING = 3
export const BATCHING = 4
export const DISPATCH = 5
export const ALONE = 6
/** how many batches there were of each size, and not durations */
const SIZES = 7
const HISTOGRAMS = 8

/** The newest segments are this long; as they age, they are put together to longer ones: */
const FINEST_NS = NS_PER_SECOND / 2
/**
 * those that ended so long ago may be as long, where that is no more than a twentieth of all: so a window of 10 s, 1 or
 * 5 min, or of all time, is cut into 20 stretches or more.
 */
const GRAINS = [
  { ageNs: 75 * NS_PER_SECOND, lengthNs: 15 * NS_PER_SECOND },
  { ageNs: 16 * NS_PER_SECOND, lengthNs: 3 * NS_PER_SECOND },
] as const
/** Beyond this age, there are as many as this in all, however long they get. */
const OLD_NS = 360 * NS_PER_SECOND
const MOST_OLD = 40
const PLACES = 192
/** sizes of batches from here on are kept apart */
const LARGE = 2 ** 15

/**
 * Time cut into segments, from the start to now, each with what became of the requests that were due in it. Nothing is
 * forgotten as time passes but where within it something was: what is long ago is in long segments.
 */
export class Segments {
  /** the places of the segments, the oldest first */
  readonly order = new Uint8Array(PLACES)
  length = 0
  readonly sums = new Float64Array(PLACES * FIELDS)
  readonly #moments = new Float64Array(PLACES * HISTOGRAMS * MOMENTS)
  readonly #pages = new Pages(PLACES * HISTOGRAMS)
  readonly #large: (Map<number, number> | null)[] = new Array(PLACES).fill(null)
  readonly #free: number[] = Array.from({ length: PLACES }, (_, place) => PLACES - 1 - place)
  /** where the newest segment's sums begin; what happens now is in it */
  current = 0

  constructor(startNs: number) {
    this.#open(startNs, startNs + FINEST_NS)
  }

  /** Where the sums of the i-th segment begin. */
  at(i: number): number {
    return (this.order[i] as number) * FIELDS
  }

  /** When the newest segment will be over: before anything is told of then or later, `advance`. */
  get endNs(): number {
    return this.sums[this.current + END] as number
  }

  /** Where the sums of the segment begin that a time belongs to; what was before all of them is in the first. */
  of(ns: number): number {
    if (ns >= (this.sums[this.current + START] as number)) return this.current
    for (let i = this.length - 2; i > 0; i--) {
      const at = this.at(i)
      if (ns >= (this.sums[at + START] as number)) return at
    }
    return this.at(0)
  }

  /**
   * What became of a request, which left then.
   *
   * @returns where the sums begin of the segment that it was due in
   */
  settle(dueNs: number, leftNs: number, outcome: Outcome): number {
    const { sums } = this
    const at = this.of(dueNs)
    const start = sums[at + START] as number
    const due = Math.max(dueNs, start)
    sums[at + outcome] = (sums[at + outcome] as number) + 1
    sums[at + PENDING_DUE] = (sums[at + PENDING_DUE] as number) - (due - start)
    const left = this.of(leftNs)
    sums[left + LEFT] = (sums[left + LEFT] as number) + 1
    sums[left + AREA] = (sums[left + AREA] as number) - ((sums[left + END] as number) - leftNs)
    if (outcome === COMPLETED) sums[left + COMPLETIONS] = (sums[left + COMPLETIONS] as number) + 1
    if (at === left) sums[at + STAYS] = (sums[at + STAYS] as number) + leftNs - due
    else this.#spread(STAYS, due, leftNs)
    return at
  }

  /** A batch was served; it is counted where it started. */
  batch(size: number, startNs: number, endNs: number): void {
    const { sums } = this
    const at = this.of(startNs)
    sums[at + BATCHES] = (sums[at + BATCHES] as number) + 1
    sums[at + BATCHED] = (sums[at + BATCHED] as number) + size
    sums[at + STARTED_SERVING] = (sums[at + STARTED_SERVING] as number) + endNs - startNs
    if (at === this.current) sums[at + SERVING] = (sums[at + SERVING] as number) + endNs - startNs
    else this.#spread(SERVING, startNs, endNs)
    // those of one request are what is left of all
    if (size === 1) return
    if (size < LARGE) this.#add(at, SIZES, size, 1)
    else this.#addLarge(at / FIELDS, size, 1)
  }

  #addLarge(place: number, size: number, times: number): void {
    const sizes = this.#large[place] ?? new Map<number, number>()
    sizes.set(size, (sizes.get(size) ?? 0) + times)
    this.#large[place] = sizes
  }

  /** Adds a stretch of time to each of the segments that it lies in. */
  #spread(field: number, fromNs: number, toNs: number): void {
    const { sums } = this
    for (let i = this.length - 1; i >= 0; i--) {
      const at = this.at(i)
      const from = Math.max(fromNs, sums[at + START] as number)
      const to = Math.min(toNs, sums[at + END] as number)
      if (to > from) sums[at + field] = (sums[at + field] as number) + to - from
      if ((sums[at + START] as number) <= fromNs) return
    }
  }

  /** So many requests came that were due in a segment, so long after its start in all. */
  arriveAll(at: number, n: number, dueAfter: number): void {
    const { sums } = this
    sums[at + OFFERED] = (sums[at + OFFERED] as number) + n
    sums[at + PENDING_DUE] = (sums[at + PENDING_DUE] as number) + dueAfter
    const length = (sums[at + END] as number) - (sums[at + START] as number)
    sums[at + AREA] = (sums[at + AREA] as number) + n * length - dueAfter
  }

  /** So many requests were due in a segment and completed in it, so long after its start in all. */
  settleAll(at: number, n: number, dueAfter: number, leftAfter: number): void {
    const { sums } = this
    sums[at + COMPLETED] = (sums[at + COMPLETED] as number) + n
    sums[at + PENDING_DUE] = (sums[at + PENDING_DUE] as number) - dueAfter
    sums[at + LEFT] = (sums[at + LEFT] as number) + n
    sums[at + COMPLETIONS] = (sums[at + COMPLETIONS] as number) + n
    const length = (sums[at + END] as number) - (sums[at + START] as number)
    sums[at + AREA] = (sums[at + AREA] as number) - (n * length - leftAfter)
    sums[at + STAYS] = (sums[at + STAYS] as number) + leftAfter - dueAfter
  }

  /** So many batches of one request were served within a segment, so long in all. */
  aloneAll(at: number, n: number, servingNs: number): void {
    const { sums } = this
    sums[at + SERVING] = (sums[at + SERVING] as number) + servingNs
    sums[at + BATCHES] = (sums[at + BATCHES] as number) + n
    sums[at + BATCHED] = (sums[at + BATCHED] as number) + n
    sums[at + STARTED_SERVING] = (sums[at + STARTED_SERVING] as number) + servingNs
  }

  /** Counts a duration in one of the histograms of the segment whose sums begin there, so often. */
  count(at: number, metric: number, ns: number, times = 1): void {
    this.countBucket(at, metric, ns, times)
    this.addMoments(at, metric, times, times * ns, times * ns * ns, ns, ns)
  }

  /** The same of many, with their moments. */
  countAll(
    at: number,
    metric: number,
    durations: Durations,
    length: number,
    sum: number,
    squares: number,
    min: number,
    max: number,
  ): void {
    const place = at / FIELDS
    durations.intoBuckets(length, min, max)
    for (let done = 0; ; this.#coarsen(place)) {
      done = this.#pages.addAll(place * HISTOGRAMS + metric, durations.words, done, length)
      if (done === length) break
    }
    this.addMoments(at, metric, length, sum, squares, min, max)
  }

  /** Counts a duration so often but for its moments, which are added by themselves. */
  countBucket(at: number, metric: number, ns: number, times: number): void {
    this.#add(at, metric, bucketOf(ns), times)
  }

  /** Adds the moments of so many durations. */
  addMoments(at: number, metric: number, length: number, sum: number, squares: number, min: number, max: number): void {
    addMoments(this.#moments, ((at / FIELDS) * HISTOGRAMS + metric) * MOMENTS, length, sum, squares, min, max)
  }

  #add(at: number, histogram: number, bucket: number, times: number): void {
    const place = at / FIELDS
    while (!this.#pages.add(place * HISTOGRAMS + histogram, bucket, times)) this.#coarsen(place)
  }

  /** Time has come so far. */
  advance(toNs: number): void {
    while (toNs >= this.endNs) {
      const start = this.endNs
      this.#open(start, start + this.#lengthOf(start, toNs))
      this.#consolidate(toNs)
    }
  }

  /** As long as a segment would be put together to, where nothing has happened for long. */
  #lengthOf(startNs: number, toNs: number): number {
    const ageNs = toNs - startNs
    if (ageNs > OLD_NS) return Math.ceil((ageNs - OLD_NS) / FINEST_NS) * FINEST_NS
    const all = toNs - (this.sums[this.at(0) + START] as number)
    const grain = GRAINS.find((each) => ageNs - each.lengthNs >= each.ageNs && all >= 20 * each.lengthNs)
    return grain?.lengthNs ?? FINEST_NS
  }

  #open(startNs: number, endNs: number): void {
    if (this.#free.length === 0) this.#coarsen(this.current / FIELDS)
    const place = this.#free.pop() as number
    this.order[this.length++] = place
    this.current = place * FIELDS
    this.sums[this.current + START] = startNs
    this.sums[this.current + END] = endNs
  }

  /** Puts together what has become old enough to be told in longer stretches. */
  #consolidate(nowNs: number): void {
    const { sums } = this
    const all = nowNs - (sums[this.at(0) + START] as number)
    let old = 0
    for (let i = 0; i < this.length - 2; i++) {
      const [a, b] = [this.at(i), this.at(i + 1)]
      const age = nowNs - (sums[b + END] as number)
      if (nowNs - (sums[a + END] as number) >= OLD_NS) old++
      if (age >= OLD_NS) continue
      const grain = GRAINS.find((each) => age >= each.ageNs && all >= 20 * each.lengthNs)
      if (grain === undefined) break
      if ((sums[b + END] as number) - (sums[a + START] as number) <= grain.lengthNs) this.#merge(i--)
    }
    for (; old > MOST_OLD; old--) this.#shorten(old)
  }

  /** Makes one of the oldest segments less: of two neighbours, those that are shortest together. */
  #shorten(old: number): void {
    const { sums } = this
    let shortest = -1
    let length = Number.POSITIVE_INFINITY
    for (let i = 0; i < old - 1; i++) {
      const [a, b] = [this.at(i), this.at(i + 1)]
      // counts are 32 bits wide
      if ((sums[a + OFFERED] as number) + (sums[b + OFFERED] as number) > MOST_REQUESTS) continue
      const together = (sums[b + END] as number) - (sums[a + START] as number)
      if (together >= length) continue
      shortest = i
      length = together
    }
    if (shortest >= 0) this.#merge(shortest)
    else this.#drop()
  }

  /** There is no memory for more: puts together two neighbours that are short for their age, but the one in use. */
  #coarsen(used: number): void {
    const { sums } = this
    let shortest = 0
    let fraction = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.length - 2; i++) {
      if (this.order[i] === used || this.order[i + 1] === used) continue
      const start = sums[this.at(i) + START] as number
      const together = ((sums[this.at(i + 1) + END] as number) - start) / (this.endNs - start)
      if (together >= fraction) continue
      shortest = i
      fraction = together
    }
    this.#merge(shortest)
  }

  /** Adds the segment after the i-th to it. */
  #merge(i: number): void {
    const { sums, order } = this
    const [to, from] = [order[i] as number, order[i + 1] as number]
    const [a, b] = [to * FIELDS, from * FIELDS]
    const pending = pendingIn(sums, b)
    const later = (sums[b + START] as number) - (sums[a + START] as number)
    const grown = (sums[a + OFFERED] as number) - (sums[a + LEFT] as number)
    sums[a + PENDING_DUE] = (sums[a + PENDING_DUE] as number) + pending * later
    sums[a + AREA] = (sums[a + AREA] as number) + grown * ((sums[b + END] as number) - (sums[b + START] as number))
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
    this.#remove(i + 1)
  }

  #moveHistogram(from: number, to: number): void {
    const moments = this.#moments
    const b = from * MOMENTS
    if (moments[b + COUNT] === 0) return
    const [sum, squares] = [moments[b + SUM] as number, moments[b + SQUARES] as number]
    const [min, max] = [moments[b + MIN] as number, moments[b + MAX] as number]
    this.#pages.move(from, to, bucketOf(min), bucketOf(max))
    addMoments(moments, to * MOMENTS, moments[b + COUNT] as number, sum, squares, min, max)
  }

  /** Forgets the oldest segment; who is under way since then is as if it had come with the next. */
  #drop(): void {
    const { sums } = this
    const [a, b] = [this.at(0), this.at(1)]
    const pending = pendingIn(sums, a)
    sums[b + OFFERED] = (sums[b + OFFERED] as number) + pending
    sums[b + AREA] = (sums[b + AREA] as number) + pending * ((sums[b + END] as number) - (sums[b + START] as number))
    for (let histogram = 0; histogram < HISTOGRAMS; histogram++)
      this.#pages.clear((this.order[0] as number) * HISTOGRAMS + histogram)
    this.#remove(0)
  }

  /** Takes a segment out whose histograms are empty. */
  #remove(i: number): void {
    const { order } = this
    const place = order[i] as number
    this.sums.fill(0, place * FIELDS, (place + 1) * FIELDS)
    this.#moments.fill(0, place * HISTOGRAMS * MOMENTS, (place + 1) * HISTOGRAMS * MOMENTS)
    this.#large[place] = null
    order.copyWithin(i, i + 1, this.length--)
    this.#free.push(place)
  }

  /** How many batches of each size started in the segment whose sums begin there. */
  sizesOf(at: number): Map<number, number> {
    const place = at / FIELDS
    const sizes = new Map<number, number>(this.#large[place])
    if ((this.sums[at + BATCHED] as number) > (this.sums[at + BATCHES] as number)) {
      this.#pages.forEach(place * HISTOGRAMS + SIZES, 0, LARGE, (size, times) => sizes.set(size, times))
    }
    const told = [...sizes.values()].reduce((sum, times) => sum + times, 0)
    const alone = (this.sums[at + BATCHES] as number) - told
    return alone > 0 ? sizes.set(1, alone) : sizes
  }

  /** Count, sum, sum of squares, min and max of a histogram. */
  momentsOf(at: number, histogram: number): Float64Array {
    const m = ((at / FIELDS) * HISTOGRAMS + histogram) * MOMENTS
    return this.#moments.subarray(m, m + MOMENTS)
  }

  /** Calls back for each bucket of a histogram that holds anything, in order. */
  forEachBucket(at: number, histogram: number, visit: (bucket: number, count: number) => void): void {
    const moments = this.momentsOf(at, histogram)
    if (moments[COUNT] === 0) return
    const [first, last] = [bucketOf(moments[MIN] as number), bucketOf(moments[MAX] as number)]
    this.#pages.forEach((at / FIELDS) * HISTOGRAMS + histogram, first, last, visit)
  }

  /** How much memory it takes at present. */
  get bytes(): number {
    return this.sums.byteLength + this.#moments.byteLength + this.#pages.bytes
  }
}

/** How many of the requests due in a segment are still under way. */
export function pendingIn(sums: Float64Array, at: number): number {
  return (
    (sums[at + OFFERED] as number) -
    (sums[at + COMPLETED] as number) -
    (sums[at + FAILED] as number) -
    (sums[at + REJECTED] as number) -
    (sums[at + TIMED_OUT] as number) -
    (sums[at + ABORTED] as number)
  )
}
