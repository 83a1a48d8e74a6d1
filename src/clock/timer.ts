import { epoch, now } from './clock.js'
import { real } from './real.js'

/** The longest time that a timer of Node takes; it rings at once if it is set for longer. */
const LONGEST_MS = 2 ** 31 - 1
/** How often it is looked whether fake timers are still in place. */
const CHECK_MS = 50

type SetTimeout = (callback: (setting: number) => void, ms: number, setting: number) => NodeJS.Timeout

export interface TimerOptions {
  /** Whether the process is kept alive until it rings. Default true. */
  keepsAlive?: boolean
  /** Whether it is one of Node's own timers, whatever a test fakes. Default false: fake timers drive it. */
  real?: boolean
}

/**
 * A timer for any duration. It is set on the timers that are in place at the time: fake ones drive it, and if a test
 * takes them away before it rings, it goes on as a real one.
 */
export class Timer {
  readonly #callback: () => void
  readonly #real: boolean
  #keepsAlive: boolean
  /** how long is left beyond the piece that is set */
  #leftMs = 0
  #pieceMs = 0
  /** when it is to ring, by the clock */
  #atMs = 0
  #handle: NodeJS.Timeout | undefined
  /** the functions that it is set with */
  #setTimeout: SetTimeout = real.setTimeout
  #clearTimeout: typeof clearTimeout = real.clearTimeout
  /** when that was, and which setting it was: what others left of an earlier one must not ring */
  #epoch = 0
  #setting = 0

  constructor(callback: () => void, { keepsAlive = true, real = false }: TimerOptions = {}) {
    this.#callback = callback
    this.#keepsAlive = keepsAlive
    this.#real = real
  }

  /** Whether the timers that it was set on are still in place, as of the last reading of the clock. */
  get isCurrent(): boolean {
    return this.#real || this.#epoch === epoch
  }

  /** Calls back after so many milliseconds, instead of when it was to before. */
  set(ms: number): this {
    this.clear()
    this.#begin(ms)
    return this
  }

  clear(): void {
    if (this.#handle === undefined) return
    this.#drop()
    if (this.#setTimeout !== real.setTimeout) stopWatching(this)
  }

  /** Whether the process is kept alive until it rings, from now on. */
  keepAlive(keepsAlive: boolean): void {
    if (this.#keepsAlive === keepsAlive) return
    this.#keepsAlive = keepsAlive
    if (keepsAlive) this.#handle?.ref?.()
    else this.#handle?.unref?.()
  }

  #begin(ms: number): void {
    if (this.#real) {
      if (ms > LONGEST_MS) this.#atMs = real.now() + ms
    } else {
      // also finds out which timers are in place
      this.#atMs = now() + ms
      this.#epoch = epoch
      this.#setTimeout = globalThis.setTimeout
      this.#clearTimeout = globalThis.clearTimeout
      if (this.#setTimeout !== real.setTimeout) watch(this)
    }
    this.#sleep(ms)
  }

  #sleep(ms: number): void {
    this.#pieceMs = Math.min(ms, LONGEST_MS)
    this.#leftMs = ms - this.#pieceMs
    this.#handle = this.#setTimeout.call(globalThis, this.#rung, this.#pieceMs, ++this.#setting)
    // timers of a browser's kind are numbers
    if (!this.#keepsAlive) this.#handle.unref?.()
  }

  #now(): number {
    return this.#real ? real.now() : now()
  }

  #drop(): void {
    const handle = this.#handle
    this.#handle = undefined
    this.#setting++
    // fake timers that are gone ring no more, and may take the handle for one of others
    if (this.#setTimeout === real.setTimeout || this.#isInPlace()) this.#clearTimeout.call(globalThis, handle)
  }

  #isInPlace(): boolean {
    now()
    return this.#epoch === epoch
  }

  #rung = (setting: number): void => {
    if (setting !== this.#setting) return
    if (this.#leftMs > 0) {
      // less, if the piece has rung late
      this.#sleep(Math.max(0, Math.min(this.#leftMs, Math.ceil(this.#atMs - this.#now()))))
      return
    }
    this.#handle = undefined
    if (this.#setTimeout !== real.setTimeout) stopWatching(this)
    this.#callback()
  }

  /** The timers that it was set with may be gone: those in place now take it over. */
  static check(timer: Timer): void {
    if (timer.#isInPlace()) return
    timer.#drop()
    timer.#begin(timer.#pieceMs + timer.#leftMs)
    if (timer.#setTimeout === real.setTimeout) stopWatching(timer)
  }
}

/**
 * Calls back once, after so many milliseconds: any duration.
 *
 * @example
 * const late = setTimer(() => reject(new Error('it hangs')), 60_000, { real: true })
 * late.clear()
 */
export function setTimer(callback: () => void, ms: number, options?: TimerOptions): Timer {
  return new Timer(callback, options).set(ms)
}

/** Timers that are set on others than Node's own. */
const watched = new Set<Timer>()
let checks: NodeJS.Timeout | undefined

function watch(timer: Timer): void {
  watched.add(timer)
  if (checks === undefined) nextCheck()
}

function stopWatching(timer: Timer): void {
  watched.delete(timer)
  if (watched.size > 0 || checks === undefined) return
  real.clearTimeout(checks)
  checks = undefined
}

function nextCheck(): void {
  checks = real.setTimeout(() => {
    checks = undefined
    for (const timer of [...watched]) Timer.check(timer)
    if (watched.size > 0) nextCheck()
  }, CHECK_MS)
  // it keeps nothing alive: a test that never advances its timers ends
  checks.unref()
}
