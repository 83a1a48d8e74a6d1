import { z } from 'zod'
import { type Batching, batchingOf, policyOf } from '../../scenario/batching.js'
import type { Policy } from '../../scenario/policy.js'
import { queueOption, serversSchema } from '../../scenario/queue.js'
import type { ScenarioParts } from '../../scenario/scenario.js'
import {
  type Duration,
  duration,
  durationMs,
  isPlain,
  LONGEST_NS,
  nanoseconds,
  options,
  positiveDuration,
} from '../../scenario/units.js'
import { abortSignal, isAbortSignal } from '../../validation/realm.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { recorderName } from '../recorder/recorder-options.js'
import type { Limits } from './live-batcher.js'
import type { RecorderSink } from './recorder-sink.js'

/** How a batcher batches: `batching`, `servers` and `queue` as in a scenario. */
export interface BatcherOptions extends Pick<ScenarioParts, 'servers' | 'queue'> {
  /**
   * How large a batch may be, and how long its oldest call may wait for it to fill. Default: up to 32 calls, none of which
   * waits: an idle server takes those that are there. A `maxWait` needs a `maxBatchSize`; null is no limit.
   */
  batching?: ScenarioParts['batching']
  /**
   * How long a batch may take before its calls fail; the handler's `signal` is aborted then. Default 10s. A thread that
   * is still blocked a second later is ended, and replaced; a function of this process that goes on regardless is not
   * waited for.
   */
  batchTimeout?: Duration | undefined
  /** How long a handler may take to load and set up, and to tear down. Default 60s. */
  setupTimeout?: Duration | undefined
  /**
   * For how long before a deadline or a timeout the event loop is turned rather than a timer set, which counts whole
   * milliseconds and may be one late. More exact, but it keeps a core busy meanwhile. Default: 0, but for a `maxWait`
   * below a millisecond, which no timer keeps, as long as that.
   */
  spin?: Duration | undefined
  /** What its own recorder is called, where several are told of together. Default `'default'`. */
  name?: string | undefined
  /** What is told of every request, instead of a recorder of its own, which is `batcher.recorder`; `false` for none. */
  recorder?: RecorderSink | false | undefined
}

/** How many calls a batch of a batcher takes at most, if it is not said: a batcher that never batches helps nobody. */
const MAX_BATCH_SIZE = 32

const schema = options({
  batching: batchingOf(MAX_BATCH_SIZE),
  servers: serversSchema.default(1),
  queue: queueOption,
  batchTimeout: positiveDuration.default(10_000),
  setupTimeout: positiveDuration.default(60_000),
  spin: duration.optional(),
  name: recorderName.optional(),
  recorder: z
    .custom<RecorderSink | false>((value) => value === false || isRecorderSink(value), {
      error: 'must be a recorder, or false for none',
    })
    .optional(),
})

const isRecorderSink = (value: unknown) => typeof (value as RecorderSink | null)?.arrived === 'function'

/** Options with their defaults filled in. */
export interface ResolvedBatcherOptions {
  batching: Batching
  policy: Policy
  limits: Limits
  servers: number
  batchTimeoutMs: number
  setupTimeoutMs: number
  spinNs: number
  name: string | undefined
  recorder: RecorderSink | false | undefined
}

/**
 * Checks options and fills in their defaults.
 *
 * @throws ValidationError naming the option, what was found there and what is accepted
 */
export function resolveBatcherOptions(given: BatcherOptions): ResolvedBatcherOptions {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, '', given)
  const { batching, servers, queue, batchTimeout, setupTimeout, spin, name, recorder } = parsed.data
  if (name !== undefined && recorder !== undefined) {
    throw new ValidationError('name', 'is what its own recorder is called; give another its name where it is made')
  }
  const { maxWait } = batching
  if (maxWait === null) {
    throw new ValidationError(
      'batching.maxWait',
      'null waits for a full batch, which in a live service may never come; give a duration',
    )
  }
  refuseWaitAlone(given.batching)
  return {
    batching,
    policy: policyOf(batching),
    limits: {
      capacity: queue.capacity ?? Number.POSITIVE_INFINITY,
      timeoutNs: queue.timeout === null ? Number.POSITIVE_INFINITY : nanoseconds(queue.timeout),
      batchTimeoutNs: nanoseconds(batchTimeout),
    },
    servers,
    batchTimeoutMs: batchTimeout,
    setupTimeoutMs: setupTimeout,
    spinNs: spin === undefined ? (maxWait < 1 ? nanoseconds(maxWait) : 0) : nanoseconds(spin),
    name,
    recorder,
  }
}

/** What a call of `run` may say. */
export interface RunOptions {
  /**
   * Gives the call up, with the signal's reason. One that waits never runs; of one that is being served the answer is
   * dropped, for its batch goes on.
   */
  signal?: AbortSignal | undefined
  /** How long it may wait for a server, instead of `queue.timeout`; null for as long as it takes. */
  timeout?: Duration | null | undefined
}

const runSchema = options({
  signal: abortSignal.optional(),
  timeout: positiveDuration.nullable().optional(),
})

/**
 * How long a call may wait, in nanoseconds; undefined where nothing is said of it.
 *
 * @throws ValidationError naming the option, what was found there and what is accepted
 */
export function timeoutNsOf(given: RunOptions): number | undefined {
  const { signal, timeout } = given ?? {}
  let known = isPlain(given) && (signal === undefined || isAbortSignal(signal))
  for (const key in given) known &&= key === 'signal' || key === 'timeout'
  if (known && timeout === undefined) return undefined
  if (known && timeout === null) return Number.POSITIVE_INFINITY
  const ns = nanoseconds(durationMs(timeout) ?? 0)
  if (known && ns >= 1 && ns < LONGEST_NS) return ns
  const parsed = runSchema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  return nanoseconds(parsed.data.timeout ?? 0)
}

/**
 * How long closing may take, in nanoseconds.
 *
 * @throws ValidationError where that is no duration
 */
export function closeTimeoutNsOf(given: { timeout?: Duration | undefined }): number {
  const parsed = closeSchema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { timeout } = parsed.data
  return timeout === undefined ? Number.POSITIVE_INFINITY : nanoseconds(timeout)
}

const closeSchema = options({ timeout: duration.optional() })

/** To wait for others is to want a batch: of how many must be said. */
function refuseWaitAlone(batching: BatcherOptions['batching']): void {
  if (batching === undefined || batching.maxBatchSize !== undefined || batching.maxWait === undefined) return
  if (batching.maxWait !== null && durationMs(batching.maxWait) === 0) return
  throw new ValidationError(
    'batching.maxBatchSize',
    'is required with maxWait: how many calls a batch takes at most, such as 32; null for any number',
  )
}
