import type { HistogramSnapshot } from '../histogram/latency-histogram.js'
import {
  type Counts,
  type Metric,
  newHistograms,
  noCounts,
  type RecordedSegment,
  segmentLatency,
  totalOf,
} from '../result/recording.js'

/** How many served requests are gathered before they are counted: many at a time is twice as fast. */
export const GATHERED = 1024
/** Batches smaller than this are counted in a table. */
const TABLED = 1024

/** What a wait may hold beside queueing: where it is nothing else, it is counted once for both. */
export interface WaitSplit {
  /** batches wait to fill */
  batching: boolean
  /** servers take time to wake */
  dispatch: boolean
}

interface OpenSegment {
  startNs: number
  endNs: number
  counts: Counts
  inSystem: number
  /** what started in it; until it is over, what had started when it began */
  batches: number
  batched: number
  servingNs: number
  /** the queue position of its first request */
  firstPosition: number
}

/**
 * What a simulation records of the requests due in the window. Requests arrive and leave the queue in one order,
 * but a stretch of arrivals is over before all of them have left: so arrivals are counted in the newest segment, and
 * what becomes of them in the one that the head of the queue belongs to.
 */
export class Recorder {
  readonly histograms = newHistograms()
  readonly segments: RecordedSegment[] = []
  /** the same of the segment that requests leave from at present */
  readonly #current = newHistograms()
  /** those that have something of their own to count */
  readonly #recorded: Metric[]
  /** what the engine gathers of the requests served, in the queue's order */
  readonly latencies = new Float64Array(GATHERED)
  readonly waits = new Float64Array(GATHERED)
  /** and of their batches: how long each was served, and how many of these requests it holds */
  readonly services = new Float64Array(GATHERED)
  readonly sizes = new Float64Array(GATHERED)
  readonly queueings = new Float64Array(GATHERED)
  readonly batchings = new Float64Array(GATHERED)
  readonly dispatchings = new Float64Array(GATHERED)
  readonly #split: WaitSplit
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
  /** which request is the first of the newest segment */
  #firstNumber = 0
  readonly #smallBatches = new Float64Array(TABLED)
  readonly #largeBatches = new Map<number, number>()
  /** from this queue position on, requests belong to a later segment */
  nextPosition = Number.POSITIVE_INFINITY

  constructor(split: WaitSplit) {
    this.#split = split
    this.#recorded = ['latency', 'wait', 'service']
    if (split.batching || split.dispatch) this.#recorded.push('queueing')
    if (split.batching) this.#recorded.push('batching')
    if (split.dispatch) this.#recorded.push('dispatch')
  }

  /**
   * Begins a segment: requests that arrive from now on belong to it.
   *
   * @param servingNs how long all batches are served that started in the window so far
   */
  open(nowNs: number, number: number, tail: number, inSystem: number, servingNs: number): void {
    this.close(nowNs, number, inSystem, servingNs)
    this.#firstNumber = number
    const segment = {
      startNs: nowNs,
      endNs: nowNs,
      counts: noCounts(),
      inSystem,
      ...this.#started(),
      servingNs,
      firstPosition: tail,
    }
    this.#arriving = segment
    this.#waiting.push(segment)
    if (this.#waiting.length === 1) this.nextPosition = tail
  }

  /** The newest segment is over. */
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
    for (const [size, times] of this.batchSizes) {
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
   * Counts what was gathered.
   *
   * @param gathered of how many requests
   * @param batches and of how many batches, or parts of them, these are
   */
  count(gathered: number, batches: number): void {
    const { latency, wait, service, queueing, batching, dispatch } = this.#current
    const split = this.#split
    latency.recordAll(this.latencies, gathered)
    wait.recordAll(this.waits, gathered)
    service.recordEach(this.services, this.sizes, batches)
    if (split.batching || split.dispatch) queueing.recordAll(this.queueings, gathered)
    if (split.batching) batching.recordAll(this.batchings, gathered)
    if (split.dispatch) dispatch.recordAll(this.dispatchings, gathered)
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
   * Counts what was gathered; the head of the queue may have come to requests of a later segment.
   *
   * @returns from which position on the next one's follow
   */
  advance(head: number, gathered: number, batches: number): number {
    this.count(gathered, batches)
    while (head >= this.nextPosition) {
      this.#finish()
      this.#leaving = this.#waiting.shift() as OpenSegment
      this.nextPosition = this.#waiting[0]?.firstPosition ?? Number.POSITIVE_INFINITY
    }
    return this.nextPosition
  }

  #finish(): void {
    const current = this.#current
    if (this.#leaving !== this.#beforeWindow) {
      const { startNs, endNs, counts, inSystem, batches, batched, servingNs } = this.#leaving
      counts.completed = current.latency.count
      const latency = segmentLatency(current.latency)
      this.segments.push({
        startNs,
        endNs,
        counts,
        inSystem,
        batches,
        batched,
        servingNs,
        latency,
        others: this.#others(counts.completed),
      })
      for (const metric of this.#recorded) this.histograms[metric].add(current[metric])
    }
    for (const metric of this.#recorded) current[metric].clear()
  }

  /** What is kept of the segment's other metrics: those that are always 0, or always the wait, are not counted. */
  #others(completed: number): Partial<Record<Metric, HistogramSnapshot>> {
    const own = this.#recorded.filter((metric) => metric !== 'latency')
    const compact = own.map((metric) => [metric, this.#current[metric].compact()])
    const others: Partial<Record<Metric, HistogramSnapshot>> = Object.fromEntries(compact)
    const none = { count: completed, sum: 0, first: 0, counts: Uint32Array.of(completed) }
    return { lag: none, batching: none, dispatch: none, ...(others.wait && { queueing: others.wait }), ...others }
  }

  /** Everything has left: hands over the last segments. */
  finish(): Counts {
    this.advance(Number.MAX_SAFE_INTEGER, 0, 0)
    this.#finish()
    const split = this.#split
    const { histograms } = this
    const completed = histograms.latency.count
    histograms.lag.record(0, completed)
    if (!split.batching) histograms.batching.record(0, completed)
    if (!split.dispatch) histograms.dispatch.record(0, completed)
    if (!split.batching && !split.dispatch) histograms.queueing.add(histograms.wait)
    return totalOf(this.segments.map(({ counts }) => counts))
  }
}
