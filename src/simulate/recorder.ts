import { type Counts, newTallies, noCounts, type RecordedSegment, segmentLatency } from '../result/recording.js'
import { Tally } from '../result/tally.js'

interface OpenSegment {
  startNs: number
  endNs: number
  counts: Counts
  inSystem: number
  /** the queue position of its first request */
  firstPosition: number
}

/**
 * What a simulation records of the requests due in the window. Requests arrive and leave the queue in one order,
 * but a stretch of arrivals is over before all of them have left: so arrivals are counted in the newest segment, and
 * what becomes of them in the one that the head of the queue belongs to.
 */
export class Recorder {
  readonly tallies = newTallies()
  readonly segments: RecordedSegment[] = []
  readonly batchSizes = new Map<number, number>()
  readonly #latency = new Tally()
  readonly #waiting: OpenSegment[] = []
  /** counts arrivals; what is due before the window goes into one that is never reported */
  #arriving: OpenSegment = { startNs: 0, endNs: 0, counts: noCounts(), inSystem: 0, firstPosition: 0 }
  #leaving = this.#arriving
  #reported = false
  /** from this queue position on, requests belong to a later segment */
  nextPosition = Number.POSITIVE_INFINITY

  /** Begins a segment: requests that arrive from now on belong to it. */
  open(nowNs: number, tail: number, inSystem: number): void {
    this.#close(nowNs, inSystem)
    const segment = { startNs: nowNs, endNs: nowNs, counts: noCounts(), inSystem, firstPosition: tail }
    this.#arriving = segment
    this.#waiting.push(segment)
    if (this.#waiting.length === 1) this.nextPosition = tail
  }

  /** Ends the window: the last segment is over. */
  close(nowNs: number, inSystem: number): void {
    this.#close(nowNs, inSystem)
  }

  #close(nowNs: number, inSystem: number): void {
    this.#arriving.endNs = nowNs
    this.#arriving.inSystem = inSystem
  }

  arrived(): void {
    this.#arriving.counts.offered++
  }
  rejected(): void {
    this.#arriving.counts.rejected++
  }
  timedOut(): void {
    this.#leaving.counts.timedOut++
  }

  served(latency: number, wait: number, queueing: number, batching: number): void {
    this.#latency.record(latency)
    const { tallies } = this
    tallies.wait.record(wait)
    tallies.queueing.record(queueing)
    tallies.batching.record(batching)
  }

  batch(size: number): void {
    this.batchSizes.set(size, (this.batchSizes.get(size) ?? 0) + 1)
  }

  /** The head of the queue has come to requests of a later segment. */
  advance(head: number): void {
    while (head >= this.nextPosition) {
      this.#finish()
      this.#leaving = this.#waiting.shift() as OpenSegment
      this.nextPosition = this.#waiting[0]?.firstPosition ?? Number.POSITIVE_INFINITY
    }
  }

  #finish(): void {
    if (this.#reported) {
      const { startNs, endNs, counts, inSystem } = this.#leaving
      counts.completed = this.#latency.count
      this.segments.push({ startNs, endNs, counts, inSystem, latency: segmentLatency(this.#latency) })
      this.tallies.latency.add(this.#latency)
    } else {
      // what was due before the window
      for (const tally of Object.values(this.tallies)) tally.clear()
      this.#reported = true
    }
    this.#latency.clear()
  }

  /** Everything has left: hands over the last segments. */
  finish(): Counts {
    this.advance(Number.MAX_SAFE_INTEGER)
    this.#finish()
    const total = noCounts()
    for (const { counts } of this.segments) {
      for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += counts[key]
    }
    return total
  }
}
