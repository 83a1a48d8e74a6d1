import { deserialize, serialize } from 'node:v8'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Redis } from 'ioredis'
import { VERSION } from '../../measure/agents/protocol.js'
import { ALIVE_MS, APPEAR, BEGIN, FOLLOW, HAND_BACK, PRESENT, REPORT } from './scripts.js'

/** The queue of jobs, each of them one simulation. */
export const QUEUE = 'throughline-simulations'
/** The same seed gives the same bytes only on one version of Node and one architecture. */
export const ENGINE = `throughline ${VERSION} on Node ${process.versions.node} (${process.arch})`

/** A job: one task of a run. */
export interface TaskJob {
  engine: string
  run: string
  /** the name of its kind */
  kind: string
  index: number
  /** how many tasks the run has */
  count: number
  /** the number of its argument; tasks may share one */
  argument: number
}

/** What an agent answers to a job. */
export type TaskOutcome = { index: number } & (
  | { report: object }
  /** the agent is of another version, or its thread ended */
  | { error: string }
  /** how many agents began the task, and died */
  | { deaths: number }
)

/** What the coordinator wants of the agents of a run: to simulate, or to end early with what there is. */
export type TaskOrders = 'run' | 'end'

/** How often agents and the coordinator report to each other. */
export const REPORT_MS = 500
/** How many agents may die of a task before it is given up. */
export const MOST_DEATHS = 3

/** Packs a value as threads would get it, which JSON cannot: a recording has maps and typed arrays. */
export const pack = (value: unknown): Buffer => deflateRawSync(serialize(value), { level: 1 })
export const unpack = (bytes: Uint8Array): unknown => deserialize(inflateRawSync(bytes))

/** The keys of a run of tasks in Redis. All of them expire when its coordinator dies. */
export class TaskKeys {
  readonly #redis: Redis
  readonly #orders: string
  readonly #arguments: string
  readonly #begun: string
  readonly #fractions: string
  readonly #reports: string

  constructor(redis: Redis, run: string) {
    this.#redis = redis
    const name = `throughline:simulations:${run}`
    this.#orders = `${name}:orders`
    this.#arguments = `${name}:arguments`
    this.#begun = `${name}:begun`
    this.#fractions = `${name}:fractions`
    this.#reports = `${name}:reports`
  }

  get #all(): string[] {
    return [this.#orders, this.#arguments, this.#begun, this.#fractions, this.#reports]
  }

  async order(orders: TaskOrders): Promise<void> {
    await this.#redis.set(this.#orders, orders, 'PX', ALIVE_MS)
  }

  /** @param packed the arguments, by number */
  async store(packed: ReadonlyMap<number, Buffer>): Promise<void> {
    const fields = [...packed].flatMap(([number, bytes]) => [String(number), bytes])
    await this.#redis
      .multi()
      .hset(this.#arguments, ...fields)
      .pexpire(this.#arguments, ALIVE_MS)
      .exec()
  }

  /** Keeps the run alive; false if it had expired, so that agents may have dropped its jobs. */
  async renew(): Promise<boolean> {
    // a Redis whose memory is full refuses them in a transaction
    const commands = this.#redis.pipeline()
    for (const key of this.#all) commands.pexpire(key, ALIVE_MS)
    const [orders] = (await commands.exec()) ?? []
    return orders?.[1] === 1
  }

  /** How much is done of the tasks that run, by index. */
  async fractions(): Promise<Map<number, number>> {
    const found = await this.#redis.hgetall(this.#fractions)
    return new Map(Object.entries(found).map(([index, fraction]) => [Number(index), Number(fraction)]))
  }

  /** Waits up to `REPORT_MS` for an outcome, on a connection of its own. */
  async nextOutcome(blocking: Redis): Promise<TaskOutcome | null> {
    const [, packed] = (await blocking.blpopBuffer(this.#reports, REPORT_MS / 1000)) ?? []
    return packed === undefined ? null : (unpack(packed) as TaskOutcome)
  }

  async remove(): Promise<void> {
    await this.#redis.del(...this.#all)
  }

  /** Begins a task: the orders, how many agents have begun it, and its argument. Null if the run is over. */
  async begin(job: TaskJob): Promise<{ orders: TaskOrders; begun: number; argument: Buffer } | null> {
    const keys = [this.#orders, this.#begun, this.#arguments]
    const answer = await this.#redis.callBuffer('EVAL', BEGIN, 3, ...keys, job.index, job.argument)
    const [orders, begun, argument] = (answer ?? []) as (Buffer | null | undefined)[]
    if (orders == null || begun == null || argument == null) return null
    return { orders: String(orders) as TaskOrders, begun: Number(String(begun)), argument }
  }

  /** Takes back that a task was begun. */
  async handBack(index: number): Promise<void> {
    await this.#redis.eval(HAND_BACK, 2, this.#orders, this.#begun, index)
  }

  /** Reports how much of tasks is done; null if the run is over, or its coordinator died. */
  async follow(fractions: ReadonlyMap<number, number>): Promise<TaskOrders | null> {
    const fields = [...fractions].flat()
    return (await this.#redis.eval(FOLLOW, 2, this.#orders, this.#fractions, ...fields)) as TaskOrders | null
  }

  /** @param packed the outcome */
  async report(index: number, packed: Uint8Array): Promise<void> {
    const keys = [this.#orders, this.#fractions, this.#reports]
    await this.#redis.callBuffer(
      'EVAL',
      REPORT,
      3,
      ...keys,
      index,
      Buffer.from(packed.buffer, packed.byteOffset, packed.length),
    )
  }
}

/** An agent that is there. */
export interface PresentAgent {
  id: string
  name: string
  /** how many simulations it runs at a time */
  threads: number
}

const AGENTS = 'throughline:agents'

/** Says that an agent is there, by the clock of Redis; it has to repeat it. */
export async function appear(redis: Redis, agent: PresentAgent): Promise<void> {
  await redis.eval(APPEAR, 1, AGENTS, JSON.stringify(agent))
}

export async function disappear(redis: Redis, agent: PresentAgent): Promise<void> {
  await redis.zrem(AGENTS, JSON.stringify(agent))
}

/** The agents that are there. */
export async function presentAgents(redis: Redis): Promise<PresentAgent[]> {
  const found = (await redis.eval(PRESENT, 1, AGENTS)) as string[]
  return found.map((text) => JSON.parse(text))
}
