import { z } from 'zod'
import { batchingOption } from '../../scenario/batching.js'
import { queueOption, serversSchema } from '../../scenario/queue.js'
import type { ScenarioParts } from '../../scenario/scenario.js'
import { type Duration, options, positiveDuration, whole } from '../../scenario/units.js'
import { throwFaults } from '../../validation/validation-error.js'

export interface RecorderOptions {
  /** What it is called where several are told of together, in 1 to 100 characters. Default `'default'`. */
  name?: string | undefined
  /** How many batches can be served at a time, for utilization; null (the default) where that is not known or not limited. */
  servers?: number | null | undefined
  /** What the batcher goes by, as in a scenario, for `scenario()`; default one request at a time, and no limits. */
  batching?: ScenarioParts['batching']
  queue?: ScenarioParts['queue']
  /**
   * For how long a snapshot waits for the requests that are under way: it ends before the oldest of them, but no longer
   * ago than this. Whoever is under way for longer counts as `unfinished`. Default 10s.
   */
  drain?: Duration | undefined
  /** How many of the newest arrivals and batches `scenario()` is made from. Default 16,384. */
  keep?: number | undefined
  /**
   * Milliseconds, of 0 or more; while they go back, the recorder's time stands still. Default: `performance.now()`, which
   * fake timers of a test drive; another for virtual time.
   */
  clock?: (() => number) | undefined
}

export interface SnapshotOptions {
  /** How much of the time until now it is of, at most 5m; all of it, when left out. */
  last?: Duration | undefined
}

const MOST_KEPT = 2 ** 20
const LONGEST_WINDOW_MS = 300_000
const clockError = 'must be a function that returns milliseconds, such as performance.now'

/** What a recorder is called: it stands in every line of metrics. */
export const recorderName = z.custom<string>((value) => typeof value === 'string' && /^.{1,100}$/s.test(value), {
  error: 'must be text of 1 to 100 characters',
})

const schema = options({
  name: recorderName.default('default'),
  servers: serversSchema.nullable().default(null),
  batching: batchingOption,
  queue: queueOption,
  drain: positiveDuration.default(10_000),
  keep: whole(0, MOST_KEPT).default(16_384),
  clock: z.custom<() => number>((value) => typeof value === 'function', { error: clockError }).optional(),
})
export type ResolvedRecorderOptions = z.output<typeof schema>

const snapshotSchema = options({
  last: positiveDuration
    .refine((ms) => ms <= LONGEST_WINDOW_MS, { error: 'must be at most 5m; without it a snapshot is of all time' })
    .optional(),
})

/** Checks options and fills in their defaults. */
export function recorderOptions(given: RecorderOptions): ResolvedRecorderOptions {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'recorder', given)
  return asked.data
}

/** How much of the time until now a snapshot is of, in milliseconds; Infinity for all of it. */
export function lastOf(given: SnapshotOptions): number {
  const asked = snapshotSchema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'snapshot', given)
  return asked.data.last ?? Number.POSITIVE_INFINITY
}
