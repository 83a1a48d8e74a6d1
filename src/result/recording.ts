import { type HistogramSnapshot, mergeHistograms, zeros } from '../histogram/latency-histogram.js'
import type { StageSpan } from '../scenario/arrivals/stage-spans.js'
import type { Good } from '../scenario/good.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import { RESPONSE_TIMES, type ResponseTime } from '../scenario/times.js'
import { sumBy } from '../statistics/descriptive.js'
import type { ConnectionsRecording } from './connections.js'
import type { FailureCounts } from './failures.js'
import type { Merged, SentShard } from './merge/merged.js'
import type { Finding } from './validity.js'

/** The parts of a request's time that are recorded. */
export const METRICS = ['latency', 'wait', 'service', 'lag', 'queueing', 'batching', 'dispatch'] as const
export type Metric = (typeof METRICS)[number]
/** The times of responses are of those for which they are known; absent if of none. */
export type Histograms = Record<Metric, HistogramSnapshot> & { [T in ResponseTime]?: HistogramSnapshot }

/** The outcomes of requests; offered is the sum of the others but `good`. */
export interface Counts {
  offered: number
  completed: number
  /** of the completed ones, those that met all limits of `good`; absent if there are none */
  good?: number
  failed: number
  rejected: number
  timedOut: number
  aborted: number
  unfinished: number
}

/** @param judged whether requests are judged by the limits of `good` */
export const noCounts = (judged = false): Counts => ({
  offered: 0,
  completed: 0,
  ...(judged && { good: 0 }),
  failed: 0,
  rejected: 0,
  timedOut: 0,
  aborted: 0,
  unfinished: 0,
})

export function totalOf(all: readonly Counts[]): Counts {
  const total = noCounts(all.some(({ good }) => good !== undefined))
  for (const counts of all) {
    for (const key of Object.keys(total) as (keyof Counts)[]) total[key] = (total[key] ?? 0) + (counts[key] ?? 0)
  }
  return total
}

/** Counts in words, without those that are 0: `78 offered, 70 failed, 8 timed out`. */
export const countsText = ({ offered, ...counts }: Counts) =>
  [
    `${offered} offered`,
    ...Object.entries(counts).flatMap(([name, n]) => (n > 0 ? `${n} ${OUTCOMES[name] ?? name}` : [])),
  ].join(', ')
const OUTCOMES: Record<string, string> = { timedOut: 'timed out' }

/** How many requests the error rate counts: those that failed, or were rejected, timed out or unfinished. */
export const errorsIn = ({ failed, rejected, timedOut, unfinished }: Counts) =>
  failed + rejected + timedOut + unfinished

/** The times that are recorded of a class; those of responses are absent if none of its requests has them. */
export const CLASS_METRICS = ['latency', ...RESPONSE_TIMES] as const
export type ClassMetric = (typeof CLASS_METRICS)[number]

/** What is recorded of the requests of one class. */
export interface ClassRecording extends Pick<Histograms, ClassMetric> {
  counts: Counts
}
export type ClassRecordings = Record<string, ClassRecording>

/** Adds up the classes of several segments or runs; one without requests may be missing in some of them. */
export function mergeClasses(all: readonly ClassRecordings[]): ClassRecordings {
  const names = [...new Set(all.flatMap(Object.keys))]
  return Object.fromEntries(
    names.map((name) => {
      const own = all.flatMap((classes) => classes[name] ?? [])
      return [
        name,
        {
          counts: totalOf(own.map(({ counts }) => counts)),
          latency: mergeHistograms(own.map(({ latency }) => latency)),
          ...byResponseTime((time) => mergeHistograms(own.flatMap((each) => each[time] ?? []))),
        },
      ]
    }),
  )
}

/** What is recorded of the requests due in a stage, or in neighbouring ones. */
export interface RecordedStage extends StageSpan {
  /** how much of it is in the window; of replications, in all of theirs */
  windowNs: number
  /** of the requests due in it and in the window */
  counts: Counts
  latency: HistogramSnapshot
  /** completions inside it and the window, whenever the requests were due */
  completions: number
}

/** A segment of the window, or a replication. */
export interface RecordedSegment {
  startNs: number
  endNs: number
  /** of the requests due in it */
  counts: Counts
  /** requests in the system at its end */
  inSystem: number
  /** the batches that started in it, the requests in them, and their total service time */
  batches: number
  batched: number
  servingNs: number
  /** of the requests due in it */
  histograms: Histograms
  /** absent if requests have no classes */
  classes?: ClassRecordings
}

/** The counts and sums that an engine records of a run, before any conclusion is drawn from them. */
export interface Recording {
  engine: 'simulate' | 'measure' | 'record'
  /** null for live requests */
  scenario: ResolvedScenario | null
  /** the number of servers, if no scenario says it or it is that of several machines; absent or null if it is unknown or unlimited */
  servers?: number | null
  /** the limits that make a request good, if no scenario says them; absent if requests are not judged */
  good?: Good | undefined
  /** the window */
  startNs: number
  endNs: number
  histograms: Histograms
  counts: Counts
  /** absent if requests have no classes */
  classes?: ClassRecordings
  /** absent if the arrivals are not in stages */
  stages?: RecordedStage[]
  /** the failed requests by kind, and their latency; absent if none failed */
  failures?: FailureCounts
  failed?: HistogramSnapshot
  /** completions inside the window, whenever the requests were due */
  completions: number
  /** batches that started inside the window, by size */
  batchSizes: Map<number, number>
  /** bytes of bodies, of the HTTP requests that started inside the window; absent for other targets */
  bytes?: { sent: number; received: number }
  /** of the connections of an HTTP target; absent if they are not known */
  connections?: ConnectionsRecording
  /** server time spent serving inside the window; null if servers are unlimited */
  servingNs: number | null
  /** the number of requests in the system, integrated over the window */
  inSystemNs: number
  /** every stay in the system clipped to the window, unserved requests included: by Little's law, the same */
  staysNs: number
  /** requests in the system when the window began */
  inSystemAtStart: number
  segments: RecordedSegment[]
  /** latency from when requests were sent; null if they are always sent in time */
  fromSend: HistogramSnapshot | null
  /** what only the engine can find */
  findings: Finding[]
  /** the number of runs that this is merged from, each of them a segment; their findings are included */
  replications?: number
  /** the part of the requests that this run sent; absent if it sent all of them */
  shard?: SentShard
  /** the machines whose recordings are merged; their findings are included */
  merged?: Merged
  /** what each machine recorded, as far as intervals come from the differences between them */
  machines?: readonly Pick<Recording, 'histograms' | 'counts' | 'classes'>[]
  /** of a run to a precision or a budget */
  checkpoints?: CheckpointCount
}

/** How many checkpoints a run to a precision or a budget had planned, and how many it reached. */
export interface CheckpointCount {
  planned: number
  taken: number
}

/** Adds up what segments hold, whether they follow each other or are of the same time. */
export function sumSegments(
  segments: readonly RecordedSegment[],
): Omit<RecordedSegment, 'startNs' | 'endNs' | 'inSystem'> {
  return {
    counts: totalOf(segments.map(({ counts }) => counts)),
    batches: sumBy(segments, ({ batches }) => batches),
    batched: sumBy(segments, ({ batched }) => batched),
    servingNs: sumBy(segments, ({ servingNs }) => servingNs),
    histograms: mergeByMetric(segments.map(({ histograms }) => histograms)),
    ...(segments[0]?.classes !== undefined && {
      classes: mergeClasses(segments.map(({ classes = {} }) => classes)),
    }),
  }
}

/** The number of servers; null if it is unknown or unlimited. */
export const serversIn = ({ scenario, servers }: Pick<Recording, 'servers'> & { scenario: ServersOf }): number | null =>
  servers ?? scenario?.servers ?? null
type ServersOf = { servers: number | null } | null

/** A metric by segment or by replication, as intervals are computed from it; segments without a completion are left out. */
export function segmentHistograms(
  { segments, replications }: Recording,
  metric: Metric | ResponseTime,
): HistogramSnapshot[] {
  const histograms = segments.map((segment) => segment.histograms[metric] ?? zeros(0))
  return replications === undefined ? histograms.filter(({ count }) => count > 0) : histograms
}

/** A histogram for each metric. */
export const byMetric = <Value>(of: (metric: Metric) => Value): Record<Metric, Value> =>
  Object.fromEntries(METRICS.map((metric) => [metric, of(metric)])) as Record<Metric, Value>

/** A histogram for each time of responses that is not empty. */
export const byResponseTime = (of: (time: ResponseTime) => HistogramSnapshot): Pick<Histograms, ResponseTime> =>
  Object.fromEntries(RESPONSE_TIMES.map((time) => [time, of(time)] as const).filter(([, { count }]) => count > 0))

/** Merges the histograms of several segments. */
export const mergeByMetric = (all: readonly Histograms[]): Histograms => ({
  ...byMetric((metric) => mergeHistograms(all.map((histograms) => histograms[metric]))),
  ...byResponseTime((time) => mergeHistograms(all.flatMap((histograms) => histograms[time] ?? []))),
})

/** Into how many segments a window is cut. */
export const SEGMENTS = 20

/** Lists the numbers of the first requests of segments, without duplicates. */
export function segmentsFrom(first: number, requests: number): number[] {
  const numbers = new Set(
    Array.from({ length: SEGMENTS }, (_, k) => Math.ceil(first + ((requests - first) * k) / SEGMENTS)),
  )
  return [...numbers]
}
