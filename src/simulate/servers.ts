import { Heap } from './heap.js'

/**
 * The servers: how many are idle, and when each of the others will be done. They are all alike, so that which of the
 * idle ones takes a batch makes no difference to anything that is reported.
 */
export class Servers {
  readonly #busy: Heap
  /** the idle ones, in its first `idle` places */
  readonly #idle: Int32Array
  idle: number
  readonly #startNs: Float64Array
  readonly #batchSize: Int32Array

  constructor(count: number) {
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

  /** An idle server takes a batch. */
  take(startNs: number, endNs: number, batchSize: number): void {
    const server = this.#idle[--this.idle] as number
    this.#startNs[server] = startNs
    this.#batchSize[server] = batchSize
    this.#busy.add(endNs, server)
  }

  /** The next server is done, and idle: the size of its batch. */
  done(): number {
    const server = this.#busy.take()
    this.#idle[this.idle++] = server
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
