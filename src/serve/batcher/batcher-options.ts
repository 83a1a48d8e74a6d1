import { z } from 'zod'
import { type Batching, batchingOf } from '../../scenario/batching.js'
import { buildPolicy, type Policy } from '../../scenario/batching-policy.js'
import { LONGEST_NS, nanoseconds } from '../../scenario/nanoseconds.js'
import { queueOption, threadsSchema } from '../../scenario/queue.js'
import type { ScenarioParts } from '../../scenario/scenario.js'
import { abortSignal, type Duration, duration, durationMs, options, positiveDuration } from '../../scenario/units.js'
import { isAbortSignal, isPlain } from '../../validation/realm.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { classNamesSchema, recorderName } from '../recorder/recorder-options.js'
import type { BatcherLimits } from './live-batcher.js'
import type { RecorderSink } from './recorder-sink.js'

/** Options of `createBatcher`: `batching`, `servers` and `queue` as in a scenario. */
export interface BatcherOptions extends Pick<ScenarioParts, 'servers' | 'queue'> {
  /**
   * How many calls a batch may hold, and how long its oldest call may wait for it to fill. A `maxWait` above 0 needs a
   * `maxBatchSize`; a `maxBatchSize` of null is no limit.
   *
   * @default { maxBatchSize: 32, maxWait: 0 } // an idle server takes the calls that are waiting, up to 32
   * @example { maxBatchSize: 16, maxWait: '2ms' }
   */
  batching?: ScenarioParts['batching']
  /**
   * How long a batch may take before its calls fail and the handler's `signal` is aborted. A thread that is still blocked
   * a second later is terminated and replaced. A function of this process may continue; its outputs are ignored.
   *
   * @default '10s'
   */
  batchTimeout?: Duration | undefined
  /**
   * How long a handler may take to load and set up, and to tear down.
   *
   * @default '60s'
   */
  setupTimeout?: Duration | undefined
  /**
   * For how long before a deadline or a timeout the event loop polls instead of setting a timer. A timer counts whole
   * milliseconds and may be one late. Polling is more exact, but keeps a core busy.
   *
   * @default 0 // if `maxWait` is below a millisecond, which no timer keeps: as long as `maxWait`
   */
  spin?: Duration | undefined
  /**
   * Name of its own recorder, in metrics.
   *
   * @default 'default'
   */
  name?: string | undefined
  /**
   * The names of the classes that calls may have, 1 to 64, for its own recorder. A call says its class by the option
   * `class` of `run`.
   *
   * @default no classes
   * @example ['checkout', 'browse']
   */
  classes?: readonly string[] | undefined
  /**
   * Records its requests instead of a recorder of its own, which is `batcher.recorder`: another Recorder, any
   * RecorderSink, or `false` for none.
   *
   * @default createRecorder({ name, servers, batching, queue, classes })
   */
  recorder?: RecorderSink | false | undefined
}

/** Larger than the 1 of a scenario, since a batcher that never batches is useless. */
const MAX_BATCH_SIZE = 32

const schema = options({
  batching: batchingOf(MAX_BATCH_SIZE),
  servers: threadsSchema.default(1),
  queue: queueOption,
  batchTimeout: positiveDuration.default(10_000),
  setupTimeout: positiveDuration.default(60_000),
  spin: duration.optional(),
  name: recorderName.optional(),
  classes: classNamesSchema.optional(),
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
  limits: BatcherLimits
  servers: number
  batchTimeoutMs: number
  setupTimeoutMs: number
  spinNs: number
  name: string | undefined
  classes: readonly string[] | undefined
  recorder: RecorderSink | false | undefined
}

/**
 * Checks options and fills in their defaults.
 *
 * @throws ValidationError if an option is invalid
 */
export function resolveBatcherOptions(given: BatcherOptions): ResolvedBatcherOptions {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, '', given)
  const { batching, servers, queue, batchTimeout, setupTimeout, spin, name, classes, recorder } = parsed.data
  for (const [option, value] of Object.entries({ name, classes })) {
    if (value === undefined || recorder === undefined) continue
    throw new ValidationError(option, `cannot be combined with recorder; pass the ${option} to createRecorder`)
  }
  const { maxWait } = batching
  if (maxWait === null) {
    throw new ValidationError(
      'batching.maxWait',
      'must be a duration, got null: a full batch may never come in a live service',
    )
  }
  return {
    batching,
    policy: buildPolicy(batching),
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
    classes,
    recorder,
  }
}

/** Options of one call of `run`. */
export interface RunOptions {
  /**
   * Aborts the call: it rejects with the signal's reason. A call that is waiting then never runs; a call that is being
   * served has its output dropped, while its batch continues.
   *
   * @default none
   */
  signal?: AbortSignal | undefined
  /**
   * How long the call may wait for a server; null for no limit.
   *
   * @default the `queue.timeout` of the batcher
   */
  timeout?: Duration | null | undefined
  /**
   * The class of the call, one of those of the batcher's recorder. Its latency, counts and outcome are recorded in it too,
   * and the handler gets it in `classes`.
   *
   * @default none; the recorder counts it in the class `other`
   * @example 'checkout'
   */
  class?: string | undefined
}

/** Options of `admit`. */
export type AdmitOptions = Pick<RunOptions, 'class'>

const classOption = z.string({ error: 'must be the name of a class' }).optional()
const admitSchema = options({ class: classOption })
const runSchema = options({
  signal: abortSignal.optional(),
  timeout: positiveDuration.nullable().optional(),
  class: classOption,
})

/**
 * Returns how long a call may wait, in nanoseconds; undefined if the queue's timeout applies. The usual options are checked
 * by hand, since the schema takes longer than the rest of a call.
 *
 * @throws ValidationError if an option is invalid
 */
export function timeoutNsOf(given: RunOptions): number | undefined {
  const { signal, timeout, class: className } = given ?? {}
  let isValid = isPlain(given) && (signal === undefined || isAbortSignal(signal))
  isValid &&= className === undefined || typeof className === 'string'
  for (const key in given) isValid &&= key === 'signal' || key === 'timeout' || key === 'class'
  if (isValid && timeout === undefined) return undefined
  if (isValid && timeout === null) return Number.POSITIVE_INFINITY
  const ns = nanoseconds(durationMs(timeout) ?? 0)
  if (isValid && ns >= 1 && ns < LONGEST_NS) return ns
  const parsed = runSchema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  return nanoseconds(parsed.data.timeout ?? 0)
}

/**
 * Returns the class of a call that `admit` is asked about; undefined if it has none.
 *
 * @throws ValidationError if an option is invalid
 */
export function admittedClassOf(given: AdmitOptions): string | undefined {
  const parsed = admitSchema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  return parsed.data.class
}

/**
 * Returns how long closing may take, in nanoseconds.
 *
 * @throws ValidationError if that is not a duration
 */
export function closeTimeoutNsOf(given: { timeout?: Duration | undefined }): number {
  const parsed = closeSchema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { timeout } = parsed.data
  return timeout === undefined ? Number.POSITIVE_INFINITY : nanoseconds(timeout)
}

const closeSchema = options({ timeout: duration.optional() })
