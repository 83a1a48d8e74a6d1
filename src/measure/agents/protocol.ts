import { createRequire } from 'node:module'
import type { Redis } from 'ioredis'
import type { FileRow } from '../../files/rows.js'
import type { Result } from '../../result/result.js'
import type { Scenario } from '../../scenario/scenario.js'
import type { MeasureOptions, ProgressFigures } from '../options.js'

/** The queue of jobs, each of them one shard of a run. An agent takes one at a time. */
export const QUEUE = 'throughline-agents'
/** Agents of another version may send other requests, or other results. */
export const VERSION: string = createRequire(import.meta.url)('../../../package.json').version

/** A job: one shard of a run. */
export interface ShardJob {
  version: string
  run: string
  index: number
  count: number
}

/** What all shards of a run have in common. */
export interface RunPlan {
  scenario: Scenario
  options: Pick<MeasureOptions, 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'>
  /** rows of the files that the scenario names, which agents do not have */
  files: Record<string, FileRow[]>
}

/** What an agent reports twice a second. */
export interface AgentReport {
  name: string
  /** when, by the clock of Redis */
  atMs: number
  clockErrorMs: number
  progress: ProgressFigures | null
}

export type ShardOutcome = { result: Result } | { error: string }

/** What the coordinator wants of all agents of a run. */
export interface RunOrders {
  /** time 0, by the clock of Redis; absent until all agents are ready */
  startMs?: number
  /** whether to end early with what there is */
  interrupted?: boolean
  /** whether results of the run so far are wanted */
  watched?: boolean
}

/** How often agents and the coordinator report to each other, and after what silence the other counts as dead. */
export const REPORT_MS = 500
export const SILENT_MS = 5000
/** How many Results a command loads: a few megabytes. */
const LOADED_TOGETHER = 50
/** How long Redis stores a run that nobody removes. */
const STORED_MS = 600_000

/** The keys of a run in Redis. */
export class RunKeys {
  readonly #redis: Redis
  readonly #name: string

  constructor(redis: Redis, run: string) {
    this.#redis = redis
    this.#name = `throughline:run:${run}`
  }

  /** @param plan as JSON */
  async storePlan(plan: string, setupTimeoutMs: number): Promise<void> {
    await this.#redis.set(`${this.#name}:plan`, plan, 'PX', Math.ceil(setupTimeoutMs) + STORED_MS)
  }

  /** Null if the run is over. */
  async plan(): Promise<RunPlan | null> {
    return this.#get('plan')
  }

  /** Stores the first orders of the coordinator. They expire when it dies. */
  async order(orders: RunOrders): Promise<void> {
    await this.#redis.set(`${this.#name}:orders`, JSON.stringify(orders), 'PX', SILENT_MS)
  }

  /**
   * Replaces the orders, and prolongs their life and that of the outcomes.
   *
   * @returns false if Redis no longer has the orders: they expired while this process slept, or Redis lost its data. Agents
   * end their shards then
   */
  async renew(orders: RunOrders): Promise<boolean> {
    const [replaced] = await Promise.all([
      this.#redis.set(`${this.#name}:orders`, JSON.stringify(orders), 'PX', SILENT_MS, 'XX'),
      this.#redis.pexpire(`${this.#name}:outcomes`, STORED_MS),
    ])
    return replaced === 'OK'
  }

  /** Null if the run is over, or its coordinator died. */
  async orders(): Promise<RunOrders | null> {
    return this.#get('orders')
  }

  async report(index: number, report: AgentReport): Promise<void> {
    await this.#put('agents', index, report)
  }

  async reports(): Promise<Map<number, AgentReport>> {
    const found = await this.#redis.hgetall(`${this.#name}:agents`)
    return new Map(Object.entries(found).map(([index, text]) => [Number(index), JSON.parse(text)]))
  }

  async end(index: number, outcome: ShardOutcome): Promise<void> {
    await this.#put('outcomes', index, outcome)
  }

  /** Which shards have an outcome. Outcomes hold whole Results, so that they are loaded once, and not to poll. */
  async ended(): Promise<Set<number>> {
    return this.#indices('outcomes')
  }

  async outcomes(): Promise<Map<number, ShardOutcome>> {
    const found = new Map<number, ShardOutcome>()
    for (const [index, text] of await this.#texts('outcomes')) found.set(index, JSON.parse(text))
    return found
  }

  async show(index: number, result: Result): Promise<void> {
    await this.#put('snapshots', index, result)
  }

  /** Results so far, as JSON. */
  async snapshots(): Promise<Map<number, string>> {
    return this.#texts('snapshots')
  }

  async remove(): Promise<void> {
    const kinds = ['plan', 'orders', 'agents', 'outcomes', 'snapshots']
    await this.#redis.del(...kinds.map((kind) => `${this.#name}:${kind}`))
  }

  async #get<Value>(kind: string): Promise<Value | null> {
    const text = await this.#redis.get(`${this.#name}:${kind}`)
    return text === null ? null : JSON.parse(text)
  }

  async #put(kind: string, index: number, value: unknown): Promise<void> {
    const key = `${this.#name}:${kind}`
    await this.#redis.multi().hset(key, String(index), JSON.stringify(value)).pexpire(key, STORED_MS).exec()
  }

  async #indices(kind: string): Promise<Set<number>> {
    return new Set((await this.#redis.hkeys(`${this.#name}:${kind}`)).map(Number))
  }

  /** Loads some at a time: those of a thousand agents together would take longer than a command may. */
  async #texts(kind: string): Promise<Map<number, string>> {
    const indices = [...(await this.#indices(kind))]
    const found = new Map<number, string>()
    for (let i = 0; i < indices.length; i += LOADED_TOGETHER) {
      const some = indices.slice(i, i + LOADED_TOGETHER)
      const texts = await this.#redis.hmget(`${this.#name}:${kind}`, ...some.map(String))
      some.forEach((index, k) => {
        const text = texts[k]
        if (typeof text === 'string') found.set(index, text)
      })
    }
    return found
  }
}
