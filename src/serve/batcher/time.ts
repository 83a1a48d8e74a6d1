import { AsyncResource } from 'node:async_hooks'
import { advanceTo, isFaked, now } from '../../clock/clock.js'
import { real } from '../../clock/real.js'
import { Timer } from '../../clock/timer.js'

/** The time that a batcher lives in. */
export interface Time {
  /** nanoseconds, from wherever they count */
  now(): number
  /** Calls back when what runs now has come to its end. */
  soon(callback: () => void): void
  /** Calls back when the event loop has turned. */
  turn(callback: () => void): void
  /**
   * The same function, called in the async context in which this was made: a promise or a timer would else call it in
   * that of the caller who happened to set it, and hand one request's context to others.
   */
  bind<Args extends unknown[], Returned>(callback: (...args: Args) => Returned): (...args: Args) => Returned
  /**
   * @param ring called in the async context in which this was made
   * @param spinNs for how long before it rings the event loop is turned, rather than a timer set
   */
  alarm(ring: () => void, spinNs: number): Alarm
}

export interface Alarm {
  /** When it rings; Infinity for never. */
  readonly atNs: number
  /** Rings at that time or a little later, instead of when it was to ring before. */
  set(ns: number): void
  /** Does not ring any more. */
  clear(): void
  /** Whether the process is not to end before it rings, from now on. */
  keepAlive(keepsAlive: boolean): void
}

const NS_PER_MS = 1_000_000
const NEVER = Number.POSITIVE_INFINITY
/** What the clock's arithmetic may leave of a whole millisecond, however late it is. */
const ROUNDING_NS = 1000
/** A timer of Node rings up to a millisecond early. */
const EARLY_NS = 2 * NS_PER_MS
/** One that rings early is set again so many times at most. */
const MOST_EARLY = 3

const settled = Promise.resolve()

/** Time as a service has it, and its tests: fake timers drive it. */
export class LiveTime implements Time {
  readonly #context = new AsyncResource('throughline.batcher', { requireManualDestroy: true })

  now(): number {
    return now() * NS_PER_MS
  }
  soon(callback: () => void): void {
    settled.then(callback)
  }
  turn(callback: () => void): void {
    // it only lets others have their turn, which is no time that a test would want to set
    real.setImmediate(callback)
  }
  bind<Args extends unknown[], Returned>(callback: (...args: Args) => Returned): (...args: Args) => Returned {
    const context = this.#context
    // for each batch: to spread no arguments takes as long as all else of it
    if (callback.length === 0) return () => context.runInAsyncScope(callback as () => Returned)
    return (...args) => context.runInAsyncScope(callback, undefined, ...args)
  }
  alarm(ring: () => void, spinNs: number): Alarm {
    return new LiveAlarm(this.bind(ring), spinNs)
  }
}

/**
 * A timer counts whole milliseconds and may be one early or late, so that what is nearer than `spinNs` is awaited turn
 * by turn of the event loop, which takes CPU time but stops nothing else.
 */
class LiveAlarm implements Alarm {
  readonly #ring: () => void
  readonly #spinNs: number
  readonly #timer: Timer
  #turn: NodeJS.Immediate | null = null
  /** what its timer is set for */
  #ringsNs = NEVER
  /** how often that has rung early */
  #early = 0
  #atNs = NEVER

  constructor(ring: () => void, spinNs: number) {
    this.#ring = ring
    this.#spinNs = spinNs
    this.#timer = new Timer(this.#rung)
  }

  /** Never, if the timers that it was set on are gone: it has to be set again. */
  get atNs(): number {
    return this.#turn !== null || this.#timer.isCurrent ? this.#atNs : NEVER
  }

  set(ns: number): void {
    this.clear()
    this.#atNs = ns
    this.#wait(now() * NS_PER_MS)
  }

  clear(): void {
    this.#timer.clear()
    if (this.#turn !== null) real.clearImmediate(this.#turn)
    this.#turn = null
    this.#early = 0
    this.#atNs = NEVER
  }

  keepAlive(keepsAlive: boolean): void {
    this.#timer.keepAlive(keepsAlive)
  }

  #wait(nowNs: number): void {
    // while time is faked, polling the event loop brings nothing nearer
    const spinNs = this.#spinNs > 0 && !isFaked() ? this.#spinNs : 0
    this.#ringsNs = this.#atNs - spinNs
    const leftNs = this.#ringsNs - nowNs
    if (leftNs > 0 || spinNs === 0) this.#timer.set(wholeMs(leftNs))
    else this.#turn = real.setImmediate(this.#turned)
  }

  #turned = (): void => {
    this.#turn = null
    const nowNs = now() * NS_PER_MS
    if (nowNs < this.#atNs) this.#wait(nowNs)
    else this.#rings()
  }

  #rung = (): void => {
    const nowNs = now() * NS_PER_MS
    const earlyNs = this.#ringsNs - nowNs
    if (earlyNs <= 0) {
      this.#turned()
      return
    }
    if (!this.#timer.isCurrent) this.#wait(nowNs)
    else if (earlyNs < EARLY_NS && this.#early++ < MOST_EARLY && !isFaked()) this.#wait(nowNs)
    else {
      // the timers are faked and the clock is not, or the other way round: it is the timers that a test drives
      advanceTo((this.#atNs + ROUNDING_NS) / NS_PER_MS)
      this.#rings()
    }
  }

  #rings(): void {
    this.#early = 0
    this.#atNs = NEVER
    this.#ring()
  }
}

const wholeMs = (ns: number) => Math.max(0, Math.ceil((ns - ROUNDING_NS) / NS_PER_MS))
