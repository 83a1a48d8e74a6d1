import { z } from 'zod'
import { type Duration, options, positiveDuration } from '../../scenario/units.js'
import { show, throwFaults, ValidationError } from '../../validation/validation-error.js'
import type { TotalDurations, Totals } from '../recorder/totals.js'

/** What exporters read: a `Recorder` of live requests, or the metrics of a run from `resultMetrics`. */
export interface MetricSource {
  /** its name in metrics */
  readonly name: string
  /** @param boundsMs upper bounds of histogram buckets, in ascending order */
  totals(boundsMs?: readonly number[]): Totals
}

/** One recorder, or several with different names. */
export type Recorders = MetricSource | readonly MetricSource[]

/** Options of the exporters of metrics. */
export interface ExportOptions {
  /**
   * Upper bounds of the histogram buckets, in ascending order.
   *
   * @default 19 bounds from '50us' to '60s'
   * @example ['1ms', '10ms', '100ms']
   */
  bounds?: readonly Duration[] | undefined
}

/** Fine enough for latencies below a millisecond, and up to a minute. */
const BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000]

const schema = options({
  bounds: z.array(positiveDuration, { error: 'must be a list of durations in ascending order' }).default(BOUNDS_MS),
})

const isRecorder = (value: unknown) =>
  typeof value === 'object' && value !== null && typeof (value as Partial<MetricSource>).totals === 'function'

/**
 * Checks the arguments of an exporter: returns the recorders, and the bounds in milliseconds.
 *
 * @throws ValidationError if something is not a recorder, two have the same name, or a bound is not a duration
 */
export function resolveExport(
  given: Recorders,
  options: ExportOptions,
): { recorders: MetricSource[]; boundsMs: number[] } {
  const asked = schema.safeParse(options)
  if (!asked.success) throwFaults(asked.error, 'options', options)
  const recorders = Array.isArray(given) ? [...given] : [given as MetricSource]
  const others = recorders.filter((each) => !isRecorder(each))
  if (others.length > 0) {
    throw new ValidationError('recorders', `must be a recorder or a list of them, got ${show(others[0])}`)
  }
  const names = recorders.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) {
    throw new ValidationError('recorders', `must have different names, got '${twice}' twice`)
  }
  return { recorders, boundsMs: asked.data.bounds }
}

/** The outcomes of requests: the label in metrics, and the count in Totals. */
export const OUTCOMES = [
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['rejected', 'rejected'],
  ['timed_out', 'timedOut'],
  ['aborted', 'aborted'],
] as const
/** The description of each duration in metrics. */
export const DURATIONS = {
  latency: 'From the time a request was due to its completion',
  wait: 'From the time a request was due to the start of its batch',
  service: 'From the start of its batch to its completion, for each request',
  queueing: 'Part of the wait while no server was idle',
  batching: 'Part of the wait while a server was idle and the batch was filling',
  dispatch: 'Part of the wait after the batch had left the queue',
} as const

/** The latency of each class; undefined if requests have no classes. */
export const latenciesOf = (classes: Totals['classes']): Record<string, TotalDurations> | undefined =>
  classes && Object.fromEntries(Object.entries(classes).map(([name, { latency }]) => [name, latency]))

/** What is counted of each class, or of all requests if they have no classes, and the attribute or label of the class. */
export const byClass = <Of>(
  whole: Of,
  classes: Record<string, Of> | undefined,
): [label: { class?: string }, of: Of][] =>
  classes === undefined ? [[{}, whole]] : Object.entries(classes).map(([name, each]) => [{ class: name }, each])

/** Converts to seconds, without the rounding error of a division by 1,000. */
export const toSeconds = (ms: number) => Number((ms / 1000).toPrecision(15))
