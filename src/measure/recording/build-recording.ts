import { type HistogramSnapshot, LatencyHistogram } from '../../histogram/latency-histogram.js'
import {
  METRICS,
  type Metric,
  newHistograms,
  noCounts,
  type RecordedSegment,
  type Recording,
  segmentLatency,
  totalOf,
} from '../../result/recording.js'
import { inStretches } from '../../result/stretches.js'
import { histogramPercentileNs } from '../../result/summary.js'
import type { ResolvedScenario } from '../../scenario/scenario.js'
import { NS_PER_MS } from '../../scenario/units.js'
import type { Serving } from '../queue/batch.js'
import type { SharedQueue } from '../queue/shared-queue.js'
import type { DepartureStats } from './departure-stats.js'
import type { Histograms, ServerStats } from './server-stats.js'
import { TimeSum } from './time-sum.js'
import type { Window } from './window.js'

/** What a run has recorded so far, wherever it is. */
export interface RunState {
  window: Window
  queue: SharedQueue
  stats: ServerStats[]
  /** the batches that are being served */
  serving(): Serving[]
  /** whether requests were sent by this process, and may have been sent late */
  inProcess: boolean
}

/** The state of threads, each of which serves one batch at a time. */
export const stateOf = (window: Window, queue: SharedQueue, stats: ServerStats[]): RunState => ({
  window,
  queue,
  stats,
  inProcess: false,
  serving: () => stats.flatMap((each) => each.serving ?? []),
})

/** A request that was due, and neither served nor dropped when the run ended. */
interface Unserved {
  /** in each segment */
  counts: Float64Array
  /** in all, those due before the window included */
  total: number
  /** when they were due */
  dueNs: TimeSum
}

/** Builds the recording of a run that ended at `nowNs`. Its threads must be gone. */
export function buildRecording(scenario: ResolvedScenario, state: RunState, nowNs: number): Recording {
  const { window, stats, queue } = state
  const { startNs } = window
  // requests may have been dropped since the last look
  queue.settle(nowNs)
  const unserved = unservedOf(state)
  const endNs = endOf(state, unserved, nowNs)
  const segments = segmentsOf(state, unserved, endNs)
  const { histograms, fromSend } = histogramsOf(state)

  const clipped = (fromNs: number) => Math.max(0, endNs - Math.max(fromNs, startNs))
  const stillServing = total(state.serving(), ({ startNs }) => clipped(startNs))
  return {
    engine: 'measure',
    scenario,
    startNs,
    endNs,
    histograms,
    counts: totalOf(segments.map(({ counts }) => counts)),
    completions: total(stats, (each) => each.completions),
    batchSizes: batchSizesOf(stats),
    servingNs: scenario.servers === null ? null : total(stats, (each) => each.servingNs) + stillServing,
    inSystemNs: inSystemNs(state, endNs),
    staysNs: total(departuresOf(state), ({ staysNs }) => staysNs) + unserved.dueNs.below(endNs),
    inSystemAtStart: window.before(0) - total(departuresOf(state), (departures) => departures.before(0)),
    segments: 'atMost' in scenario.stop ? inStretches(segments) : segments,
    fromSend,
    findings: [],
  }
}

/**
 * Builds the recording of the first segments of a run while it goes on; null as long as requests that were due in them
 * are under way. What is only known of a whole run is as it would be if nothing were wrong.
 *
 * @param count how many segments
 */
export function buildRecordingSoFar(scenario: ResolvedScenario, state: RunState, count: number): Recording | null {
  const { window } = state
  if (window.firsts[count] === Number.POSITIVE_INFINITY) return null
  const endNs = window.segmentStartNs(count)
  const segments = segmentsOf(state, null, Number.POSITIVE_INFINITY, count)
  const counts = totalOf(segments.map(({ counts }) => counts))
  if (counts.completed + counts.failed + counts.rejected + counts.timedOut < counts.offered) return null
  const { histograms, fromSend } = histogramsOf(state, count)
  return {
    engine: 'measure',
    scenario,
    startNs: window.startNs,
    endNs,
    histograms,
    counts,
    completions: counts.completed,
    batchSizes: evenSizes(
      total(segments, ({ batches }) => batches),
      total(segments, ({ batched }) => batched),
    ),
    servingNs: scenario.servers === null ? null : total(segments, (each) => each.servingNs),
    inSystemNs: histograms.latency.sum,
    staysNs: histograms.latency.sum,
    inSystemAtStart: 0,
    segments: inStretches(segments),
    fromSend,
    findings: [],
  }
}

/** The histograms of a run's segments, or of the first of them. */
function histogramsOf(
  { stats, inProcess }: RunState,
  count?: number,
): { histograms: Record<Metric, LatencyHistogram>; fromSend: LatencyHistogram | null } {
  const histograms = newHistograms()
  const fromSend = inProcess ? new LatencyHistogram() : null
  for (const server of stats) {
    for (const segment of server.histograms.slice(0, count)) {
      for (const metric of METRICS) histograms[metric].add(segment[metric])
      fromSend?.add(segment.fromSend)
    }
  }
  return { histograms, fromSend }
}

/** Percentiles of what has completed so far of the requests due in the window; null before any has. */
export function latencySoFar({ stats }: RunState): { p50Ms: number; p99Ms: number } | null {
  const total = new LatencyHistogram()
  for (const { histograms } of stats) for (const { latency } of histograms) total.add(latency)
  if (total.count === 0) return null
  const at = (percentile: number) => histogramPercentileNs(total, percentile) / NS_PER_MS
  return { p50Ms: at(50), p99Ms: at(99) }
}

/** Where requests leave the system: at the servers, and dropped from the queue. */
function departuresOf({ stats, queue }: RunState): DepartureStats[] {
  return [...stats.map(({ departures }) => departures), queue.drops.departures]
}

function unservedOf({ window, queue, serving }: RunState): Unserved {
  const unserved: Unserved = { counts: new Float64Array(window.segments), total: 0, dueNs: new TimeSum() }
  const add = (number: number, dueNs: number) => {
    const k = window.segmentOf(number)
    if (k >= 0) unserved.counts[k] = (unserved.counts[k] as number) + 1
    unserved.total++
    unserved.dueNs.add(Math.max(dueNs, window.startNs))
  }
  for (const { numbers, size, dueNs } of serving()) {
    for (let i = 0; i < size; i++) add(numbers[i] as number, dueNs[i] as number)
  }
  window.close(queue.finish(add))
  return unserved
}

/** When the window ends: if the arrivals ended before, with the last completion or with the run. */
function endOf(state: RunState, unserved: Unserved, nowNs: number): number {
  const { window } = state
  if (window.endNs < Number.POSITIVE_INFINITY) return window.endNs
  if (unserved.total > 0) return nowNs
  return Math.max(...departuresOf(state).map(({ lastNs }) => lastNs))
}

function segmentsOf(
  state: RunState,
  unserved: Unserved | null,
  endNs: number,
  most = Number.POSITIVE_INFINITY,
): RecordedSegment[] {
  const { window, stats, queue } = state
  const departures = departuresOf(state)
  const segments: RecordedSegment[] = []
  const histograms = newHistograms()
  for (let k = 0; k < Math.min(window.segments, most) && window.segmentStartNs(k) < endNs; k++) {
    const nextNs = window.segmentStartNs(k + 1)
    const last = nextNs >= endNs
    const first = window.firsts[k] as number
    const after = last ? window.due : (window.firsts[k + 1] as number)
    const departed = total(departures, (each) => (last ? each.count : each.before(k + 1)))
    for (const metric of METRICS) {
      histograms[metric].clear()
      for (const server of stats) histograms[metric].add((server.histograms[k] as Histograms)[metric])
    }
    const { latency, ...others } = histograms
    segments.push({
      startNs: window.segmentStartNs(k),
      endNs: last ? endNs : nextNs,
      counts: {
        ...noCounts(),
        offered: after - first,
        completed: latency.count,
        failed: total(stats, (server) => server.failedIn(k)),
        rejected: queue.drops.in(k, 'rejected'),
        timedOut: queue.drops.in(k, 'timedOut'),
        unfinished: unserved?.counts[k] ?? 0,
      },
      inSystem: (last ? window.due : window.before(k + 1)) - departed,
      batches: total(stats, (server) => server.startedIn(k).batches),
      batched: total(stats, (server) => server.startedIn(k).batched),
      servingNs: total(stats, (server) => server.startedIn(k).servingNs),
      latency: segmentLatency(latency),
      others: compact(others),
    })
  }
  return segments
}

function compact(histograms: Partial<Record<Metric, LatencyHistogram>>): Partial<Record<Metric, HistogramSnapshot>> {
  return Object.fromEntries(Object.entries(histograms).map(([metric, histogram]) => [metric, histogram.compact()]))
}

/** As many batches as there are, of two sizes next to their mean: which sizes they had is only known of a whole run. */
function evenSizes(batches: number, batched: number): Map<number, number> {
  const size = Math.floor(batched / Math.max(1, batches))
  const larger = batched - size * batches
  const sizes: [number, number][] = [
    [size, batches - larger],
    [size + 1, larger],
  ]
  return new Map(sizes.filter(([, count]) => count > 0))
}

function batchSizesOf(stats: ServerStats[]): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const server of stats) {
    server.batchSizes.forEach((batches, size) => {
      if (batches > 0) sizes.set(size, (sizes.get(size) ?? 0) + batches)
    })
  }
  return sizes
}

/**
 * The number of requests in the system, integrated over the window: each is in it from when it was due to when it
 * left. The sum of the due times and the sum of the departures are added up apart, without looking at single requests.
 */
function inSystemNs(state: RunState, endNs: number): number {
  const { window } = state
  const inside = new TimeSum()
  inside.addAll(window.arrived)
  const departures = departuresOf(state)
  for (const { departed } of departures) inside.addAll(departed, -1)
  const atStart = window.dueBefore - total(departures, (each) => each.before(0))
  return inside.below(endNs) + atStart * (endNs - window.startNs)
}

function total<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0)
}
