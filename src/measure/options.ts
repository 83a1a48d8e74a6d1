import { z } from 'zod'
import { type Duration, duration, nanoseconds, options, positiveDuration } from '../scenario/units.js'
import { abortSignal } from '../validation/realm.js'
import { throwFaults } from '../validation/validation-error.js'

/** How far a run is. */
export interface MeasureProgress {
  /** how much of the run is over, from 0 to 1: by time or by requests, as the run stops */
  fraction: number
  /** since time 0 */
  timeMs: number
  /** when the last request is due; null if a closed loop ends after a number of requests, however long that takes */
  endMs: number | null
  /** requests, those of the warm-up included */
  sent: number
  completed: number
  failed: number
  /**
   * Percentiles of latency so far, of the requests due in the window; null before any has completed. Reading them takes
   * a millisecond or more of this thread, which a target that is served in this process would be seen to wait for.
   */
  latencySoFar(): { p50Ms: number; p99Ms: number } | null
}

/** What is not data about a measurement. */
export interface MeasureOptions {
  /** Ends the run and its threads; `measure` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Called some ten times a second. Returning false ends the run early: no more requests are due, what is under way is
   * served, and the result says `interrupted`.
   */
  onProgress?: ((progress: MeasureProgress) => unknown) | undefined
  /**
   * What an idle server does: `sleep` until shortly before the next batch will leave, or `poll`, which keeps a core
   * busy. For a target in this process, the event loop sleeps, or turns all the time.
   *
   * @default 'sleep'
   */
  idle?: 'sleep' | 'poll' | undefined
  /**
   * How long before a batch will leave an idle server stops sleeping and spins, since a sleep ends some 0.1 ms late.
   * Longer is more exact, and takes more of a core. The event loop of a target in this process turns for this long on
   * top of the 1.2 ms that a timer may be late, for a fifth of the time at most; `0` is never.
   *
   * @default '60us', or 0 on a single core
   */
  spin?: Duration | undefined
  /**
   * How long a batch, a call or an HTTP request may take before its requests count as failed, and its signal is
   * aborted. Default 10s. A server thread that is still blocked a second later is ended, and serves no more; a target in
   * this process that blocks its thread cannot be ended.
   */
  batchTimeout?: Duration | undefined
  /** How long a target may take to load and set up, and to tear down: a handler, or connections. Default 60s. */
  setupTimeout?: Duration | undefined
  /** Reject with a MeasureError where the result is not valid. Default false. */
  throwOnInvalid?: boolean | undefined
}

/** How it is measured, whatever asks for it. */
export const knobs = {
  idle: z.enum(['sleep', 'poll'], { error: "must be 'sleep' or 'poll'" }).default('sleep'),
  spin: duration.optional(),
  batchTimeout: positiveDuration.default(10_000),
  setupTimeout: positiveDuration.default(60_000),
}

const schema = options({
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<MeasureOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
  ...knobs,
  throwOnInvalid: z.boolean({ error: 'must be true or false' }).default(false),
})

/** Options with their defaults filled in. */
export interface ResolvedOptions {
  signal: AbortSignal | undefined
  onProgress: MeasureOptions['onProgress']
  idle: 'sleep' | 'poll'
  spinNs: number
  batchTimeoutMs: number
  setupTimeoutMs: number
  throwOnInvalid: boolean
}

/**
 * Checks options and fills in their defaults.
 *
 * @param cores how many this process may use
 * @throws ValidationError naming the option, what was found there and what is accepted
 */
export function resolveOptions(given: MeasureOptions, cores: number): ResolvedOptions {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { signal, onProgress, idle, spin, batchTimeout, setupTimeout, throwOnInvalid } = parsed.data
  return {
    signal,
    onProgress,
    idle,
    spinNs: spin === undefined ? (cores === 1 ? 0 : SPIN_NS) : nanoseconds(spin),
    batchTimeoutMs: batchTimeout,
    setupTimeoutMs: setupTimeout,
    throwOnInvalid,
  }
}

/** A sleep ends late by about this much. */
const SPIN_NS = 60_000
