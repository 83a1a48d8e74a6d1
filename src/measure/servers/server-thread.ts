import { real } from '../../clock/real.js'
import { loadDefault } from '../../handler/module.js'
import { toPortableError } from '../../handler/portable.js'
import { payloadsOf, prepare, type Ready, type Unready } from '../../handler/prepare.js'
import {
  ABANDONED,
  BatchContext,
  BatchTimeoutError,
  failuresIn,
  isPromise,
  type ResponseMarks,
  settle,
} from '../../handler/serving.js'
import type { Shard } from '../../scenario/arrivals/shard.js'
import { classNames, type RequestClasses } from '../../scenario/request-classes.js'
import { type Clock, clockFrom } from '../clock/clock.js'
import { StartBarrier } from '../clock/start-barrier.js'
import { calibrateSpin, Waiter } from '../clock/waiter.js'
import { watchThread } from '../host/host-watch.js'
import { markFirst, markNext, numbersInAll } from '../queue/batch.js'
import { PARKED } from '../queue/parking.js'
import type { SharedQueue } from '../queue/shared-queue.js'
import type { Observations } from '../recording/observations.js'
import type { ServerStats } from '../recording/server-stats.js'
import { SharedMemory } from '../recording/shared-memory.js'
import type { Window } from '../recording/window.js'

/** The task of a server thread. */
export interface ServerTask {
  memory: Pick<SharedMemory, 'setup' | 'buffers'>
  /** the index of the server, from 0 */
  server: number
  /** the URL of the handler's module */
  handler: string
  idle: 'sleep' | 'poll'
  spinNs: number
  batchTimeoutMs: number
}

/** What a server thread reports when it ends. */
export interface ServerReport {
  /** why the handler could not start, which ends the run */
  unready: Unready | null
  /** the first failure of a request */
  failure: { atNs: number; error: Error } | null
  /** the error that its teardown threw */
  teardown: Error | null
}

/** Runs a server thread: takes batches and calls the handler until the run is over. */
export async function serve(task: ServerTask): Promise<ServerReport> {
  const report: ServerReport = { unready: null, failure: null, teardown: null }
  const memory = new SharedMemory(task.memory)
  const crash = memory.crashReport(task.server)
  // end the thread here, and not at an arbitrary point when it is terminated from outside
  process.once('uncaughtException', (error) => {
    crash.write(toPortableError(error).message)
    process.exit(1)
  })
  const ready = await prepare(() => loadDefault(task.handler))
  if ('unready' in ready) return { ...report, unready: ready.unready }

  const iterationsPerNs = calibrateSpin(clockFrom(real.hrtimeNs()))
  const originNs = new StartBarrier(memory.buffers.start).await()
  const stopWatching = watchThread(memory.buffers.host, task.server, memory.window(), originNs)
  const clock = clockFrom(originNs)
  const server = new Server(task, ready, memory, clock, new Waiter(clock, iterationsPerNs))
  await server.run()
  await stopWatching()
  report.failure = server.failure
  try {
    await ready.handler.teardown?.(ready.state)
  } catch (error) {
    report.teardown = toPortableError(error)
  }
  return report
}

/** The handler's timers and I/O get a macrotask at least this often, more often if the handler is asynchronous. */
const YIELD_NS = 50_000_000
const ASYNC_YIELD_NS = 5_000_000
/** How long an idle server polls before it yields to the event loop. */
const POLL_NS = 1_000_000

class Server implements ResponseMarks {
  readonly #task: ServerTask
  readonly #ready: Ready
  readonly #clock: Clock
  readonly #waiter: Waiter
  readonly #window: Window
  readonly #queue: SharedQueue
  readonly #word: Int32Array
  readonly #stats: ServerStats
  readonly #observations: Observations | null
  readonly #failed: Uint8Array
  readonly #shard: Shard | null
  readonly #classes: RequestClasses | null
  /** that of the batch in service */
  #context: BatchContext | null = null
  /** whether the handler has returned a promise */
  #async = false
  #yieldedNs = 0
  failure: ServerReport['failure'] = null

  constructor(task: ServerTask, ready: Ready, memory: SharedMemory, clock: Clock, waiter: Waiter) {
    const { server } = task
    this.#task = task
    this.#shard = memory.setup.shard
    this.#ready = ready
    this.#clock = clock
    this.#waiter = waiter
    this.#window = memory.window()
    this.#queue = memory.queue(this.#window, clock)
    this.#word = this.#queue.parkingWord(server)
    this.#stats = memory.stats()[server] as ServerStats
    this.#observations = memory.observations(server)
    this.#classes = memory.classes
    this.#failed = new Uint8Array(this.#stats.batch.dueNs.length)
  }

  async run(): Promise<void> {
    const { server, batchTimeoutMs } = this.#task
    const { handler, state, payloads } = this.#ready
    const { batch } = this.#stats
    const window = this.#window
    const queue = this.#queue
    // the server is ready at time 0, however late its thread wakes
    let idleNs = 0
    while (batch.endNs < window.drainNs) {
      if (!queue.take(server, batch, idleNs)) {
        if (queue.finished) return
        await this.#idle()
        continue
      }
      // the batch has left the queue: if the thread ends now, its requests fail
      batch.startNs = batch.leaveNs
      this.#stats.begin()
      const requests = payloadsOf(payloads, numbersInAll(batch, this.#shard), batch.size)
      const context = new BatchContext(state, classNames(this.#classes, batch), this)
      this.#context = context
      batch.hasFirst = false
      let failures = 0
      batch.startNs = this.#clock()
      this.#stats.begin()
      try {
        let outputs: unknown = handler.run(requests, context)
        if (isPromise(outputs)) {
          this.#async = true
          const leftMs = (window.drainNs - batch.startNs) / 1e6
          outputs = await settle(outputs, context, batchTimeoutMs, leftMs)
          // the batch stays in flight, and counts as unfinished
          if (outputs === ABANDONED) return
        }
        failures = failuresIn(outputs, batch.size, this.#failed, this.#stats.markOf)
        batch.endNs = this.#clock()
        if (batch.endNs - batch.startNs > batchTimeoutMs * 1e6) throw new BatchTimeoutError(batchTimeoutMs)
        if (failures > 0) this.#recordFailure((outputs as unknown[])[this.#failed.findIndex((mark) => mark > 0)])
      } catch (error) {
        batch.endNs = this.#clock()
        failures = batch.size
        this.#failed.fill(this.#stats.markOf(error), 0, failures)
        this.#recordFailure(error)
      }
      this.#context = null
      // a failure counts as a response
      queue.respond(batch)
      this.#stats.end(window, failures === 0 ? null : this.#failed, failures)
      if (batch.startNs >= window.startNs && batch.startNs < window.endNs) this.#observations?.record(batch)
      idleNs = batch.endNs
      if (batch.endNs - this.#yieldedNs > YIELD_NS) await this.#yield()
    }
  }

  /** Ignores a handler that is late, and has the context of an earlier batch. */
  first(i: number | undefined, context: BatchContext): void {
    if (context === this.#context) markFirst(this.#stats.batch, i, this.#clock())
  }
  next(i: number | undefined, context: BatchContext): void {
    if (context === this.#context) markNext(this.#stats.batch, i, this.#clock())
  }

  /** Waits until the next batch may leave: sleeps until shortly before, then spins. */
  async #idle(): Promise<void> {
    const { idle, spinNs } = this.#task
    if (this.#clock() - this.#yieldedNs > (this.#async ? ASYNC_YIELD_NS : YIELD_NS)) {
      // the handler's other work may take long
      this.#queue.unwatch(this.#task.server)
      await this.#yield()
      return
    }
    const nowNs = this.#clock()
    if (nowNs >= this.#window.drainNs) {
      // no more batches leave
      this.#stats.batch.endNs = nowNs
      return
    }
    const wakeAtNs = Math.min(this.#queue.wakeAtNs, this.#window.drainNs)
    const polls = idle === 'poll'
    const sleepUntilNs = polls ? 0 : Math.min(wakeAtNs - spinNs, nowNs + (this.#async ? ASYNC_YIELD_NS : YIELD_NS))
    this.#waiter.sleepUntil(sleepUntilNs, this.#word, PARKED)
    const spinUntilNs = polls ? Math.min(wakeAtNs, nowNs + POLL_NS) : wakeAtNs
    if (polls || sleepUntilNs === wakeAtNs - spinNs) this.#waiter.spinUntil(spinUntilNs, this.#word, PARKED)
  }

  async #yield(): Promise<void> {
    await new Promise((resolve) => real.setImmediate(resolve))
    this.#yieldedNs = this.#clock()
  }

  #recordFailure(error: unknown): void {
    this.failure ??= { atNs: this.#stats.batch.endNs, error: toPortableError(error) }
  }
}
