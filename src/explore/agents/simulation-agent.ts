import { randomUUID } from 'node:crypto'
import type { Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { real } from '../../clock/real.js'
import { connectRedis, loadBullmq } from '../../measure/agents/redis.js'
import { ENTRY, startPool, taskOf } from '../../threads/thread.js'
import { messageOf } from '../../validation/validation-error.js'
import type { PackedTask } from './packed-task.js'
import {
  appear,
  disappear,
  ENGINE,
  MOST_DEATHS,
  type PresentAgent,
  pack,
  QUEUE,
  REPORT_MS,
  type TaskJob,
  TaskKeys,
  type TaskOrders,
  type TaskOutcome,
} from './protocol.js'

/** Options of a `SimulationAgent`. */
export interface SimulationAgentOptions {
  /** URL of a Redis that all machines reach */
  redis: string
  /** the name in errors */
  name: string
  /** how many simulations it runs at a time */
  threads: number
  /** called when it begins to simulate, and when it waits for work again */
  onStatus: (status: string) => void
}

/** A task that runs in a thread of an agent. */
interface ActiveTask {
  job: TaskJob
  keys: TaskKeys
  fractions: SharedArrayBuffer
  stopFlag: SharedArrayBuffer
  /** why its outcome is not reported: the run is over, or another agent shall run it */
  ignored: 'over' | 'handed back' | null
}

/** A job whose agent is silent for so long goes to another. */
const LOCK_MS = 5000
const STALLED_MS = 1000
/** How long closing waits for tasks that are handed back, and for a Redis that may be gone. */
const CLOSE_MS = 5000

/** Simulates what coordinators put on the queue of a Redis, on threads of its own, until it is closed. */
export class SimulationAgent {
  readonly #redis: Redis
  readonly #agent: PresentAgent
  readonly #onStatus: (status: string) => void
  readonly #worker: Worker<TaskJob>
  readonly #active = new Set<ActiveTask>()
  readonly #waitingForIdle = new Set<() => void>()
  #pool: ReturnType<typeof startPool> | null = null
  /** a shard of a measurement needs the machine for itself */
  #isPaused = false
  #isClosed = false
  #closing: Promise<void> | null = null
  #isBusy = false
  #timer: NodeJS.Timeout | undefined

  private constructor(
    bullmq: typeof import('bullmq'),
    redis: Redis,
    { name, threads, onStatus }: SimulationAgentOptions,
  ) {
    this.#redis = redis
    this.#agent = { id: randomUUID(), name, threads }
    this.#onStatus = onStatus
    this.#worker = new bullmq.Worker<TaskJob>(QUEUE, (job, token) => this.#work(job, token, bullmq), {
      connection: redis,
      concurrency: threads,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_MS,
      // deaths are counted by run, and end it with an error
      maxStalledCount: Number.MAX_SAFE_INTEGER,
    })
    this.#worker.on('error', () => {})
  }

  /** Connects, and waits for work. */
  static async start(options: SimulationAgentOptions): Promise<SimulationAgent> {
    const bullmq = await loadBullmq()
    const redis = await connectRedis(options.redis, { reconnect: true })
    const agent = new SimulationAgent(bullmq, redis, options)
    await agent.#worker.waitUntilReady()
    await agent.#follow()
    return agent
  }

  /** Does something while nothing is simulated: other agents run what this one has begun, or this one afterwards. */
  readonly pausedDuring = async <Done>(work: () => Promise<Done>): Promise<Done> => {
    this.#isPaused = true
    await this.#worker.pause(true)
    await this.#handBackAll()
    try {
      return await work()
    } finally {
      this.#isPaused = false
      if (!this.#isClosed) await this.#worker.resume()
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    real.clearTimeout(this.#timer)
    const closed = this.#worker
      .pause(true)
      .then(() => this.#handBackAll())
      .then(() => this.#worker.close())
      .then(() => disappear(this.#redis, this.#agent))
    const late = new Promise<void>((resolve) => {
      this.#timer = real.setTimeout(resolve, CLOSE_MS)
    })
    await Promise.race([closed.catch(() => {}), late])
    real.clearTimeout(this.#timer)
    this.#redis.disconnect()
    const pool = await this.#pool
    await pool?.destroy()
  }

  async #work(job: Job<TaskJob>, token: string | undefined, bullmq: typeof import('bullmq')): Promise<void> {
    const keys = new TaskKeys(this.#redis, job.data.run)
    const isDone = await this.#runTask(job.data, keys)
    if (isDone) return
    await job.moveToWait(token)
    throw new bullmq.WaitingError()
  }

  /** Runs a task, and reports its outcome; false if another agent shall run it. */
  async #runTask(job: TaskJob, keys: TaskKeys): Promise<boolean> {
    const { engine, index, count, kind } = job
    if (this.#isPaused || this.#isClosed) return false
    const { name } = this.#agent
    const report = (outcome: TaskOutcome) => keys.report(index, pack(outcome))
    if (engine !== ENGINE) {
      await report({ index, error: `agent ${name} has ${ENGINE}, not ${engine}; install the same on all machines` })
      return true
    }
    const begun = await keys.begin(job)
    if (begun === null) return true
    if (begun.begun > MOST_DEATHS) {
      await report({ index, deaths: MOST_DEATHS })
      return true
    }
    // it may have been paused meanwhile
    if (this.#isPaused || this.#isClosed) {
      await keys.handBack(index)
      return false
    }
    const active: ActiveTask = {
      ...{ job, keys, ignored: null },
      fractions: new SharedArrayBuffer(8 * count),
      stopFlag: new SharedArrayBuffer(4),
    }
    const { fractions, stopFlag } = active
    if (begun.orders === 'end') stop(active)
    const task: PackedTask = { kind, argument: exactly(begun.argument), index, fractions, stopFlag }
    this.#active.add(active)
    try {
      const packed = await this.#simulate(task)
      if (active.ignored === null) await keys.report(index, packed)
      else if (active.ignored === 'handed back') await keys.handBack(index)
    } finally {
      // Redis may refuse the report
      this.#active.delete(active)
      if (this.#active.size === 0) for (const notify of this.#waitingForIdle) notify()
    }
    return active.ignored !== 'handed back'
  }

  /** Runs a task in a thread; returns its outcome, packed. */
  async #simulate(task: PackedTask): Promise<Uint8Array> {
    try {
      this.#pool ??= startPool(this.#agent.threads)
      const file = new URL('./packed-task.js', import.meta.url)
      const pool = await this.#pool
      return await pool.run(taskOf(file, 'runPacked', task), ENTRY)
    } catch (error) {
      return pack({ index: task.index, error: `agent ${this.#agent.name}: ${messageOf(error)}` } satisfies TaskOutcome)
    }
  }

  async #handBackAll(): Promise<void> {
    for (const active of this.#active) {
      active.ignored ??= 'handed back'
      stop(active)
    }
    if (this.#active.size === 0) return
    await new Promise<void>((resolve) => {
      const notify = () => {
        this.#waitingForIdle.delete(notify)
        resolve()
      }
      this.#waitingForIdle.add(notify)
    })
  }

  /** Says that this agent is there, reports progress, and follows the orders of coordinators, again and again. */
  async #follow(): Promise<void> {
    try {
      await appear(this.#redis, this.#agent)
      const runs = new Set([...this.#active].map(({ job }) => job.run))
      await Promise.all([...runs].map((run) => this.#followRun(run)))
    } catch {
      // Redis may come back
    }
    const isBusy = this.#active.size > 0
    if (isBusy !== this.#isBusy && !this.#isPaused) {
      this.#isBusy = isBusy
      this.#onStatus(isBusy ? `simulating, up to ${this.#agent.threads} at a time` : 'waiting for work')
    }
    if (!this.#isClosed) this.#timer = real.setTimeout(() => void this.#follow(), REPORT_MS)
  }

  async #followRun(run: string): Promise<void> {
    const tasks = [...this.#active].filter(({ job }) => job.run === run)
    const fractions = new Map(
      tasks.map(({ job, fractions: all }) => [job.index, new Float64Array(all)[job.index] as number]),
    )
    const orders: TaskOrders | null = await (tasks[0] as ActiveTask).keys.follow(fractions)
    if (orders === 'run') return
    for (const active of tasks) {
      if (orders === null) active.ignored ??= 'over'
      stop(active)
    }
  }
}

/** Copies bytes: they may be part of a larger buffer, and a thread would get the whole of it. */
const exactly = (bytes: Buffer) => new Uint8Array(bytes)

/** Ends a task early; it notices within 65,536 requests. */
function stop({ stopFlag }: ActiveTask): void {
  Atomics.store(new Int32Array(stopFlag), 0, 1)
}
