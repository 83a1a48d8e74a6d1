import { Heap } from '../scenario/arrivals/heap.js'

/** Up to this many servers, batches are kept sorted, which is faster than a heap. */
const FEW = 32

/**
 * The batches in service, except the one that completes first. The engine keeps that one in local variables, so a single
 * server never uses this class. Servers are identical, so the engine does not record which one serves a batch.
 *
 * Each batch has an index in three parallel arrays. With few servers, the arrays are sorted by completion time, the next
 * one last. With more, a heap holds the indices; `add` and `take` then cost O(log n).
 */
export class BusyServers {
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

  /** Removes the batch that completes next. It can be read at the returned index until the next `add`. */
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
    const visitAt = (place: number) =>
      visit(this.doneNs[place] as number, this.startNs[place] as number, this.batchSize[place] as number)
    if (!this.#sorted)
      this.#heap.forEach((_, place) => {
        visitAt(place)
      })
    else for (let place = 0; place < this.count; place++) visitAt(place)
  }
}
