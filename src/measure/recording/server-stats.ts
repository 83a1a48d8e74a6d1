import { HISTOGRAM_BYTES, LatencyHistogram } from '../../histogram/latency-histogram.js'
import { METRICS } from '../../result/recording.js'
import { type Good, GoodLimits } from '../../scenario/good.js'
import { type Batch, createBatch, type Serving } from '../queue/batch.js'
import { PLACES } from '../queue/waiting-room.js'
import { DepartureStats, departureStatsLength } from './departure-stats.js'
import type { Window } from './window.js'

/** The times of requests that are recorded, each in one histogram per segment. */
const PARTS = [...METRICS, 'fromSend'] as const
export type Part = (typeof PARTS)[number]
export type PartHistograms = Record<Part, LatencyHistogram>

const IN_FLIGHT = 0
const BUSY_SINCE = 1
const COMPLETED = 2
const FAILED = 3
const COMPLETIONS = 4
const SERVING = 5
/**
 * then for each segment the failures, the batches that started, the requests in them and their service time, the good
 * requests, and those that the target rejected
 */
const SEGMENTS = 6
const counters = (segments: number) => SEGMENTS + 6 * segments + departureStatsLength(segments)

const IDLE = -1

/** How a request that did not complete is marked: it failed, or the target rejected it. */
export const FAILURE = 1
export const REJECTION = 2

/**
 * The statistics of one server, in memory that only the server writes and other threads may read at any time.
 *
 * ```
 * buffer:   | counters: doubles | current batch: numbers, due times | histograms: per segment and part |
 *           | batches by size: uint32 | clients of the current batch: int32 |
 * counters: | in flight | busy since | completed | failed | completions | serving |
 *           | failures per segment | batches per segment | batched per segment | serving per segment |
 *           | good per segment | rejected per segment | departures |
 * ```
 */
export class ServerStats {
  readonly #counters: Float64Array<SharedArrayBuffer>
  readonly #failures: Float64Array
  readonly #batches: Float64Array
  readonly #batched: Float64Array
  readonly #serving: Float64Array
  readonly #good: Float64Array
  readonly #rejections: Float64Array
  readonly #limits: GoodLimits | null
  /** batches that started in the window, by size */
  readonly batchSizes: Uint32Array
  /** of the requests due in each segment */
  readonly histograms: PartHistograms[]
  readonly departures: DepartureStats
  readonly batch: Batch
  #segment = -1
  /** the segment in which the last batch of the window started */
  #started = 0
  /** the times of a batch's requests, buffered to be counted together */
  readonly #buffers: Record<Part, Float64Array>

  /** The size of its memory in bytes. */
  static bytes(maxBatchSize: number, segments: number): number {
    const most = Math.min(maxBatchSize, PLACES)
    return 8 * counters(segments) + 16 * most + segments * PARTS.length * HISTOGRAM_BYTES + 4 * (2 * most + 1)
  }

  constructor(buffer: SharedArrayBuffer, maxBatchSize: number, segments: number, good?: Good) {
    const most = Math.min(maxBatchSize, PLACES)
    let offset = 0
    const next = (bytes: number) => {
      const at = offset
      offset += bytes
      return at
    }
    this.#counters = new Float64Array(buffer, next(8 * counters(segments)), counters(segments))
    const by = (i: number) => this.#counters.subarray(SEGMENTS + i * segments, SEGMENTS + (i + 1) * segments)
    this.#failures = by(0)
    this.#batches = by(1)
    this.#batched = by(2)
    this.#serving = by(3)
    this.#good = by(4)
    this.#rejections = by(5)
    this.#limits = good === undefined ? null : new GoodLimits(good)
    this.departures = new DepartureStats(this.#counters.subarray(SEGMENTS + 6 * segments))
    const numbers = new Float64Array(buffer, next(8 * most), most)
    const dueNs = new Float64Array(buffer, next(8 * most), most)
    this.histograms = Array.from({ length: segments }, () =>
      each(() => new LatencyHistogram(buffer, next(HISTOGRAM_BYTES))),
    )
    this.batchSizes = new Uint32Array(buffer, next(4 * (most + 1)), most + 1)
    this.batch = createBatch(numbers, dueNs, new Int32Array(buffer, next(4 * most), most))
    this.#buffers = each(() => new Float64Array(most))
  }

  /** Begins to serve the batch in this memory, which other threads can see. */
  begin(): void {
    const { size, startNs } = this.batch
    this.#counters[BUSY_SINCE] = startNs
    this.#counters[IN_FLIGHT] = size
  }

  /**
   * Records a batch that ended. Several may have been in flight, and end in any order.
   *
   * @param failed `FAILURE` or `REJECTION` for each request that did not complete; null if all did
   * @param failures how many did not complete
   */
  end(window: Window, failed: Uint8Array | null, failures: number, batch = this.batch): void {
    const { size, numbers, startNs, endNs } = batch
    const counters = this.#counters
    const windowStart = window.startNs
    const windowEnd = window.endNs
    const completed = size - failures

    counters[COMPLETED] = (counters[COMPLETED] as number) + completed
    counters[FAILED] = (counters[FAILED] as number) + (failed?.[0] === REJECTION ? 0 : failures)
    if (endNs >= windowStart && endNs < windowEnd) this.#add(COMPLETIONS, completed)
    this.departures.leave(window, endNs, batch.dueNs, size)
    const serving = Math.min(endNs, windowEnd) - Math.max(startNs, windowStart)
    if (serving > 0) this.#add(SERVING, serving)
    if (startNs >= windowStart && startNs < windowEnd) {
      this.batchSizes[size] = (this.batchSizes[size] as number) + 1
      while (startNs >= window.segmentStartNs(this.#started + 1)) this.#started++
      // a batch that started earlier may have ended later
      while (startNs < window.segmentStartNs(this.#started)) this.#started--
      const started = this.#started
      this.#batches[started] = (this.#batches[started] as number) + 1
      this.#batched[started] = (this.#batched[started] as number) + size
      this.#serving[started] = (this.#serving[started] as number) + endNs - startNs
    }

    // a batch that left later may have ended sooner
    if ((numbers[0] as number) < (window.firsts[this.#segment] ?? 0)) this.#segment = -1
    // a batch may hold requests of more than one segment
    for (let from = 0; from < size; ) {
      this.#segment = window.segmentOf(numbers[from] as number, this.#segment)
      const next = window.firsts[this.#segment + 1] as number
      let to = size
      while ((numbers[to - 1] as number) >= next) to--
      if (this.#segment >= 0) this.#record(batch, from, to, failed)
      from = to
    }
    counters[BUSY_SINCE] = IDLE
    counters[IN_FLIGHT] = 0
  }

  /**
   * Fails the batch in flight, since its server has died.
   *
   * @returns how many requests failed
   */
  fail(window: Window, nowNs: number): number {
    const serving = this.serving
    if (serving === null) return 0
    const { size, startNs } = serving
    this.end(window, new Uint8Array(size).fill(FAILURE), size, { ...this.batch, size, startNs, endNs: nowNs })
    return size
  }

  /** Records the completed requests from `from` to before `to`, which belong to the current segment. */
  #record(batch: Batch, from: number, to: number, failed: Uint8Array | null): void {
    const { dueNs, queuedNs, freeNs, leaveNs, lagNs, startNs, endNs } = batch
    const { latency, wait, lag, queueing, batching, fromSend } = this.#buffers
    let n = 0
    let rejected = 0
    for (let i = from; i < to; i++) {
      if (failed !== null && failed[i] !== 0) {
        if (failed[i] === REJECTION) rejected++
        continue
      }
      const due = dueNs[i] as number
      const queued = queuedNs[i] as number
      const idle = Math.max(queued, freeNs)
      latency[n] = endNs - due
      wait[n] = startNs - due
      lag[n] = queued - due + lagNs
      queueing[n] = idle - queued
      batching[n] = leaveNs - idle
      fromSend[n] = endNs - queued - lagNs
      n++
    }
    const failures = this.#failures
    failures[this.#segment] = (failures[this.#segment] as number) + to - from - n - rejected
    this.#rejections[this.#segment] = (this.#rejections[this.#segment] as number) + rejected
    if (n === 0) return
    const service = endNs - startNs
    const dispatch = startNs - leaveNs - lagNs
    // before the histograms, so that those who see a request completed see whether it was good
    if (this.#limits !== null) {
      const good = this.#limits.count({ latency, wait, service, lag, queueing, batching, dispatch }, n)
      this.#good[this.#segment] = (this.#good[this.#segment] as number) + good
    }
    const histograms = this.histograms[this.#segment] as PartHistograms
    count(histograms.latency, latency, n)
    count(histograms.wait, wait, n)
    count(histograms.lag, lag, n)
    count(histograms.queueing, queueing, n)
    count(histograms.batching, batching, n)
    count(histograms.fromSend, fromSend, n)
    histograms.service.record(service, n)
    histograms.dispatch.record(dispatch, n)
  }

  #add(counter: number, by: number): void {
    this.#counters[counter] = (this.#counters[counter] as number) + by
  }
  #get(counter: number): number {
    return this.#counters[counter] as number
  }

  /** The batch in flight; null if the server is idle. */
  get serving(): Serving | null {
    const size = this.#get(IN_FLIGHT)
    if (size === 0) return null
    const { numbers, dueNs } = this.batch
    return { numbers, size, startNs: this.#get(BUSY_SINCE), dueNs }
  }
  /** From the start of the run. */
  get completed(): number {
    return this.#get(COMPLETED)
  }
  get failed(): number {
    return this.#get(FAILED)
  }
  /** Completed inside the window, whenever they were due. */
  get completions(): number {
    return this.#get(COMPLETIONS)
  }
  get servingNs(): number {
    return this.#get(SERVING)
  }
  /** Failed, of the requests due in a segment. */
  failedIn(segment: number): number {
    return this.#failures[segment] as number
  }
  /** Rejected by the target, of the requests due in a segment. */
  rejectedIn(segment: number): number {
    return this.#rejections[segment] as number
  }
  /** Completed within all limits of `good`, of the requests due in a segment. */
  goodIn(segment: number): number {
    return this.#good[segment] as number
  }
  /** The batches that started in a segment, the requests in them, and how long they were served. */
  startedIn(segment: number): { batches: number; batched: number; servingNs: number } {
    return {
      batches: this.#batches[segment] as number,
      batched: this.#batched[segment] as number,
      servingNs: this.#serving[segment] as number,
    }
  }
}

const each = <Value>(make: () => Value) =>
  Object.fromEntries(PARTS.map((part) => [part, make()])) as Record<Part, Value>

/** Fewer values are recorded one by one, since `recordMany` allocates a view. */
const FEW = 8

function count(histogram: LatencyHistogram, values: Float64Array, n: number): void {
  if (n >= FEW) histogram.recordMany(values, n)
  else for (let i = 0; i < n; i++) histogram.record(values[i] as number)
}
