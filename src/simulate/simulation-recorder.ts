import { type HistogramSnapshot, LatencyHistogram, mergeHistograms, zeros } from '../histogram/latency-histogram.js'
import { type Counts, type Histograms, noCounts, type RecordedSegment, totalOf } from '../result/recording.js'
import { type Good, GoodLimits, type RequestTimes, repeatValues } from '../scenario/good.js'

/** How many served requests are buffered before they are counted: many at a time is twice as fast. */
export const BUFFERED = 1024
/** Batches smaller than this are counted in a table. */
const TABLED = 1024

/** The parts of a wait that a run has in addition to queueing. Without them, wait is counted once for both. */
export interface WaitSplit {
  /** batches wait to fill */
  batching: boolean
  /** servers take time to wake */
  dispatch: boolean
}

/** The metrics that are counted: the parts of a wait only if it has several. */
type Counted<Value> = Record<'latency' | 'wait' | 'service', Value> &
  Partial<Record<'queueing' | 'batching' | 'dispatch', Value>>
type CountedMetric = keyof Counted<unknown>

/** What it takes to judge the buffered requests. */
interface Judging {
  limits: GoodLimits
  times: RequestTimes
  /** the service time of each request */
  services: Float64Array
}

interface OpenSegment {
  startNs: number
  endNs: number
  counts: Counts
  inSystem: number
  /** what started in it; until it ends, what had started when it began */
  batches: number
  batched: number
  servingNs: number
  /** the queue position of its first request */
  firstPosition: number
}

/**
 * Records the requests of a simulation that are due in the window. Requests arrive and leave the queue in one order, but
 * the arrivals of a segment end before all of them have left. So arrivals are counted in the newest segment, and
 * outcomes in the segment that the head of the queue belongs to.
 *
 * ```
 * requests, in order:  ... left | head: leaving ......... | ... tail: arriving
 * segments:            finished |   open, waiting to be finished   | newest
 * ```
 */
export class SimulationRecorder {
  readonly segments: RecordedSegment[] = []
  /** of the segment that requests leave from at present */
  readonly #current: Counted<LatencyHistogram>
  /** the times of served requests, in the queue's order, that the engine buffers */
  readonly latencies = new Float64Array(BUFFERED)
  readonly waits = new Float64Array(BUFFERED)
  /** and of their batches: service time, and how many of these requests each holds */
  readonly services = new Float64Array(BUFFERED)
  readonly sizes = new Float64Array(BUFFERED)
  readonly queueings = new Float64Array(BUFFERED)
  readonly batchings = new Float64Array(BUFFERED)
  readonly dispatchings = new Float64Array(BUFFERED)
  /** judges requests; null if the scenario does not say which are good */
  readonly #good: Judging | null
  readonly #waiting: OpenSegment[] = []
  readonly #beforeWindow: OpenSegment = {
    startNs: 0,
    endNs: 0,
    counts: noCounts(),
    inSystem: 0,
    batches: 0,
    batched: 0,
    servingNs: 0,
    firstPosition: 0,
  }
  #arriving = this.#beforeWindow
  #leaving = this.#beforeWindow
  /** the number of the newest segment's first request */
  #firstNumber = 0
  readonly #smallBatches = new Float64Array(TABLED)
  readonly #largeBatches = new Map<number, number>()
  /** from this queue position on, requests belong to a later segment */
  nextPosition = Number.POSITIVE_INFINITY

  constructor({ batching, dispatch }: WaitSplit, good?: Good) {
    const histogram = () => new LatencyHistogram()
    this.#current = {
      ...{ latency: histogram(), wait: histogram(), service: histogram() },
      ...((batching || dispatch) && { queueing: histogram() }),
      ...(batching && { batching: histogram() }),
      ...(dispatch && { dispatch: histogram() }),
    }
    const services = new Float64Array(BUFFERED)
    this.#good =
      good === undefined
        ? null
        : {
            limits: new GoodLimits(good),
            services,
            times: {
              latency: this.latencies,
              wait: this.waits,
              service: services,
              lag: 0,
              queueing: batching || dispatch ? this.queueings : this.waits,
              batching: batching ? this.batchings : 0,
              dispatch: dispatch ? this.dispatchings : 0,
            },
          }
  }

  /**
   * Begins a segment: requests that arrive from now on belong to it.
   *
   * @param servingNs total service time of the batches that started in the window so far
   */
  open(nowNs: number, number: number, tail: number, inSystem: number, servingNs: number): void {
    this.close(nowNs, number, inSystem, servingNs)
    this.#firstNumber = number
    const segment = {
      startNs: nowNs,
      endNs: nowNs,
      counts: noCounts(this.#good !== null),
      inSystem,
      ...this.#started(),
      servingNs,
      firstPosition: tail,
    }
    this.#arriving = segment
    this.#waiting.push(segment)
    if (this.#waiting.length === 1) this.nextPosition = tail
  }

  /** Ends the newest segment. */
  close(nowNs: number, number: number, inSystem: number, servingNs: number): void {
    const segment = this.#arriving
    segment.counts.offered = number - this.#firstNumber
    segment.endNs = nowNs
    segment.inSystem = inSystem
    const { batches, batched } = this.#started()
    segment.batches = batches - segment.batches
    segment.batched = batched - segment.batched
    segment.servingNs = servingNs - segment.servingNs
  }

  /** How many batches have started in the window so far, and how many requests they hold. */
  #started(): { batches: number; batched: number } {
    let batches = 0
    let batched = 0
    const small = this.#smallBatches
    for (let size = 0; size < TABLED; size++) {
      batches += small[size] as number
      batched += size * (small[size] as number)
    }
    for (const [size, times] of this.#largeBatches) {
      batches += times
      batched += times * size
    }
    return { batches, batched }
  }

  rejected(): void {
    this.#arriving.counts.rejected++
  }
  timedOut(): void {
    this.#leaving.counts.timedOut++
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
    latency.recordMany(this.latencies, buffered)
    wait.recordMany(this.waits, buffered)
    service.recordMany(this.services, batches, this.sizes)
    queueing?.recordMany(this.queueings, buffered)
    batching?.recordMany(this.batchings, buffered)
    dispatch?.recordMany(this.dispatchings, buffered)
  }

  #countGood({ limits, times, services }: Judging, buffered: number, batches: number): void {
    repeatValues(services, this.services, this.sizes, batches)
    const { counts } = this.#leaving
    counts.good = (counts.good ?? 0) + limits.count(times, buffered)
  }

  /** A batch started in the window. */
  batch(size: number): void {
    if (size < TABLED) this.#smallBatches[size] = (this.#smallBatches[size] as number) + 1
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
   * Counts the buffered times, before the head of the queue comes to requests of a later segment.
   *
   * @returns the position of the next segment's first request
   */
  advance(head: number, buffered: number, batches: number): number {
    this.count(buffered, batches)
    while (head >= this.nextPosition) {
      this.#finish()
      this.#leaving = this.#waiting.shift() as OpenSegment
      this.nextPosition = this.#waiting[0]?.firstPosition ?? Number.POSITIVE_INFINITY
    }
    return this.nextPosition
  }

  #finish(): void {
    if (this.#leaving !== this.#beforeWindow) {
      const { firstPosition: _, ...segment } = this.#leaving
      const histograms = this.#complete((_, current) => current.snapshot())
      segment.counts.completed = histograms.latency.count
      this.segments.push({ ...segment, histograms })
    }
    for (const histogram of Object.values(this.#current)) histogram.clear()
  }

  /** Everything has left: finishes the last segments. */
  finish(): Counts {
    this.advance(Number.MAX_SAFE_INTEGER, 0, 0)
    this.#finish()
    return totalOf(this.segments.map(({ counts }) => counts))
  }

  /** The histograms of all segments together. */
  get histograms(): Histograms {
    return this.#complete((metric) => mergeHistograms(this.segments.map(({ histograms }) => histograms[metric])))
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
