import type { Request } from './request.js'

/**
 * The requests that will give up waiting, and when: a binary heap in which each knows its place, so that one that
 * leaves before is gone at once. Those that expire together leave in the order they came.
 */
export class Timeouts {
  readonly #requests: Request[] = []
  readonly #ns: number[] = []

  get size(): number {
    return this.#requests.length
  }

  /** The first to give up, and when; Infinity where there is none. */
  get first(): Request {
    return this.#requests[0] as Request
  }
  get firstNs(): number {
    return this.#requests.length === 0 ? Number.POSITIVE_INFINITY : (this.#ns[0] as number)
  }

  add(request: Request, expiresNs: number): void {
    this.#rise(request, expiresNs, this.#requests.length)
  }

  remove(request: Request): void {
    const requests = this.#requests
    const { place } = request
    request.place = -1
    const last = requests.pop() as Request
    const ns = this.#ns.pop() as number
    if (last === request) return
    if (place > 0 && this.#isBefore(last, ns, (place - 1) >> 1)) this.#rise(last, ns, place)
    else this.#sink(last, ns, place)
  }

  #rise(request: Request, ns: number, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(request, ns, parent)) break
      this.#put(this.#requests[parent] as Request, this.#ns[parent] as number, place)
      place = parent
    }
    this.#put(request, ns, place)
  }

  #sink(request: Request, ns: number, from: number): void {
    const requests = this.#requests
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= requests.length) break
      const right = child + 1
      if (right < requests.length && this.#isBefore(requests[right] as Request, this.#ns[right] as number, child)) {
        child = right
      }
      if (this.#isBefore(request, ns, child)) break
      this.#put(requests[child] as Request, this.#ns[child] as number, place)
      place = child
    }
    this.#put(request, ns, place)
  }

  #isBefore(request: Request, ns: number, other: number): boolean {
    const otherNs = this.#ns[other] as number
    return ns < otherNs || (ns === otherNs && request.number < (this.#requests[other] as Request).number)
  }

  #put(request: Request, ns: number, place: number): void {
    this.#requests[place] = request
    this.#ns[place] = ns
    request.place = place
  }
}
