import { real } from '../../clock/real.js'
import { onAbort } from '../../handler/on-abort.js'
import { TimeoutError } from '../../handler/serving.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { sumBy } from '../../statistics/descriptive.js'
import { type Clock, clockFrom } from '../clock/clock.js'
import { StartBarrier } from '../clock/start-barrier.js'
import { targetFailed } from '../error.js'
import type { ResolvedOptions } from '../options.js'
import type { Plan } from '../plan.js'
import { latencySoFar, type RunState } from '../recording/build-recording.js'
import type { Checkpoints } from '../recording/checkpoints.js'
import type { SharedMemory } from '../recording/shared-memory.js'
import type { Snapshots } from '../recording/snapshots.js'
import type { Coordination } from '../run-context.js'

/** How often to check the run: until its threads are ready, and while they serve. */
const STARTING_MS = 1
const RUNNING_MS = 100
/** How far ahead time 0 is set, so that threads wake before it. */
const LEAD_NS = 5_000_000n
/** How much longer a thread may take before it is terminated. */
const GRACE_NS = 1_000_000_000

/** The run to watch. */
export interface Watched {
  /** the name of the target in messages */
  name: string
  memory: SharedMemory
  state: RunState
  plan: Plan
  /** how many server threads there are; 0 if this thread serves */
  servers: number
  /** called to terminate a server that blocks its thread */
  onBlocked(server: number, error: Error): void
  /** called when time 0 is set, shortly ahead */
  onStart(originNs: bigint): void
  /** called to make the servers check the queue, since the run ends early */
  wake(): void
  /** decides when the run starts; null starts it as soon as all threads are ready */
  coordination: Coordination | null
  /** takes snapshots of the run for its progress; null if it does not report it */
  snapshots: Snapshots | null
  /** the checkpoints, if the run stops at a precision or budget */
  checkpoints: Checkpoints | null
}

/**
 * Watches a run from the main thread: starts its threads together when all are ready, reports progress, takes checkpoints,
 * and finds threads that hang. It reads the memory that the threads share.
 */
export class Watch {
  readonly #watched: Watched
  readonly #options: ResolvedOptions
  readonly #start: StartBarrier
  readonly #startedMs = real.now()
  /** null until time 0 is set */
  #clock: Clock | null = null

  constructor(watched: Watched, options: ResolvedOptions) {
    this.#watched = watched
    this.#options = options
    this.#start = new StartBarrier(watched.memory.buffers.start)
  }

  /**
   * Resolves when the threads' work is done or the drain is over; rejects if the work rejects, a thread hangs, or the run is
   * aborted. Threads may still exist in either case.
   *
   * @returns the time, in nanoseconds from time 0
   */
  async until(work: Promise<unknown>): Promise<number> {
    const { signal } = this.#options
    let timer: NodeJS.Timeout | undefined
    let ignore: (() => void) | undefined
    const over = new Promise<void>((resolve, reject) => {
      ignore = signal && onAbort(signal, () => reject(signal.reason))
      const check = () => {
        try {
          if (signal?.aborted) reject(signal.reason)
          else if (this.#check()) resolve()
          else timer = real.setTimeout(check, this.#clock === null ? STARTING_MS : RUNNING_MS)
        } catch (error) {
          reject(error)
        }
      }
      check()
    })
    try {
      await Promise.race([work, over])
      return this.#clock === null ? 0 : this.#clock()
    } finally {
      real.clearTimeout(timer)
      ignore?.()
    }
  }

  /** Checks the run. Returns true if there is nothing left to wait for. */
  #check(): boolean {
    if (this.#clock === null) {
      this.#checkStart()
      return false
    }
    const clock = this.#clock
    const now = clock()
    this.#reportProgress(now)
    const { checkpoints, state, wake } = this.#watched
    checkpoints?.pass(clock, () => {
      state.window.endEarly(clock, 'decided')
      wake()
    })
    return this.#findHangs(now)
  }

  #checkStart(): void {
    const { servers, name, onStart, coordination } = this.#watched
    const { setupTimeoutMs } = this.#options
    if (this.#start.ready === servers) {
      coordination?.ready()
      const originNs = coordination === null ? real.hrtimeNs() + LEAD_NS : coordination.originNs()
      // the time of the start is not known yet
      if (originNs === null) return
      this.#start.go(originNs)
      this.#clock = clockFrom(originNs)
      onStart(originNs)
    } else if (real.now() - this.#startedMs > setupTimeoutMs) {
      const message = `not ready within ${setupTimeoutMs} ms (setupTimeout): its module or its setup hangs`
      throw targetFailed(name, message)
    }
  }

  #reportProgress(now: number): void {
    const { state, plan, wake, snapshots } = this.#watched
    const { queue, stats, window } = state
    const { lastNs, stop } = plan
    const sent = queue.seen
    const fraction = window.endsEarly ? 1 : Math.max(0, now / lastNs, sent / stop.requests)
    const continues = this.#options.onProgress?.({
      fraction: Math.min(1, fraction),
      timeMs: Math.max(0, now) / NS_PER_MS,
      endMs: lastNs === Number.POSITIVE_INFINITY ? null : lastNs / NS_PER_MS,
      sent,
      completed: sumBy(stats, ({ completed }) => completed),
      failed: sumBy(stats, ({ failed }) => failed),
      latencySoFar: () => latencySoFar(state),
      resultSoFar: async () => snapshots?.take(state, this.#clock ?? (() => now)) ?? null,
    })
    if (continues !== false || this.#clock === null || window.endsEarly) return
    window.endEarly(this.#clock, 'interrupted')
    wake()
  }

  #findHangs(now: number): boolean {
    const { state, name, servers } = this.#watched
    const { window } = state
    const { setupTimeoutMs } = this.#options
    // servers in this process check their own batches
    const serving = servers === 0 ? [] : state.serving()
    // the drain is over: the remaining requests are unfinished, whatever their servers do
    if (now > window.drainNs + GRACE_NS && serving.length > 0) return true
    if (now > window.drainNs + setupTimeoutMs * NS_PER_MS) {
      throw targetFailed(
        name,
        `its threads did not end within ${setupTimeoutMs} ms after the run (setupTimeout): its teardown hangs`,
      )
    }
    if (servers > 0) this.#findBlocked(now)
    return false
  }

  #findBlocked(now: number): void {
    const { state, onBlocked } = this.#watched
    const { batchTimeoutMs } = this.#options
    state.stats.forEach(({ serving }, server) => {
      if (serving === null || now - serving.startNs <= batchTimeoutMs * NS_PER_MS + GRACE_NS) return
      const message = `blocked its thread with a batch of ${serving.size} for longer than batchTimeout (${batchTimeoutMs} ms)`
      onBlocked(server, new TimeoutError(`${message}; a pending promise could be aborted, a blocked thread cannot`))
    })
  }
}
