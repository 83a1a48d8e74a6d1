import { z } from 'zod'
import { type Duration, options, positiveDuration } from '../../scenario/units.js'
import { show, throwFaults, ValidationError } from '../../validation/validation-error.js'
import type { Recorder } from '../recorder/recorder.js'

/** One recorder, or several that are told apart by their names. */
export type Recorders = Recorder | readonly Recorder[]

export interface ExportOptions {
  /** The upper bounds of histogram buckets, rising. Default 19 from 50us to 60s. */
  bounds?: readonly Duration[] | undefined
}

/** Fine enough for what takes less than a millisecond, and long enough for a minute. */
const BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000]

const schema = options({
  bounds: z.array(positiveDuration, { error: 'must be a list of durations, rising' }).default(BOUNDS_MS),
})

const isRecorder = (value: unknown) =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Recorder>).totals === 'function'

/**
 * What is exported, and by which bounds in milliseconds.
 *
 * @throws ValidationError if something is not a recorder, two have the same name, or a bound is not a duration
 */
export function exported(given: Recorders, options: ExportOptions): { recorders: Recorder[]; boundsMs: number[] } {
  const asked = schema.safeParse(options)
  if (!asked.success) throwFaults(asked.error, 'options', options)
  const recorders = Array.isArray(given) ? [...given] : [given as Recorder]
  const others = recorders.filter((each) => !isRecorder(each))
  if (others.length > 0) {
    throw new ValidationError('recorders', `must be a recorder or a list of them, got ${show(others[0])}`)
  }
  const names = recorders.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) {
    throw new ValidationError('recorders', `must have names that tell them apart, and two are called '${twice}'`)
  }
  return { recorders, boundsMs: asked.data.bounds }
}

/** What became of requests, as exporters call it. */
export const OUTCOMES = [
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['rejected', 'rejected'],
  ['timed_out', 'timedOut'],
  ['aborted', 'aborted'],
] as const
/** What each duration is. */
export const DURATIONS = {
  latency: 'From when a request was due to its completion',
  wait: 'From when a request was due to the start of its batch',
  service: 'From the start of a batch to its completion, of each of its requests',
  queueing: 'The part of a wait in which no server was idle',
  batching: 'The part of a wait in which a server was idle and the batch still filling',
  dispatch: 'The part of a wait after the batch had left the queue',
} as const

/** Seconds without what dividing by 1,000 leaves of rounding. */
export const seconds = (ms: number) => Number((ms / 1000).toPrecision(15))
