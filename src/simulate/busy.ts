import { Heap } from '../scenario/arrivals/heap.js'

/** So many batches are kept sorted, which for a few is quicker than a heap. */
const FEW = 32

/**
 * The batches under way, but for the one that will be done first: the engine keeps that one in local variables, which
 * spares a single server all of this. Servers are all alike, so that which of them takes a batch makes no difference to
 * anything that is reported.
 *
 * Each batch has a place in three parallel arrays. Up to a few servers they are sorted, the next to be done last; of
 * more, a heap knows which place is next, at a cost of log2 of their number.
 */
export class Busy {
  readonly doneNs: Float64Array
  readonly startNs: Float64Array
  readonly batchSize: Int32Array
  count = 0
  readonly #sorted: boolean
  readonly #heap: Heap
  readonly #free: Int32Array

  constructor(servers: number) {
    this.doneNs = new Float64Array(servers)
    this.startNs = new Float64Array(servers)
    this.batchSize = new Int32Array(servers)
    this.#sorted = servers <= FEW
    this.#heap = new Heap(this.#sorted ? 0 : servers)
    this.#free = Int32Array.from({ length: servers }, (_, place) => place)
  }

  add(doneNs: number, startNs: number, batchSize: number): void {
    let place = this.count++
    if (this.#sorted) {
      for (; place > 0 && (this.doneNs[place - 1] as number) < doneNs; place--) this.#move(place - 1, place)
    } else {
      place = this.#free[place] as number
      this.#heap.add(doneNs, place)
    }
    this.doneNs[place] = doneNs
    this.startNs[place] = startNs
    this.batchSize[place] = batchSize
  }

  /** Takes out the one that will be done next: its place, in which it can be read until another is added. */
  take(): number {
    const count = --this.count
    if (this.#sorted) return count
    const place = this.#heap.take()
    this.#free[count] = place
    return place
  }

  #move(from: number, to: number): void {
    this.doneNs[to] = this.doneNs[from] as number
    this.startNs[to] = this.startNs[from] as number
    this.batchSize[to] = this.batchSize[from] as number
  }

  forEach(visit: (doneNs: number, startNs: number, batchSize: number) => void): void {
    const tell = (place: number) =>
      visit(this.doneNs[place] as number, this.startNs[place] as number, this.batchSize[place] as number)
    if (!this.#sorted)
      this.#heap.forEach((_, place) => {
        tell(place)
      })
    else for (let place = 0; place < this.count; place++) tell(place)
  }
}
