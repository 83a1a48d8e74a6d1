import type { Redis } from 'ioredis'
import { real } from '../../clock/real.js'
import { messageOf, ValidationError } from '../../validation/validation-error.js'
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

/** How long a coordinator tries to reach Redis. */
const TRIES = 5
const CONNECT_MS = 5000
/** How often a coordinator asks whether Redis answers, and for how long it may not: with the time to close it, some 10 s. */
const PING_MS = 500
const ANSWER_MS = 9500
const CLOSE_MS = 500
/** After what silence an agent connects again: longer than BullMQ's longest wait for a job, which is 10 s. */
const LOST_MS = 20_000

/** Connections that were closed because Redis no longer answered. */
const unanswered = new WeakSet<Redis>()
const SILENT = 'it did not answer for 10 s'

/** Whether Redis answered a command with an error, such as that its memory is full. */
const isRefused = (error: unknown) => error instanceof Error && error.name === 'ReplyError'

/**
 * Says what is wrong with Redis: that it refused a command, or that it is gone. Returns other errors as they are.
 *
 * @param then what agents do if it is gone
 */
export function redisError(error: unknown, connections: readonly Redis[], then: string): unknown {
  if (error instanceof ValidationError || error instanceof MeasureError) return error
  if (isRefused(error)) {
    // of a transaction
    const [first = error] = (error as { previousErrors?: unknown[] }).previousErrors ?? []
    return new MeasureError(`Redis refused a command: ${messageOf(first)}`, { cause: error })
  }
  if (connections.every(({ status }) => status === 'ready')) return error
  const why = connections.some((each) => unanswered.has(each)) ? SILENT : messageOf(error)
  return new MeasureError(`the connection to Redis was lost: ${why}; ${then}`, { cause: error })
}

/**
 * Connects to Redis.
 *
 * @param reconnect whether to reconnect and wait forever, as agents do
 * @param blocks whether commands wait for something, so that the connection does not notice that Redis no longer answers
 */
export async function connectRedis(url: string, { reconnect = false, blocks = false } = {}): Promise<Redis> {
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
    ...(reconnect && { socketTimeout: LOST_MS }),
    disconnectTimeout: CLOSE_MS,
    retryStrategy: (tries) => (reconnect || tries <= TRIES ? Math.min(200 * tries, 2000) : null),
  })
  // commands reject by themselves; a connection only says that it was closed, and this says why
  let reason: unknown = null
  redis.on('error', (error) => {
    reason = error
  })
  const stopAsking = closeIfSilent(redis)
  try {
    await redis.connect()
    if (reconnect || blocks) stopAsking()
    return redis
  } catch (error) {
    redis.disconnect()
    const why = unanswered.has(redis) ? SILENT : (reason ?? error)
    // a Redis without TLS waits for more of what it takes for a command
    const hint = url.startsWith('rediss:') && /ETIMEDOUT/.test(messageOf(why)) ? '; without TLS it is redis://' : ''
    throw new MeasureError(`cannot connect to Redis at ${withoutPassword(url)}: ${messageOf(why)}${hint}`, {
      cause: why,
    })
  }
}

/**
 * Closes a connection if Redis no longer answers, so that its commands reject. They have no time limits of their own: after this
 * process was stopped for a while, those would be over before the answers that came meanwhile are read. Here that is one ping.
 *
 * @returns a function that stops it
 */
function closeIfSilent(redis: Redis): () => void {
  let isWaiting = false
  let waitedMs = 0
  const timer = real.setInterval(() => {
    if (isWaiting) waitedMs += PING_MS
    else {
      isWaiting = true
      waitedMs = 0
      const answered = () => {
        isWaiting = false
      }
      redis.ping().then(answered, answered)
    }
    if (waitedMs < ANSWER_MS) return
    stop()
    unanswered.add(redis)
    redis.disconnect()
  }, PING_MS)
  timer.unref()
  const stop = () => real.clearInterval(timer)
  redis.once('end', stop)
  return stop
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
