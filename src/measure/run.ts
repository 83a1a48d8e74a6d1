import { availableParallelism } from 'node:os'
import type { Recording } from '../result/recording.js'
import type { Environment } from '../result/result.js'
import { policyOf } from '../scenario/batching.js'
import { ScenarioError } from '../scenario/error.js'
import type { NormalScenario } from '../scenario/scenario.js'
import { NS_PER_MS } from '../scenario/units.js'
import { accountOf, type Books } from './account.js'
import { type Clock, clockFrom } from './clock.js'
import { environment } from './environment.js'
import { MeasureError } from './error.js'
import { measureFindings } from './findings.js'
import { locate } from './handler-module.js'
import { Ledger } from './ledger.js'
import { type MeasurableScenario, measurable } from './measurable.js'
import { type Observation, Observations } from './observations.js'
import { type MeasureOptions, type NormalOptions, normaliseOptions } from './options.js'
import { type Plan, planOf } from './plan.js'
import { unreadyMessage } from './prepare.js'
import { Ring } from './ring.js'
import type { ServerReport } from './server.js'
import { Start } from './start.js'
import { startThreads, type Threads } from './threads.js'
import { Window } from './window.js'
import { layOut, type Wire } from './wire.js'

export type { Observation }

/** What a run gives, before anything is concluded from it. */
export interface Measurement {
  recording: Recording
  environment: Environment
  /** the first failure of a request */
  failure: Error | null
  /** the batches that started in the window, in order, as many of them as were asked for */
  observations: Observation[]
  /** when a request was due and when it was queued: of the newest million */
  sent(number: number): { dueNs: number; queuedNs: number }
}

export interface RunOptions extends MeasureOptions {
  /** how many batches to keep one by one. Default 0. */
  observe?: number
}

/**
 * Runs a scenario on the real clock, on threads of its own, which are gone when this returns.
 *
 * @throws ScenarioError where it cannot be measured, MeasureError where its handler cannot run
 */
export async function runMeasurement(scenario: NormalScenario, options: RunOptions = {}): Promise<Measurement> {
  const { observe = 0, ...given } = options
  const asked = measurable(scenario)
  const settings = normaliseOptions(given, asked.servers, availableParallelism())
  const handler = located(asked.handler)
  settings.signal?.throwIfAborted()
  const plan = planOf(asked)
  if (plan.segments.length === 0 || plan.startNs >= plan.endNs) {
    throw new ScenarioError(
      'stop',
      'leaves nothing to report: no time passes between the first request after the warm-up and the end; run for longer',
    )
  }

  const machine = environment()
  const wire = layOut(plan, asked.servers, policyOf(asked.batching).maxBatchSize, observe)
  const threads = await startThreads(asked.servers + 1)
  const run = new Run(asked, settings, plan, wire, handler)
  try {
    await run.on(threads)
  } finally {
    await threads.destroy()
  }
  return run.measurement(machine)
}

function located(handler: string): { url: string; path: string } {
  try {
    return locate(handler)
  } catch (error) {
    throw new MeasureError(`handler ${handler}: ${(error as Error).message}`, { cause: error })
  }
}

/** How often the threads are looked after: until they are ready, and while they run. */
const STARTING_MS = 2
const RUNNING_MS = 100
/** Threads have so long to wake before time 0. */
const LEAD_NS = 10_000_000n
/** A thread that should have ended by itself is given so long on top. */
const GRACE_NS = 1_000_000_000

class Run {
  readonly #scenario: MeasurableScenario
  readonly #options: NormalOptions
  readonly #plan: Plan
  readonly #wire: Wire
  readonly #handler: { url: string; path: string }
  readonly #start: Start
  readonly #books: Books
  readonly #reports: ServerReport[] = []
  #lateNs = 0
  /** null until time 0 is set */
  #clock: Clock | null = null
  readonly #startedMs = performance.now()
  #tail = 0
  #endedNs = 0

  constructor(
    scenario: MeasurableScenario,
    options: NormalOptions,
    plan: Plan,
    wire: Wire,
    handler: { url: string; path: string },
  ) {
    this.#scenario = scenario
    this.#options = options
    this.#plan = plan
    this.#wire = wire
    this.#handler = handler
    this.#start = new Start(wire.start)
    const { maxBatchSize } = policyOf(scenario.batching)
    this.#books = {
      window: new Window(wire.window),
      ring: new Ring(wire.ring),
      ledgers: wire.ledgers.map((ledger) => new Ledger(ledger, maxBatchSize, plan.segments.length)),
    }
  }

  /** Resolves when the run is over; rejects where it failed. Its threads may still be there either way. */
  async on(threads: Threads): Promise<void> {
    const { signal } = this.#options
    const tasks = this.#begin(threads)
    let timer: NodeJS.Timeout | undefined
    let abort: (() => void) | undefined
    const watched = new Promise<void>((resolve, reject) => {
      abort = () => reject(signal?.reason)
      if (signal?.aborted) abort()
      signal?.addEventListener('abort', abort)
      const watch = () => {
        try {
          if (this.#watch()) resolve()
          else timer = setTimeout(watch, this.#clock === null ? STARTING_MS : RUNNING_MS)
        } catch (error) {
          reject(error)
        }
      }
      watch()
    })
    try {
      await Promise.race([tasks, watched])
      this.#endedNs = this.#clock?.() ?? 0
    } finally {
      clearTimeout(timer)
      if (abort !== undefined) signal?.removeEventListener('abort', abort)
    }
  }

  async #begin(threads: Threads): Promise<void> {
    const { arrivals, seed, servers, batching } = this.#scenario
    const { idle, spinNs, batchTimeoutMs } = this.#options
    const wire = this.#wire
    const policy = policyOf(batching)
    const generator = async () => {
      const { stop } = this.#plan
      const report = await threads.generate({ wire, arrivals, seed, stop, servers, spinNs })
      this.#lateNs = report.lateNs
    }
    const serve = async (server: number) => {
      const task = { wire, server, servers, handler: this.#handler.url, policy, idle, spinNs, batchTimeoutMs }
      const report = await threads.serve(task)
      if (report.unready !== null) throw this.#fault(unreadyMessage(report.unready), report.unready.error)
      this.#reports.push(report)
    }
    const tasks = [generator, ...Array.from({ length: servers }, (_, server) => () => serve(server))]
    await Promise.all(
      tasks.map(async (task) => {
        try {
          await task()
        } catch (error) {
          if (error instanceof MeasureError) throw error
          throw this.#fault(`a thread of the run ended: ${(error as Error).message}`, error)
        }
      }),
    )
  }

  /** Looks after the threads; true once there is nothing left to wait for. */
  #watch(): boolean {
    if (this.#clock === null) {
      this.#watchStart()
      return false
    }
    const { window, ring, ledgers } = this.#books
    const { batchTimeoutMs, setupTimeoutMs, onProgress } = this.#options
    const now = this.#clock()
    this.#tail = ring.tail(this.#tail)
    onProgress?.({
      timeMs: Math.max(0, now) / NS_PER_MS,
      endMs: this.#plan.lastNs / NS_PER_MS,
      sent: this.#tail,
      completed: ledgers.reduce((sum, ledger) => sum + ledger.completed, 0),
      failed: ledgers.reduce((sum, ledger) => sum + ledger.failed, 0),
    })
    const serving = ledgers.filter((ledger) => ledger.inFlight > 0)
    // the drain is over: what is left is unfinished, whatever its servers are at
    if (now > window.drainNs + GRACE_NS && serving.length > 0 && window.sent < Number.POSITIVE_INFINITY) return true
    if (now > window.drainNs + setupTimeoutMs * NS_PER_MS) {
      throw this.#fault(`its threads did not end within ${setupTimeoutMs} ms of the run; is it its teardown?`)
    }
    const timeoutNs = batchTimeoutMs * NS_PER_MS
    for (const { busySinceNs, inFlight } of serving) {
      if (now - busySinceNs <= timeoutNs + GRACE_NS) continue
      throw this.#fault(
        `it has blocked its thread with a batch of ${inFlight} for longer than batchTimeout (${batchTimeoutMs} ms); a promise could have been given up, a blocked thread cannot`,
      )
    }
    return false
  }

  #watchStart(): void {
    const { setupTimeoutMs } = this.#options
    if (this.#start.ready === this.#scenario.servers + 1) {
      this.#clock = clockFrom(this.#start.go(LEAD_NS))
    } else if (performance.now() - this.#startedMs > setupTimeoutMs) {
      throw this.#fault(`it was not ready within ${setupTimeoutMs} ms (setupTimeout): its module or its setup hangs`)
    }
  }

  #fault(message: string, cause?: unknown): MeasureError {
    return new MeasureError(`handler ${this.#handler.path}: ${message}`, cause === undefined ? {} : { cause })
  }

  measurement(machine: Environment): Measurement {
    const { window, ring } = this.#books
    const recording = accountOf(this.#scenario, this.#books, this.#endedNs)
    const failures = this.#reports.flatMap(({ failure }) => failure ?? [])
    const failure = failures.sort((a, b) => a.atNs - b.atNs)[0]?.error ?? null
    if (recording.counts.completed > 0) {
      recording.findings.push(
        ...measureFindings(recording, {
          lateNs: this.#lateNs,
          unsent: window.unsent.count,
          full: window.endNs < this.#plan.endNs,
          failure,
          teardown: this.#reports.find(({ teardown }) => teardown !== null)?.teardown ?? null,
        }),
      )
    }
    const observations = (this.#wire.observations ?? []).flatMap((buffer) => new Observations(buffer).read())
    return {
      recording,
      environment: machine,
      failure,
      observations: observations.sort((a, b) => a.first - b.first),
      sent: (number) => ({ dueNs: ring.dueNs(number), queuedNs: ring.queuedNs(number) }),
    }
  }
}
