import { mergeHistograms } from '../../histogram/latency-histogram.js'
import { environment } from '../../machine/environment.js'
import { mergeFailures } from '../../result/failures.js'
import { evenSegments } from '../../result/intervals/even-segments.js'
import { byMetric, mergeByMetric, mergeClasses, type Recording, totalOf } from '../../result/recording.js'
import { mergeSizes } from '../../result/replications.js'
import { type Result, resultOf } from '../../result/result.js'
import type { Good } from '../../scenario/good.js'
import { MOST_REQUESTS } from '../../scenario/units.js'
import { sumBy } from '../../statistics/descriptive.js'
import type { Segments, SegmentView } from './segments.js'

export interface SnapshotQuery {
  /** when the recorder was made: times in a Result count from there */
  originNs: number
  nowNs: number
  /** the length of the window, which ends now; Infinity for all time */
  lastNs: number
  drainNs: number
  servers: number | null
  /** the limits that make a request good; absent if requests are not judged */
  good?: Good | undefined
  /** times are not of a real clock, so the machine does not matter */
  isVirtual: boolean
}

/** The Result of a window that ends now or slightly earlier; null if nothing completed in it. */
export function snapshotOf(segments: Segments, query: SnapshotQuery): Result | null {
  const views = segments.views()
  const recording = recordSettled(views, query) ?? recordWindow(views, query.nowNs, query)
  return recording && resultOf(recording, query.isVirtual ? null : environment())
}

/** The window before the oldest request in flight, unless that has been in flight for longer than the drain. */
function recordSettled(views: readonly SegmentView[], query: SnapshotQuery): Recording | null {
  const drainFrom = query.nowNs - query.drainNs
  const first = views.findIndex(({ pending, endNs }) => pending > 0 && endNs > drainFrom)
  const oldest = views[first]
  return oldest === undefined
    ? recordWindow(views, query.nowNs, query)
    : recordWindow(views.slice(0, first), oldest.startNs, query)
}

/** The window of these segments, which ends at `endNs`; null if no request that was due in it completed. */
function recordWindow(views: readonly SegmentView[], endNs: number, query: SnapshotQuery): Recording | null {
  const first = firstOf(views, endNs - query.lastNs)
  const [before, inside] = [views.slice(0, first), views.slice(first)]
  const startNs = inside[0]?.startNs ?? endNs
  const sum = (of: (view: SegmentView) => number, all = inside) => sumBy(all, of)
  const inSystemAtStart = sum(({ grown }) => grown, before)
  let inSystem = inSystemAtStart
  let inSystemNs = 0
  let staysNs = sum(({ pending }) => Math.max(0, pending), before) * (endNs - startNs)
  const segments = inside.map((view) => {
    const { classes } = view
    const end = Math.min(view.endNs, endNs)
    inSystemNs += inSystem * (end - view.startNs) + view.areaNs - view.grown * (view.endNs - end)
    inSystem += view.grown
    staysNs += view.staysNs
    // below 0 if requests left twice
    if (view.pending > 0) staysNs += view.pending * (endNs - view.startNs) - view.pendingDueNs
    return {
      startNs: view.startNs - query.originNs,
      endNs: end - query.originNs,
      counts: view.counts,
      inSystem: Math.max(0, inSystem),
      ...view.started,
      histograms: byMetric((metric) => view.histogram(metric)),
      ...(classes !== undefined && { classes }),
    }
  })
  const counts = totalOf(segments.map((segment) => segment.counts))
  if (counts.completed === 0 || endNs <= startNs) return null
  const servingNs = sum((view) => view.servingNs)
  // more time than the servers have means that their number is wrong
  const known = query.servers !== null && servingNs <= query.servers * (endNs - startNs)
  return {
    engine: 'record',
    scenario: null,
    good: query.good,
    servers: known ? query.servers : null,
    startNs: startNs - query.originNs,
    endNs: endNs - query.originNs,
    histograms: mergeByMetric(segments.map(({ histograms }) => histograms)),
    counts,
    ...(segments[0]?.classes !== undefined && { classes: mergeClasses(segments.map(({ classes = {} }) => classes)) }),
    ...(counts.failed > 0 && {
      failures: mergeFailures(inside.map(({ failures }) => failures)),
      failed: mergeHistograms(inside.map(({ failedLatency }) => failedLatency)),
    }),
    completions: sum(({ completions }) => completions),
    batchSizes: mergeSizes(inside.map(({ batchSizes }) => batchSizes)),
    servingNs: known ? servingNs : null,
    inSystemNs,
    staysNs,
    inSystemAtStart,
    segments: evenSegments(segments),
    fromSend: null,
    findings: [],
  }
}

/** The index of the segment that a window begins with: 32 bits can count its requests. */
function firstOf(views: readonly SegmentView[], startNs: number): number {
  let offered = 0
  for (let i = views.length - 1; i >= 0; i--) {
    const view = views[i] as SegmentView
    offered += view.offered
    if (offered > MOST_REQUESTS) return i + 1
    if (view.startNs <= startNs) return i
  }
  return 0
}
