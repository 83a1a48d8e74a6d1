import { performance } from 'node:perf_hooks'

/** The time that a batcher lives in. */
export interface Time {
  /** nanoseconds, from wherever they count */
  now(): number
  /** Calls back when what runs now has come to its end. */
  soon(callback: () => void): void
  /** Calls back when the event loop has turned. */
  turn(callback: () => void): void
  /**
   * @param keepsAlive whether the process is not to end before it rings
   * @param spinNs for how long before it rings the event loop is turned, rather than a timer set
   */
  alarm(ring: () => void, keepsAlive: boolean, spinNs: number): Alarm
}

export interface Alarm {
  /** When it rings; Infinity for never. */
  readonly atNs: number
  /** Rings at that time or a little later, instead of when it was to ring before. */
  set(ns: number): void
  /** Does not ring any more. */
  clear(): void
}

const NS_PER_MS = 1_000_000
const NEVER = Number.POSITIVE_INFINITY
/** The longest time that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

const settled = Promise.resolve()

export const realTime: Time = {
  now: () => performance.now() * NS_PER_MS,
  soon: (callback) => void settled.then(callback),
  turn: (callback) => void setImmediate(callback),
  alarm: (ring, keepsAlive, spinNs) => new RealAlarm(ring, keepsAlive, spinNs),
}

/**
 * A timer counts whole milliseconds and may be one late, so that what is nearer than `spinNs` is awaited turn by turn
 * of the event loop, which takes CPU time but stops nothing else.
 */
class RealAlarm implements Alarm {
  readonly #ring: () => void
  readonly #keepsAlive: boolean
  readonly #spinNs: number
  #timer: NodeJS.Timeout | null = null
  #turn: NodeJS.Immediate | null = null
  atNs = NEVER

  constructor(ring: () => void, keepsAlive: boolean, spinNs: number) {
    this.#ring = ring
    this.#keepsAlive = keepsAlive
    this.#spinNs = spinNs
  }

  set(ns: number): void {
    this.clear()
    this.atNs = ns
    this.#wait(realTime.now())
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#turn !== null) clearImmediate(this.#turn)
    this.#timer = null
    this.#turn = null
    this.atNs = NEVER
  }

  #wait(nowNs: number): void {
    const leftNs = this.atNs - nowNs - this.#spinNs
    if (leftNs > 0 || this.#spinNs === 0) {
      this.#timer = setTimeout(this.#rung, Math.min(Math.ceil(leftNs / NS_PER_MS), LONGEST_TIMER_MS))
      if (!this.#keepsAlive) this.#timer.unref()
    } else {
      this.#turn = setImmediate(this.#rung)
    }
  }

  #rung = (): void => {
    this.#timer = null
    this.#turn = null
    const nowNs = realTime.now()
    // a timer may be a little early
    if (nowNs < this.atNs) this.#wait(nowNs)
    else {
      this.atNs = NEVER
      this.#ring()
    }
  }
}
