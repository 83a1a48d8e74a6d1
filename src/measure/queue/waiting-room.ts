/** The most requests that may wait: a run that falls a million requests behind ends. */
export const PLACES = 2 ** 20

const BYTES_PER_PLACE = 28

/** Computes the number of places for a capacity: a power of two. */
function placesFor(capacity: number): number {
  // one place more, for a request that completes a batch while the queue is full
  return capacity + 1 >= PLACES ? PLACES : 2 ** Math.ceil(Math.log2(capacity + 1))
}

/**
 * The waiting requests, in order, as a ring buffer in memory that threads share under the queue's lock. Places count up
 * from 0 without end; `place & mask` is the slot.
 *
 * ```
 * buffer: | number: double a place | due: double | queued: double | client: int32 |
 * ```
 */
export class WaitingRoom {
  readonly places: number
  readonly #mask: number
  readonly #number: Float64Array
  readonly #due: Float64Array
  readonly #queued: Float64Array
  readonly #client: Int32Array

  static bytes(capacity: number): number {
    return BYTES_PER_PLACE * placesFor(capacity)
  }

  constructor(buffer: ArrayBufferLike) {
    this.places = buffer.byteLength / BYTES_PER_PLACE
    this.#mask = this.places - 1
    const column = (i: number) => new Float64Array(buffer, 8 * i * this.places, this.places)
    this.#number = column(0)
    this.#due = column(1)
    this.#queued = column(2)
    this.#client = new Int32Array(buffer, 24 * this.places, this.places)
  }

  put(place: number, number: number, dueNs: number, queuedNs: number, client: number): void {
    const at = place & this.#mask
    this.#number[at] = number
    this.#due[at] = dueNs
    this.#queued[at] = queuedNs
    this.#client[at] = client
  }

  number(place: number): number {
    return this.#number[place & this.#mask] as number
  }
  dueNs(place: number): number {
    return this.#due[place & this.#mask] as number
  }
  queuedNs(place: number): number {
    return this.#queued[place & this.#mask] as number
  }
  client(place: number): number {
    return this.#client[place & this.#mask] as number
  }
}
