import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { real } from '../../clock/real.js'
import { onAbort } from '../../handler/on-abort.js'
import { connectRedis, loadBullmq, redisError, withoutPassword } from '../../measure/agents/redis.js'
import { MeasureError } from '../../measure/error.js'
import { sumBy } from '../../statistics/descriptive.js'
import {
  PROGRESS_MS,
  type Refused,
  type RunTasks,
  type RunTasksOptions,
  type TaskKind,
  throwIfRefused,
} from '../../threads/pool.js'
import { throwIfAborted } from '../../validation/realm.js'
import type { ResolvedOnAgents } from './options.js'
import {
  ENGINE,
  MOST_DEATHS,
  pack,
  presentAgents,
  QUEUE,
  REPORT_MS,
  type TaskJob,
  TaskKeys,
  type TaskOutcome,
} from './protocol.js'

interface Connection {
  redis: Redis
  /** waits for outcomes */
  blocking: Redis
  queue: Queue<TaskJob>
}

/** How long closing waits for a Redis that may be gone. */
const CLOSE_MS = 5000

/** Runs tasks on the agents of a Redis. It connects when there is a task to run. */
export class AgentPool {
  readonly #on: ResolvedOnAgents
  #connecting: Promise<Connection> | null = null

  constructor(on: ResolvedOnAgents) {
    this.#on = on
  }

  readonly run: RunTasks = async <Task extends object, Report extends object>(
    kind: TaskKind,
    tasks: readonly Task[],
    options: RunTasksOptions<Report>,
  ): Promise<Report[]> => {
    throwIfAborted(options.signal)
    if (tasks.length === 0) return []
    return this.#connected(options.signal, (connection) =>
      new TaskRun(connection, this.#on, kind, tasks, options).finish(),
    )
  }

  /** How many tasks the agents run at a time. It waits until there is an agent. */
  async threads(signal?: AbortSignal): Promise<number> {
    return this.#connected(signal, async ({ redis }) => {
      const begunMs = real.now()
      for (;;) {
        const agents = await presentAgents(redis)
        throwIfAborted(signal)
        if (agents.length > 0) return sumBy(agents, ({ threads }) => threads)
        if (real.now() - begunMs > this.#on.agentTimeout) throw noAgent(this.#on)
        await new Promise((resolve) => real.setTimeout(resolve, PROGRESS_MS))
      }
    })
  }

  async close(): Promise<void> {
    const connection = await this.#connecting?.catch(() => null)
    if (connection == null) return
    const { redis, blocking, queue } = connection
    await within(queue.close())
    blocking.disconnect()
    redis.disconnect()
  }

  /** Does something on the connection, with an error that says if it broke. */
  async #connected<Found>(
    signal: AbortSignal | undefined,
    work: (connection: Connection) => Promise<Found>,
  ): Promise<Found> {
    this.#connecting ??= connect(this.#on.redis)
    const connection = await this.#connecting
    throwIfAborted(signal)
    try {
      return await work(connection)
    } catch (error) {
      throwIfAborted(signal)
      throw redisError(error, [connection.redis, connection.blocking], 'agents stop the simulations')
    }
  }
}

async function connect(url: string): Promise<Connection> {
  const { Queue } = await loadBullmq()
  const redis = await connectRedis(url)
  const blocking = await connectRedis(url, { blocks: true }).catch((error) => {
    redis.disconnect()
    throw error
  })
  const queue = new Queue<TaskJob>(QUEUE, { connection: redis })
  queue.on('error', () => {})
  return { redis, blocking, queue }
}

const noAgent = ({ redis, agentTimeout }: ResolvedOnAgents) =>
  new MeasureError(
    `no agent was connected to ${withoutPassword(redis)} for ${agentTimeout} ms (agentTimeout); start one or more: throughline agent --redis ${withoutPassword(redis)}`,
  )

/** After this time without an outcome, jobs are looked for. */
const LOST_MS = 5000
/** How many jobs, and arguments, are sent at once. */
const AT_ONCE = 500

/** One run of tasks on agents. */
class TaskRun<Task extends object, Report extends object> {
  readonly #redis: Redis
  readonly #blocking: Redis
  readonly #queue: Queue<TaskJob>
  readonly #on: ResolvedOnAgents
  readonly #kind: TaskKind
  readonly #tasks: readonly Task[]
  readonly #options: RunTasksOptions<Report>
  readonly #run = randomUUID()
  readonly #keys: TaskKeys
  readonly #reports: Report[] = []
  /** the tasks that have no report yet, and their jobs */
  readonly #left = new Map<number, Job<TaskJob> | null>()
  readonly #fractions: Float64Array
  /** how often a task was sent again, because its job was gone */
  readonly #resent = new Map<number, number>()
  #outcomeMs = real.now()
  #fault: { error: unknown } | null = null
  #isEnding = false

  constructor(
    { redis, blocking, queue }: Connection,
    on: ResolvedOnAgents,
    kind: TaskKind,
    tasks: readonly Task[],
    options: RunTasksOptions<Report>,
  ) {
    this.#redis = redis
    this.#blocking = blocking
    this.#queue = queue
    this.#on = on
    this.#kind = kind
    this.#tasks = tasks
    this.#options = options
    this.#keys = new TaskKeys(redis, this.#run)
    this.#fractions = new Float64Array(tasks.length)
    for (const index of tasks.keys()) this.#left.set(index, null)
  }

  async finish(): Promise<Report[]> {
    const { signal, onProgress } = this.#options
    const progress = onProgress && real.setInterval(() => this.#reportProgress(), PROGRESS_MS)
    // the wait for an outcome rejects
    const removeListener = signal && onAbort(signal, () => this.#blocking.disconnect())
    const over = new AbortController()
    let watching: Promise<void> | null = null
    try {
      await this.#keys.order('run')
      watching = this.#watch(over.signal)
      await this.#send([...this.#left.keys()])
      let ordered = false
      while (this.#left.size > 0) {
        const outcome = await this.#keys.nextOutcome(this.#blocking).catch((error) => {
          throw this.#fault?.error ?? error
        })
        throwIfAborted(signal)
        if (outcome !== null) {
          this.#outcomeMs = real.now()
          await this.#settle(outcome)
        }
        this.#throwFault()
        if (!this.#isEnding || ordered) continue
        ordered = true
        await this.#endEarly()
      }
      this.#reportProgress()
      this.#throwFault()
      return this.#reports
    } finally {
      real.clearInterval(progress)
      removeListener?.()
      over.abort()
      await within(Promise.allSettled([watching, this.#remove()]))
    }
  }

  #throwFault(): void {
    if (this.#fault !== null) throw this.#fault.error
  }

  /** Sends tasks, unless they have a report. */
  async #send(indices: number[]): Promise<void> {
    const numbers = new Map<Task, number>()
    for (let from = 0; from < indices.length; from += AT_ONCE) {
      const some = indices.slice(from, from + AT_ONCE).filter((index) => this.#left.has(index))
      const packed = new Map<number, Buffer>()
      const jobs = some.map((index) => {
        const task = this.#tasks[index] as Task
        const argument = numbers.get(task) ?? index
        if (!numbers.has(task)) packed.set(argument, pack(task))
        numbers.set(task, argument)
        const data: TaskJob = {
          ...{ engine: ENGINE, run: this.#run, kind: this.#kind.name },
          ...{ index, count: this.#tasks.length, argument },
        }
        return { name: this.#kind.name, data, opts: { removeOnComplete: true, removeOnFail: true } }
      })
      if (packed.size > 0) await this.#keys.store(packed)
      const added = await this.#queue.addBulk(jobs)
      for (const job of added) if (this.#left.has(job.data.index)) this.#left.set(job.data.index, job)
      throwIfAborted(this.#options.signal)
      if (this.#fault !== null || this.#isEnding) return
    }
  }

  /** Keeps the run alive, reads its progress, and notices if no agent is there. */
  async #watch(over: AbortSignal): Promise<void> {
    let seenMs = real.now()
    while (!over.aborted) {
      try {
        // this process may have slept, or Redis lost its data, so that agents dropped the run
        if (!(await this.#keys.renew()) && !over.aborted) {
          await this.#keys.order(this.#isEnding ? 'end' : 'run')
          await this.#sendAgain([...this.#left.keys()])
          seenMs = real.now()
        }
        if (this.#options.onProgress !== undefined) {
          for (const [index, fraction] of await this.#keys.fractions()) {
            if (this.#left.has(index)) this.#fractions[index] = fraction
          }
        }
        const nowMs = real.now()
        if (nowMs - this.#outcomeMs > LOST_MS) await this.#sendLost()
        if ((await presentAgents(this.#redis)).length > 0) seenMs = nowMs
        else if (nowMs - seenMs > this.#on.agentTimeout) this.#giveUp()
      } catch (error) {
        this.#fault ??= { error }
        // it would wait forever for a Redis that no longer answers
        this.#blocking.disconnect()
      }
      if (this.#fault !== null) return
      await sleep(REPORT_MS, undefined, { signal: over }).catch(() => {})
    }
  }

  /** Sends tasks again whose jobs are gone without an outcome, such as after an error of Redis at an agent. */
  async #sendLost(): Promise<void> {
    this.#outcomeMs = real.now()
    // jobs are run in order, so that the first of those left have been begun
    const jobs = [...this.#left.values()].flatMap((job) => job ?? []).slice(0, AT_ONCE)
    const states = await Promise.all(jobs.map((job) => job.getState()))
    const lost = jobs.filter((_, i) => states[i] === 'unknown' || states[i] === 'failed').map(({ data }) => data.index)
    for (const index of lost.filter((each) => this.#left.has(each))) {
      const times = (this.#resent.get(index) ?? 0) + 1
      this.#resent.set(index, times)
      if (times <= MOST_DEATHS) continue
      throw new MeasureError(
        `${this.#options.describe(index)}: its job disappeared ${times} times; check the Redis log`,
      )
    }
    await this.#sendAgain(lost)
  }

  /** Sends tasks again that agents dropped, or no longer have. A run that ends early does without them. */
  async #sendAgain(indices: number[]): Promise<void> {
    if (!this.#isEnding) await this.#send(indices)
    else for (const index of indices) this.#stopped(index)
  }

  /** No agent is there. A run that ends early does without the tasks that its last agents had begun. */
  #giveUp(): void {
    if (!this.#isEnding) this.#fault ??= { error: noAgent(this.#on) }
    else for (const index of [...this.#left.keys()]) this.#stopped(index)
  }

  #reportProgress(): void {
    const { onProgress } = this.#options
    if (onProgress === undefined || this.#fault !== null) return
    try {
      const done = this.#tasks.length - this.#left.size
      if (onProgress(this.#fractions.slice(), done) === false) this.#isEnding = true
    } catch (error) {
      this.#fault = { error }
    }
  }

  async #settle(outcome: TaskOutcome): Promise<void> {
    const { index } = outcome
    // an agent that lost its connection for a while may answer after another
    if (!this.#left.has(index)) return
    const name = this.#options.describe(index)
    if ('error' in outcome) throw new MeasureError(`${name}: ${outcome.error}`)
    if ('deaths' in outcome) {
      throw new MeasureError(
        `${name}: ${outcome.deaths} agents died while they ran it, so it is not tried again; it may need more memory than they have`,
      )
    }
    const report = throwIfRefused(outcome.report as Report | Refused, index, this.#options.refusalOf)
    this.#finished(index, report)
    await this.#options.onReport?.(report, index)
  }

  /** Ends the tasks that run, and takes back those that wait. */
  async #endEarly(): Promise<void> {
    await this.#keys.order('end')
    await Promise.all(
      [...this.#left].map(async ([index, job]) => {
        const isWaiting = job === null || (await job.remove().then(...IS_REMOVED))
        if (isWaiting) this.#stopped(index)
      }),
    )
  }

  #stopped(index: number): void {
    const { stopped } = this.#options
    if (stopped !== undefined && this.#left.has(index)) this.#finished(index, stopped, 0)
  }

  #finished(index: number, report: Report, fraction = 1): void {
    this.#reports[index] = report
    this.#fractions[index] = fraction
    this.#left.delete(index)
  }

  /** Leaves nothing in Redis; agents end the tasks that they still run. */
  async #remove(): Promise<void> {
    await Promise.allSettled([this.#keys.remove(), ...[...this.#left.values()].map((job) => job?.remove())])
  }
}

/** Whether a job was removed, as handlers of a promise; one that runs is locked. */
const IS_REMOVED = [() => true, () => false] as const

/** Waits for Redis, which may be gone, but not long. */
async function within(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = real.setTimeout(resolve, CLOSE_MS)
  })
  await Promise.race([work.catch(() => {}), late])
  real.clearTimeout(timer)
}
