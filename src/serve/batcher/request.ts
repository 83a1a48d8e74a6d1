import { onAbort } from '../../handler/on-abort.js'

const nothing = () => {}

/** A call of `run` that is to be settled, once. */
export class Request {
  readonly input: unknown
  readonly dueNs: number
  /** its promise's, from when that is made */
  resolve: (output: unknown) => void = nothing
  reject: (reason: unknown) => void = nothing
  /** still to be settled */
  pending = true
  /** its place in the line, where it may give up */
  inLine = -1
  /** its place among the timeouts; -1 for none */
  place = -1
  /** those that its signal gives up; null where it has none */
  followers: Followers | null = null

  constructor(input: unknown, dueNs: number) {
    this.input = input
    this.dueNs = dueNs
  }

  /** What settles when it does. */
  promise(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** It is about to be settled: whoever comes later is too late. */
  close(): void {
    this.pending = false
    if (this.followers !== null) this.followers.delete(this)
  }
}

/** The calls that a signal gives up. */
export class Followers {
  readonly #signal: AbortSignal
  readonly #requests = new Set<Request>()
  #callOff = nothing
  readonly #aborted: (request: Request, reason: unknown) => void

  constructor(signal: AbortSignal, aborted: (request: Request, reason: unknown) => void) {
    this.#signal = signal
    this.#aborted = aborted
  }

  add(request: Request): void {
    if (this.#requests.size === 0) this.#callOff = onAbort(this.#signal, () => this.#abort())
    this.#requests.add(request)
  }

  delete(request: Request): void {
    this.#requests.delete(request)
    if (this.#requests.size === 0) this.#callOff()
  }

  #abort(): void {
    for (const request of this.#requests) this.#aborted(request, this.#signal.reason)
  }
}
