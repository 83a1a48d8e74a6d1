import { nanoseconds } from '../../scenario/nanoseconds.js'

/** A batch that was served, in nanoseconds: its server had been idle since `idleNs` when it left the queue. */
export interface RecentBatch {
  size: number
  idleNs: number
  leaveNs: number
  startNs: number
  endNs: number
}

const IDLE = 0
const LEAVE = 1
const BEGIN = 2
const DONE = 3
const SIZE = 4
const FIELDS = 5

/** A ring buffer of the newest values: they overwrite the oldest. */
class Ring {
  readonly values: Float64Array
  #written = 0

  constructor(length: number) {
    this.values = new Float64Array(length)
  }

  /** Adds the first `length` of these, or the newest of them if there are more than fit. */
  addAll(values: Float64Array, length: number): void {
    const size = this.values.length
    for (let from = Math.max(0, length - size); from < length; ) {
      const at = this.#written % size
      const to = Math.min(length, from + size - at)
      this.values.set(values.subarray(from, to), at)
      this.#written += to - from
      from = to
    }
  }

  /** Reserves `length` places, and returns the index of the first. */
  next(length: number): number {
    const at = this.#written % this.values.length
    this.#written += length
    return at
  }

  get count(): number {
    return Math.min(this.#written, this.values.length)
  }
}

/** The newest arrivals and batches, one by one, to make a scenario of them. */
export class Recent {
  readonly #dues: Ring
  readonly #alone: Ring
  readonly #batches: Ring

  /** @param kept how many of each */
  constructor(kept: number) {
    this.#dues = new Ring(kept)
    this.#alone = new Ring(2 * kept)
    this.#batches = new Ring(FIELDS * kept)
  }

  /** Adds the first `length` of these due times, in milliseconds. */
  arriveAll(duesMs: Float64Array, length: number): void {
    this.#dues.addAll(duesMs, length)
  }

  /** Adds requests without a batch: due time and end of each, in milliseconds. */
  servedAlone(timesMs: Float64Array, length: number): void {
    this.#alone.addAll(timesMs, 2 * length)
  }

  batch(size: number, idleNs: number, leaveNs: number, startNs: number, endNs: number): void {
    const { values } = this.#batches
    const at = this.#batches.next(FIELDS)
    values[at + IDLE] = idleNs
    values[at + LEAVE] = leaveNs
    values[at + BEGIN] = startNs
    values[at + DONE] = endNs
    values[at + SIZE] = size
  }

  /** The due times of the newest requests, in order, in nanoseconds. */
  get dues(): Float64Array {
    const { values, count } = this.#dues
    return values.slice(0, count).map(nanoseconds).sort()
  }

  /** The newest batches, in the order in which they started. */
  get batches(): RecentBatch[] {
    const { values } = this.#batches
    const batched = Array.from({ length: this.#batches.count / FIELDS }, (_, i) => ({
      size: values[i * FIELDS + SIZE] as number,
      idleNs: values[i * FIELDS + IDLE] as number,
      leaveNs: values[i * FIELDS + LEAVE] as number,
      startNs: values[i * FIELDS + BEGIN] as number,
      endNs: values[i * FIELDS + DONE] as number,
    }))
    const alone = Array.from({ length: this.#alone.count / 2 }, (_, i) => {
      const [due, end] = [this.#alone.values[2 * i], this.#alone.values[2 * i + 1]].map((ms) =>
        nanoseconds(ms as number),
      )
      return { size: 1, idleNs: due, leaveNs: due, startNs: due, endNs: end } as RecentBatch
    })
    // of two that started together, first the one that left first
    const batches = [...batched, ...alone].sort(
      (a, b) => a.startNs - b.startNs || a.leaveNs - b.leaveNs || a.endNs - b.endNs,
    )
    return batches.slice(-this.#dues.values.length)
  }

  get bytes(): number {
    return this.#dues.values.byteLength + this.#alone.values.byteLength + this.#batches.values.byteLength
  }
}
