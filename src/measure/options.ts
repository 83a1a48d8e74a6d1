import { z } from 'zod'
import type { Result } from '../result/result.js'
import type { Shard } from '../scenario/arrivals/shard.js'
import { nanoseconds } from '../scenario/nanoseconds.js'
import { abortSignal, type Duration, duration, options, positiveDuration, whole } from '../scenario/units.js'
import { throwFaults } from '../validation/validation-error.js'

/** The progress of a run. */
export interface MeasureProgress {
  /** the part of the run that is done, from 0 to 1: by time or by requests, depending on how the run stops */
  fraction: number
  /** milliseconds since the start of the run */
  timeMs: number
  /** when the last request is due, in milliseconds; null for a closed loop that ends after a number of requests */
  endMs: number | null
  /** requests so far, including the warm-up */
  sent: number
  completed: number
  failed: number
  /**
   * Reads percentiles of latency so far, of the requests due in the window; null until one has completed. This blocks the
   * thread for a millisecond or more, which adds to the latency of a target in this process.
   */
  latencySoFar(): { p50Ms: number; p99Ms: number } | null
  /**
   * Makes a Result of the requests due in the window that have been answered so far; null until one has completed. The
   * finding `in-progress` reports those in flight, which are in no figure yet. A thread of its own makes it, so that it
   * delays no request.
   */
  resultSoFar(): Promise<Result | null>
}

/** The same as plain data. */
export type ProgressFigures = Omit<MeasureProgress, 'latencySoFar' | 'resultSoFar'>

/** The options of `measure`. */
export interface MeasureOptions {
  /**
   * Ends the run and its threads when aborted; `measure` then rejects with the signal's reason.
   *
   * @default none
   */
  signal?: AbortSignal | undefined
  /**
   * Called about ten times a second. Returning false ends the run early: no more requests become due, those in flight are
   * served, and the result has the finding `interrupted`.
   *
   * @default none
   */
  onProgress?: ((progress: MeasureProgress) => unknown) | undefined
  /**
   * Sends only a part of the requests, so that several machines can send them together: shard `index` of `count`, from 1.
   * All shards together send the very requests that one machine would send at this seed, each with its number and its due
   * time in the whole stream; the clients of a closed loop are divided. Servers, connections and the limits of the queue are
   * those of each machine. `mergeResults` merges the results.
   *
   * @default all requests
   * @example { index: 2, count: 5 }
   */
  shard?: Shard | undefined
  /**
   * Sends an `http` scenario from `count` agents, started with `throughline agent --redis`, each of which sends a shard. They
   * start at one instant by the clock of Redis. Needs the packages bullmq and ioredis. The scenario, with its headers and the
   * rows of its files, is stored in Redis until the run is over.
   *
   * @default this process sends all requests
   */
  agents?: { redis: string; count: number } | undefined
  /**
   * What an idle server does: `sleep` until shortly before the next batch leaves, or `poll`, which keeps a core busy. For
   * a target in this process, the event loop sleeps or polls.
   *
   * @default 'sleep'
   */
  idle?: 'sleep' | 'poll' | undefined
  /**
   * How long before a batch leaves an idle server stops sleeping and spins, since a sleep ends about 0.1 ms late. A longer
   * spin is more exact and uses more CPU. For a target in this process, the event loop polls for this long plus the 1.2 ms
   * that a timer may be late, for at most a fifth of the time; `0` never spins.
   *
   * @default '60us', or 0 on a single core
   */
  spin?: Duration | undefined
  /**
   * How long a batch, a call or an HTTP request may take. After that its requests count as failed and its signal is
   * aborted. A server thread that is still blocked a second later is terminated; a target in this process that blocks its
   * thread cannot be terminated.
   *
   * @default '10s'
   */
  batchTimeout?: Duration | undefined
  /**
   * How long a target may take to load and set up, and to tear down.
   *
   * @default '60s'
   */
  setupTimeout?: Duration | undefined
  /**
   * Whether to reject with a MeasureError if the result is invalid.
   *
   * @default false
   */
  throwOnInvalid?: boolean | undefined
}

/** The option `agents`: the URL of their Redis, and how many there are. */
export type AgentsOption = NonNullable<MeasureOptions['agents']>

/** The options that every function that measures accepts. */
export const sharedOptions = {
  idle: z.enum(['sleep', 'poll'], { error: "must be 'sleep' or 'poll'" }).default('sleep'),
  spin: duration.optional(),
  batchTimeout: positiveDuration.default(10_000),
  setupTimeout: positiveDuration.default(60_000),
}

/** More machines than this do not share a run. */
const MOST_SHARDS = 10_000
const shardOption = options({ index: whole(1, MOST_SHARDS), count: whole(1, MOST_SHARDS) }).refine(
  ({ index, count }) => index <= count,
  { path: ['index'], error: 'must be at most the count of shards' },
)

const schema = options({
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<MeasureOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
  shard: shardOption.optional(),
  ...sharedOptions,
  agents: z.undefined().optional(),
  throwOnInvalid: z.boolean({ error: 'must be true or false' }).default(false),
})

const redisError = 'must be the URL of a Redis, such as redis://host:6379'
const REDIS = /^rediss?:\/\//
/** The URL of a Redis, with or without TLS. */
export const redisUrl = z
  .string({ error: redisError })
  .regex(REDIS, { error: redisError })
  // it may have a password
  .refine((url) => !REDIS.test(url) || URL.canParse(url), {
    error: 'is not a valid URL; check its host and port, and encode special characters of a password, such as # as %23',
    params: { hidesValue: true },
  })

/**
 * Parses the URL of a Redis.
 *
 * @param name the option that has it, for errors
 * @throws ValidationError if it is invalid
 */
export function parseRedisUrl(url: unknown, name: string): string {
  const parsed = redisUrl.safeParse(url)
  if (!parsed.success) throwFaults(parsed.error, name, url)
  return parsed.data
}

const agentsSchema = options({
  redis: redisUrl,
  count: whole(1, MOST_SHARDS),
})

/**
 * Parses the option `agents`.
 *
 * @throws ValidationError naming it
 */
export function parseAgents(agents: unknown): AgentsOption {
  const parsed = agentsSchema.safeParse(agents)
  if (!parsed.success) throwFaults(parsed.error, 'options.agents', agents)
  return parsed.data
}

/** The options with their defaults filled in. */
export interface ResolvedOptions {
  signal: AbortSignal | undefined
  onProgress: MeasureOptions['onProgress']
  /** null sends all requests */
  shard: Shard | null
  idle: 'sleep' | 'poll'
  spinNs: number
  batchTimeoutMs: number
  setupTimeoutMs: number
  throwOnInvalid: boolean
}

/**
 * Checks options and fills in their defaults.
 *
 * @param cores how many cores this process may use
 * @throws ValidationError naming the option, its value and what is accepted
 */
export function resolveOptions(given: MeasureOptions, cores: number): ResolvedOptions {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { signal, onProgress, shard = null, idle, spin, batchTimeout, setupTimeout, throwOnInvalid } = parsed.data
  return {
    signal,
    onProgress,
    shard,
    idle,
    spinNs: spin === undefined ? (cores === 1 ? 0 : SPIN_NS) : nanoseconds(spin),
    batchTimeoutMs: batchTimeout,
    setupTimeoutMs: setupTimeout,
    throwOnInvalid,
  }
}

/** A sleep ends about this late. */
const SPIN_NS = 60_000
