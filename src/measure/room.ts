import { PLACES } from './ring.js'

/** One word for the client beside a number and two times. */
const EACH_BYTES = 28

/** How many places a room has, for a queue that may hold so many: a power of two, and no more than the ring's. */
export function roomPlaces(capacity: number): number {
  // a request that makes a batch leave stands beside those that may wait
  return capacity + 1 >= PLACES ? PLACES : 2 ** Math.ceil(Math.log2(capacity + 1))
}
export const roomBytes = (capacity: number) => EACH_BYTES * roomPlaces(capacity)

/**
 * Where those requests wait that a queue with limits has let in, in order; a place counts up from 0. Only who has the
 * servers' lock comes here.
 */
export class Room {
  readonly places: number
  readonly #mask: number
  readonly #number: Float64Array
  readonly #due: Float64Array
  readonly #queued: Float64Array
  readonly #client: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    this.places = buffer.byteLength / EACH_BYTES
    this.#mask = this.places - 1
    const each = (i: number) => new Float64Array(buffer, 8 * i * this.places, this.places)
    this.#number = each(0)
    this.#due = each(1)
    this.#queued = each(2)
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
