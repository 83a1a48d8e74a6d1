import { real } from './real.js'

/** The longest time that a timer of Node takes; it rings at once if it is set for longer. */
const LONGEST_MS = 2 ** 31 - 1
/** How often it is looked whether fake timers are still in place. */
const CHECK_MS = 50

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
  #handle: NodeJS.Timeout | undefined
  /** the functions that it is set with */
  #setTimeout: typeof setTimeout = real.setTimeout
  #clearTimeout: typeof clearTimeout = real.clearTimeout

  constructor(callback: () => void, { keepsAlive = true, real = false }: TimerOptions = {}) {
    this.#callback = callback
    this.#keepsAlive = keepsAlive
    this.#real = real
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
    const { setTimeout, clearTimeout } = this.#real ? real : globalThis
    this.#setTimeout = setTimeout
    this.#clearTimeout = clearTimeout
    if (setTimeout !== real.setTimeout) watch(this)
    this.#sleep(ms)
  }

  #sleep(ms: number): void {
    this.#pieceMs = Math.min(ms, LONGEST_MS)
    this.#leftMs = ms - this.#pieceMs
    this.#handle = this.#setTimeout.call(globalThis, this.#rung, this.#pieceMs) as NodeJS.Timeout
    // timers of a browser's kind are numbers
    if (!this.#keepsAlive) this.#handle.unref?.()
  }

  #drop(): void {
    const handle = this.#handle
    this.#handle = undefined
    try {
      this.#clearTimeout.call(globalThis, handle)
    } catch {
      // fake timers that are gone may refuse, and ring no more
    }
  }

  #rung = (): void => {
    if (this.#leftMs > 0) {
      this.#sleep(this.#leftMs)
      return
    }
    this.#handle = undefined
    if (this.#setTimeout !== real.setTimeout) stopWatching(this)
    this.#callback()
  }

  /** The timers that it was set with may be gone: those in place now take it over. */
  static check(timer: Timer): void {
    if (timer.#setTimeout === globalThis.setTimeout) return
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
