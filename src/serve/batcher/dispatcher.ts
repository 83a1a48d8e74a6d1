import { BatchTimeoutError } from '../../handler/serving.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { BatcherError } from './batcher-error.js'
import { listenBeforeExit } from './before-exit.js'
import { LiveBatch } from './live-batch.js'
import type { Request } from './request.js'
import type { Servers } from './servers/servers.js'
import type { Alarm, BatcherTime } from './time.js'

const NEVER = Number.POSITIVE_INFINITY
/** When a handler in this process has served for this long, timers and I/O run before the next batch. */
const YIELD_NS = 5_000_000

export interface DispatchEvents {
  /** every request of a batch was aborted before it started: its server is idle again */
  skipped(server: number, nowNs: number): void
  /** a batch ended, with the outputs of its handler or with a failure */
  ended(batch: LiveBatch, outputs: unknown, failure: { error: unknown } | null, nowNs: number): void
}

/** The batches in flight: it starts those that have left the queue, and gives up those that take too long. */
export class Dispatcher {
  readonly #servers: Servers
  readonly #time: BatcherTime
  readonly #batchTimeoutNs: number
  readonly #events: DispatchEvents
  /** the batch of each server */
  readonly #batches: (LiveBatch | null)[]
  #count = 0
  /** the batches that have left and not started */
  #leaving: LiveBatch[] = []
  /** whether a request of theirs may have been aborted */
  #anyAborted = false
  /** how long handlers of this process have served since timers and I/O could run */
  #servedNs = 0
  /** in the batcher's own async context: a handler is called there, whichever call or callback lets its batch leave */
  readonly #startAll: () => void
  /** fires when a batch may have taken too long */
  readonly #watch: Alarm
  /** whether the watch keeps the process alive, as it does when nothing but a batch in flight is left */
  #keepsAlive = false
  readonly #stopListening: () => void
  /** the requests in flight */
  inService = 0

  constructor(servers: Servers, time: BatcherTime, batchTimeoutNs: number, events: DispatchEvents) {
    this.#servers = servers
    this.#time = time
    this.#batchTimeoutNs = batchTimeoutNs
    this.#events = events
    this.#batches = new Array<LiveBatch | null>(servers.count).fill(null)
    this.#startAll = time.bind(this.#startLeaving)
    this.#watch = time.alarm(this.#checkTimeouts, 0)
    this.#watch.keepAlive(false)
    this.#stopListening = listenBeforeExit(this)
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /**
   * Hands a batch that leaves the queue to an idle server: it starts in a microtask.
   *
   *     code that calls `run`       microtasks                                  the next macrotask
   *     +-----------------------+   +---------------------------------------+   +----------------+
   *     | run(1): batch 1 leaves|   | batch 1 starts, the handler returns,  |   | timers, I/O    |
   *     | run(2) ... run(9) wait|-->| batch 2 leaves with 2 to 9 and starts |-->|                |
   *     +-----------------------+   +---------------------------------------+   +----------------+
   *
   * Started at once, a handler that returns synchronously would serve each call of a loop alone. But microtasks run until
   * none is left, so that a busy handler of this process would keep timers and I/O from running: after 5 ms of serving,
   * the next batch starts in a macrotask instead.
   */
  dispatch(server: number, requests: Request[], idleNs: number, leaveNs: number): void {
    const batch = new LiveBatch(server, requests, idleNs, leaveNs, this.#endBatch)
    this.#batches[server] = batch
    this.#count++
    this.inService += requests.length
    if (this.#leaving.push(batch) > 1) return
    if (this.#servedNs < YIELD_NS) this.#time.microtask(this.#startAll)
    else {
      this.#servedNs = 0
      this.#time.macrotask(this.#startAll)
    }
  }

  #startLeaving = (): void => {
    const batches = this.#leaving
    this.#leaving = []
    for (const batch of batches) if (!batch.over) this.#start(batch)
    // a batch that left only now may hold an aborted request, too
    if (this.#leaving.length === 0) this.#anyAborted = false
  }

  #start(batch: LiveBatch): void {
    const inputs = this.#inputsOf(batch)
    batch.startNs = this.#time.now()
    if (inputs.length === 0) {
      this.#remove(batch)
      this.#events.skipped(batch.server, batch.startNs)
      return
    }
    batch.started = true
    this.#servers.serve(batch, inputs)
    // one watch serves all batches, and is not cleared when they end: setting it costs more than letting it fire
    if (!batch.over && this.#watch.atNs === NEVER) this.#watch.set(batch.startNs + this.#batchTimeoutNs)
  }

  #inputsOf(batch: LiveBatch): unknown[] {
    if (this.#anyAborted) {
      const { length } = batch.requests
      batch.requests = batch.requests.filter(isPending)
      this.inService -= length - batch.requests.length
    }
    const { requests } = batch
    const inputs = new Array<unknown>(requests.length)
    for (let i = 0; i < inputs.length; i++) inputs[i] = (requests[i] as Request).input
    return inputs
  }

  /** Notes that a request which has left the queue was aborted: it is not served unless its batch has started. */
  noteAbort(): void {
    this.#anyAborted = true
  }

  #endBatch = (batch: LiveBatch, outputs: unknown, failure: { error: unknown } | null): void => {
    this.#remove(batch)
    const nowNs = this.#time.now()
    const servedNs = nowNs - batch.startNs
    if (this.#servers.inThisProcess) this.#servedNs += servedNs
    this.inService -= batch.requests.length
    const late = failure === null && servedNs > this.#batchTimeoutNs
    this.#events.ended(batch, outputs, late ? { error: this.#timeoutError() } : failure, nowNs)
  }

  #remove(batch: LiveBatch): void {
    batch.over = true
    this.#batches[batch.server] = null
    this.#count--
    if (this.#count === 0 && this.#keepsAlive) this.#keepAlive(false)
  }

  #checkTimeouts = (): void => {
    const nowNs = this.#time.now()
    let nextNs = NEVER
    // a copy: batches that leave when one is given up are younger
    for (const batch of this.#batches.filter((each) => each?.started) as LiveBatch[]) {
      const timeoutNs = batch.startNs + this.#batchTimeoutNs
      if (nowNs >= timeoutNs) {
        const reason = this.#timeoutError()
        this.#servers.giveUp(batch, reason)
        batch.fail(reason)
      } else if (timeoutNs < nextNs) nextNs = timeoutNs
    }
    if (nextNs < this.#watch.atNs) this.#watch.set(nextNs)
  }

  #timeoutError(): Error {
    return new BatcherError('BATCH_TIMEOUT', new BatchTimeoutError(this.#batchTimeoutNs / NS_PER_MS).message)
  }

  /** Gives up all batches in flight, and returns them: their requests are still to be settled. */
  giveUpAll(reason: Error): LiveBatch[] {
    const batches = this.#batches.filter((batch) => batch !== null)
    for (const batch of batches) {
      this.#remove(batch)
      this.inService -= batch.requests.length
      if (batch.started) this.#servers.giveUp(batch, reason)
    }
    return batches
  }

  /** Keeps the process alive until the batches in flight have ended or taken too long. */
  beforeExit(): void {
    if (this.#count > 0) this.#keepAlive(true)
  }

  #keepAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    this.#watch.keepAlive(keepsAlive)
  }

  /** Clears its timer. No batch may be in flight. */
  close(): void {
    this.#watch.clear()
    this.#stopListening()
  }
}

const isPending = (request: Request) => request.pending
