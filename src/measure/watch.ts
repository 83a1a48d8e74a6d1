import { NS_PER_MS } from '../scenario/units.js'
import { type Books, latencySoFar } from './account.js'
import { type Clock, clockFrom } from './clock.js'
import { targetFailed } from './error.js'
import type { Looks } from './looks.js'
import type { NormalOptions } from './options.js'
import type { Start } from './start.js'

/** How often the threads are looked after: until they are ready, and while they run. */
const STARTING_MS = 2
const RUNNING_MS = 100
/** Threads have so long to wake before time 0. */
const LEAD_NS = 10_000_000n
/** A thread that should have ended by itself is given so long on top. */
const GRACE_NS = 1_000_000_000

/** What the watch has to know of the run. */
export interface Watched {
  /** what messages call the target */
  name: string
  start: Start
  books: Books
  /** when sending is to be over, or after how many requests; Infinity where that is not what ends it */
  lastNs: number
  requests: number
  /** how many threads serve beside the generator's */
  servers: number
  /** a server has blocked its thread, and is to be ended */
  onBlocked(server: number, error: Error): void
  /** time 0 has been set, and lies shortly ahead */
  onGo(originNs: bigint): void
  /** where the run goes on until it knows enough */
  looks: Looks | null
}

/**
 * Looks after the threads of a run from the main thread: lets them begin when all are ready, tells how far they are,
 * and finds those that hang. It reads what they share, and sends nothing.
 */
export class Watch {
  readonly #watched: Watched
  readonly #options: NormalOptions
  readonly #startedMs = performance.now()
  /** null until time 0 is set */
  #clock: Clock | null = null
  #tail = 0

  constructor(watched: Watched, options: NormalOptions) {
    this.#watched = watched
    this.#options = options
  }

  /**
   * Resolves when the threads' work is done, or the time to drain is over; rejects where the work does, a thread
   * hangs, or the run is aborted. The threads may still be there either way.
   *
   * @returns when that was, from time 0
   */
  async until(work: Promise<unknown>): Promise<number> {
    const { signal } = this.#options
    let timer: NodeJS.Timeout | undefined
    let abort = () => {}
    const over = new Promise<void>((resolve, reject) => {
      abort = () => reject(signal?.reason)
      signal?.addEventListener('abort', abort)
      const look = () => {
        try {
          if (signal?.aborted) abort()
          else if (this.#look()) resolve()
          else timer = setTimeout(look, this.#clock === null ? STARTING_MS : RUNNING_MS)
        } catch (error) {
          reject(error)
        }
      }
      look()
    })
    try {
      await Promise.race([work, over])
      return this.#clock === null ? 0 : this.#clock()
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** True once there is nothing left to wait for. */
  #look(): boolean {
    if (this.#clock === null) {
      this.#lookAtStart()
      return false
    }
    const now = this.#clock()
    this.#tellProgress(now)
    this.#watched.looks?.pass(this.#clock)
    return this.#lookForHangs(now)
  }

  #lookAtStart(): void {
    const { start, servers, name, onGo } = this.#watched
    const { setupTimeoutMs } = this.#options
    if (start.ready === servers + 1) {
      const originNs = start.go(LEAD_NS)
      this.#clock = clockFrom(originNs)
      onGo(originNs)
    } else if (performance.now() - this.#startedMs > setupTimeoutMs) {
      const said = `it was not ready within ${setupTimeoutMs} ms (setupTimeout): its module or its setup hangs`
      throw targetFailed(name, said)
    }
  }

  #tellProgress(now: number): void {
    const { books, lastNs, requests } = this.#watched
    const { ring, ledgers } = books
    this.#tail = ring.tail(this.#tail)
    const share = Math.max(0, now / lastNs, this.#tail / requests)
    const goesOn = this.#options.onProgress?.({
      share: Math.min(1, books.window.sent < Number.POSITIVE_INFINITY ? 1 : share),
      timeMs: Math.max(0, now) / NS_PER_MS,
      endMs: lastNs === Number.POSITIVE_INFINITY ? null : lastNs / NS_PER_MS,
      sent: this.#tail,
      completed: ledgers.reduce((sum, ledger) => sum + ledger.completed, 0),
      failed: ledgers.reduce((sum, ledger) => sum + ledger.failed, 0),
      latencySoFar: () => latencySoFar(books),
    })
    if (goesOn === false && this.#clock !== null) books.window.interrupt(this.#clock)
  }

  #lookForHangs(now: number): boolean {
    const { books, name, servers } = this.#watched
    const { window } = books
    const { setupTimeoutMs } = this.#options
    // what is served in this process is looked after there
    const serving = servers === 0 ? [] : books.serving()
    // the drain is over: what is left is unfinished, whatever its servers are at
    if (now > window.drainNs + GRACE_NS && serving.length > 0 && window.sent < Number.POSITIVE_INFINITY) return true
    if (now > window.drainNs + setupTimeoutMs * NS_PER_MS) {
      throw targetFailed(name, `its threads did not end within ${setupTimeoutMs} ms of the run: its teardown hangs`)
    }
    if (servers > 0) this.#lookForBlocked(now)
    return false
  }

  #lookForBlocked(now: number): void {
    const { books, onBlocked } = this.#watched
    const { batchTimeoutMs } = this.#options
    books.ledgers.forEach(({ serving }, server) => {
      if (serving === null || now - serving.startNs <= batchTimeoutMs * NS_PER_MS + GRACE_NS) return
      const said = `it has blocked its thread with a batch of ${serving.size} for longer than batchTimeout (${batchTimeoutMs} ms)`
      onBlocked(server, new Error(`${said}; a promise could have been given up, a blocked thread cannot`))
    })
  }
}
