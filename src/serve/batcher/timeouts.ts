import type { Request } from './request.js'

/**
 * The requests that will give up waiting, and when: a binary heap in which each knows its place, so that one that
 * leaves before is gone at once. Those that expire together leave in the order they came.
 */
export class Timeouts {
  readonly #requests: Request[] = []
  readonly #ns: number[] = []
  /** in the order they came */
  readonly #numbers: number[] = []
  #added = 0

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
    this.#rise(request, expiresNs, this.#added++, this.#requests.length)
  }

  remove(request: Request): void {
    const requests = this.#requests
    const { place } = request
    request.place = -1
    const last = requests.pop() as Request
    const ns = this.#ns.pop() as number
    const number = this.#numbers.pop() as number
    if (last === request) return
    if (place > 0 && this.#isBefore(ns, number, (place - 1) >> 1)) this.#rise(last, ns, number, place)
    else this.#sink(last, ns, number, place)
  }

  #rise(request: Request, ns: number, number: number, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(ns, number, parent)) break
      this.#move(parent, place)
      place = parent
    }
    this.#put(request, ns, number, place)
  }

  #sink(request: Request, ns: number, number: number, from: number): void {
    const requests = this.#requests
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= requests.length) break
      const right = child + 1
      if (right < requests.length && this.#isBefore(this.#ns[right] as number, this.#numbers[right] as number, child)) {
        child = right
      }
      if (this.#isBefore(ns, number, child)) break
      this.#move(child, place)
      place = child
    }
    this.#put(request, ns, number, place)
  }

  #isBefore(ns: number, number: number, other: number): boolean {
    const otherNs = this.#ns[other] as number
    return ns < otherNs || (ns === otherNs && number < (this.#numbers[other] as number))
  }

  #move(from: number, to: number): void {
    this.#put(this.#requests[from] as Request, this.#ns[from] as number, this.#numbers[from] as number, to)
  }

  #put(request: Request, ns: number, number: number, place: number): void {
    this.#requests[place] = request
    this.#ns[place] = ns
    this.#numbers[place] = number
    request.place = place
  }
}
