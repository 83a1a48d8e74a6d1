import { onAbort } from '../../handler/on-abort.js'
import { deadline, decide, type Policy } from '../../scenario/batching-policy.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { BatcherError } from './batcher-error.js'
import { Dispatcher } from './dispatcher.js'
import { FastPath, FULL_PATH } from './fast-path.js'
import type { LiveBatch } from './live-batch.js'
import type { RecorderSink } from './recorder-sink.js'
import { Request } from './request.js'
import { RequestQueue } from './request-queue.js'
import { Readiness } from './servers/readiness.js'
import type { Servers } from './servers/servers.js'
import { Settlement } from './settlement.js'
import type { Alarm, BatcherTime } from './time.js'

const NEVER = Number.POSITIVE_INFINITY
/** An alarm that fires within this time is not cleared, though nothing waits for it. */
const LINGER_NS = 20_000_000

/** The limits of a queue and a batch; Infinity is no limit. */
export interface BatcherLimits {
  capacity: number
  timeoutNs: number
  batchTimeoutNs: number
}

/**
 * The batching policy on the clock of a live service.
 *
 *     run --> RequestQueue --policy--> Dispatcher --> Servers --outputs--> Settlement --> the promise of `run`
 *              (FastPath)                  |                                  |
 *                   ^                      +------------ Recorder <-----------+
 *                   +-- the server is idle again <--- Readiness <--- the batch ends
 *
 * Each event is handled fully before the next, with the batches that it lets leave. The events of one instant come as the
 * event loop delivers them; within the handling of one event, the order is that of a simulation:
 *
 *     the event comes at t:  1. requests whose timeout was before t, if no server could have taken them by then
 *                            2. the event itself: a server becomes idle, or a request joins the queue
 *                            3. batches leave, as the policy decides at t
 *     the alarm fires at t:  1. as above   2. batches whose deadline is t or before   3. timeouts at t
 *
 * So an alarm that fires late changes no decision: a request that has timed out by then is not served, and a batch that
 * reached its deadline counts as having left then.
 */
export class LiveBatcher {
  #policy: Policy
  readonly #limits: BatcherLimits
  readonly #recorder: RecorderSink | null
  readonly #time: BatcherTime
  readonly #queue = new RequestQueue()
  readonly #fastPath: FastPath
  readonly #readiness: Readiness
  readonly #dispatcher: Dispatcher
  readonly #settlement: Settlement
  /** the idle servers, the one idle longest first, and since when each server is idle */
  readonly #idle: number[] = []
  readonly #idleNs: Float64Array
  /** fires at the next deadline or timeout */
  readonly #alarm: Alarm
  readonly #abort: (request: Request, reason: unknown) => void
  readonly #closeServers: () => Promise<void>
  /** when closing is given up */
  #giveUpNs = NEVER
  #closing: Closing | null = null
  #closed = false

  /**
   * Takes no more calls, and serves those that wait as servers become idle.
   *
   * @param timeoutNs how long that may take; requests that are left by then are rejected
   */
  readonly close: (timeoutNs: number) => Promise<void>
  /** Handles the exit of an idle server: it is not ready any more. */
  readonly handleServerExit: (server: number) => void

  /** @param spinNs for how long before a deadline the event loop polls instead of setting a timer */
  constructor(
    policy: Policy,
    limits: BatcherLimits,
    servers: Servers,
    recorder: RecorderSink | null,
    time: BatcherTime,
    spinNs: number,
  ) {
    this.#policy = policy
    this.#limits = limits
    this.#recorder = recorder
    this.#time = time
    this.#settlement = new Settlement(recorder)
    this.#closeServers = time.bind(() => servers.close())
    this.#idleNs = new Float64Array(servers.count)

    const { capacity, timeoutNs, batchTimeoutNs } = limits
    const timeouts = timeoutNs < NEVER
    const timed = recorder !== null || timeouts
    this.#fastPath = new FastPath({ policy, capacity, timed, timeouts }, time, this.#endBurst)
    const { closedBy: event } = this.#fastPath
    this.close = event(this.#close)
    this.handleServerExit = event(this.#serverExited)
    this.#abort = event(this.#aborted)
    this.#alarm = time.alarm(event(this.#checkDeadlines), spinNs)
    this.#readiness = new Readiness(servers, time, {
      ready: event(this.#serverReady),
      failed: event(this.#serverFailed),
    })
    this.#dispatcher = new Dispatcher(servers, time, batchTimeoutNs, {
      skipped: event(this.#batchSkipped),
      ended: event(this.#batchEnded),
    })
    const nowNs = time.now()
    for (let server = 0; server < servers.count; server++) this.#prepare(server, nowNs)
  }

  get waiting(): number {
    return this.#queue.size
  }
  get inService(): number {
    return this.#dispatcher.inService
  }
  get closed(): boolean {
    return this.#closing !== null
  }

  /** @param timeoutNs how long it may wait; the timeout of the queue if undefined */
  run(input: unknown, signal: AbortSignal | null, timeoutNs: number | undefined, className?: string): Promise<unknown> {
    const dueNs = signal === null && timeoutNs === undefined ? this.#fastPath.enter() : FULL_PATH
    if (dueNs === FULL_PATH) return this.#add(input, signal, timeoutNs, className)
    const request = new Request(input, dueNs, className)
    this.#queue.add(request)
    this.#recorder?.arrived(dueNs / NS_PER_MS, className)
    return request.promise()
  }

  #add(
    input: unknown,
    signal: AbortSignal | null,
    timeoutNs: number | undefined,
    className: string | undefined,
  ): Promise<unknown> {
    if (this.#closing !== null) return Promise.reject(new BatcherError('CLOSED', 'the batcher is closed'))
    if (signal?.aborted) return Promise.reject(signal.reason)
    const queue = this.#queue
    const { anyBroken } = this.#readiness
    const mayWaitNs = timeoutNs ?? this.#limits.timeoutNs
    const isPlain = signal === null && mayWaitNs === NEVER
    const nowNs = isPlain ? this.#fastPath.due(queue, anyBroken) : this.#time.now()
    this.#recorder?.arrived(nowNs / NS_PER_MS, className)
    const refusal = this.#refusalAt(nowNs)
    if (refusal !== null) {
      this.#recorder?.rejected(nowNs / NS_PER_MS, className)
      return Promise.reject(refusal.error)
    }

    const request = new Request(input, nowNs, className)
    const promise = request.promise()
    if (signal !== null) request.unfollow = onAbort(signal, () => this.#abort(request, signal.reason))
    queue.addRemovable(request, nowNs + mayWaitNs)
    if (this.#idle.length > 0) this.#letLeave(nowNs)
    // behind others the alarm is set already
    if (queue.size === 1 || mayWaitNs < NEVER) this.#endEvent(nowNs)
    this.#fastPath.open(queue, this.#idle.length > 0, this.#readiness.anyBroken)
    return promise
  }

  /** Throws what a call made now would be rejected with, and records it as a rejected request. */
  admit(className?: string): void {
    if (this.#closing !== null) throw new BatcherError('CLOSED', 'the batcher is closed')
    const nowNs = this.#time.now()
    const refusal = this.#refusalAt(nowNs)
    if (refusal === null) return
    this.#recorder?.arrived(nowNs / NS_PER_MS, className)
    this.#recorder?.rejected(nowNs / NS_PER_MS, className)
    throw refusal.error
  }

  /** Returns why a call made now is rejected, or null if it is not. */
  #refusalAt(nowNs: number): { error: unknown } | null {
    if (this.#readiness.anyBroken) {
      const failure = this.#readiness.retry(nowNs)
      if (failure !== null) return failure
    }
    if (this.#queue.hasTimeouts) this.#timeOutBefore(nowNs)
    const { size, first } = this.#queue
    if (size < this.#limits.capacity) return null
    // a request that can leave at once needs no place
    const leaves = this.#idle.length > 0 && decide(this.#policy, size + 1, first?.dueNs ?? nowNs, nowNs) > 0
    return leaves ? null : { error: new BatcherError('QUEUE_FULL', `the queue is full: ${size} waiting`) }
  }

  #endBurst = (): void => {
    if (this.#queue.size < 2 || this.#idle.length === 0) return
    const nowNs = this.#time.now()
    this.#timeOutBefore(nowNs)
    this.#letLeave(nowNs)
  }

  /** Resolves when every server is ready, and rejects if one cannot be made ready. */
  async ready(): Promise<void> {
    if (this.#closing !== null) throw new BatcherError('CLOSED', 'the batcher is closed')
    await this.#readiness.all()
  }

  /** Lets the batches leave that the policy lets leave now. */
  #letLeave(nowNs: number): void {
    const queue = this.#queue
    while (this.#idle.length > 0 && queue.first !== null) {
      const size = decide(this.#policy, queue.size, queue.first.dueNs, nowNs)
      if (size === 0) return
      this.#leave(size, nowNs)
    }
  }

  #leave(size: number, nowNs: number): void {
    const server = this.#idle.shift() as number
    const idleNs = this.#idleNs[server] as number
    const requests = this.#queue.take(size)
    const oldest = requests[0] as Request
    const newest = requests[size - 1] as Request
    const isFull = size === this.#policy.maxBatchSize || this.#closing !== null
    // the alarm may have fired late
    const allowedNs = isFull ? nowNs : Math.min(nowNs, deadline(this.#policy, oldest.dueNs))
    this.#dispatcher.dispatch(server, requests, idleNs, Math.max(idleNs, newest.dueNs, allowedNs))
  }

  #batchEnded = (batch: LiveBatch, outputs: unknown, failure: { error: unknown } | null, nowNs: number): void => {
    if (failure === null) this.#settlement.answer(batch, outputs, nowNs)
    else this.#settlement.fail(batch, failure.error, nowNs)
    this.#prepare(batch.server, nowNs)
    this.#endEvent(nowNs)
  }

  #batchSkipped = (server: number, nowNs: number): void => {
    this.#free(server, nowNs)
    this.#endEvent(nowNs)
  }

  /** Makes a server ready for its next batch. */
  #prepare(server: number, nowNs: number): void {
    if (this.#readiness.prepare(server)) this.#free(server, nowNs)
  }

  #serverReady = (server: number): void => {
    if (this.#closed) return
    const nowNs = this.#time.now()
    this.#free(server, nowNs)
    this.#endEvent(nowNs)
  }

  #serverFailed = (error: unknown): void => {
    if (this.#closed) return
    if (this.#readiness.allBroken) this.#rejectAll(error)
    this.#endEvent(this.#time.now())
  }

  #serverExited = (server: number): void => {
    const index = this.#idle.indexOf(server)
    if (index < 0 || this.#closed) return
    this.#idle.splice(index, 1)
    this.#prepare(server, this.#time.now())
  }

  /** Makes a server idle, which takes the next batch if there is one. */
  #free(server: number, nowNs: number): void {
    this.#timeOutBefore(nowNs)
    this.#idleNs[server] = nowNs
    this.#idle.push(server)
    this.#letLeave(nowNs)
  }

  #aborted = (request: Request, reason: unknown): void => {
    if (this.#queue.has(request)) this.#queue.remove(request)
    else this.#dispatcher.noteAbort()
    this.#settlement.abort(request, reason)
    this.#endEvent(this.#time.now())
  }

  /**
   * Rejects the requests whose timeout was before now, up to the first that a server could have taken by then: the alarm
   * is late, and the batch counts as having left.
   */
  #timeOutBefore(nowNs: number): void {
    const queue = this.#queue
    while (queue.nextTimeoutNs < nowNs && !this.#leavesBy(queue.nextTimeoutNs)) this.#timeOut()
  }

  #leavesBy(ns: number): boolean {
    const { first } = this.#queue
    return this.#idle.length > 0 && first !== null && deadline(this.#policy, first.dueNs) <= ns
  }

  #timeOut(): void {
    const { nextTimeout, nextTimeoutNs } = this.#queue
    this.#queue.remove(nextTimeout)
    this.#settlement.timeOut(nextTimeout, nextTimeoutNs)
  }

  #rejectAll(error: unknown): void {
    for (const request of this.#queue.take(this.#queue.size)) this.#settlement.reject(request, error)
  }

  /** Handles the alarm: deadlines, then timeouts. */
  #checkDeadlines = (): void => {
    const nowNs = this.#time.now()
    this.#timeOutBefore(nowNs)
    this.#letLeave(nowNs)
    while (this.#queue.nextTimeoutNs <= nowNs) this.#timeOut()
    if (nowNs >= this.#giveUpNs) this.#giveUp(nowNs)
    this.#endEvent(nowNs)
  }

  #close = (timeoutNs: number): Promise<void> => {
    const nowNs = this.#time.now()
    this.#giveUpNs = Math.min(this.#giveUpNs, nowNs + timeoutNs)
    if (this.#closing === null) {
      this.#closing = new Closing()
      // no further call comes that a batch could wait for
      this.#policy = { ...this.#policy, maxWaitNs: 0 }
      this.#timeOutBefore(nowNs)
      this.#letLeave(nowNs)
    }
    this.#endEvent(nowNs)
    return this.#closing.promise
  }

  /** Rejects everything that is left when closing has taken too long. */
  #giveUp(nowNs: number): void {
    this.#giveUpNs = NEVER
    const reason = new BatcherError('CLOSED', 'the batcher was closed before the call was served')
    this.#rejectAll(reason)
    for (const batch of this.#dispatcher.giveUpAll(reason)) this.#settlement.fail(batch, reason, nowNs)
  }

  /** Ends the handling of an event: sets the alarm for the next deadline or timeout, or ends closing if all is done. */
  #endEvent(nowNs: number): void {
    const { first, nextTimeoutNs } = this.#queue
    if (first === null && this.#dispatcher.isEmpty) {
      if (this.#closing !== null) this.#end(this.#closing)
      // one that fires soon is left: the next call may need it
      else if (this.#alarm.atNs < NEVER && this.#alarm.atNs > nowNs + LINGER_NS) this.#alarm.clear()
      return
    }
    let nextNs = Math.min(nextTimeoutNs, this.#giveUpNs)
    if (this.#idle.length > 0 && first !== null) nextNs = Math.min(nextNs, deadline(this.#policy, first.dueNs))
    // an alarm that fires too early is set again then, which costs less than to set it for each change
    if (nextNs < this.#alarm.atNs) this.#alarm.set(nextNs)
  }

  #end({ resolve, reject }: Closing): void {
    if (this.#closed) return
    this.#closed = true
    this.#alarm.clear()
    this.#dispatcher.close()
    this.#closeServers().then(resolve, reject)
  }
}

class Closing {
  resolve!: () => void
  reject!: (reason: unknown) => void
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })
}
