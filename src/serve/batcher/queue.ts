import type { Request } from './request.js'

/** Gaps are closed where they are so many, and more than those that wait. */
const MANY_GAPS = 32

/**
 * The requests that wait, oldest first. One that may give up knows its place, so that it is gone at once, and leaves a gap
 * there.
 */
export class Line {
  #requests: (Request | null)[] = []
  /** the place of the first of these, and which of them is first to wait */
  #from = 0
  #head = 0
  size = 0

  get first(): Request | null {
    return this.size === 0 ? null : (this.#requests[this.#head] as Request)
  }

  add(request: Request): void {
    this.#requests.push(request)
    this.size++
  }

  /** The same of one that may be removed before it is taken. */
  addRemovable(request: Request): void {
    request.inLine = this.#from + this.#requests.length
    this.add(request)
  }

  has(request: Request): boolean {
    return this.#requests[request.inLine - this.#from] === request
  }

  /** Takes the oldest, of which there must be so many. */
  take(size: number): Request[] {
    const requests = this.#requests
    if (size === requests.length) {
      this.#from += size
      this.#requests = []
      this.size = 0
      return requests as Request[]
    }
    const taken = new Array<Request>(size)
    let head = this.#head
    for (let i = 0; i < size; head++) {
      const request = requests[head] as Request | null
      if (request === null) continue
      taken[i++] = request
      requests[head] = null
    }
    this.size -= size
    this.#begin(head)
    return taken
  }

  remove(request: Request): void {
    const at = request.inLine - this.#from
    this.#requests[at] = null
    this.size--
    this.#begin(this.#head)
  }

  /** Whoever waits is at or behind this. */
  #begin(from: number): void {
    const requests = this.#requests
    let head = from
    if (this.size === 0) head = requests.length
    else while (requests[head] === null) head++
    this.#head = head
    const gaps = requests.length - this.size
    if (gaps < MANY_GAPS || gaps < this.size) return
    this.#from += requests.length
    this.#requests = requests.filter(isThere)
    this.#head = 0
    for (let i = 0; i < this.size; i++) (this.#requests[i] as Request).inLine = this.#from + i
  }
}

const isThere = (request: Request | null) => request !== null
