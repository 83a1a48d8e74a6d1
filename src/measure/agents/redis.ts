import type { Redis } from 'ioredis'
import { messageOf } from '../../validation/validation-error.js'
import { MeasureError } from '../error.js'

const MISSING = 'agents need the packages bullmq and ioredis: npm install bullmq ioredis'

/** Loads bullmq, an optional peer, on first use. */
export async function loadBullmq(): Promise<typeof import('bullmq')> {
  try {
    return await import('bullmq')
  } catch (error) {
    throw new MeasureError(`${MISSING} (${messageOf(error)})`, { cause: error })
  }
}

/** How long a coordinator tries to reach Redis, and waits for an answer. */
const TRIES = 5
const CONNECT_MS = 5000
const ANSWER_MS = 10_000
/** After what silence an agent connects again: longer than BullMQ's longest wait for a job, which is 10 s. */
const LOST_MS = 20_000

/** Whether Redis did not answer, though it is connected. */
export const isNoAnswer = (error: unknown) => messageOf(error) === 'Command timed out'

/** Whether Redis answered a command with an error, such as that its memory is full. */
export const isRefused = (error: unknown) => error instanceof Error && error.name === 'ReplyError'

/** @param reconnect whether to reconnect and wait forever, as agents do */
export async function connectRedis(url: string, { reconnect = false } = {}): Promise<Redis> {
  let Client: typeof Redis
  try {
    Client = (await import('ioredis')).Redis
  } catch (error) {
    throw new MeasureError(`${MISSING} (${messageOf(error)})`, { cause: error })
  }
  const redis = new Client(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: reconnect ? null : 3,
    ...(reconnect ? { socketTimeout: LOST_MS } : { commandTimeout: ANSWER_MS }),
    retryStrategy: (tries) => (reconnect || tries <= TRIES ? Math.min(200 * tries, 2000) : null),
  })
  // commands reject by themselves; a connection only says that it was closed, and this says why
  let reason: unknown = null
  redis.on('error', (error) => {
    reason = error
  })
  try {
    await redis.connect()
    return redis
  } catch (error) {
    redis.disconnect()
    const why = reason ?? error
    throw new MeasureError(`cannot connect to Redis at ${withoutPassword(url)}: ${messageOf(why)}`, { cause: why })
  }
}

/** A URL as errors show it. */
export function withoutPassword(url: string): string {
  try {
    const { protocol, host } = new URL(url)
    return `${protocol}//${host}`
  } catch {
    return 'an invalid URL'
  }
}

/** The clock of Redis as this process estimates it. All machines of a run share it, however wrong their own clocks are. */
export class RedisClock {
  readonly #offsetNs: bigint
  /** by how much the estimate may be wrong: half of the shortest round trip */
  readonly errorMs: number

  private constructor(offsetNs: bigint, errorMs: number) {
    this.#offsetNs = offsetNs
    this.errorMs = errorMs
  }

  static async estimate(redis: Redis): Promise<RedisClock> {
    let best = { offsetNs: 0n, roundTripNs: -1n }
    for (let i = 0; i < SAMPLES; i++) {
      const sentNs = process.hrtime.bigint()
      const [seconds, micros] = (await redis.time()) as unknown as [string, string]
      const backNs = process.hrtime.bigint()
      const roundTripNs = backNs - sentNs
      if (best.roundTripNs >= 0n && roundTripNs >= best.roundTripNs) continue
      const redisNs = BigInt(seconds) * 1_000_000_000n + BigInt(micros) * 1000n
      best = { offsetNs: redisNs - (sentNs + backNs) / 2n, roundTripNs }
    }
    return new RedisClock(best.offsetNs, Number(best.roundTripNs) / 2e6)
  }

  /** milliseconds since 1970, by the clock of Redis */
  nowMs(): number {
    return Number((process.hrtime.bigint() + this.#offsetNs) / 1000n) / 1000
  }

  /** The time of `process.hrtime.bigint()` at a time of Redis. */
  localNs(redisMs: number): bigint {
    return BigInt(Math.round(redisMs * 1000)) * 1000n - this.#offsetNs
  }
}
const SAMPLES = 15
