import type { Redis } from 'ioredis'
import type { Result } from '../../result/result.js'
import type { Scenario } from '../../scenario/scenario.js'
import type { MeasureOptions } from '../options.js'

/** The queue of jobs, each of them one shard of a run. An agent takes one at a time. */
export const QUEUE = 'throughline-agents'
/** Agents of another version may understand jobs differently. */
export const PROTOCOL = 1

/** A job: one shard of a run. */
export interface ShardJob {
  protocol: number
  run: string
  index: number
  count: number
  scenario: Scenario
  options: Pick<MeasureOptions, 'idle' | 'spin' | 'batchTimeout' | 'setupTimeout'>
}

/** What an agent reports twice a second. */
export interface AgentReport {
  name: string
  phase: 'ready' | 'running' | 'done'
  /** when, by the clock of Redis */
  atMs: number
  clockErrorMs: number
  progress: {
    fraction: number
    timeMs: number
    endMs: number | null
    sent: number
    completed: number
    failed: number
  } | null
}

export type Outcome = { result: Result } | { error: string }

/** What the coordinator wants of all agents of a run. */
export interface RunOrders {
  /** time 0, by the clock of Redis; absent until all agents are ready */
  startMs?: number
  /** whether to end early with what there is, or at once */
  end?: 'interrupt' | 'abort'
  /** whether somebody wants to see results of the run so far */
  watched?: boolean
}

/** How often agents and the coordinator report to each other, and after what silence the other counts as dead. */
export const REPORT_MS = 500
export const SILENT_MS = 5000

/** The keys of a run in Redis, which expire if nobody removes them. */
export class RunKeys {
  readonly #redis: Redis
  readonly #name: string

  constructor(redis: Redis, run: string) {
    this.#redis = redis
    this.#name = `throughline:run:${run}`
  }

  /** The coordinator reports that it lives, and what agents should do. */
  async coordinate(state: RunOrders): Promise<void> {
    await this.#redis.set(`${this.#name}:state`, JSON.stringify(state), 'PX', SILENT_MS)
  }

  /** Null if the coordinator is gone. */
  async state(): Promise<RunOrders | null> {
    const text = await this.#redis.get(`${this.#name}:state`)
    return text === null ? null : JSON.parse(text)
  }

  async report(index: number, report: AgentReport): Promise<void> {
    await this.#put('agents', index, report)
  }

  async reports(): Promise<Map<number, AgentReport>> {
    return this.#all('agents')
  }

  async end(index: number, outcome: Outcome): Promise<void> {
    await this.#put('outcomes', index, outcome)
  }

  async show(index: number, result: Result): Promise<void> {
    await this.#put('snapshots', index, result)
  }

  async snapshots(): Promise<Map<number, Result>> {
    return this.#all('snapshots')
  }

  async outcomes(): Promise<Map<number, Outcome>> {
    return this.#all('outcomes')
  }

  async remove(): Promise<void> {
    await this.#redis.del(...['state', 'agents', 'outcomes', 'snapshots'].map((each) => `${this.#name}:${each}`))
  }

  async #put(kind: string, index: number, value: unknown): Promise<void> {
    const key = `${this.#name}:${kind}`
    await this.#redis.multi().hset(key, String(index), JSON.stringify(value)).expire(key, KEPT_S).exec()
  }

  async #all<Value>(kind: string): Promise<Map<number, Value>> {
    const found = await this.#redis.hgetall(`${this.#name}:${kind}`)
    return new Map(Object.entries(found).map(([index, text]) => [Number(index), JSON.parse(text)]))
  }
}
const KEPT_S = 600
