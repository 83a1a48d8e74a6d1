import type { Request } from './request.js'

/** The requests that wait, oldest first: linked, so that one that gives up leaves no gap behind. */
export class Line {
  first: Request | null = null
  #last: Request | null = null
  size = 0

  add(request: Request): void {
    const last = this.#last
    request.before = last
    if (last === null) this.first = request
    else last.after = request
    this.#last = request
    request.waiting = true
    this.size++
  }

  /** Takes the oldest, of which there must be so many. */
  take(size: number): Request[] {
    const taken = new Array<Request>(size)
    let next = this.first
    for (let i = 0; i < size; i++) {
      const request = next as Request
      next = request.after
      request.waiting = false
      request.before = null
      request.after = null
      taken[i] = request
    }
    this.first = next
    if (next === null) this.#last = null
    else next.before = null
    this.size -= size
    return taken
  }

  remove(request: Request): void {
    const { before, after } = request
    if (before === null) this.first = after
    else before.after = after
    if (after === null) this.#last = before
    else after.before = before
    request.waiting = false
    request.before = null
    request.after = null
    this.size--
  }
}
