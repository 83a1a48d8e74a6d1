import type { EventLoop } from '../clock/event-loop.js'
import { type Batch, emptyBatch, type Serving } from '../queue/batch.js'
import type { SharedQueue } from '../queue/shared-queue.js'
import type { Observations } from '../recording/observations.js'
import type { ServerStats } from '../recording/server-stats.js'
import type { Window } from '../recording/window.js'
import { failuresOf, InFlightBatch, type Outcome, SpareBatches } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** The event loop turns at least this often, whatever there is to do. */
const TURN_NS = 5_000_000
/** How often what is in flight is checked, if no timer is needed sooner. */
const CHECK_NS = 100_000_000

/** What serving in this process needs. */
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
  /** how long a batch may take, and which option says so */
  timeout: { ms: number; option: string }
  loop: EventLoop
}

/**
 * The servers of a run in this process: there are no threads, but as many batches may be in flight as there are
 * servers. Batches leave the queue that threads use too, and are served side by side on the event loop, which wakes
 * itself when the next one will leave.
 */
export class LocalServers {
  readonly #with: LocalServing
  readonly #batch: Batch
  readonly #idle: number[]
  readonly #inFlight = new Set<InFlightBatch>()
  readonly #spare = new SpareBatches()
  readonly #end: (error?: unknown) => void
  /** it will look at the queue soon */
  #checking = false
  /** the batch that is being started, in case it ends before that is done */
  #launching: InFlightBatch | null = null
  #turnedNs = 0
  #alarm: { ns: number; cancel: () => void } | null = null
  #check: (() => void) | null = null
  #over = false
  /** the first failure of a request */
  failure: Error | null = null

  /** @param end called once, when everything has been served or the time to drain is over, or with what ends the run */
  constructor(serving: LocalServing, end: (error?: unknown) => void) {
    this.#with = serving
    this.#end = end
    this.#batch = emptyBatch(new Float64Array(serving.largest))
    this.#idle = Array.from({ length: serving.servers ?? 1 }, (_, server) => server)
  }

  /** The servers are there, before the first request is. */
  start(): void {
    const { loop, queue } = this.#with
    const nowNs = Math.min(loop.clock(), 0)
    for (const server of this.#idle) queue.free(server, nowNs)
    this.#checkQueue()
    this.#checkInFlight()
  }

  /** The run ends early. */
  wake(): void {
    this.#lookUnlessSoon()
  }

  serving(): Serving[] {
    return [...this.#inFlight].map(({ batch }) => batch)
  }

  /**
   * Gives up what is in flight, and takes no more.
   *
   * @param error what makes the run fail; undefined if it does not
   */
  stop(reason: Error, error?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#alarm?.cancel()
    this.#check?.()
    for (const inFlight of this.#inFlight) inFlight.abandon(reason)
    this.#end(error)
  }

  /** Asks the queue, which throws if the scenario turns out to be one that time cannot pass in. */
  #asked<Value>(ask: () => Value): Value | undefined {
    try {
      return ask()
    } catch (error) {
      this.stop(OVER, error)
      return undefined
    }
  }

  #lookUnlessSoon(): void {
    if (!this.#checking) this.#checkQueue()
  }

  /** Starts what the policy lets go now: one batch, and the next as soon as what it began has had its turn. */
  #checkQueue = (): void => {
    this.#checking = false
    if (this.#over) return
    const { window, loop, queue } = this.#with
    const server = this.#idle.at(-1)
    if (server === undefined) return
    const nowNs = loop.clock()
    if (nowNs >= window.drainNs) {
      this.stop(OVER)
      return
    }
    const taken = this.#asked(() => queue.take(server, this.#batch, nowNs))
    if (taken === undefined) return
    if (!taken) {
      this.#rest()
      return
    }
    if (this.#with.servers !== null) this.#idle.pop()
    this.#checking = true
    this.#launch(server)
    if (nowNs - this.#turnedNs > TURN_NS) loop.macrotask(this.#lookTurned)
    else loop.microtask(this.#checkQueue)
  }

  #lookTurned = (): void => {
    this.#turnedNs = this.#with.loop.clock()
    this.#checkQueue()
  }

  /** Nothing leaves now: waits until the next batch will. */
  #rest(): void {
    const { loop, idle, queue } = this.#with
    if (queue.finished) {
      if (this.#inFlight.size === 0) this.stop(OVER)
      return
    }
    if (idle === 'poll') {
      this.#checking = true
      loop.macrotask(this.#lookTurned)
      return
    }
    this.#setAlarm(queue.wakeAtNs)
  }

  #setAlarm(ns: number): void {
    if (this.#alarm?.ns === ns) return
    this.#alarm?.cancel()
    this.#alarm = null
    if (ns === Number.POSITIVE_INFINITY) return
    const cancel = this.#with.loop.at(ns, () => {
      this.#alarm = null
      this.#lookUnlessSoon()
    })
    this.#alarm = { ns, cancel }
  }

  #launch(server: number): void {
    const { target, loop } = this.#with
    const inFlight = new InFlightBatch(server, this.#spare.copyOf(this.#batch), this.#ended)
    this.#inFlight.add(inFlight)
    this.#launching = inFlight
    try {
      inFlight.payload = target.payload(inFlight)
      inFlight.batch.startNs = loop.clock()
      target.serve(inFlight)
    } catch (error) {
      // it may not have come to a start
      inFlight.batch.startNs ||= loop.clock()
      inFlight.end({ error })
    }
    this.#launching = null
  }

  #ended = (inFlight: InFlightBatch, outcome: Outcome): void => {
    const { window, stats, observations, loop, timeout, queue } = this.#with
    const { batch } = inFlight
    batch.endNs = loop.clock()
    // a synchronous target is late if it says so itself; any other, if it is still in flight when its time is over
    const late = this.#launching === inFlight && batch.endNs - batch.startNs > timeout.ms * 1e6
    const { count, marks, error } = failuresOf(late ? { error: this.#tookTooLong() } : outcome, batch.size)
    this.failure ??= error
    // a failure is a response too
    this.#asked(() => queue.respond(batch))
    stats.end(window, marks, count, batch)
    if (batch.startNs >= window.startNs && batch.startNs < window.endNs) observations?.record(batch)
    this.#inFlight.delete(inFlight)
    if (this.#with.servers !== null) {
      this.#idle.push(inFlight.server)
      queue.free(inFlight.server, batch.endNs)
    }
    this.#spare.release(batch)
    this.#lookUnlessSoon()
  }

  #tookTooLong(): Error {
    const { target, timeout } = this.#with
    return new Error(`${target.took} longer than ${timeout.ms} ms (${timeout.option})`)
  }

  /** Finds what has been in flight for too long, and the end of the drain. */
  #checkInFlight = (): void => {
    if (this.#over) return
    const { window, timeout, loop } = this.#with
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
    // the event loop may be late itself: a response that has arrived by now is read first
    if (late.length > 0) {
      loop.macrotask(() => {
        for (const each of late) each.fail(this.#tookTooLong())
      })
    }
    this.#check = loop.after(Math.max(nextNs, nowNs + 1), this.#checkInFlight)
  }
}

const OVER = new Error('the run is over')
