import { BUCKETS, bucketOf } from '../../histogram/buckets.js'
import type { HistogramSnapshot } from '../../histogram/latency-histogram.js'
import type { FailureCounts } from '../../result/failures.js'
import { type ClassRecording, type Counts, totalOf } from '../../result/recording.js'
import { NS_PER_MS, nanoseconds } from '../../scenario/nanoseconds.js'
import { sumBy } from '../../statistics/descriptive.js'
import { show, ValidationError } from '../../validation/validation-error.js'
import type { Segments, SegmentView } from './segments.js'

/** The metrics that are exported. A live service has no lag. */
export const EXPORTED = ['latency', 'wait', 'service', 'queueing', 'batching', 'dispatch'] as const
export type ExportedMetric = (typeof EXPORTED)[number]

/** A metric of the completed requests. */
export interface TotalDurations {
  count: number
  sumMs: number
  /** how many took at most each of the bounds, in ascending order: up to 0.1 % above a bound counts as at it */
  atMost: number[]
}

/** The requests of a class. */
export interface ClassTotals extends Omit<Counts, 'offered' | 'unfinished'> {
  latency: TotalDurations
}

/** Counts of everything since the start; they never fall. */
export interface Totals extends Omit<Counts, 'unfinished'> {
  /** when the recorder was made, in milliseconds of its clock */
  startMs: number
  /** requests in flight; 0 if more have left than arrived, which makes snapshots invalid */
  inFlight: number
  /** batches served, the requests in them, and their total service time */
  batches: number
  batched: number
  servingMs: number
  durations: Record<ExportedMetric, TotalDurations>
  /** the failed requests by kind; empty if none failed */
  failures: FailureCounts
  /** the requests of each class; absent if requests have no classes */
  classes?: Record<string, ClassTotals>
}

/**
 * Adds up all segments.
 *
 * @param boundsMs in ascending order
 * @throws ValidationError if they do not rise, or one is not a duration
 */
export function totalsOf(segments: Segments, boundsMs: readonly number[]): Totals {
  const boundOf = boundsByBucket(boundsMs)
  const views = segments.views()
  const sum = (of: (view: SegmentView) => number) => sumBy(views, of)
  const { unfinished: _, ...counts } = totalOf(views.map((view) => view.counts))
  const durationsOf = (histograms: readonly HistogramSnapshot[]): TotalDurations => {
    const perBound = new Float64Array(boundsMs.length + 1)
    for (const { buckets, counts } of histograms) {
      for (let i = 0; i < buckets.length; i++) {
        const bound = boundOf[buckets[i] as number] as number
        perBound[bound] = (perBound[bound] as number) + (counts[i] as number)
      }
    }
    let below = 0
    const atMost = boundsMs.map((_, bound) => {
      below += perBound[bound] as number
      return below
    })
    return {
      count: sumBy(histograms, ({ count }) => count),
      sumMs: sumBy(histograms, ({ sum }) => sum) / NS_PER_MS,
      atMost,
    }
  }
  const durations = EXPORTED.map((metric) => [metric, durationsOf(views.map((view) => view.histogram(metric)))])
  const classes = classesOf(views, durationsOf)
  return {
    startMs: (views[0] as SegmentView).startNs / NS_PER_MS,
    ...counts,
    offered: sum(({ offered }) => offered),
    inFlight: Math.max(
      0,
      sum(({ pending }) => pending),
    ),
    batches: sum(({ started }) => started.batches),
    batched: sum(({ started }) => started.batched),
    servingMs: sum(({ started }) => started.servingNs) / NS_PER_MS,
    durations: Object.fromEntries(durations) as Totals['durations'],
    failures: segments.allFailures,
    ...(classes !== null && { classes }),
  }
}

function classesOf(
  views: readonly SegmentView[],
  durationsOf: (histograms: readonly HistogramSnapshot[]) => TotalDurations,
): Record<string, ClassTotals> | null {
  const all = views.map(({ classes }) => classes)
  const names = Object.keys(all[0] ?? {})
  if (names.length === 0) return null
  return Object.fromEntries(
    names.map((name) => {
      const own = all.map((classes) => classes?.[name] as ClassRecording)
      const { offered: _, unfinished: __, ...counts } = totalOf(own.map(({ counts }) => counts))
      return [name, { ...counts, latency: durationsOf(own.map(({ latency }) => latency)) }]
    }),
  )
}

/** For each bucket the index of the first bound that its durations are at most; the number of bounds if they exceed all. */
export function boundsByBucket(boundsMs: readonly number[]): Uint16Array {
  if (!Array.isArray(boundsMs)) {
    throw new ValidationError('bounds', `must be a list of milliseconds in ascending order, got ${show(boundsMs)}`)
  }
  const boundOf = new Uint16Array(BUCKETS).fill(boundsMs.length)
  let from = 0
  boundsMs.forEach((ms, bound) => {
    const last = boundsMs[bound - 1] ?? -1
    if (!(typeof ms === 'number' && ms > last))
      throw new ValidationError(`bounds[${bound}]`, `must be milliseconds above the bound before it, got ${show(ms)}`)
    const to = bucketOf(nanoseconds(ms))
    boundOf.fill(bound, from, to + 1)
    from = Math.max(from, to + 1)
  })
  return boundOf
}
