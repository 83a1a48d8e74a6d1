import { z } from 'zod'
import { throwFaults } from '../scenario/error.js'
import { abortSignal } from '../scenario/realm.js'
import { type Duration, duration, nanoseconds, options, positiveDuration } from '../scenario/units.js'

/** How far a run is. */
export interface MeasureProgress {
  /** how much of it has been sent, from 0 to 1: by time or by requests, as the run stops */
  share: number
  /** since time 0 */
  timeMs: number
  /** when sending is to be over; null where a closed loop is to send so many requests, however long that takes */
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
   * Called some ten times a second. Returning false ends the run early: nothing more is sent, what is under way is
   * served, and the result says `interrupted`.
   */
  onProgress?: ((progress: MeasureProgress) => unknown) | undefined
  /**
   * What an idle server does: `sleep` (the default) takes some 0.1 ms to wake, `poll` none, but takes a whole core. For
   * a target in this process it is the event loop that sleeps, or turns all the time.
   */
  idle?: 'sleep' | 'poll' | undefined
  /**
   * For how long before a request is due the generator reads the clock rather than sleep, and a server, or the event
   * loop of a target in this process, before a batch's deadline. Longer is more exact, and takes more of a core.
   * Default: 250us where a core is left for the generator, 50us where the servers take all of them, 0 on a single core.
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
export interface NormalOptions {
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
 * @param cores how many the machine has
 * @throws ScenarioError naming the option, what was found there and what is accepted
 */
export function normaliseOptions(given: MeasureOptions, servers: number, cores: number): NormalOptions {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { signal, onProgress, idle, spin, batchTimeout, setupTimeout, throwOnInvalid } = parsed.data
  return {
    signal,
    onProgress,
    idle,
    spinNs: spin === undefined ? defaultSpinNs(servers, cores) : nanoseconds(spin),
    batchTimeoutMs: batchTimeout,
    setupTimeoutMs: setupTimeout,
    throwOnInvalid,
  }
}

/** A generator that spins takes a core: that is honest only where it does not take it from a server. */
function defaultSpinNs(servers: number, cores: number): number {
  return cores === 1 ? 0 : cores > servers ? 250_000 : 50_000
}
