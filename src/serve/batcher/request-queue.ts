import type { Request } from './request.js'
import { Timeouts } from './timeouts.js'

/** Gaps are removed once there are this many, and more than requests. */
const MANY_GAPS = 32

/**
 * The requests that wait, oldest first, and their timeouts. A request that may be aborted or time out knows its position,
 * so that removing it takes constant time; it leaves a gap:
 *
 *                 #head
 *                   v
 *     #requests:  [ -  -  a  b  -  c ]        - is a gap: taken or removed
 *     position:    40 41 42 43 44 45          #from = 40, the position of #requests[0]
 */
export class RequestQueue {
  #requests: (Request | null)[] = []
  #from = 0
  #head = 0
  readonly #timeouts = new Timeouts()
  size = 0

  get first(): Request | null {
    return this.size === 0 ? null : (this.#requests[this.#head] as Request)
  }
  get hasTimeouts(): boolean {
    return this.#timeouts.size > 0
  }
  /** The next request to time out. There must be one. */
  get nextTimeout(): Request {
    return this.#timeouts.first
  }
  /** When that request times out; Infinity if no request has a timeout. */
  get nextTimeoutNs(): number {
    return this.#timeouts.firstNs
  }

  /** Adds a request that stays until it is taken. */
  add(request: Request): void {
    this.#requests.push(request)
    this.size++
  }

  /** Adds a request that may be removed before it is taken, and times out at `timeoutNs` unless that is Infinity. */
  addRemovable(request: Request, timeoutNs: number): void {
    request.position = this.#from + this.#requests.length
    this.add(request)
    if (timeoutNs < Number.POSITIVE_INFINITY) this.#timeouts.add(request, timeoutNs)
  }

  /** Returns whether a removable request is still in the queue. */
  has(request: Request): boolean {
    return this.#requests[request.position - this.#from] === request
  }

  /** Takes the oldest `size` requests. There must be that many. */
  take(size: number): Request[] {
    const taken = this.#takeOldest(size)
    if (this.#timeouts.size > 0) {
      for (const request of taken) if (request.heapIndex >= 0) this.#timeouts.remove(request)
    }
    return taken
  }

  #takeOldest(size: number): Request[] {
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
    this.#skipGaps(head)
    return taken
  }

  /** Removes a removable request that is in the queue. */
  remove(request: Request): void {
    this.#requests[request.position - this.#from] = null
    this.size--
    this.#skipGaps(this.#head)
    if (request.heapIndex >= 0) this.#timeouts.remove(request)
  }

  /** Moves the head to the first request at or after `from`, and removes the gaps if they are many. */
  #skipGaps(from: number): void {
    const requests = this.#requests
    let head = from
    if (this.size === 0) head = requests.length
    else while (requests[head] === null) head++
    this.#head = head
    const gaps = requests.length - this.size
    if (gaps < MANY_GAPS || gaps < this.size) return
    this.#from += requests.length
    this.#requests = requests.filter(isRequest)
    this.#head = 0
    for (let i = 0; i < this.size; i++) (this.#requests[i] as Request).position = this.#from + i
  }
}

const isRequest = (request: Request | null) => request !== null
