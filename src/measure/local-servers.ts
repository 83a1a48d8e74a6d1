import type { Policy } from '../scenario/policy.js'
import type { Answers } from './answers.js'
import { emptyBatch, type Serving } from './batch.js'
import type { Bells } from './bells.js'
import type { EventLoop } from './event-loop.js'
import { Batches, Flight, failuresOf, type Outcome } from './flight.js'
import type { Ledger } from './ledger.js'
import type { Limits } from './limits.js'
import type { LocalTarget } from './local-target.js'
import type { Observations } from './observations.js'
import { newQueueBuffer, Queue } from './queue.js'
import type { Ring } from './ring.js'
import type { Window } from './window.js'

/** The event loop turns after so long, whatever there is to do. */
const TURN_NS = 5_000_000
/** How often what is in flight is looked after, and no timer sooner needed. */
const LOOK_NS = 100_000_000

/** What serving in this process needs. */
export interface LocalServing {
  /** how many batches may be in flight; null for no limit */
  servers: number | null
  policy: Policy
  idle: 'sleep' | 'poll'
  ring: Ring
  /** the memory of the queue, where the generator shares it; and its limits */
  queue?: SharedArrayBuffer
  limits?: Limits | null
  /** whom to tell of answers, where the arrivals are a closed loop */
  answers?: Answers | null
  bells: Bells
  window: Window
  ledger: Ledger
  observations: Observations | null
  target: LocalTarget
  /** how long a batch may take, and which option says so */
  timeout: { ms: number; option: string }
  loop: EventLoop
}

/**
 * The servers of a run in this process: there are no threads, but as many batches may be in flight as there are
 * servers. Batches leave by the queue that threads share, and are served side by side on the event loop. While nobody
 * can take anything, the generator's bell wakes it.
 */
export class LocalServers {
  readonly #with: LocalServing
  readonly #queue: Queue
  readonly #batch
  readonly #idle: number[]
  readonly #flights = new Set<Flight>()
  readonly #batches = new Batches()
  readonly #end: () => void
  /** it will look at the queue soon */
  #looking = false
  /** it waits for the bell */
  #lying = false
  #turnedNs = 0
  #alarm: { ns: number; off: () => void } | null = null
  #watch: (() => void) | null = null
  #over = false
  /** the first failure of a request */
  failure: Error | null = null

  /** @param end called once, when everything has been served or the time to drain is over */
  constructor(serving: LocalServing, end: () => void) {
    this.#with = serving
    this.#end = end
    const { servers, policy, ring, bells, window, loop } = serving
    const count = servers ?? 1
    const { queue = newQueueBuffer(count), limits = null } = serving
    this.#queue = new Queue(queue, policy, ring, bells, window, loop.clock, limits, servers === null)
    this.#batch = emptyBatch(new Float64Array(Math.min(policy.maxBatchSize, ring.places)))
    this.#idle = Array.from({ length: count }, (_, server) => server)
  }

  /** The servers are there, before the first request is. */
  start(): void {
    const nowNs = Math.min(this.#with.loop.clock(), 0)
    for (const server of this.#idle) this.#queue.free(server, nowNs)
    this.#look()
    this.#lookAfter()
  }

  /** The bell has rung. */
  wake(): void {
    this.#lying = false
    this.#lookUnlessSoon()
  }

  serving(): Serving[] {
    return [...this.#flights].map(({ batch }) => batch)
  }

  /** Gives up what is in flight, and takes no more. */
  stop(reason: Error): void {
    if (this.#over) return
    this.#over = true
    this.#alarm?.off()
    this.#watch?.()
    for (const flight of this.#flights) flight.abandon(reason)
    this.#end()
  }

  #lookUnlessSoon(): void {
    if (!this.#looking) this.#look()
  }

  /** Lets go what the policy lets go now: one batch, and then the next as soon as what it began has had its turn. */
  #look = (): void => {
    this.#looking = false
    if (this.#over) return
    const { bells, window, loop } = this.#with
    if (this.#lying) {
      bells.rise(0)
      this.#lying = false
    }
    const server = this.#idle.at(-1)
    if (server === undefined) return
    const nowNs = loop.clock()
    if (nowNs >= window.drainNs) {
      this.stop(OVER)
      return
    }
    if (!this.#queue.take(server, this.#batch)) {
      this.#rest()
      return
    }
    if (this.#with.servers !== null) this.#idle.pop()
    this.#looking = true
    this.#launch(server)
    if (nowNs - this.#turnedNs > TURN_NS) loop.turn(this.#turned)
    else loop.soon(this.#look)
  }

  #turned = (): void => {
    this.#turnedNs = this.#with.loop.clock()
    this.#look()
  }

  /** Nothing leaves now: waits for the bell, or for the time that the policy has given. */
  #rest(): void {
    const { bells, loop, idle } = this.#with
    const queue = this.#queue
    if (queue.finished) {
      if (this.#flights.size === 0) this.stop(OVER)
      return
    }
    if (idle === 'poll') {
      this.#looking = true
      loop.turn(this.#turned)
      return
    }
    bells.lieDown(0)
    this.#lying = true
    // whoever publishes first changes the queue and then looks who sleeps, so that one of the two sees the other
    if (queue.changed) {
      bells.rise(0)
      this.#lying = false
      this.#looking = true
      loop.soon(this.#look)
      return
    }
    this.#setAlarm(queue.lookAgainNs)
  }

  #setAlarm(ns: number): void {
    if (this.#alarm?.ns === ns) return
    this.#alarm?.off()
    this.#alarm = null
    if (ns === Number.POSITIVE_INFINITY) return
    const off = this.#with.loop.at(ns, () => {
      this.#alarm = null
      this.#lookUnlessSoon()
    })
    this.#alarm = { ns, off }
  }

  #launch(server: number): void {
    const { target, loop } = this.#with
    const flight = new Flight(server, this.#batches.copyOf(this.#batch), this.#ended)
    this.#flights.add(flight)
    try {
      flight.payload = target.payload(flight)
      flight.batch.startNs = loop.clock()
      target.serve(flight)
    } catch (error) {
      // it may not have come to a start
      flight.batch.startNs ||= loop.clock()
      flight.end({ error })
    }
  }

  #ended = (flight: Flight, outcome: Outcome): void => {
    const { window, ledger, observations, loop, timeout, answers } = this.#with
    const { batch } = flight
    batch.endNs = loop.clock()
    const late = batch.endNs - batch.startNs > timeout.ms * 1e6
    const { count, marks, error } = failuresOf(late ? { error: this.#tookTooLong() } : outcome, batch.size)
    this.failure ??= error
    ledger.end(window, marks, count, batch)
    // a failure is an answer too
    answers?.tell(batch.clients, batch.size, batch.endNs)
    if (batch.startNs >= window.startNs && batch.startNs < window.endNs) observations?.record(batch)
    this.#flights.delete(flight)
    if (this.#with.servers !== null) {
      this.#idle.push(flight.server)
      this.#queue.free(flight.server, batch.endNs)
    }
    this.#batches.release(batch)
    this.#lookUnlessSoon()
  }

  #tookTooLong(): Error {
    const { target, timeout } = this.#with
    return new Error(`${target.took} longer than ${timeout.ms} ms (${timeout.option})`)
  }

  /** Finds what has been in flight for too long, and the end of the drain. */
  #lookAfter = (): void => {
    if (this.#over) return
    const { window, timeout, loop } = this.#with
    const nowNs = loop.clock()
    if (nowNs >= window.drainNs) {
      this.stop(OVER)
      return
    }
    const longestNs = timeout.ms * 1e6
    let next = Math.min(nowNs + LOOK_NS, window.drainNs)
    // in the order they started
    for (const flight of this.#flights) {
      const dueNs = flight.batch.startNs + longestNs
      if (dueNs > nowNs) {
        next = Math.min(next, dueNs)
        break
      }
      flight.fail(this.#tookTooLong())
    }
    this.#watch = loop.at(Math.max(next, nowNs + 1), this.#lookAfter)
  }
}

const OVER = new Error('the run is over')
