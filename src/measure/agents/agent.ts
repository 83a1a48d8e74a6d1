import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { onAbort } from '../../handler/on-abort.js'
import { withTimeout } from '../../handler/with-timeout.js'
import type { Result } from '../../result/result.js'
import { messageOf } from '../../validation/validation-error.js'
import { measureFrom } from '../measure.js'
import type { MeasureProgress } from '../options.js'
import { type AgentReport, QUEUE, REPORT_MS, RunKeys, type ShardJob, SILENT_MS, VERSION } from './protocol.js'
import { connectRedis, loadBullmq, RedisClock } from './redis.js'

/** Options of `runAgent`. */
export interface AgentOptions {
  /** URL of a Redis that all machines reach: `redis://host:6379` */
  redis: string
  /**
   * Name in results.
   *
   * @default the host name and the process ID
   */
  name?: string | undefined
  /** Ends the agent, and the shard that it sends. */
  signal: AbortSignal
  /** Called when the agent waits for work, begins a shard, and ends it. */
  onStatus?: ((status: string) => void) | undefined
  /**
   * Sends each shard while this process does nothing else.
   *
   * @default it sends it at once
   */
  alone?: ((send: () => Promise<void>) => Promise<void>) | undefined
}

/** The default name of an agent. */
export const agentName = () => `${hostname()}-${process.pid}`

/** Sends shards of the runs that coordinators put on a Redis, one at a time, until the signal. */
export async function runAgent({
  redis: url,
  name = agentName(),
  signal,
  onStatus,
  alone = (send) => send(),
}: AgentOptions): Promise<void> {
  const { Worker } = await loadBullmq()
  const redis = await connectRedis(url, { reconnect: true })
  let shown = ''
  // an error repeats until Redis is back
  const show = (status: string) => {
    if (status === shown) return
    shown = status
    onStatus?.(status)
  }
  let doing = 'waiting for work'
  const work = async ({ data }: { data: ShardJob }) => {
    doing = `sending shard ${data.index} of ${data.count}`
    show(doing)
    try {
      await alone(() => sendShard(redis, name, data, { signal, show }))
    } finally {
      doing = 'waiting for work'
      show(doing)
    }
  }
  const worker = new Worker<ShardJob>(QUEUE, work, {
    connection: redis,
    concurrency: 1,
    // a shard that is sent again later would be counted as if it had been sent with the others
    maxStalledCount: 0,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_MS,
  })
  worker.on('error', (error) => {
    if (!isLostJob(error)) show(`cannot use Redis: ${messageOf(error)}; retrying`)
  })
  redis.on('ready', () => show(doing))
  try {
    await worker.waitUntilReady()
    show(doing)
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else onAbort(signal, resolve)
    })
  } finally {
    await Promise.race([worker.close(), sleep(CLOSE_MS, undefined, { ref: false })])
    redis.disconnect()
  }
}

/** The job of an agent that is silent for so long fails, and no other agent runs it. */
const LOCK_MS = 10_000
const STALLED_MS = 5000
/** How long an agent that ends tries to report why, and waits for a Redis that may be gone. */
const CLOSE_MS = SILENT_MS + 1000

/** Whether a job is no longer that of this agent, which was silent, or Redis lost it. The coordinator reports its shard. */
const isLostJob = ({ message }: Error) =>
  /^(Missing (key|lock)|Lock mismatch|could not renew lock) for job|^Job \S+ is not in/.test(message)

interface SendOptions {
  signal: AbortSignal
  /** shows what went wrong */
  show(status: string): void
}

async function sendShard(redis: Redis, name: string, job: ShardJob, { signal, show }: SendOptions): Promise<void> {
  const { run, index, count, version } = job
  const keys = new RunKeys(redis, run)
  // the coordinator may have given up
  if ((await keys.orders()) === null) return
  if (version !== VERSION) {
    const error = `agent ${name} has throughline ${VERSION}, not ${version}; install the same version on all machines`
    show(error)
    await keys.end(index, { error })
    return
  }
  const plan = await keys.plan()
  if (plan === null) {
    const error = `agent ${name} found no plan of the run in Redis, which may evict keys: use maxmemory-policy noeviction`
    if ((await keys.orders()) !== null) await keys.end(index, { error })
    return
  }
  const link = new CoordinatorLink(keys, { index, count, name, clock: await RedisClock.estimate(redis), signal })
  try {
    const result = await measureFrom(
      plan.scenario,
      {
        ...plan.options,
        shard: { index, count },
        signal: link.signal,
        onProgress: (progress) => link.onProgress(progress),
      },
      {
        ready: () => link.ready(),
        originNs: () => link.originNs,
        readRows: async (file) => plan.files[file] ?? [],
      },
    )
    await withinSilence(keys.end(index, { result: link.date(result) }))
  } catch (error) {
    show(`shard ${index} of ${count} failed: ${messageOf(error)}`)
    // without an outcome the coordinator counts this agent as dead
    await withinSilence(keys.end(index, { error: `agent ${name}: ${messageOf(error)}` })).catch(() => {})
  } finally {
    await link.close()
  }
}

/** How long a snapshot is shown before the next one is made, and how many agents may show one as often. */
const SHOWN_MS = 1500
const SHOWN_AGENTS = 50

interface LinkOptions {
  index: number
  count: number
  name: string
  clock: RedisClock
  signal: AbortSignal
}

/** Connects a shard with its coordinator: follows its orders, and reports progress. */
class CoordinatorLink {
  readonly #keys: RunKeys
  readonly #index: number
  readonly #count: number
  readonly #clock: RedisClock
  readonly #abort = new AbortController()
  readonly #stop = new AbortController()
  readonly #ignoreAgent: () => void
  readonly #report: AgentReport
  readonly #polling: Promise<void>
  #isReady = false
  #interrupted = false
  #watched = false
  #showing = false
  #startMs = 0
  #reportedMs = Number.NEGATIVE_INFINITY
  /** time 0 on this machine's clock; unknown until all agents are ready */
  originNs: bigint | null = null

  constructor(keys: RunKeys, { index, count, name, clock, signal }: LinkOptions) {
    this.#keys = keys
    this.#index = index
    this.#count = count
    this.#clock = clock
    this.#report = { name, atMs: 0, clockErrorMs: clock.errorMs, progress: null }
    const onAgentStopped = () => this.#abort.abort(new Error('the agent was stopped'))
    this.#ignoreAgent = onAbort(signal, onAgentStopped)
    if (signal.aborted) onAgentStopped()
    this.#polling = this.#poll()
  }

  /** Aborts when the shard has to end at once. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  ready(): void {
    this.#isReady = true
  }

  /** Returns false to end the run early. */
  onProgress({ latencySoFar: _, resultSoFar, ...progress }: MeasureProgress): boolean {
    this.#report.progress = progress
    if (this.#watched && !this.#showing) {
      this.#showing = true
      // the next one may succeed
      this.#show(resultSoFar)
        .catch(() => {})
        .finally(() => {
          this.#showing = false
        })
    }
    return !this.#interrupted
  }

  /** Dates a result by the clock of Redis, since that of this machine may be wrong. */
  date(result: Result): Result {
    const { shard, ...rest } = result
    return shard === undefined
      ? rest
      : { ...rest, shard: { ...shard, startedAt: new Date(this.#startMs).toISOString() } }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#polling
    this.#ignoreAgent()
  }

  async #show(resultSoFar: MeasureProgress['resultSoFar']): Promise<void> {
    const result = await resultSoFar()
    if (result !== null) await withinSilence(this.#keys.show(this.#index, result))
    // the snapshots of all agents go through one Redis and one coordinator
    const shownMs = SHOWN_MS * Math.max(1, this.#count / SHOWN_AGENTS)
    await sleep(shownMs, undefined, { signal: this.#stop.signal })
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stop
    let answeredMs = performance.now()
    while (!signal.aborted) {
      try {
        await this.#follow()
        answeredMs = performance.now()
      } catch {
        // Redis may come back
      }
      if (performance.now() - answeredMs > SILENT_MS) this.#abort.abort(new Error('Redis does not answer'))
      // before the start, its time must be known early enough
      await sleep(this.originNs === null ? REPORT_MS / 10 : REPORT_MS, undefined, { signal }).catch(() => {})
    }
  }

  async #follow(): Promise<void> {
    const orders = await withinSilence(this.#keys.orders())
    if (orders === null) {
      this.#abort.abort(new Error('its coordinator ended the run or was silent for 5 s, or Redis lost its data'))
      return
    }
    if (orders.interrupted) this.#interrupted = true
    if (orders.startMs !== undefined && this.originNs === null) {
      this.#startMs = orders.startMs
      this.originNs = this.#clock.localNs(orders.startMs)
    }
    this.#watched = orders.watched === true
    // orders are followed more often before the start, but a thousand agents that report as often would overload Redis
    const nowMs = performance.now()
    if (!this.#isReady || nowMs - this.#reportedMs < 0.9 * REPORT_MS) return
    this.#reportedMs = nowMs
    await withinSilence(this.#keys.report(this.#index, { ...this.#report, atMs: this.#clock.nowMs() }))
  }
}

/** Waits for Redis, which may be gone, but no longer than it takes to count as dead. */
const withinSilence = <Value>(answer: Promise<Value>): Promise<Value> =>
  withTimeout(answer, SILENT_MS, () => new Error('Redis does not answer'), { real: true })
