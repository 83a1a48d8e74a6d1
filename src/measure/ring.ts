/** How many requests may wait: a server that is a million requests behind does not keep up. */
export const PLACES = 2 ** 20

/** Words that different threads write lie on cache lines of their own. */
const LINE = 64
const TAIL = 0
const HEAD = LINE / 4
const HEADER_BYTES = 2 * LINE

/**
 * @param places a power of two
 * @param closed requests are of clients, who are told apart
 */
export const ringBytes = (places: number, closed = false) => HEADER_BYTES + (closed ? 20 : 16) * places

/**
 * The requests on their way from the generator to the servers, in the order they were due. A request's place
 * counts up from 0, and is its number in the run. Only the generator puts requests in; the threads learn of them
 * by the tail, of which the low 32 bits are shared.
 */
export class Ring {
  readonly buffer: SharedArrayBuffer
  /** how many requests it holds */
  readonly places: number
  readonly #mask: number
  readonly #words: Int32Array
  readonly #due: Float64Array
  readonly #queued: Float64Array
  readonly #client: Int32Array

  constructor(buffer = new SharedArrayBuffer(ringBytes(PLACES))) {
    this.buffer = buffer
    const bytes = buffer.byteLength - HEADER_BYTES
    this.places = 2 ** Math.floor(Math.log2(bytes / 16))
    this.#mask = this.places - 1
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4)
    this.#due = new Float64Array(buffer, HEADER_BYTES, this.places)
    this.#queued = new Float64Array(buffer, HEADER_BYTES + 8 * this.places, this.places)
    this.#client = new Int32Array(buffer, HEADER_BYTES + 16 * this.places)
  }

  put(place: number, dueNs: number, queuedNs: number): void {
    this.#due[place & this.#mask] = dueNs
    this.#queued[place & this.#mask] = queuedNs
  }

  /** Whether requests are of clients, who are told apart. */
  get closed(): boolean {
    return this.#client.length > 0
  }

  /** Whose request it is, where the clients of a closed loop are told apart. */
  putClient(place: number, client: number): void {
    this.#client[place & this.#mask] = client
  }

  /** The request's number in the run. */
  number(place: number): number {
    return place
  }
  client(place: number): number {
    return this.#client[place & this.#mask] ?? -1
  }
  dueNs(place: number): number {
    return this.#due[place & this.#mask] as number
  }
  queuedNs(place: number): number {
    return this.#queued[place & this.#mask] as number
  }
  /** The request was seen in the queue no sooner than this. */
  queueLater(place: number, queuedNs: number): void {
    this.#queued[place & this.#mask] = queuedNs
  }

  /** Everything before this place can be taken. */
  publish(tail: number): void {
    Atomics.store(this.#words, TAIL, tail | 0)
  }
  /** Everything before this place has been taken. */
  release(head: number): void {
    Atomics.store(this.#words, HEAD, head | 0)
  }
  /** @param known a place that the tail had reached before, at most 2^31 ago */
  tail(known: number): number {
    return known + ((Atomics.load(this.#words, TAIL) - known) | 0)
  }
  head(known: number): number {
    return known + ((Atomics.load(this.#words, HEAD) - known) | 0)
  }
}
