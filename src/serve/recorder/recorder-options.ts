import { z } from 'zod'
import { batchingOption } from '../../scenario/batching.js'
import { faultOfClassCount, faultOfClassName } from '../../scenario/classes.js'
import { type GoodInput, goodSchema } from '../../scenario/good.js'
import { queueOption, threadsSchema } from '../../scenario/queue.js'
import type { ScenarioParts } from '../../scenario/scenario.js'
import { RESPONSE_TIMES, type ResponseTime } from '../../scenario/times.js'
import { type Duration, options, positiveDuration, whole } from '../../scenario/units.js'
import { throwFaults } from '../../validation/validation-error.js'

/** Options of `createRecorder`. */
export interface RecorderOptions {
  /**
   * Name in metrics, in 1 to 100 characters.
   *
   * @default 'default'
   */
  name?: string | undefined
  /**
   * Number of batches that can be served at a time, for utilization; null if it is unknown or unlimited.
   *
   * @default null
   */
  servers?: number | null | undefined
  /**
   * Batching policy of the service, as in a scenario, for `scenario()`.
   *
   * @default { maxBatchSize: 1, maxWait: 0 }
   */
  batching?: ScenarioParts['batching']
  /**
   * Queue limits of the service, as in a scenario, for `scenario()`.
   *
   * @default { capacity: null, timeout: null }
   */
  queue?: ScenarioParts['queue']
  /**
   * The longest times of a good request, as in a scenario but without `first` and `between`; snapshots then have their
   * `goodput`.
   *
   * @default no goodput
   * @example { latency: '100ms', queueing: '20ms' }
   */
  good?: Omit<GoodInput, ResponseTime> | undefined
  /**
   * The names of the classes of requests, 1 to 64, such as the endpoints of a service. Snapshots then have the latency, counts
   * and goodput of each. Requests that are given no class are of the class `other`.
   *
   * @default no classes
   * @example ['checkout', 'browse']
   */
  classes?: readonly string[] | undefined
  /**
   * How far back the window of a snapshot may end, to end before the oldest request in flight. Requests in flight for
   * longer count as `unfinished`.
   *
   * @default '10s'
   */
  drain?: Duration | undefined
  /**
   * How many of the newest arrivals and batches to keep for `scenario()`.
   *
   * @default 16_384
   */
  keep?: number | undefined
  /**
   * Clock in milliseconds from 0, for tests in virtual time. If it goes back, the recorder's time stands still.
   *
   * @default performance.now, which fake timers replace
   */
  clock?: (() => number) | undefined
}

/** Options of a recorder's `snapshot`. */
export interface SnapshotOptions {
  /**
   * Length of the window, at most 5m.
   *
   * @default all time since the recorder was made
   */
  last?: Duration | undefined
}

/** The classes of requests, by name. */
export const classNamesSchema = z
  .array(z.string({ error: 'must be the name of a class' }), {
    error: "must be a list of names, such as ['checkout', 'browse']",
  })
  .superRefine((names, context) => {
    const add = (message: string | null, path: number[]) => {
      if (message !== null) context.issues.push({ code: 'custom', message, input: names, path })
    }
    const fault = faultOfClassCount(names.length)
    if (fault !== null) {
      add(fault, [])
      return
    }
    names.forEach((name, i) => {
      add(faultOfClassName(name), [i])
      if (names.indexOf(name) < i) add('must be listed once', [i])
    })
  })

const MOST_KEPT = 2 ** 20
const LONGEST_WINDOW_MS = 300_000
const clockError = 'must be a function that returns milliseconds, such as performance.now'

/** The name of a recorder, which every line of metrics has. */
export const recorderName = z.custom<string>((value) => typeof value === 'string' && /^.{1,100}$/s.test(value), {
  error: 'must be a string of 1 to 100 characters',
})

/** A recorder is not notified when responses begin. */
const recordedGoodSchema = goodSchema.superRefine((given, context) => {
  const time = RESPONSE_TIMES.find((each) => given[each] !== undefined)
  if (time === undefined) return
  context.issues.push({
    code: 'custom',
    message: 'is not recorded for live requests: a recorder does not know when responses begin',
    input: given[time],
    path: [time],
  })
})

const schema = options({
  name: recorderName.default('default'),
  servers: threadsSchema.nullable().default(null),
  batching: batchingOption,
  queue: queueOption,
  good: recordedGoodSchema.optional(),
  classes: classNamesSchema.default([]),
  drain: positiveDuration.default(10_000),
  keep: whole(0, MOST_KEPT).default(16_384),
  clock: z.custom<() => number>((value) => typeof value === 'function', { error: clockError }).optional(),
})
export type ResolvedRecorderOptions = z.output<typeof schema>

const snapshotSchema = options({
  last: positiveDuration
    .refine((ms) => ms <= LONGEST_WINDOW_MS, { error: 'must be at most 5m; omit it for all time since the start' })
    .optional(),
})

/** Checks options and fills in their defaults. */
export function recorderOptions(given: RecorderOptions): ResolvedRecorderOptions {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'recorder', given)
  return asked.data
}

/** The length of a snapshot's window in milliseconds; Infinity for all time. */
export function lastOf(given: SnapshotOptions): number {
  const asked = snapshotSchema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'snapshot', given)
  return asked.data.last ?? Number.POSITIVE_INFINITY
}
