import type { Good } from '../../scenario/good.js'
import { GoodLimits, type RequestTimes, repeatValues } from '../../scenario/good-limits.js'
import { NS_PER_MS, nearest } from '../../scenario/nanoseconds.js'
import type { Recent } from './recent.js'
import type { Segments } from './segments.js'

/** How many requests are buffered before they are counted: many at a time is several times as fast. */
const BUFFERED = 512

/** The fields of a buffered batch, in nanoseconds, and the index of its first buffered request. */
const IDLE = 0
const LEAVE = 1
const BEGIN = 2
const DONE = 3
const FROM = 4
const FIELDS = 5

/**
 * Buffers arrivals, requests without a batch, and requests of batches until they are counted.
 *
 * ```
 * batches: | idle | leave | begin | done | from | idle | leave | begin | done | from | ...
 *                                            |                                   |
 *                 .--------------------------'                .------------------'
 *                 v                                           v
 * served:  | due | due | due | due | due | due | due | due | due | ...
 * ```
 */
export class RecordBuffer {
  readonly #segments: Segments
  readonly #recent: Recent | null
  /** in milliseconds, as given: due times of arrivals, and due and end of requests without a batch */
  readonly #arrivals = new Float64Array(BUFFERED)
  readonly #alone = new Float64Array(2 * BUFFERED)
  /** in nanoseconds: due times of requests of batches, and their batches */
  readonly #served = new Float64Array(BUFFERED)
  readonly #batches = new Float64Array(FIELDS * BUFFERED)
  /** the classes of these requests; those that are given none stay 0 */
  readonly #arrivalClasses = new Uint8Array(BUFFERED)
  readonly #aloneClasses = new Uint8Array(BUFFERED)
  readonly #servedClasses = new Uint8Array(BUFFERED)
  #arrivalCount = 0
  #aloneCount = 0
  #servedCount = 0
  #batchCount = 0
  /** the current batch, and whether it is among the batches yet */
  readonly #batch = new Float64Array(FIELDS)
  #isBuffered = false

  readonly #latencies = new Float64Array(BUFFERED)
  readonly #waits = new Float64Array(BUFFERED)
  readonly #services = new Float64Array(BUFFERED)
  readonly #queueings = new Float64Array(BUFFERED)
  readonly #batchings = new Float64Array(BUFFERED)
  readonly #dispatches = new Float64Array(BUFFERED)
  /** how many requests each service and dispatch time is for */
  readonly #weights = new Float64Array(BUFFERED)

  /** judges requests; null if no limits make a request good */
  readonly #good: { limits: GoodLimits; alone: RequestTimes; served: RequestTimes } | null
  /** the service and dispatch time of each request, to judge it */
  readonly #serviceOfEach: Float64Array
  readonly #dispatchOfEach: Float64Array

  constructor(segments: Segments, recent: Recent | null, good?: Good) {
    this.#segments = segments
    const each = () => new Float64Array(good === undefined ? 0 : BUFFERED)
    this.#serviceOfEach = each()
    this.#dispatchOfEach = each()
    const none = { wait: 0, lag: 0, queueing: 0, batching: 0, dispatch: 0 }
    this.#good =
      good === undefined
        ? null
        : {
            limits: new GoodLimits(good),
            alone: { ...none, latency: this.#latencies, service: this.#latencies },
            served: {
              latency: this.#latencies,
              wait: this.#waits,
              service: this.#serviceOfEach,
              lag: 0,
              queueing: this.#queueings,
              batching: this.#batchings,
              dispatch: this.#dispatchOfEach,
            },
          }
    this.#recent = recent
  }

  arrived(dueMs: number): void {
    if (this.#arrivalCount === BUFFERED) this.count()
    const n = this.#arrivalCount
    this.#arrivals[n] = dueMs
    this.#arrivalCount = n + 1
  }

  servedAlone(dueMs: number, endMs: number): void {
    if (this.#aloneCount === BUFFERED) this.count()
    const n = this.#aloneCount
    this.#alone[2 * n] = dueMs
    this.#alone[2 * n + 1] = endMs
    this.#aloneCount = n + 1
  }

  /** Begins a batch: the next served requests are its own. */
  batch(idleNs: number, leaveNs: number, beginNs: number, doneNs: number): void {
    const batch = this.#batch
    batch[IDLE] = idleNs
    batch[LEAVE] = leaveNs
    batch[BEGIN] = beginNs
    batch[DONE] = doneNs
    this.#isBuffered = false
  }

  /** When the current batch left the queue. */
  get leaveNs(): number {
    return this.#batch[LEAVE] as number
  }

  /** When the current batch ended. */
  get doneNs(): number {
    return this.#batch[DONE] as number
  }

  /** A request of the current batch was served. */
  served(dueNs: number): void {
    if (this.#servedCount === BUFFERED) this.count()
    const n = this.#servedCount
    if (!this.#isBuffered) this.#bufferBatch(n)
    this.#served[n] = dueNs
    this.#servedCount = n + 1
  }

  // called after these, so that requests without a class cost no more

  /** Gives a class to the request that arrived last. */
  classifyArrival(ofClass: number): void {
    this.#arrivalClasses[this.#arrivalCount - 1] = ofClass
  }

  /** Gives a class to the request that was served alone last. */
  classifyAlone(ofClass: number): void {
    this.#aloneClasses[this.#aloneCount - 1] = ofClass
  }

  /** Gives a class to the request of the current batch that was served last. */
  classifyServed(ofClass: number): void {
    this.#servedClasses[this.#servedCount - 1] = ofClass
  }

  /** Buffers the current batch, whose requests begin at index `from`. */
  #bufferBatch(from: number): void {
    this.#isBuffered = true
    this.#batch[FROM] = from
    const batches = this.#batches
    const at = FIELDS * this.#batchCount++
    for (let i = 0; i < FIELDS; i++) batches[at + i] = this.#batch[i] as number
  }

  /** Counts all that is buffered. */
  count(): void {
    this.#recent?.arriveAll(this.#arrivals, this.#arrivalCount)
    this.#recent?.servedAlone(this.#alone, this.#aloneCount)
    this.#countArrivals(this.#arrivalCount)
    this.#countAlone(this.#aloneCount)
    this.#countServed(this.#servedCount)
    this.#arrivalCount = 0
    this.#aloneCount = 0
    this.#servedCount = 0
    this.#batchCount = 0
    this.#isBuffered = false
    if (this.#segments.classes === null) return
    this.#arrivalClasses.fill(0)
    this.#aloneClasses.fill(0)
    this.#servedClasses.fill(0)
  }

  #countArrivals(length: number): void {
    const segments = this.#segments
    const duesMs = this.#arrivals
    for (let i = 0; i < length; ) {
      const first = nearest((duesMs[i] as number) * NS_PER_MS)
      if (first >= segments.endNs) segments.advance(first)
      const at = segments.of(first)
      const start = segments.startOf(at)
      const end = segments.endOf(at)
      const from = i
      let dueAfter = 0
      for (; i < length; i++) {
        const due = nearest((duesMs[i] as number) * NS_PER_MS)
        if (due < start || due >= end) break
        dueAfter += due - start
      }
      if (i > from) segments.arriveAll(at, i - from, dueAfter)
      else {
        // due before the first segment
        segments.arriveAll(at, 1, 0)
        i++
      }
      segments.arriveInClasses(at, this.#arrivalClasses, from, i - from)
    }
  }

  #countAlone(length: number): void {
    const segments = this.#segments
    const timesMs = this.#alone
    const latencies = this.#latencies
    for (let i = 0; i < length; ) {
      const firstDue = nearest((timesMs[2 * i] as number) * NS_PER_MS)
      const firstEnd = nearest((timesMs[2 * i + 1] as number) * NS_PER_MS)
      if (firstEnd >= segments.endNs) segments.advance(firstEnd)
      const at = segments.of(firstDue)
      const start = segments.startOf(at)
      const end = segments.endOf(at)
      let n = 0
      let dueAfter = 0
      let sum = 0
      let squares = 0
      let min = Number.POSITIVE_INFINITY
      let max = 0
      for (; i < length; i++) {
        const due = nearest((timesMs[2 * i] as number) * NS_PER_MS)
        const left = nearest((timesMs[2 * i + 1] as number) * NS_PER_MS)
        if (due < start || left >= end) break
        const latency = left - due
        dueAfter += due - start
        sum += latency
        squares += latency * latency
        if (latency < min) min = latency
        if (latency > max) max = latency
        latencies[n++] = latency
      }
      if (n === 0) {
        latencies[0] = firstEnd - firstDue
        if (this.#good !== null) segments.goodAll(at, this.#good.limits.count(this.#good.alone, 1))
        this.#completeInClasses(at, this.#aloneClasses, i, 1)
        segments.settle(firstDue, firstEnd, 'completed')
        segments.batch(1, firstDue, firstEnd)
        segments.record(at, 'alone', firstEnd - firstDue)
        i++
        continue
      }
      segments.settleAll(at, n, dueAfter, dueAfter + sum)
      segments.aloneAll(at, n, sum)
      if (this.#good !== null) segments.goodAll(at, this.#good.limits.count(this.#good.alone, n))
      this.#completeInClasses(at, this.#aloneClasses, i - n, n)
      segments.recordManyOf(at, 'alone', latencies, n, sum, squares, min, max)
    }
  }

  /** Service and dispatch, which the requests of a batch share, are counted once for all of them. */
  #countServed(length: number): void {
    const segments = this.#segments
    const dues = this.#served
    const batches = this.#batches
    const latencies = this.#latencies
    const waits = this.#waits
    const services = this.#services
    const queueings = this.#queueings
    const batchings = this.#batchings
    const dispatches = this.#dispatches
    const weights = this.#weights
    const count = this.#batchCount
    let batch = 0
    for (let i = 0; i < length; ) {
      const firstDue = dues[i] as number
      const firstLeft = batches[FIELDS * batch + DONE] as number
      if (firstLeft >= segments.endNs) segments.advance(firstLeft)
      const at = segments.of(firstDue)
      const start = segments.startOf(at)
      const end = segments.endOf(at)
      // a request that did not arrive and leave in this segment is counted by itself
      const apart = firstDue < start || firstLeft >= end
      let n = 0
      let parts = 0
      let dueAfter = 0
      let leftAfter = 0
      let queued = 0
      let formed = 0
      while (i < length) {
        const from = FIELDS * batch
        const left = batches[from + DONE] as number
        if (n > 0 && (apart || left >= end)) break
        const idleNs = batches[from + IDLE] as number
        const leave = batches[from + LEAVE] as number
        const begin = batches[from + BEGIN] as number
        const next = batch + 1 === count ? length : (batches[from + FIELDS + FROM] as number)
        const to = apart ? i + 1 : next
        const before = n
        for (; i < to; i++) {
          const due = dues[i] as number
          if (due < start && !apart) break
          const idle = Math.max(due, idleNs)
          latencies[n] = left - due
          waits[n] = begin - due
          queueings[n] = idle - due
          batchings[n] = leave - idle
          n++
          queued += idle - due
          formed += leave - idle
          dueAfter += due - start
        }
        if (n === before) break
        services[parts] = left - begin
        dispatches[parts] = begin - leave
        weights[parts++] = n - before
        leftAfter += (n - before) * (left - start)
        if (i === next) batch++
        else break
      }
      if (this.#good !== null) {
        const { limits, served } = this.#good
        repeatValues(this.#serviceOfEach, services, weights, parts)
        repeatValues(this.#dispatchOfEach, dispatches, weights, parts)
        segments.goodAll(at, limits.count(served, n))
      }
      this.#completeInClasses(at, this.#servedClasses, i - n, n)
      if (apart) segments.settle(firstDue, firstLeft, 'completed')
      else segments.settleAll(at, n, dueAfter, leftAfter)
      segments.recordMany(at, 'latency', latencies, n)
      segments.recordMany(at, 'wait', waits, n)
      segments.recordMany(at, 'service', services, parts, weights)
      if (queued === 0) segments.record(at, 'queueing', 0, n)
      else segments.recordMany(at, 'queueing', queueings, n)
      if (formed === 0) segments.record(at, 'batching', 0, n)
      else segments.recordMany(at, 'batching', batchings, n)
      segments.recordMany(at, 'dispatch', dispatches, parts, weights)
    }
  }

  /** Counts requests in their classes, by their latencies, once they have been judged. */
  #completeInClasses(at: number, classes: Uint8Array, from: number, length: number): void {
    const bad = this.#good?.limits.bad ?? null
    this.#segments.completeInClasses(at, classes, from, this.#latencies, length, bad)
  }
}
