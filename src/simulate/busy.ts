import { Heap } from '../scenario/heap.js'

/**
 * The busy servers, but for the one that will be done first: the engine keeps that one in local variables, which
 * spares a single server the heap. Servers are all alike, so that which of them takes a batch makes no difference to
 * anything that is reported; each batch has a place here for as long as it is served.
 */
export class Busy {
  readonly #done: Heap
  readonly #free: Int32Array
  readonly #startNs: Float64Array
  readonly #batchSize: Int32Array
  /** who `take` took: the start and the size of its batch */
  startNs = 0
  batchSize = 0

  constructor(servers: number) {
    this.#done = new Heap(servers)
    this.#free = Int32Array.from({ length: servers }, (_, place) => place)
    this.#startNs = new Float64Array(servers)
    this.#batchSize = new Int32Array(servers)
  }

  get count(): number {
    return this.#done.size
  }

  add(doneNs: number, startNs: number, batchSize: number): void {
    const place = this.#free[this.#done.size] as number
    this.#startNs[place] = startNs
    this.#batchSize[place] = batchSize
    this.#done.add(doneNs, place)
  }

  /** Takes out the one that will be done next; returns when that is. */
  take(): number {
    const doneNs = this.#done.first
    const place = this.#done.take()
    this.#free[this.#done.size] = place
    this.startNs = this.#startNs[place] as number
    this.batchSize = this.#batchSize[place] as number
    return doneNs
  }

  forEach(visit: (doneNs: number, startNs: number, batchSize: number) => void): void {
    this.#done.forEach((doneNs, place) => {
      visit(doneNs, this.#startNs[place] as number, this.#batchSize[place] as number)
    })
  }
}
