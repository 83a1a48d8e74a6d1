import { TimeoutError } from '../../handler/serving.js'
import type { EventLoop } from '../clock/event-loop.js'
import { type Batch, createBatch, type Serving } from '../queue/batch.js'
import type { SharedQueue } from '../queue/shared-queue.js'
import type { Observations } from '../recording/observations.js'
import type { ServerStats } from '../recording/server-stats.js'
import type { Window } from '../recording/window.js'
import { type BatchOutcome, findFailures, type GivenOutcome, InFlightBatch, SpareBatches } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** Timers and I/O get a macrotask at least this often, however many batches wait. */
const YIELD_NS = 5_000_000
/** How often to check batches in flight, unless a timeout is due sooner. */
const CHECK_NS = 100_000_000

/** What servers in this process need. */
export interface LocalServing {
  /** how many batches may be in flight; null for no limit */
  servers: number | null
  /** the largest batch */
  largest: number
  idle: 'sleep' | 'poll'
  queue: SharedQueue
  window: Window
  stats: ServerStats
  observations: Observations | null
  target: LocalTarget
  /** how long a batch may take, and the name of the option */
  timeout: { ms: number; option: string }
  loop: EventLoop
}

/**
 * The servers of a run in this process. There are no threads: as many batches may be in flight as there are servers.
 * Batches leave the same queue that threads use, and are served concurrently on the event loop, which sets a timer for
 * the next one.
 */
export class LocalServers {
  readonly #serving: LocalServing
  readonly #batch: Batch
  readonly #idle: number[]
  readonly #inFlight = new Set<InFlightBatch>()
  readonly #spare = new SpareBatches()
  readonly #end: (error?: unknown) => void
  /** whether a check of the queue is scheduled */
  #isCheckScheduled = false
  /** whether a check was asked for since the last batch was taken */
  #isCheckNeeded = false
  /** the batch that is being started, in case it ends synchronously */
  #launching: InFlightBatch | null = null
  #yieldedNs = 0
  #alarm: { ns: number; cancel: () => void } | null = null
  #check: (() => void) | null = null
  #over = false
  /** the first failure of a request */
  failure: Error | null = null

  /** @param end called once: when every request is served, when the drain is over, or with the error that ends the run */
  constructor(serving: LocalServing, end: (error?: unknown) => void) {
    this.#serving = serving
    this.#end = end
    this.#batch = createBatch(new Float64Array(serving.largest))
    this.#idle = Array.from({ length: serving.servers ?? 1 }, (_, server) => server)
  }

  /** Starts the servers, before the first request is due. */
  start(): void {
    const { loop, queue } = this.#serving
    const nowNs = Math.min(loop.clock(), 0)
    for (const server of this.#idle) queue.free(server, nowNs)
    this.#checkQueue()
    this.#checkInFlight()
  }

  /** Checks the queue, since the run ends early. */
  wake(): void {
    this.#ensureChecked()
  }

  serving(): Serving[] {
    return [...this.#inFlight].map(({ batch }) => batch)
  }

  /**
   * Aborts the batches in flight, and takes no more.
   *
   * @param error the error that fails the run; undefined if it does not fail
   */
  stop(reason: Error, error?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#alarm?.cancel()
    this.#check?.()
    for (const inFlight of this.#inFlight) inFlight.abandon(reason)
    this.#end(error)
  }

  #ensureChecked(): void {
    this.#isCheckNeeded = true
    if (!this.#isCheckScheduled) this.#checkQueue()
  }

  /** Starts the batch that leaves now, if there is one, and schedules the next check. */
  #checkQueue = (): void => {
    this.#isCheckScheduled = false
    if (this.#over) return
    const { window, loop, queue, servers } = this.#serving
    const server = this.#idle.at(-1)
    if (server === undefined) return
    const nowNs = loop.clock()
    if (nowNs >= window.drainNs) {
      this.stop(OVER)
      return
    }
    let taken: boolean
    try {
      taken = queue.take(server, this.#batch, nowNs)
    } catch (error) {
      // time cannot pass in the scenario
      this.stop(OVER, error)
      return
    }
    if (!taken) {
      this.#waitForBatch()
      return
    }
    if (servers !== null) this.#idle.pop()
    // a batch that ends synchronously is followed by the check below
    this.#isCheckScheduled = true
    this.#isCheckNeeded = false
    const startedNs = this.#launch(server)
    this.#isCheckScheduled = false
    // a server that becomes idle checks the queue
    if (this.#over || this.#idle.length === 0) return
    if (!this.#isCheckNeeded && queue.wakeAtNs > startedNs) {
      this.#waitForBatch()
      return
    }
    this.#isCheckScheduled = true
    if (nowNs - this.#yieldedNs > YIELD_NS) loop.macrotask(this.#checkAfterYield)
    else loop.microtask(this.#checkQueue)
  }

  #checkAfterYield = (): void => {
    this.#yieldedNs = this.#serving.loop.clock()
    this.#checkQueue()
  }

  /** Waits until the next batch leaves. */
  #waitForBatch(): void {
    const { loop, idle, queue } = this.#serving
    if (queue.finished) {
      if (this.#inFlight.size === 0) this.stop(OVER)
      return
    }
    if (idle === 'poll') {
      this.#isCheckScheduled = true
      loop.macrotask(this.#checkAfterYield)
      return
    }
    this.#setAlarm(queue.wakeAtNs)
  }

  #setAlarm(ns: number): void {
    if (this.#alarm?.ns === ns) return
    this.#alarm?.cancel()
    this.#alarm = null
    if (ns === Number.POSITIVE_INFINITY) return
    const cancel = this.#serving.loop.at(ns, () => {
      this.#alarm = null
      this.#ensureChecked()
    })
    this.#alarm = { ns, cancel }
  }

  /** Starts the batch that was taken. Returns when it started. */
  #launch(server: number): number {
    const { target, loop } = this.#serving
    const inFlight = new InFlightBatch(server, this.#spare.copyOf(this.#batch), this.#onEnd, loop.clock)
    this.#inFlight.add(inFlight)
    this.#launching = inFlight
    try {
      inFlight.payload = target.payload(inFlight)
      inFlight.batch.startNs = loop.clock()
      target.serve(inFlight)
    } catch (error) {
      // payload may have thrown before the start
      inFlight.batch.startNs ||= loop.clock()
      inFlight.end({ error })
    }
    this.#launching = null
    return inFlight.batch.startNs
  }

  #onEnd = (inFlight: InFlightBatch, given: GivenOutcome): void => {
    const { window, stats, observations, loop, timeout, queue } = this.#serving
    const { batch } = inFlight
    batch.endNs = loop.clock()
    // synchronous batches are checked here, all others by a timer while they are in flight
    const late = this.#launching === inFlight && batch.endNs - batch.startNs > timeout.ms * 1e6
    // a check of the response is not part of its latency
    const outcome = typeof given === 'function' ? evaluate(given) : given
    const { count, failed, error } = findFailures(
      late ? { error: this.#timeoutError() } : outcome,
      batch.size,
      stats.markOf,
    )
    this.failure ??= error
    // a failure counts as a response
    try {
      queue.respond(batch)
      stats.end(window, failed, count, batch)
    } catch (error) {
      // time cannot pass in the scenario, or a request has no class
      this.stop(OVER, error)
    }
    if (batch.startNs >= window.startNs && batch.startNs < window.endNs) observations?.record(batch)
    this.#inFlight.delete(inFlight)
    if (this.#serving.servers !== null) {
      this.#idle.push(inFlight.server)
      queue.free(inFlight.server, batch.endNs)
    }
    this.#spare.release(batch)
    this.#ensureChecked()
  }

  #timeoutError(): Error {
    const { target, timeout } = this.#serving
    return new TimeoutError(`${target.took} longer than ${timeout.ms} ms (${timeout.option})`)
  }

  /** Fails batches that time out, and ends the run after the drain. */
  #checkInFlight = (): void => {
    if (this.#over) return
    const { window, timeout, loop } = this.#serving
    const nowNs = loop.clock()
    if (nowNs >= window.drainNs) {
      this.stop(OVER)
      return
    }
    const longestNs = timeout.ms * 1e6
    let nextNs = Math.min(nowNs + CHECK_NS, window.drainNs)
    const late: InFlightBatch[] = []
    // in the order they started
    for (const inFlight of this.#inFlight) {
      const dueNs = inFlight.batch.startNs + longestNs
      if (dueNs > nowNs) {
        nextNs = Math.min(nextNs, dueNs)
        break
      }
      late.push(inFlight)
    }
    // the event loop may be late itself: read responses that have already arrived first
    if (late.length > 0) {
      loop.macrotask(() => {
        for (const each of late) each.fail(this.#timeoutError())
      })
    }
    this.#check = loop.after(Math.max(nextNs, nowNs + 1), this.#checkInFlight)
  }
}

/** Finds an outcome. A request whose check throws what cannot even be read, such as an error with a getter that throws, fails. */
function evaluate(find: () => BatchOutcome): BatchOutcome {
  try {
    return find()
  } catch (error) {
    return { error }
  }
}

const OVER = new Error('the run is over')
