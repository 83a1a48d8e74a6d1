import { NS_PER_MS, nearest } from '../../scenario/units.js'
import { Durations } from './durations.js'
import type { Recent } from './recent.js'
import {
  ALONE,
  BATCHING,
  COMPLETED,
  DISPATCH,
  END,
  LATENCY,
  QUEUEING,
  SERVICE,
  type Segments,
  START,
  WAIT,
} from './segments.js'

/** How many requests are gathered before they are counted: many at a time is several times as fast. */
const GATHERED = 512

/**
 * What is gathered of a batch, in nanoseconds: since when its server was idle, when it left the queue, started and ended,
 * and where its requests begin among those that were served.
 */
const IDLE = 0
const LEAVE = 1
const BEGIN = 2
const DONE = 3
const FROM = 4
const TOLD = 5

/** What was told of and is not counted yet: arrivals, requests that were all service, and those of batches. */
export class Gathered {
  readonly #segments: Segments
  readonly #recent: Recent | null
  /** in milliseconds, as they were told: when requests were due, and when those alone were due and ended */
  readonly #arrivals = new Float64Array(GATHERED)
  readonly #alone = new Float64Array(2 * GATHERED)
  /** in nanoseconds: when requests of batches were due, and their batches */
  readonly #served = new Float64Array(GATHERED)
  readonly #batches = new Float64Array(TOLD * GATHERED)
  #dues = 0
  #alones = 0
  #serveds = 0
  #told = 0
  /** the batch at hand, and whether it is among the batches */
  readonly #batch = new Float64Array(TOLD)
  #isTold = false

  readonly #latencies = new Durations(GATHERED)
  readonly #waits = new Durations(GATHERED)
  readonly #services = new Durations(GATHERED)
  readonly #queueings = new Durations(GATHERED)
  readonly #batchings = new Durations(GATHERED)
  readonly #dispatches = new Durations(GATHERED)
  /** for how many requests each of what batches have in common stands */
  readonly #weights = new Float64Array(GATHERED)

  constructor(segments: Segments, recent: Recent | null) {
    this.#segments = segments
    this.#recent = recent
  }

  arrived(dueMs: number): void {
    if (this.#dues === GATHERED) this.count()
    const n = this.#dues
    this.#arrivals[n] = dueMs
    this.#dues = n + 1
  }

  servedAlone(dueMs: number, endMs: number): void {
    if (this.#alones === GATHERED) this.count()
    const n = this.#alones
    this.#alone[2 * n] = dueMs
    this.#alone[2 * n + 1] = endMs
    this.#alones = n + 1
  }

  /** The requests that are told of next are those of this batch. */
  batch(idleNs: number, leaveNs: number, beginNs: number, doneNs: number): void {
    const batch = this.#batch
    batch[IDLE] = idleNs
    batch[LEAVE] = leaveNs
    batch[BEGIN] = beginNs
    batch[DONE] = doneNs
    this.#isTold = false
  }

  /** When the batch at hand left the queue. */
  get leaveNs(): number {
    return this.#batch[LEAVE] as number
  }

  /** When the batch at hand ended. */
  get doneNs(): number {
    return this.#batch[DONE] as number
  }

  /** A request of the batch at hand was served. */
  served(dueNs: number): void {
    if (this.#serveds === GATHERED) this.count()
    const n = this.#serveds
    if (!this.#isTold) this.#tell(n)
    this.#served[n] = dueNs
    this.#serveds = n + 1
  }

  /** The batch at hand is that of the requests from here on. */
  #tell(from: number): void {
    this.#isTold = true
    this.#batch[FROM] = from
    const batches = this.#batches
    const at = TOLD * this.#told++
    for (let i = 0; i < TOLD; i++) batches[at + i] = this.#batch[i] as number
  }

  /** Counts all of it. */
  count(): void {
    this.#recent?.arriveAll(this.#arrivals, this.#dues)
    this.#recent?.servedAlone(this.#alone, this.#alones)
    this.#countArrivals(this.#dues)
    this.#countAlone(this.#alones)
    this.#countServed(this.#serveds)
    this.#dues = 0
    this.#alones = 0
    this.#serveds = 0
    this.#told = 0
    this.#isTold = false
  }

  #countArrivals(length: number): void {
    const segments = this.#segments
    const { sums } = segments
    const duesMs = this.#arrivals
    for (let i = 0; i < length; ) {
      const first = nearest((duesMs[i] as number) * NS_PER_MS)
      if (first >= segments.endNs) segments.advance(first)
      const at = segments.of(first)
      const start = sums[at + START] as number
      const end = sums[at + END] as number
      const from = i
      let dueAfter = 0
      for (; i < length; i++) {
        const due = nearest((duesMs[i] as number) * NS_PER_MS)
        if (due < start || due >= end) break
        dueAfter += due - start
      }
      if (i > from) segments.arriveAll(at, i - from, dueAfter)
      else {
        // before the first of all
        segments.arriveAll(at, 1, 0)
        i++
      }
    }
  }

  #countAlone(length: number): void {
    const segments = this.#segments
    const { sums } = segments
    const timesMs = this.#alone
    const { values } = this.#latencies
    for (let i = 0; i < length; ) {
      const firstDue = nearest((timesMs[2 * i] as number) * NS_PER_MS)
      const firstEnd = nearest((timesMs[2 * i + 1] as number) * NS_PER_MS)
      if (firstEnd >= segments.endNs) segments.advance(firstEnd)
      const at = segments.of(firstDue)
      const start = sums[at + START] as number
      const end = sums[at + END] as number
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
        values[n++] = latency
      }
      if (n === 0) {
        segments.settle(firstDue, firstEnd, COMPLETED)
        segments.batch(1, firstDue, firstEnd)
        segments.count(at, ALONE, firstEnd - firstDue)
        i++
        continue
      }
      segments.settleAll(at, n, dueAfter, dueAfter + sum)
      segments.aloneAll(at, n, sum)
      segments.countAll(at, ALONE, this.#latencies, n, sum, squares, min, max)
    }
  }

  /** What all requests of a batch have in common is counted once for all. */
  #countServed(length: number): void {
    const segments = this.#segments
    const { sums } = segments
    const dues = this.#served
    const batches = this.#batches
    const latencies = this.#latencies.values
    const waits = this.#waits.values
    const services = this.#services.values
    const queueings = this.#queueings.values
    const batchings = this.#batchings.values
    const dispatches = this.#dispatches.values
    const weights = this.#weights
    const count = this.#told
    let batch = 0
    for (let i = 0; i < length; ) {
      const firstDue = dues[i] as number
      const firstLeft = batches[TOLD * batch + DONE] as number
      if (firstLeft >= segments.endNs) segments.advance(firstLeft)
      const at = segments.of(firstDue)
      const start = sums[at + START] as number
      const end = sums[at + END] as number
      // one that did not come and go in this segment is counted by itself
      const apart = firstDue < start || firstLeft >= end
      let n = 0
      let parts = 0
      let dueAfter = 0
      let leftAfter = 0
      let queued = 0
      let formed = 0
      while (i < length) {
        const told = TOLD * batch
        const left = batches[told + DONE] as number
        if (n > 0 && (apart || left >= end)) break
        const idleNs = batches[told + IDLE] as number
        const leave = batches[told + LEAVE] as number
        const begin = batches[told + BEGIN] as number
        const next = batch + 1 === count ? length : (batches[told + TOLD + FROM] as number)
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
      if (apart) segments.settle(firstDue, firstLeft, COMPLETED)
      else segments.settleAll(at, n, dueAfter, leftAfter)
      this.#countAll(at, LATENCY, this.#latencies, n)
      this.#countAll(at, WAIT, this.#waits, n)
      this.#countEach(at, SERVICE, services, parts, n)
      if (queued === 0) segments.count(at, QUEUEING, 0, n)
      else this.#countAll(at, QUEUEING, this.#queueings, n)
      if (formed === 0) segments.count(at, BATCHING, 0, n)
      else this.#countAll(at, BATCHING, this.#batchings, n)
      this.#countEach(at, DISPATCH, dispatches, parts, n)
    }
  }

  #countAll(at: number, metric: number, durations: Durations, length: number): void {
    const { values } = durations
    let sum = 0
    let squares = 0
    let min = values[0] as number
    let max = min
    for (let i = 0; i < length; i++) {
      const ns = values[i] as number
      sum += ns
      squares += ns * ns
      if (ns < min) min = ns
      if (ns > max) max = ns
    }
    this.#segments.countAll(at, metric, durations, length, sum, squares, min, max)
  }

  /** The same of what batches have in common, as often as they have requests, `length` in all. */
  #countEach(at: number, metric: number, values: Float64Array, batches: number, length: number): void {
    const segments = this.#segments
    let sum = 0
    let squares = 0
    let min = values[0] as number
    let max = min
    for (let i = 0; i < batches; i++) {
      const ns = values[i] as number
      const times = this.#weights[i] as number
      sum += times * ns
      squares += times * ns * ns
      if (ns < min) min = ns
      if (ns > max) max = ns
      segments.countBucket(at, metric, ns, times)
    }
    segments.addMoments(at, metric, length, sum, squares, min, max)
  }
}
