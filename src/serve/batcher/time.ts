import { AsyncResource } from 'node:async_hooks'
import { advanceTo, isFaked, now } from '../../clock/clock.js'
import { real } from '../../clock/real.js'
import { Timer } from '../../clock/timer.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'

/** The clock, job queues and timers of a batcher. */
export interface BatcherTime {
  /** Returns nanoseconds since an arbitrary origin. */
  now(): number
  /** Calls back in a microtask: after the code that runs now, and before timers and I/O. */
  microtask(callback: () => void): void
  /** Calls back in a macrotask: after timers and I/O that are due. */
  macrotask(callback: () => void): void
  /**
   * Returns the function bound to the async context in which this object was made. A promise or a timer would call it in
   * the context of the caller that happened to set it, and so pass the context of one request on to others.
   */
  bind<Args extends unknown[], Returned>(callback: (...args: Args) => Returned): (...args: Args) => Returned
  /**
   * @param onFire called in the async context in which this object was made
   * @param spinNs for how long before it fires the event loop polls instead of setting a timer
   */
  alarm(onFire: () => void, spinNs: number): Alarm
}

/** A timer for one point in time. */
export interface Alarm {
  /** when it fires; Infinity if it is not set */
  readonly atNs: number
  /** Fires at that time or a little later, instead of when it was set for before. */
  set(ns: number): void
  clear(): void
  /** Sets whether the process stays alive until it fires. */
  keepAlive(keepsAlive: boolean): void
}

const NEVER = Number.POSITIVE_INFINITY
/** The clock's arithmetic may be off by this much when it should be at a whole millisecond. */
const ROUNDING_NS = 1000
/** A timer of Node fires up to a millisecond early. */
const EARLY_NS = 2 * NS_PER_MS
/** How many times a timer that fires early is set again. */
const MAX_EARLY = 3

const settled = Promise.resolve()

/** The time of a live service. Fake timers of a test drive it. */
export class LiveTime implements BatcherTime {
  readonly #context = new AsyncResource('throughline.batcher', { requireManualDestroy: true })

  now(): number {
    return now() * NS_PER_MS
  }
  microtask(callback: () => void): void {
    settled.then(callback)
  }
  macrotask(callback: () => void): void {
    // never faked: it passes no time that a test would control
    real.setImmediate(callback)
  }
  bind<Args extends unknown[], Returned>(callback: (...args: Args) => Returned): (...args: Args) => Returned {
    const context = this.#context
    // a case of its own, for each batch: to spread no arguments takes as long as the rest of the call
    if (callback.length === 0) return () => context.runInAsyncScope(callback as () => Returned)
    return (...args) => context.runInAsyncScope(callback, undefined, ...args)
  }
  alarm(onFire: () => void, spinNs: number): Alarm {
    return new LiveAlarm(this.bind(onFire), spinNs)
  }
}

/**
 * An alarm on a timer of Node, which counts whole milliseconds and may be one early or late. The last `spinNs` it waits by
 * turning the event loop (`setImmediate` again and again), which takes CPU time but delays nothing else:
 *
 *     set              atNs - spinNs           atNs
 *      |-- a timer --------->|-- event loop ---->| fires
 */
class LiveAlarm implements Alarm {
  readonly #onFire: () => void
  readonly #spinNs: number
  readonly #timer: Timer
  #immediate: NodeJS.Immediate | null = null
  /** when the timer is to fire */
  #timerNs = NEVER
  /** how many times it has fired early */
  #early = 0
  #atNs = NEVER

  constructor(onFire: () => void, spinNs: number) {
    this.#onFire = onFire
    this.#spinNs = spinNs
    this.#timer = new Timer(this.#onTimer)
  }

  /** Infinity, too, if the timers that it was set on are gone: it has to be set again. */
  get atNs(): number {
    return this.#immediate !== null || this.#timer.isCurrent ? this.#atNs : NEVER
  }

  set(ns: number): void {
    this.clear()
    this.#atNs = ns
    this.#wait(now() * NS_PER_MS)
  }

  clear(): void {
    this.#timer.clear()
    if (this.#immediate !== null) real.clearImmediate(this.#immediate)
    this.#immediate = null
    this.#early = 0
    this.#atNs = NEVER
  }

  keepAlive(keepsAlive: boolean): void {
    this.#timer.keepAlive(keepsAlive)
  }

  #wait(nowNs: number): void {
    // turning the event loop does not advance fake time
    const spinNs = this.#spinNs > 0 && !isFaked() ? this.#spinNs : 0
    this.#timerNs = this.#atNs - spinNs
    const leftNs = this.#timerNs - nowNs
    if (leftNs > 0 || spinNs === 0) this.#timer.set(wholeMs(leftNs))
    else this.#immediate = real.setImmediate(this.#check)
  }

  /** Fires if it is time, and waits on if it is not. */
  #check = (): void => {
    this.#immediate = null
    const nowNs = now() * NS_PER_MS
    if (nowNs < this.#atNs) this.#wait(nowNs)
    else this.#fire()
  }

  #onTimer = (): void => {
    const nowNs = now() * NS_PER_MS
    const earlyNs = this.#timerNs - nowNs
    if (earlyNs <= 0) {
      this.#check()
      return
    }
    if (!this.#timer.isCurrent) this.#wait(nowNs)
    else if (earlyNs < EARLY_NS && this.#early++ < MAX_EARLY && !isFaked()) this.#wait(nowNs)
    else {
      // only one of timers and clock is faked: the test drives the timers
      advanceTo((this.#atNs + ROUNDING_NS) / NS_PER_MS)
      this.#fire()
    }
  }

  #fire(): void {
    this.#early = 0
    this.#atNs = NEVER
    this.#onFire()
  }
}

const wholeMs = (ns: number) => Math.max(0, Math.ceil((ns - ROUNDING_NS) / NS_PER_MS))
