import type { BatchContext } from '../../handler/serving.js'
import { OTHER_CLASS } from '../../scenario/classes.js'
import type { Request } from './request.js'

/** A batch that has left the queue and has not ended. Its server ends it by `answer` or `fail`, whichever comes first. */
export class LiveBatch {
  readonly server: number
  /** those that were not aborted before it started */
  requests: Request[]
  /** since when its server had been idle */
  readonly idleNs: number
  /** when it left the queue */
  readonly leaveNs: number
  /** when its server started on it */
  startNs: number
  started = false
  over = false
  /** what its handler was given, if it runs in this process and is asynchronous */
  context: BatchContext | null = null
  readonly #onEnd: OnBatchEnd

  constructor(server: number, requests: Request[], idleNs: number, leaveNs: number, onEnd: OnBatchEnd) {
    this.server = server
    this.requests = requests
    this.idleNs = idleNs
    this.leaveNs = leaveNs
    this.startNs = leaveNs
    this.#onEnd = onEnd
  }

  /** The class of each request, in order; empty if none was given one. */
  get classes(): readonly string[] {
    const { requests } = this
    return requests.some(isClassified) ? requests.map(({ className = OTHER_CLASS }) => className) : NO_CLASSES
  }

  /** Ends it with what its handler returned. */
  answer(outputs: unknown): void {
    if (!this.over) this.#onEnd(this, outputs, null)
  }

  /** Ends it: all of its requests have failed. */
  fail(error: unknown): void {
    if (!this.over) this.#onEnd(this, null, { error })
  }
}

const NO_CLASSES: readonly string[] = []
const isClassified = ({ className }: Request) => className !== undefined

export type OnBatchEnd = (batch: LiveBatch, outputs: unknown, failure: { error: unknown } | null) => void
