import { epoch, now } from './clock.js'
import { real } from './real.js'

/** The longest delay of a Node timer. A longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1
/** How often to check whether fake timers are still installed. */
const CHECK_MS = 50

type SetTimeout = (callback: (setting: number) => void, ms: number, setting: number) => NodeJS.Timeout

export interface TimerOptions {
  /**
   * Whether the timer keeps the process alive until it fires.
   *
   * @default true
   */
  keepsAlive?: boolean
  /**
   * Whether to use Node's own timers even if a test fakes them.
   *
   * @default false
   */
  real?: boolean
}

/**
 * A timer for any duration. It uses the timers that are installed when it is set. Fake ones drive it; if a test restores
 * the real ones before it fires, it continues on those.
 */
export class Timer {
  readonly #callback: () => void
  readonly #real: boolean
  #keepsAlive: boolean
  /** the rest of the delay after the current piece; a delay longer than LONGEST_MS is set in pieces */
  #leftMs = 0
  #pieceMs = 0
  /** when it is due to fire, by the clock */
  #atMs = 0
  #handle: NodeJS.Timeout | undefined
  /** the functions with which it was set */
  #setTimeout: SetTimeout = real.setTimeout
  #clearTimeout: typeof clearTimeout = real.clearTimeout
  /** the epoch in which it was set, and a number for each setting, so that a leftover callback of an earlier one is ignored */
  #epoch = 0
  #setting = 0

  constructor(callback: () => void, { keepsAlive = true, real = false }: TimerOptions = {}) {
    this.#callback = callback
    this.#keepsAlive = keepsAlive
    this.#real = real
  }

  /** Whether the timers with which it was set are still installed, as of the last reading of the clock. */
  get isCurrent(): boolean {
    return this.#real || this.#epoch === epoch
  }

  /** Sets the timer to fire after this delay; replaces an earlier setting. */
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

  /** Changes whether the timer keeps the process alive. */
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
      // reading the clock also detects replaced timers
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
    this.#handle = this.#setTimeout.call(globalThis, this.#fire, this.#pieceMs, ++this.#setting)
    // fake browser timers are numbers
    if (!this.#keepsAlive) this.#handle.unref?.()
  }

  #now(): number {
    return this.#real ? real.now() : now()
  }

  #drop(): void {
    const handle = this.#handle
    this.#handle = undefined
    this.#setting++
    // fake timers that were uninstalled no longer fire, and new ones could mistake the handle for one of theirs
    if (this.#setTimeout === real.setTimeout || this.#isInstalled()) this.#clearTimeout.call(globalThis, handle)
  }

  #isInstalled(): boolean {
    now()
    return this.#epoch === epoch
  }

  #fire = (setting: number): void => {
    if (setting !== this.#setting) return
    if (this.#leftMs > 0) {
      // shorter if the last piece fired late
      this.#sleep(Math.max(0, Math.min(this.#leftMs, Math.ceil(this.#atMs - this.#now()))))
      return
    }
    this.#handle = undefined
    if (this.#setTimeout !== real.setTimeout) stopWatching(this)
    this.#callback()
  }

  /** Sets the timer again, on the installed timers, if those with which it was set were uninstalled. */
  static check(timer: Timer): void {
    if (timer.#isInstalled()) return
    timer.#drop()
    timer.#begin(timer.#pieceMs + timer.#leftMs)
    if (timer.#setTimeout === real.setTimeout) stopWatching(timer)
  }
}

/**
 * Calls back once after a delay of any length, in milliseconds.
 *
 * @example
 * const late = setTimer(() => reject(new Error('it hangs')), 60_000, { real: true })
 * late.clear()
 */
export function setTimer(callback: () => void, ms: number, options?: TimerOptions): Timer {
  return new Timer(callback, options).set(ms)
}

/** Timers that were set on fake timers. */
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
  // do not keep the process alive: a test that never advances its timers must end
  checks.unref()
}
