import type { Request } from './request.js'

/**
 * The requests that will give up waiting, by when: a binary heap in which each knows its place, so that one that leaves
 * before is gone at once. Those that expire together leave in the order they came.
 */
export class Timeouts {
  readonly #heap: Request[] = []

  /** When the first gives up; Infinity where none does. */
  get firstNs(): number {
    const first = this.#heap[0]
    return first === undefined ? Number.POSITIVE_INFINITY : first.expiresNs
  }

  get first(): Request | undefined {
    return this.#heap[0]
  }

  add(request: Request): void {
    this.#rise(request, this.#heap.length)
  }

  remove(request: Request): void {
    const heap = this.#heap
    const { place } = request
    request.place = -1
    const last = heap.pop() as Request
    if (last === request) return
    if (place > 0 && before(last, heap[(place - 1) >> 1] as Request)) this.#rise(last, place)
    else this.#sink(last, place)
  }

  #rise(request: Request, from: number): void {
    const heap = this.#heap
    let place = from
    while (place > 0) {
      const parent = heap[(place - 1) >> 1] as Request
      if (!before(request, parent)) break
      this.#put(parent, place)
      place = (place - 1) >> 1
    }
    this.#put(request, place)
  }

  #sink(request: Request, from: number): void {
    const heap = this.#heap
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Request, heap[child] as Request)) child++
      if (!before(heap[child] as Request, request)) break
      this.#put(heap[child] as Request, place)
      place = child
    }
    this.#put(request, place)
  }

  #put(request: Request, place: number): void {
    this.#heap[place] = request
    request.place = place
  }
}

const before = (a: Request, b: Request) =>
  a.expiresNs < b.expiresNs || (a.expiresNs === b.expiresNs && a.number < b.number)
