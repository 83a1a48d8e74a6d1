import { loadDefault } from '../handler/module.js'
import { portable } from '../handler/portable.js'
import { prepare, type Ready, type Unready } from '../handler/prepare.js'
import { ABANDONED, BatchContext, failuresIn, isPromise, settle, tookTooLong } from '../handler/serving.js'
import type { Policy } from '../scenario/policy.js'
import { Answers } from './answers.js'
import { Bells } from './bells.js'
import { type Clock, clockFrom } from './clock.js'
import { attend } from './host.js'
import { Ledger } from './ledger.js'
import { limitsOf } from './limits.js'
import { Observations } from './observations.js'
import { sleepNs } from './pacing.js'
import { Queue } from './queue.js'
import { Ring } from './ring.js'
import { Start } from './start.js'
import { Window } from './window.js'
import type { Wire } from './wire.js'

/** What a server's thread is told. */
export interface ServerTask {
  wire: Wire
  /** which server it is, from 0, of how many */
  server: number
  servers: number
  /** the URL of the handler's module */
  handler: string
  policy: Policy
  idle: 'sleep' | 'poll'
  spinNs: number
  batchTimeoutMs: number
}

/** What it says when it is done. */
export interface ServerReport {
  /** what kept the handler from beginning, which ends the run */
  unready: Unready | null
  /** the first failure of a request */
  failure: { atNs: number; error: Error } | null
  /** what its teardown threw */
  teardown: Error | null
}

/** The task of a server's thread: takes batches, and has the handler serve them, until the run is over. */
export async function serve(task: ServerTask): Promise<ServerReport> {
  const report: ServerReport = { unready: null, failure: null, teardown: null }
  const ready = await prepare(() => loadDefault(task.handler))
  if ('unready' in ready) return { ...report, unready: ready.unready }

  const { wire } = task
  const originNs = new Start(wire.start).await()
  const told = attend(wire.host, task.server, new Window(wire.window), originNs)
  const server = new Server(task, ready, clockFrom(originNs))
  await server.run()
  await told()
  report.failure = server.failure
  try {
    await ready.handler.teardown?.(ready.state)
  } catch (error) {
    report.teardown = portable(error)
  }
  return report
}

/** A turn of the event loop is due after so long, for what else the handler has going on. */
const TURN_NS = 50_000_000
/** How long an idle server that polls looks on before the event loop may turn. */
const POLL_NS = 1_000_000
/** So often it looks between two readings of the clock. */
const LOOKS = 16

class Server {
  readonly #task: ServerTask
  readonly #ready: Ready
  readonly #clock: Clock
  readonly #window: Window
  readonly #bells: Bells
  readonly #queue: Queue
  readonly #answers: Answers | null
  readonly #ledger: Ledger
  readonly #observations: Observations | null
  readonly #failed: Uint8Array
  /** whether the handler has shown itself to be asynchronous */
  #async = false
  #turnedNs = 0
  failure: ServerReport['failure'] = null

  constructor(task: ServerTask, ready: Ready, clock: Clock) {
    const { wire, server, servers, policy } = task
    this.#task = task
    this.#ready = ready
    this.#clock = clock
    this.#window = new Window(wire.window)
    this.#bells = new Bells(servers, wire.bells)
    this.#answers = wire.answers === null ? null : new Answers(wire.answers)
    const limits = wire.limits === null ? null : limitsOf(wire.limits, this.#window, this.#answers)
    this.#queue = new Queue(wire.queue, policy, new Ring(wire.ring), this.#bells, this.#window, clock, limits)
    this.#ledger = new Ledger(wire.ledgers[server] as SharedArrayBuffer, policy.maxBatchSize, this.#window.segments)
    const observed = wire.observations?.[server]
    this.#observations = observed === undefined ? null : new Observations(observed, policy.maxBatchSize)
    this.#failed = new Uint8Array(this.#ledger.batch.dueNs.length)
  }

  async run(): Promise<void> {
    const { server, batchTimeoutMs } = this.#task
    const { handler, state } = this.#ready
    const { batch } = this.#ledger
    const window = this.#window
    // it is ready at time 0, however late its thread wakes
    let idleNs = 0
    while (batch.endNs < window.drainNs) {
      if (!this.#queue.take(server, batch, idleNs)) {
        if (this.#queue.finished) return
        await this.#idle()
        continue
      }
      // it has left the queue: should the thread end, it is this server's
      batch.startNs = batch.leaveNs
      this.#ledger.begin()
      const requests = this.#requests()
      const context = new BatchContext(state)
      let failures = 0
      batch.startNs = this.#clock()
      this.#ledger.begin()
      try {
        let outputs: unknown = handler.run(requests, context)
        if (isPromise(outputs)) {
          this.#async = true
          const leftMs = (window.drainNs - batch.startNs) / 1e6
          outputs = await settle(outputs, context, batchTimeoutMs, leftMs)
          // what it serves stays in flight, and is counted as unfinished
          if (outputs === ABANDONED) return
        }
        failures = failuresIn(outputs, batch.size, this.#failed)
        batch.endNs = this.#clock()
        if (batch.endNs - batch.startNs > batchTimeoutMs * 1e6) throw tookTooLong(batchTimeoutMs)
        if (failures > 0) this.#note((outputs as unknown[])[this.#failed.indexOf(1)])
      } catch (error) {
        batch.endNs = this.#clock()
        failures = batch.size
        this.#failed.fill(1, 0, failures)
        this.#note(error)
      }
      this.#ledger.end(window, failures === 0 ? null : this.#failed, failures)
      // a failure is an answer too
      this.#answers?.tell(batch.clients, batch.size, batch.endNs)
      if (batch.startNs >= window.startNs && batch.startNs < window.endNs) this.#observations?.record(batch)
      idleNs = batch.endNs
      if (batch.endNs - this.#turnedNs > TURN_NS) await this.#turn()
    }
  }

  /** What the handler gets for the batch: payloads, or the requests' numbers. */
  #requests(): unknown[] {
    const { numbers, size } = this.#ledger.batch
    const { payloads } = this.#ready
    const requests = new Array<unknown>(size)
    for (let i = 0; i < size; i++) {
      const number = numbers[i] as number
      requests[i] = payloads === null ? number : payloads[number % payloads.length]
    }
    return requests
  }

  /** Waits for work, as long as the policy has none. */
  async #idle(): Promise<void> {
    const { server, idle, spinNs } = this.#task
    const queue = this.#queue
    if (this.#async || this.#clock() - this.#turnedNs > TURN_NS) await this.#turn()
    const now = this.#clock()
    if (now >= this.#window.drainNs) {
      // nothing leaves any more
      this.#ledger.batch.endNs = now
      return
    }
    const leftNs = Math.min(queue.lookAgainNs - now, TURN_NS)
    const ns = sleepNs(leftNs, leftNs < TURN_NS ? spinNs : 0)
    if (idle === 'poll' || ns === 0) {
      const untilNs = now + Math.min(leftNs, POLL_NS)
      while (!queue.changed && this.#clock() < untilNs) {
        // a look at the queue makes no garbage, as a reading of the clock does
        for (let looks = 0; looks < LOOKS && !queue.changed; looks++);
      }
      return
    }
    this.#bells.lieDown(server)
    if (!queue.changed) this.#bells.sleep(server, ns / 1e6)
    this.#bells.rise(server)
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#turnedNs = this.#clock()
  }

  #note(error: unknown): void {
    this.failure ??= { atNs: this.#ledger.batch.endNs, error: portable(error) }
  }
}
