import { type HistogramSnapshot, LatencyHistogram } from '../histogram/latency-histogram.js'
import type { PackedHistogram } from '../histogram/packed.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import type { Finding } from './validity.js'

/** The parts of a request's time that are recorded. */
export const METRICS = ['latency', 'wait', 'service', 'lag', 'queueing', 'batching', 'dispatch'] as const
export type Metric = (typeof METRICS)[number]

/** What became of the requests due in a stretch of time; offered is the sum of the others. */
export interface Counts {
  offered: number
  completed: number
  failed: number
  rejected: number
  timedOut: number
  aborted: number
  unfinished: number
}

export const noCounts = (): Counts => ({
  offered: 0,
  completed: 0,
  failed: 0,
  rejected: 0,
  timedOut: 0,
  aborted: 0,
  unfinished: 0,
})

export function totalOf(all: readonly Counts[]): Counts {
  const total = noCounts()
  for (const counts of all) for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += counts[key]
  return total
}

/** Requests that were due and not answered as they should have been: those that the error rate is of. */
export const errorsIn = ({ failed, rejected, timedOut, unfinished }: Counts) =>
  failed + rejected + timedOut + unfinished

/** A stretch of the window, and what became of the requests due in it. */
export interface RecordedSegment {
  startNs: number
  endNs: number
  counts: Counts
  /** requests in the system at its end */
  inSystem: number
  /** the batches that started in it, the requests in them, and how long they were served in all */
  batches: number
  batched: number
  servingNs: number
  latency: SegmentLatency | null
  /** the other metrics of the same requests, where the engine keeps them by segment: intervals come from them */
  others?: Partial<Record<Metric, HistogramSnapshot>>
}

/** The latency of the requests due in a segment, in nanoseconds. */
export interface SegmentLatency {
  count: number
  min: number
  mean: number
  max: number
  histogram: HistogramSnapshot
}

/** The latency of a segment, as a recording keeps it; null where nothing completed. */
export function segmentLatency(histogram: LatencyHistogram): SegmentLatency | null {
  if (histogram.count === 0) return null
  const { count, min, mean, max } = histogram
  return { count, min, mean, max, histogram: histogram.compact() }
}

/** What an engine hands over at the end of a run: counts and sums, before anything is concluded from them. */
export interface Recording {
  engine: 'simulate' | 'measure' | 'record'
  /** null of live requests */
  scenario: ResolvedScenario | null
  /** how many servers there are, where no scenario says so; absent or null where that is not known, or not limited */
  servers?: number | null
  /** the window */
  startNs: number
  endNs: number
  histograms: Record<Metric, LatencyHistogram>
  counts: Counts
  /** completions inside the window, whenever the requests were due */
  completions: number
  /** batches that started inside the window, by size */
  batchSizes: Map<number, number>
  /** server time spent serving inside the window; null where servers are not limited */
  servingNs: number | null
  /** the number of requests in the system, integrated over the window */
  inSystemNs: number
  /** every stay in the system clipped to the window, those of the unserved too: by Little's law, the same */
  staysNs: number
  /** requests in the system when the window began */
  inSystemAtStart: number
  segments: RecordedSegment[]
  fromSend: LatencyHistogram | null
  /** what only the engine can tell */
  findings: Finding[]
  /** the runs that it is put together of, each of them a segment; their findings are judged already */
  replications?: readonly Record<Metric, PackedHistogram>[]
  /** of a run to a precision or a budget */
  checkpoints?: CheckpointCount
}

/** How many checkpoints a run to a precision or a budget had planned, and how many it reached. */
export interface CheckpointCount {
  planned: number
  taken: number
}

/** How many servers there are; null where that is not known, or not limited. */
export const serversIn = ({ scenario, servers = null }: Recording): number | null =>
  scenario === null ? servers : scenario.servers

/**
 * A metric by stretch of the window, or by replication, which its intervals come from; null where not all of its values
 * are kept so.
 */
export function stretchesOf(
  { histograms, segments, replications }: Recording,
  metric: Metric,
): HistogramSnapshot[] | null {
  if (replications !== undefined) return replications.map((own) => own[metric])
  const stretches = segments.flatMap(({ latency, others }) => {
    if (latency === null) return []
    return (metric === 'latency' ? latency.histogram : others?.[metric]) ?? []
  })
  const kept = stretches.reduce((sum, { count }) => sum + count, 0)
  return kept < histograms[metric].count ? null : stretches
}

export const newHistograms = (): Record<Metric, LatencyHistogram> =>
  Object.fromEntries(METRICS.map((metric) => [metric, new LatencyHistogram()])) as Record<Metric, LatencyHistogram>

/** Into how many stretches a window is cut. */
export const SEGMENTS = 20
