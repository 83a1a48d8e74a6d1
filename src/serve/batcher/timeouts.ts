import type { Request } from './request.js'

/**
 * The requests with a timeout, in a binary heap by when they time out, and then by the order in which they came. Each
 * knows its index, so that removing it takes logarithmic time.
 */
export class Timeouts {
  readonly #requests: Request[] = []
  readonly #ns: number[] = []
  /** the order in which they came */
  readonly #orders: number[] = []
  #added = 0

  get size(): number {
    return this.#requests.length
  }
  /** The next request to time out. There must be one. */
  get first(): Request {
    return this.#requests[0] as Request
  }
  /** When that request times out; Infinity if there is none. */
  get firstNs(): number {
    return this.#requests.length === 0 ? Number.POSITIVE_INFINITY : (this.#ns[0] as number)
  }

  add(request: Request, timeoutNs: number): void {
    this.#siftUp(request, timeoutNs, this.#added++, this.#requests.length)
  }

  remove(request: Request): void {
    const requests = this.#requests
    const { heapIndex } = request
    request.heapIndex = -1
    const last = requests.pop() as Request
    const ns = this.#ns.pop() as number
    const order = this.#orders.pop() as number
    if (last === request) return
    if (heapIndex > 0 && this.#isBefore(ns, order, (heapIndex - 1) >> 1)) this.#siftUp(last, ns, order, heapIndex)
    else this.#siftDown(last, ns, order, heapIndex)
  }

  #siftUp(request: Request, ns: number, order: number, from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#isBefore(ns, order, parent)) break
      this.#move(parent, index)
      index = parent
    }
    this.#put(request, ns, order, index)
  }

  #siftDown(request: Request, ns: number, order: number, from: number): void {
    const requests = this.#requests
    let index = from
    for (;;) {
      let child = 2 * index + 1
      if (child >= requests.length) break
      const right = child + 1
      if (right < requests.length && this.#isBefore(this.#ns[right] as number, this.#orders[right] as number, child)) {
        child = right
      }
      if (this.#isBefore(ns, order, child)) break
      this.#move(child, index)
      index = child
    }
    this.#put(request, ns, order, index)
  }

  #isBefore(ns: number, order: number, other: number): boolean {
    const otherNs = this.#ns[other] as number
    return ns < otherNs || (ns === otherNs && order < (this.#orders[other] as number))
  }

  #move(from: number, to: number): void {
    this.#put(this.#requests[from] as Request, this.#ns[from] as number, this.#orders[from] as number, to)
  }

  #put(request: Request, ns: number, order: number, index: number): void {
    this.#requests[index] = request
    this.#ns[index] = ns
    this.#orders[index] = order
    request.heapIndex = index
  }
}
