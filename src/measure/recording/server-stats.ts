import { HISTOGRAM_BYTES, LatencyHistogram } from '../../histogram/latency-histogram.js'
import { failureKind } from '../../result/failures.js'
import { CLASS_METRICS, type ClassMetric, METRICS } from '../../result/recording.js'
import type { Good } from '../../scenario/good.js'
import { GoodLimits, responseTimesIn } from '../../scenario/good-limits.js'
import type { RequestClasses } from '../../scenario/request-classes.js'
import { RESPONSE_TIMES, type ResponseTime } from '../../scenario/times.js'
import { sum } from '../../statistics/descriptive.js'
import { type Batch, createBatch, type Serving } from '../queue/batch.js'
import { PLACES } from '../queue/waiting-room.js'
import { DepartureStats, departureStatsLength } from './departure-stats.js'
import { FailureKinds } from './failure-kinds.js'
import { SequenceLock } from './sequence-lock.js'
import type { Window } from './window.js'

/** The times of requests that are recorded, each in one histogram per segment. */
const PARTS = [...METRICS, 'fromSend', ...RESPONSE_TIMES] as const
export type Part = (typeof PARTS)[number]
export type PartHistograms = Record<Part, LatencyHistogram>
/** The same of the requests of one class. */
type ClassHistograms = Record<ClassMetric, LatencyHistogram>

const IN_FLIGHT = 0
const BUSY_SINCE = 1
const COMPLETED = 2
const FAILED = 3
const SERVING = 4
const SENT = 5
const RECEIVED = 6
/**
 * then for each segment the failures, the batches that started, the requests in them and their service time, the good
 * requests, those that the target rejected, the completions, and how often the segment changed
 */
const SEGMENTS = 7
const PER_SEGMENT = 8
const counters = (segments: number, classes: number) =>
  SEGMENTS + PER_SEGMENT * segments + departureStatsLength(segments) + 3 * segments * classes

const IDLE = -1

/** The mark of a request that the target rejected. Those that failed have the place of their kind, which is lower. */
export const REJECTION = 255

/**
 * The statistics of one server, in memory that only the server writes. Other threads may read a single figure at any time,
 * and several that belong together in a copy (`copyStats`).
 *
 * ```
 * buffer:   | lock | counters: doubles | current batch: numbers, due times | histograms: per segment and part |
 *           | latency of failed requests: histogram | histograms: per segment, class and metric | kinds of failures |
 *           | batches by size: uint32 | clients of the current batch: int32 |
 * counters: | in flight | busy since | completed | failed | serving | sent | received |
 *           | failures per segment | batches per segment | batched per segment | serving per segment |
 *           | good per segment | rejected per segment | completions per segment | changes per segment | departures |
 *           | failures, good and rejected per segment and class |
 * ```
 */
export class ServerStats {
  readonly #lock: SequenceLock
  readonly #counters: Float64Array<SharedArrayBuffer>
  readonly #failures: Float64Array
  readonly #batches: Float64Array
  readonly #batched: Float64Array
  readonly #serving: Float64Array
  readonly #good: Float64Array
  readonly #rejections: Float64Array
  readonly #completions: Float64Array
  readonly #changes: Float64Array
  readonly #limits: GoodLimits | null
  readonly #classes: RequestClasses | null
  readonly #classFailures: Float64Array
  readonly #classGood: Float64Array
  readonly #classRejections: Float64Array
  /** of the requests due in each segment, for each class: those of a segment are next to each other */
  readonly #ofClasses: ClassHistograms[]
  /** from when a failed request of the window was due to its failure, and why it failed */
  readonly failedLatency: LatencyHistogram
  readonly kinds: FailureKinds
  /** the mark of a failed request: the place of its kind of failure */
  readonly markOf = (error: unknown): number => this.kinds.placeOf(failureKind(error))
  /** batches that started in the window, by size */
  readonly batchSizes: Uint32Array
  /** of the requests due in each segment */
  readonly histograms: PartHistograms[]
  readonly departures: DepartureStats
  readonly batch: Batch
  #segment = -1
  /** the segments in which the last batch of the window started, and ended */
  #started = 0
  #ended = 0
  /** the times of a batch's requests, buffered to be counted together */
  readonly #buffers: Record<Part, Float64Array>
  /** if `good` limits them: when each response began, or ended if it has no beginning, and its longest gap between events */
  readonly #responses: Record<ResponseTime, Float64Array> | null
  readonly #classOfEach: Uint8Array

  /** The size of its memory in bytes. */
  static bytes(maxBatchSize: number, segments: number, classes: number): number {
    const most = Math.min(maxBatchSize, PLACES)
    const histograms = segments * (PARTS.length + CLASS_METRICS.length * classes) + 1
    return (
      SequenceLock.bytes +
      8 * counters(segments, classes) +
      16 * most +
      histograms * HISTOGRAM_BYTES +
      FailureKinds.bytes +
      4 * (2 * most + 1)
    )
  }

  constructor(
    buffer: SharedArrayBuffer,
    maxBatchSize: number,
    segments: number,
    good?: Good,
    classes: RequestClasses | null = null,
  ) {
    const perClass = segments * (classes?.names.length ?? 0)
    const most = Math.min(maxBatchSize, PLACES)
    let offset = 0
    const next = (bytes: number) => {
      const at = offset
      offset += bytes
      return at
    }
    this.#lock = new SequenceLock(buffer, next(SequenceLock.bytes))
    const length = counters(segments, classes?.names.length ?? 0)
    this.#counters = new Float64Array(buffer, next(8 * length), length)
    const by = (i: number) => this.#counters.subarray(SEGMENTS + i * segments, SEGMENTS + (i + 1) * segments)
    this.#failures = by(0)
    this.#batches = by(1)
    this.#batched = by(2)
    this.#serving = by(3)
    this.#good = by(4)
    this.#rejections = by(5)
    this.#completions = by(6)
    this.#changes = by(7)
    this.#limits = good === undefined ? null : new GoodLimits(good)
    const departures = SEGMENTS + PER_SEGMENT * segments
    const byClass = departures + departureStatsLength(segments)
    this.departures = new DepartureStats(this.#counters.subarray(departures, byClass))
    this.#classes = classes
    this.#classFailures = this.#counters.subarray(byClass, byClass + perClass)
    this.#classGood = this.#counters.subarray(byClass + perClass, byClass + 2 * perClass)
    this.#classRejections = this.#counters.subarray(byClass + 2 * perClass)
    const numbers = new Float64Array(buffer, next(8 * most), most)
    const dueNs = new Float64Array(buffer, next(8 * most), most)
    this.histograms = Array.from({ length: segments }, () =>
      each(PARTS, () => new LatencyHistogram(buffer, next(HISTOGRAM_BYTES))),
    )
    this.failedLatency = new LatencyHistogram(buffer, next(HISTOGRAM_BYTES))
    this.#ofClasses = Array.from({ length: perClass }, () =>
      each(CLASS_METRICS, () => new LatencyHistogram(buffer, next(HISTOGRAM_BYTES))),
    )
    this.kinds = new FailureKinds(buffer, next(FailureKinds.bytes))
    this.batchSizes = new Uint32Array(buffer, next(4 * (most + 1)), most + 1)
    this.batch = createBatch(numbers, dueNs, new Int32Array(buffer, next(4 * most), most))
    this.#buffers = each(PARTS, () => new Float64Array(most))
    this.#responses =
      responseTimesIn(good).length === 0 ? null : { first: new Float64Array(most), between: new Float64Array(most) }
    this.#classOfEach = new Uint8Array(classes === null ? 0 : most)
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
   * @param failed for each request that did not complete the place of its kind of failure, or `REJECTION`; null if all did
   * @param failures how many did not complete
   */
  end(window: Window, failed: Uint8Array | null, failures: number, batch = this.batch): void {
    this.#lock.beginWrite()
    this.#end(window, failed, failures, batch)
    this.#lock.endWrite()
  }

  #end(window: Window, failed: Uint8Array | null, failures: number, batch: Batch): void {
    const { size, numbers, startNs, endNs } = batch
    const counters = this.#counters
    const windowStart = window.startNs
    const windowEnd = window.endNs
    const completed = size - failures

    counters[COMPLETED] = (counters[COMPLETED] as number) + completed
    counters[FAILED] = (counters[FAILED] as number) + (failed?.[0] === REJECTION ? 0 : failures)
    if (endNs >= windowStart && endNs < windowEnd) {
      while (endNs >= window.segmentStartNs(this.#ended + 1)) this.#ended++
      const ended = this.#ended
      this.#completions[ended] = (this.#completions[ended] as number) + completed
    }
    this.departures.leave(window, endNs, batch.dueNs, size)
    const serving = Math.min(endNs, windowEnd) - Math.max(startNs, windowStart)
    if (serving > 0) this.#add(SERVING, serving)
    if (startNs >= windowStart && startNs < windowEnd) {
      this.batchSizes[size] = (this.batchSizes[size] as number) + 1
      counters[SENT] = (counters[SENT] as number) + batch.sentBytes
      counters[RECEIVED] = (counters[RECEIVED] as number) + batch.receivedBytes
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
  fail(window: Window, nowNs: number, kind: string): number {
    const serving = this.serving
    if (serving === null) return 0
    const { size, startNs } = serving
    this.end(window, new Uint8Array(size).fill(this.kinds.placeOf(kind)), size, {
      ...this.batch,
      size,
      startNs,
      endNs: nowNs,
    })
    return size
  }

  /** Records the completed requests from `from` to before `to`, which belong to the current segment. */
  #record(batch: Batch, from: number, to: number, failed: Uint8Array | null): void {
    const { numbers, dueNs, queuedNs, freeNs, leaveNs, lagNs, startNs, endNs, hasFirst, firstNs, laterNs } = batch
    increment(this.#changes, this.#segment)
    const classes = this.#classes
    const firstOfClasses = classes === null ? 0 : this.#segment * classes.names.length
    const histograms = this.histograms[this.#segment] as PartHistograms
    const responses = this.#responses
    const { latency, wait, lag, queueing, batching, fromSend, first } = this.#buffers
    let n = 0
    let begun = 0
    let rejected = 0
    for (let i = from; i < to; i++) {
      const due = dueNs[i] as number
      const ofClass = classes === null ? 0 : classes.classOf(numbers[i] as number)
      const kind = failed === null ? 0 : (failed[i] as number)
      if (kind === REJECTION) {
        rejected++
        if (classes !== null) increment(this.#classRejections, firstOfClasses + ofClass)
        continue
      }
      if (kind !== 0) {
        this.kinds.add(kind)
        this.failedLatency.record(endNs - due)
        if (classes !== null) increment(this.#classFailures, firstOfClasses + ofClass)
        continue
      }
      if (classes !== null) this.#classOfEach[n] = ofClass
      const queued = queuedNs[i] as number
      const idle = Math.max(queued, freeNs)
      latency[n] = endNs - due
      wait[n] = startNs - due
      lag[n] = queued - due + lagNs
      queueing[n] = idle - queued
      batching[n] = leaveNs - idle
      fromSend[n] = endNs - queued - lagNs
      let beginNs = endNs
      let longestGapNs = 0
      if (hasFirst && firstNs[i] !== Number.POSITIVE_INFINITY) {
        beginNs = firstNs[i] as number
        first[begun++] = beginNs - due
        const own = classes === null ? null : (this.#ofClasses[firstOfClasses + ofClass] as ClassHistograms)
        own?.first.record(beginNs - due)
        const later = laterNs[i]
        if (later !== undefined) longestGapNs = recordGaps(histograms.between, own?.between ?? null, beginNs, later)
      }
      if (responses !== null) {
        responses.first[n] = beginNs - due
        responses.between[n] = longestGapNs
      }
      n++
    }
    const failures = this.#failures
    failures[this.#segment] = (failures[this.#segment] as number) + to - from - n - rejected
    this.#rejections[this.#segment] = (this.#rejections[this.#segment] as number) + rejected
    if (n === 0) return
    const service = endNs - startNs
    const dispatch = startNs - leaveNs - lagNs
    if (this.#limits !== null) {
      const { first: begins, between } = responses ?? NONE
      const times = { latency, wait, service, lag, queueing, batching, dispatch, first: begins, between }
      const good = this.#limits.count(times, n)
      this.#good[this.#segment] = (this.#good[this.#segment] as number) + good
    }
    if (classes !== null) {
      for (let i = 0; i < n; i++) {
        const at = firstOfClasses + (this.#classOfEach[i] as number)
        ;(this.#ofClasses[at] as ClassHistograms).latency.record(latency[i] as number)
        if (this.#limits?.bad[i] === 0) increment(this.#classGood, at)
      }
    }
    count(histograms.latency, latency, n)
    count(histograms.wait, wait, n)
    count(histograms.lag, lag, n)
    count(histograms.queueing, queueing, n)
    count(histograms.batching, batching, n)
    count(histograms.fromSend, fromSend, n)
    if (begun > 0) count(histograms.first, first, begun)
    histograms.service.record(service, n)
    histograms.dispatch.record(dispatch, n)
  }

  /**
   * Copies the statistics of a server that may still write them, consistent as of one moment unless it gives up.
   *
   * @param giveUp asked after each attempt in which the server wrote
   */
  copyFrom(live: ServerStats, giveUp: () => boolean): void {
    const copied = new Float64Array(this.histograms.length)
    live.#lock.read(() => {
      for (let k = 0; k < copied.length; k++) {
        // read before its histograms: if the server writes to them meanwhile, they are copied again
        const changes = live.#changes[k] as number
        if (changes !== copied[k]) this.#copySegment(live, k)
        copied[k] = changes
      }
      this.#counters.set(live.#counters)
      this.failedLatency.copyFrom(live.failedLatency)
      this.kinds.copyFrom(live.kinds)
      this.batchSizes.set(live.batchSizes)
    }, giveUp)
  }

  #copySegment(live: ServerStats, segment: number): void {
    const [own, other] = [this.histograms[segment], live.histograms[segment]] as [PartHistograms, PartHistograms]
    for (const part of PARTS) own[part].copyFrom(other[part])
    const classes = this.#classes?.names.length ?? 0
    for (let at = segment * classes; at < (segment + 1) * classes; at++) {
      const [mine, theirs] = [this.#ofClasses[at], live.#ofClasses[at]] as [ClassHistograms, ClassHistograms]
      for (const metric of CLASS_METRICS) mine[metric].copyFrom(theirs[metric])
    }
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
  get servingNs(): number {
    return this.#get(SERVING)
  }
  /** Completed inside the window, whenever they were due. */
  get completions(): number {
    return sum([...this.#completions])
  }
  /** Completed inside a segment, whenever they were due. */
  completionsIn(segment: number): number {
    return this.#completions[segment] as number
  }
  /** Bytes of the bodies of HTTP requests and their responses, of the batches that started in the window. */
  get bytes(): { sent: number; received: number } {
    return { sent: this.#get(SENT), received: this.#get(RECEIVED) }
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
  /** The requests of a class that were due in a segment: the times of those that completed, and how many failed, were good or were rejected. */
  classIn(
    segment: number,
    ofClass: number,
  ): { histograms: ClassHistograms; failed: number; good: number; rejected: number } {
    const at = segment * (this.#classes?.names.length ?? 0) + ofClass
    return {
      histograms: this.#ofClasses[at] as ClassHistograms,
      failed: this.#classFailures[at] as number,
      good: this.#classGood[at] as number,
      rejected: this.#classRejections[at] as number,
    }
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

function increment(counters: Float64Array, at: number): void {
  counters[at] = (counters[at] as number) + 1
}

/** The times of responses if they are not limited. */
const NONE: { [T in ResponseTime]?: Float64Array } = {}

/**
 * Records the gaps between the events of a response, and returns the longest.
 *
 * @param ofClass that of the request's class; null if it has none
 */
function recordGaps(
  ofAll: LatencyHistogram,
  ofClass: LatencyHistogram | null,
  beginNs: number,
  later: readonly number[],
): number {
  let longestNs = 0
  let before = beginNs
  for (const atNs of later) {
    ofAll.record(atNs - before)
    ofClass?.record(atNs - before)
    longestNs = Math.max(longestNs, atNs - before)
    before = atNs
  }
  return longestNs
}

const each = <Name extends string, Value>(names: readonly Name[], make: () => Value) =>
  Object.fromEntries(names.map((name) => [name, make()])) as Record<Name, Value>

/** Fewer values are recorded one by one, since `recordMany` allocates a view. */
const FEW = 8

function count(histogram: LatencyHistogram, values: Float64Array, n: number): void {
  if (n >= FEW) histogram.recordMany(values, n)
  else for (let i = 0; i < n; i++) histogram.record(values[i] as number)
}
