import { Heap } from './heap.js'

/** The servers: which are idle, the one idle longest first, and when each of the others will be done. */
export class Servers {
  readonly #busy: Heap
  readonly #idle: Int32Array
  #firstIdle = 0
  readonly #count: number
  idle: number
  readonly #startNs: Float64Array
  readonly #batchSize: Int32Array

  constructor(count: number) {
    this.#count = count
    this.#busy = new Heap(count)
    this.#idle = Int32Array.from({ length: count }, (_, server) => server)
    this.idle = count
    this.#startNs = new Float64Array(count)
    this.#batchSize = new Int32Array(count)
  }

  /** When the next server will be done; Infinity when all are idle. */
  get nextDone(): number {
    return this.#busy.first
  }

  /** The server idle longest takes a batch. */
  take(startNs: number, endNs: number, batchSize: number): void {
    const server = this.#idle[this.#firstIdle] as number
    if (++this.#firstIdle === this.#count) this.#firstIdle = 0
    this.idle--
    this.#startNs[server] = startNs
    this.#batchSize[server] = batchSize
    this.#busy.add(endNs, server)
  }

  /** The next server is done, and idle: the size of its batch. */
  done(): number {
    const server = this.#busy.take()
    let last = this.#firstIdle + this.idle++
    if (last >= this.#count) last -= this.#count
    this.#idle[last] = server
    return this.#batchSize[server] as number
  }

  /** What is still to come of the batches under way: server time, and the requests' time in the system. */
  left(nowNs: number): { servingNs: number; staysNs: number } {
    const left = { servingNs: 0, staysNs: 0 }
    this.#busy.forEach((endNs, server) => {
      left.servingNs += endNs - Math.max(nowNs, this.#startNs[server] as number)
      left.staysNs += (endNs - nowNs) * (this.#batchSize[server] as number)
    })
    return left
  }
}
