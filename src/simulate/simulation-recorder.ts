import { type HistogramSnapshot, LatencyHistogram, mergeHistograms, zeros } from '../histogram/latency-histogram.js'
import {
  type ClassRecordings,
  type Counts,
  errorsIn,
  type Histograms,
  mergeClasses,
  noCounts,
  totalOf,
} from '../result/recording.js'
import type { SegmentPart } from '../result/stages.js'
import type { Good } from '../scenario/good.js'
import { GoodLimits, type RequestTimes, repeatValues } from '../scenario/good-limits.js'
import type { RequestClasses } from '../scenario/request-classes.js'

/** How many served requests are buffered before they are counted: many at a time is twice as fast. */
export const BUFFERED = 1024
/** Batches smaller than this are counted in a table. */
const TABLED = 1024

/** What a run has to record. Without the parts of a wait, wait is counted once for it and for queueing. */
export interface SimulationRecorderOptions {
  /** batches wait to fill */
  batching: boolean
  /** servers take time to wake */
  dispatch: boolean
  /** Infinity if batches may have any size */
  maxBatchSize: number
  /** which requests are good; none is judged without it */
  good: Good | undefined
  /** null if requests have no classes */
  classes: RequestClasses | null
}

/** Empty histograms of runs that ended: to allocate new ones for each run would take as long as to fill them. */
const spare: LatencyHistogram[] = []

/** The metrics that are counted: the parts of a wait only if it has several. */
type Counted<Value> = Record<'latency' | 'wait' | 'service', Value> &
  Partial<Record<'queueing' | 'batching' | 'dispatch', Value>>
type CountedMetric = keyof Counted<unknown>

/** What it takes to judge the buffered requests. */
interface Judging {
  limits: GoodLimits
  times: RequestTimes
  /** the service time of each request; null if it is not limited */
  services: Float64Array | null
}

interface OpenPart {
  continues: boolean
  startNs: number
  endNs: number
  counts: Counts
  /** by class, if requests have classes */
  byClass: Counts[]
  inSystem: number
  /** what started in it; until it ends, what had started when it began */
  batches: number
  batched: number
  servingNs: number
  /** what completed in it; until it ends, what had completed when it began */
  completions: number
  /** the queue position of its first request */
  firstPosition: number
}

/** What the run has done in the window so far. */
export interface Done {
  /** total service time of the batches that started */
  servingNs: number
  completions: number
}

/**
 * Records the requests of a simulation that are due in the window, by segments, which stages may cut into parts. Requests
 * arrive and leave the queue in one order, but the arrivals of a part end before all of them have left. So arrivals are
 * counted in the newest part, and outcomes in the part that the head of the queue belongs to.
 *
 * ```
 * requests, in order:  ... left | head: leaving ......... | ... tail: arriving
 * parts of segments:   finished |   open, waiting to be finished   | newest
 * ```
 */
export class SimulationRecorder {
  readonly parts: SegmentPart[] = []
  /** of the part that requests leave from at present */
  readonly #current: Counted<LatencyHistogram>
  /** the times of served requests, in the queue's order, that the engine buffers */
  readonly latencies = new Float64Array(BUFFERED)
  readonly waits = new Float64Array(BUFFERED)
  /** and of their batches: service time, and how many of these requests each holds */
  readonly services = new Float64Array(BUFFERED)
  readonly sizes = new Float64Array(BUFFERED)
  readonly queueings: Float64Array
  readonly batchings: Float64Array
  readonly dispatchings: Float64Array
  readonly classes: Uint8Array
  readonly #classes: RequestClasses | null
  /** the latency of each class, of the part that requests leave from at present */
  readonly #classLatency: LatencyHistogram[]
  /** judges requests; null if the scenario does not say which are good */
  readonly #good: Judging | null
  readonly #waiting: OpenPart[] = []
  readonly #beforeWindow: OpenPart = {
    continues: false,
    startNs: 0,
    endNs: 0,
    counts: noCounts(),
    byClass: [],
    inSystem: 0,
    batches: 0,
    batched: 0,
    servingNs: 0,
    completions: 0,
    firstPosition: 0,
  }
  #arriving = this.#beforeWindow
  #leaving = this.#beforeWindow
  /** the number of the newest part's first request */
  #firstNumber = 0
  readonly #smallBatches: Float64Array
  readonly #largeBatches = new Map<number, number>()
  /** from this queue position on, requests belong to a later part */
  nextPosition = Number.POSITIVE_INFINITY

  constructor({ batching, dispatch, maxBatchSize, good, classes }: SimulationRecorderOptions) {
    this.#smallBatches = new Float64Array(Math.min(TABLED, maxBatchSize + 1))
    const buffer = (used: boolean) => new Float64Array(used ? BUFFERED : 0)
    this.queueings = buffer(batching || dispatch)
    this.batchings = buffer(batching)
    this.dispatchings = buffer(dispatch)
    const histogram = () => spare.pop() ?? new LatencyHistogram()
    this.classes = new Uint8Array(classes === null ? 0 : BUFFERED)
    this.#classes = classes
    this.#classLatency = this.#forEachClass(histogram)
    this.#beforeWindow.byClass = this.#forEachClass(noCounts)
    this.#current = {
      ...{ latency: histogram(), wait: histogram(), service: histogram() },
      ...((batching || dispatch) && { queueing: histogram() }),
      ...(batching && { batching: histogram() }),
      ...(dispatch && { dispatch: histogram() }),
    }
    this.#good = good === undefined ? null : this.#judging(good, batching, dispatch)
  }

  #judging(good: Good, batching: boolean, dispatch: boolean): Judging {
    const services = good.service === undefined ? null : new Float64Array(BUFFERED)
    const times = {
      latency: this.latencies,
      wait: this.waits,
      service: services ?? 0,
      lag: 0,
      queueing: batching || dispatch ? this.queueings : this.waits,
      batching: batching ? this.batchings : 0,
      dispatch: dispatch ? this.dispatchings : 0,
    }
    return { limits: new GoodLimits(good), services, times }
  }

  /**
   * Begins a part: requests that arrive from now on belong to it.
   *
   * @param continues whether it continues the segment of the part before it
   */
  open(
    nowNs: number,
    continues: boolean,
    { number, tail, inSystem }: { number: number; tail: number; inSystem: number },
    { servingNs, completions }: Done,
  ): void {
    this.close(nowNs, number, inSystem, { servingNs, completions })
    this.#firstNumber = number
    const part = {
      continues,
      startNs: nowNs,
      endNs: nowNs,
      counts: noCounts(this.#good !== null),
      byClass: this.#forEachClass(() => noCounts(this.#good !== null)),
      inSystem,
      ...this.#started(),
      ...{ servingNs, completions },
      firstPosition: tail,
    }
    this.#arriving = part
    this.#waiting.push(part)
    if (this.#waiting.length === 1) this.nextPosition = tail
  }

  /** Ends the newest part. */
  close(nowNs: number, number: number, inSystem: number, { servingNs, completions }: Done): void {
    const part = this.#arriving
    part.counts.offered = number - this.#firstNumber
    part.endNs = nowNs
    part.inSystem = inSystem
    const { batches, batched } = this.#started()
    part.batches = batches - part.batches
    part.batched = batched - part.batched
    part.servingNs = servingNs - part.servingNs
    part.completions = completions - part.completions
  }

  /** How many batches have started in the window so far, and how many requests they hold. */
  #started(): { batches: number; batched: number } {
    let batches = 0
    let batched = 0
    const small = this.#smallBatches
    for (let size = 1; size < small.length; size++) {
      batches += small[size] as number
      batched += size * (small[size] as number)
    }
    for (const [size, times] of this.#largeBatches) {
      batches += times
      batched += times * size
    }
    return { batches, batched }
  }

  rejected(number: number): void {
    this.#arriving.counts.rejected++
    if (this.#classes !== null) this.#countsOf(this.#arriving, this.#classes.classOf(number)).rejected++
  }
  timedOut(ofClass: number): void {
    this.#leaving.counts.timedOut++
    if (this.#classes !== null) this.#countsOf(this.#leaving, ofClass).timedOut++
  }

  #forEachClass<Value>(make: () => Value): Value[] {
    return (this.#classes?.names ?? []).map(() => make())
  }
  #countsOf(part: OpenPart, ofClass: number): Counts {
    return part.byClass[ofClass] as Counts
  }

  /**
   * Counts the buffered times.
   *
   * @param buffered how many requests are buffered
   * @param batches how many batches, or parts of batches, these are
   */
  count(buffered: number, batches: number): void {
    const { latency, wait, service, queueing, batching, dispatch } = this.#current
    if (this.#good !== null) this.#countGood(this.#good, buffered, batches)
    if (this.#classes !== null) {
      for (let i = 0; i < buffered; i++) {
        ;(this.#classLatency[this.classes[i] as number] as LatencyHistogram).record(this.latencies[i] as number)
      }
    }
    latency.recordMany(this.latencies, buffered)
    wait.recordMany(this.waits, buffered)
    service.recordMany(this.services, batches, this.sizes)
    queueing?.recordMany(this.queueings, buffered)
    batching?.recordMany(this.batchings, buffered)
    dispatch?.recordMany(this.dispatchings, buffered)
  }

  #countGood({ limits, times, services }: Judging, buffered: number, batches: number): void {
    if (services !== null) repeatValues(services, this.services, this.sizes, batches)
    const { counts } = this.#leaving
    counts.good = (counts.good ?? 0) + limits.count(times, buffered)
    if (this.#classes === null) return
    for (let i = 0; i < buffered; i++) {
      const own = this.#countsOf(this.#leaving, this.classes[i] as number)
      if (limits.bad[i] === 0) own.good = (own.good ?? 0) + 1
    }
  }

  /** A batch started in the window. */
  batch(size: number): void {
    if (size < this.#smallBatches.length) this.#smallBatches[size] = (this.#smallBatches[size] as number) + 1
    else this.#largeBatches.set(size, (this.#largeBatches.get(size) ?? 0) + 1)
  }

  /** How many batches of each size started in the window. */
  get batchSizes(): Map<number, number> {
    const sizes = new Map(this.#largeBatches)
    this.#smallBatches.forEach((batches, size) => {
      if (batches > 0) sizes.set(size, batches)
    })
    return sizes
  }

  /**
   * Counts the buffered times, before the head of the queue comes to requests of a later part.
   *
   * @returns the position of the next part's first request
   */
  advance(head: number, buffered: number, batches: number): number {
    this.count(buffered, batches)
    while (head >= this.nextPosition) {
      this.#finish()
      this.#leaving = this.#waiting.shift() as OpenPart
      this.nextPosition = this.#waiting[0]?.firstPosition ?? Number.POSITIVE_INFINITY
    }
    return this.nextPosition
  }

  #finish(): void {
    const histograms = this.#complete((_, current) => current.take())
    const latencies = this.#classLatency.map((current) => current.take())
    if (this.#leaving === this.#beforeWindow) return
    const { firstPosition: _, byClass, ...part } = this.#leaving
    part.counts.completed = histograms.latency.count
    const classes = this.#classes !== null && { classes: this.#classesOf(byClass, latencies) }
    this.parts.push({ ...part, histograms, ...classes })
  }

  #classesOf(byClass: Counts[], latencies: HistogramSnapshot[]): ClassRecordings {
    const names = this.#classes?.names ?? []
    return Object.fromEntries(
      names.map((name, i) => {
        const latency = latencies[i] as HistogramSnapshot
        const counts = { ...(byClass[i] as Counts), completed: latency.count }
        // by now every request has an outcome
        return [name, { counts: { ...counts, offered: counts.completed + errorsIn(counts) }, latency }]
      }),
    )
  }

  /** The classes of all parts together; null if requests have no classes. */
  get classRecordings(): ClassRecordings | null {
    return this.#classes === null ? null : mergeClasses(this.parts.map(({ classes = {} }) => classes))
  }

  /** Everything has left: finishes the last parts. */
  finish(): Counts {
    this.advance(Number.MAX_SAFE_INTEGER, 0, 0)
    this.#finish()
    spare.push(...Object.values(this.#current), ...this.#classLatency)
    return totalOf(this.parts.map(({ counts }) => counts))
  }

  /** The histograms of all parts together. */
  get histograms(): Histograms {
    return this.#complete((metric) => mergeHistograms(this.parts.map(({ histograms }) => histograms[metric])))
  }

  /** Adds the metrics that need no counting: lag is 0, and so are batching and dispatch if all wait is queueing. */
  #complete(of: (metric: CountedMetric, current: LatencyHistogram) => HistogramSnapshot): Histograms {
    const counted = Object.entries(this.#current).map(([metric, current]) => [
      metric,
      of(metric as CountedMetric, current),
    ])
    const { latency, wait, service, ...parts }: Counted<HistogramSnapshot> = Object.fromEntries(counted)
    const none = zeros(latency.count)
    return { latency, wait, service, lag: none, queueing: wait, batching: none, dispatch: none, ...parts }
  }
}
