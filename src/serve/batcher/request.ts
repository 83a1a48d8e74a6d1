const noop = () => {}

/** A call of `run`: its input, and a promise that is settled once. */
export class Request {
  readonly input: unknown
  readonly dueNs: number
  /** undefined if it was given none */
  readonly className: string | undefined
  /** settle its promise; no-ops until `promise` has made it */
  resolve: (output: unknown) => void = noop
  reject: (reason: unknown) => void = noop
  /** false once it is settled */
  pending = true
  /** its position in the queue, if it can be removed before its batch leaves; else -1 */
  position = -1
  /** its index in the heap of timeouts; -1 if it has no timeout */
  heapIndex = -1
  /** stops following the call's abort signal; null if there is none */
  unfollow: (() => void) | null = null

  constructor(input: unknown, dueNs: number, className: string | undefined) {
    this.input = input
    this.dueNs = dueNs
    this.className = className
  }

  promise(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** Marks it as settled, just before its promise is: later outcomes are ignored. */
  close(): void {
    this.pending = false
    this.unfollow?.()
  }
}
