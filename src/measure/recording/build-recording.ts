import { mergeHistograms } from '../../histogram/latency-histogram.js'
import { percentilesNs } from '../../histogram/percentile.js'
import type { ConnectionsRecording } from '../../result/connections.js'
import { mergeFailures } from '../../result/failures.js'
import { evenSegments } from '../../result/intervals/even-segments.js'
import {
  byMetric,
  byResponseTime,
  type ClassMetric,
  type ClassRecordings,
  type Counts,
  errorsIn,
  mergeByMetric,
  mergeClasses,
  noCounts,
  type Recording,
  totalOf,
} from '../../result/recording.js'
import { mergeSizes } from '../../result/replications.js'
import { joinParts, recordStages, type SegmentPart } from '../../result/stages.js'
import { OTHER_CLASS } from '../../scenario/classes.js'
import { type Good, unknownTime } from '../../scenario/good.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import type { RequestClasses } from '../../scenario/request-classes.js'
import type { ResolvedScenario } from '../../scenario/scenario.js'
import { sumBy } from '../../statistics/descriptive.js'
import type { Serving } from '../queue/batch.js'
import type { SharedQueue } from '../queue/shared-queue.js'
import type { DepartureStats } from './departure-stats.js'
import type { Part, ServerStats } from './server-stats.js'
import { TimeSum } from './time-sum.js'
import type { Window } from './window.js'

/** All that a run has recorded so far. */
export interface RunState {
  window: Window
  queue: SharedQueue
  stats: ServerStats[]
  /** null if requests have no classes */
  classes: RequestClasses | null
  /** the batches that are being served */
  serving(): Serving[]
  /** whether requests were sent by this process, and may have been sent late */
  inProcess: boolean
  /** what is recorded of the connections so far; absent if the target opens none, or is not in this process */
  connections?(): ConnectionsRecording
}

/** What of it can be read while the run is in progress, from any thread. */
type ReadableState = Pick<RunState, 'window' | 'stats' | 'classes' | 'inProcess'> & {
  queue: Pick<SharedQueue, 'drops'>
}

/** The state of a run on threads, each of which serves one batch at a time. */
export const stateOf = (
  window: Window,
  queue: SharedQueue,
  stats: ServerStats[],
  classes: RequestClasses | null = null,
): RunState => ({
  window,
  queue,
  stats,
  classes,
  inProcess: false,
  serving: () => stats.flatMap((each) => each.serving ?? []),
})

/** The requests that were due, and neither served nor dropped when the run ended. */
interface Unserved {
  /** in each segment */
  counts: Float64Array
  /** in each segment, by class */
  byClass: Float64Array
  /** in all, those due before the window included */
  total: number
  /** when they were due */
  dueNs: TimeSum
}

/** Builds the recording of a run that ended at `nowNs`. Its threads must be gone. */
export function buildRecording(scenario: ResolvedScenario, state: RunState, nowNs: number): Recording {
  const { window, stats, queue } = state
  const { startNs } = window
  // requests may have timed out since the queue was last read
  queue.settle(nowNs)
  const unserved = unservedOf(state)
  const endNs = endOf(state, unserved, nowNs)
  const parts = withoutEmptyOther(partsOf(scenario, state, unserved, endNs))
  const segments = joinParts(parts)
  const clipped = (fromNs: number) => Math.max(0, endNs - Math.max(fromNs, startNs))
  const counts = totalOf(segments.map((segment) => segment.counts))
  const stillServing = sumBy(state.serving(), ({ startNs }) => clipped(startNs))
  return {
    engine: 'measure',
    scenario,
    startNs,
    endNs,
    histograms: mergeByMetric(segments.map(({ histograms }) => histograms)),
    counts,
    ...(state.classes !== null && { classes: classesIn(segments) }),
    ...stagesIn(parts, scenario, startNs, endNs),
    ...failuresIn(counts, stats),
    completions: sumBy(stats, (each) => each.completions),
    batchSizes: batchSizesOf(stats),
    ...bytesIn(scenario, stats),
    servingNs: scenario.servers === null ? null : sumBy(stats, (each) => each.servingNs) + stillServing,
    inSystemNs: inSystemNs(state, endNs),
    staysNs: sumBy(departuresOf(state), ({ staysNs }) => staysNs) + unserved.dueNs.below(endNs),
    inSystemAtStart: window.before(0) - sumBy(departuresOf(state), (departures) => departures.before(0)),
    segments: 'atMost' in scenario.stop ? evenSegments(segments) : segments,
    fromSend: fromSendOf(state, parts.length),
    findings: [],
  }
}

/**
 * Builds the recording of the first segments of a run in progress; null while requests that were due in them are in
 * flight. Sums that are only known at the end of a run are filled in as if nothing were wrong.
 *
 * @param count how many segments
 */
export function buildRecordingSoFar(scenario: ResolvedScenario, state: ReadableState, count: number): Recording | null {
  const { window } = state
  if (window.firsts[count] === Number.POSITIVE_INFINITY) return null
  const endNs = window.segmentStartNs(count)
  const segments = joinParts(withoutEmptyOther(partsOf(scenario, state, null, Number.POSITIVE_INFINITY, count)))
  const counts = totalOf(segments.map(({ counts }) => counts))
  if (counts.completed + counts.failed + counts.rejected + counts.timedOut < counts.offered) return null
  const histograms = mergeByMetric(segments.map((segment) => segment.histograms))
  return {
    engine: 'measure',
    scenario,
    startNs: window.startNs,
    endNs,
    histograms,
    counts,
    ...(state.classes !== null && { classes: classesIn(segments) }),
    completions: counts.completed,
    batchSizes: evenSizes(
      sumBy(segments, ({ batches }) => batches),
      sumBy(segments, ({ batched }) => batched),
    ),
    servingNs: scenario.servers === null ? null : servingSoFar(segments, (endNs - window.startNs) * scenario.servers),
    inSystemNs: histograms.latency.sum,
    staysNs: histograms.latency.sum,
    inSystemAtStart: 0,
    segments: evenSegments(segments),
    fromSend: fromSendOf(state, count),
    findings: [],
  }
}

/** The service time of what started in segments. Batches that end after them may add up to more than all server time. */
const servingSoFar = (segments: Recording['segments'], serverNs: number): number =>
  Math.min(
    serverNs,
    sumBy(segments, ({ servingNs }) => servingNs),
  )

/**
 * Builds the recording of a run in progress, of the requests due in the window that have left it by now: those in flight
 * are not offered yet. Null before the window. Other threads continue meanwhile: the statistics of each server must be a copy, as of
 * one moment. Requests that have left since `nowNs` are included.
 *
 * @param due how many requests have been due
 */
export function buildRecordingOfAnswered(
  scenario: ResolvedScenario,
  state: ReadableState,
  due: number,
  nowNs: number,
): { recording: Recording; inFlight: number } | null {
  const { window, stats } = state
  if (nowNs <= window.startNs || window.firsts[0] === Number.POSITIVE_INFINITY) return null
  const endNs = Math.min(Math.max(nowNs, ...departuresOf(state).map(({ lastNs }) => lastNs)), window.endNs)
  const built = withoutEmptyOther(partsOf(scenario, state, null, endNs, window.segments, due))
  const parts = built.map((part, k) => ({
    ...part,
    counts: answeredCounts(part.counts),
    inSystem: inSystemSoFar(state, k, due, part.endNs < endNs),
    ...(part.classes !== undefined && { classes: answeredClasses(part.classes) }),
  }))
  const segments = joinParts(parts)
  const counts = totalOf(segments.map((segment) => segment.counts))
  // requests that became due since then would make it negative
  const inSystem = Math.max(0, inSystemNs(state, endNs))
  const departed = sumBy(departuresOf(state), ({ count }) => count)
  const recording: Recording = {
    engine: 'measure',
    scenario,
    startNs: window.startNs,
    endNs,
    histograms: mergeByMetric(segments.map(({ histograms }) => histograms)),
    counts,
    ...(state.classes !== null && { classes: classesIn(segments) }),
    ...stagesIn(parts, scenario, window.startNs, endNs),
    ...failuresIn(counts, stats),
    completions: sumBy(stats, (each) => each.completions),
    batchSizes: batchSizesOf(stats),
    ...bytesIn(scenario, stats),
    servingNs: scenario.servers === null ? null : sumBy(stats, (each) => each.servingNs),
    inSystemNs: inSystem,
    // the stays of requests in flight are not known yet
    staysNs: inSystem,
    inSystemAtStart: window.before(0) - sumBy(departuresOf(state), (departures) => departures.before(0)),
    segments,
    fromSend: fromSendOf(state, window.segments),
    findings: [],
  }
  return { recording, inFlight: Math.max(0, due - departed) }
}

/** The counts of the requests that have left. */
const answeredCounts = ({ good, ...counts }: Counts): Counts => ({
  ...counts,
  offered: counts.completed + errorsIn(counts),
  ...(good !== undefined && { good: Math.min(good, counts.completed) }),
})

const answeredClasses = (classes: ClassRecordings): ClassRecordings =>
  Object.fromEntries(
    Object.entries(classes).map(([name, each]) => [name, { ...each, counts: answeredCounts(each.counts) }]),
  )

/**
 * The requests in the system at the end of a segment, or now. A later segment may have begun without a request in it, and
 * requests may have left since `due` was read.
 */
function inSystemSoFar(state: ReadableState, segment: number, due: number, isOver: boolean): number {
  const departed = sumBy(departuresOf(state), (each) => (isOver ? each.before(segment + 1) : each.count))
  const arrived = isOver ? Math.min(due, state.window.before(segment + 1)) : due
  return Math.max(0, arrived - departed)
}

/** The histogram of a part of the requests due in segments from `from` to before `to`, of all servers. */
const mergeServers = ({ stats }: Pick<RunState, 'stats'>, part: Part, from: number, to: number) =>
  mergeHistograms(stats.flatMap(({ histograms }) => histograms.slice(from, to).map((segment) => segment[part])))

const fromSendOf = (state: ReadableState, segments: number) =>
  state.inProcess ? mergeServers(state, 'fromSend', 0, segments) : null

/** Latency percentiles of the requests due in the window that have completed so far; null before the first has. */
export function latencySoFar(state: RunState): { p50Ms: number; p99Ms: number } | null {
  const latency = mergeServers(state, 'latency', 0, state.window.segments)
  if (latency.count === 0) return null
  const [p50, p99] = percentilesNs(latency, [50, 99]) as [number, number]
  return { p50Ms: p50 / NS_PER_MS, p99Ms: p99 / NS_PER_MS }
}

/** Departures of requests: served by servers, and dropped from the queue. */
function departuresOf({ stats, queue }: ReadableState): DepartureStats[] {
  return [...stats.map(({ departures }) => departures), queue.drops.departures]
}

function unservedOf({ window, queue, serving, classes }: RunState): Unserved {
  const perSegment = classes?.names.length ?? 0
  const unserved: Unserved = {
    counts: new Float64Array(window.segments),
    byClass: new Float64Array(window.segments * perSegment),
    total: 0,
    dueNs: new TimeSum(),
  }
  const add = (number: number, dueNs: number) => {
    const k = window.segmentOf(number)
    if (k >= 0) unserved.counts[k] = (unserved.counts[k] as number) + 1
    if (k >= 0 && classes !== null) {
      const at = k * perSegment + classes.classOf(number)
      unserved.byClass[at] = (unserved.byClass[at] as number) + 1
    }
    unserved.total++
    unserved.dueNs.add(Math.max(dueNs, window.startNs))
  }
  for (const { numbers, size, dueNs } of serving()) {
    for (let i = 0; i < size; i++) add(numbers[i] as number, dueNs[i] as number)
  }
  window.close(queue.finish(add))
  return unserved
}

/** The end of the window. If the arrivals ended before, it is the last completion or the end of the run. */
function endOf(state: RunState, unserved: Unserved, nowNs: number): number {
  const { window } = state
  if (window.endNs < Number.POSITIVE_INFINITY) return window.endNs
  if (unserved.total > 0) return nowNs
  return Math.max(...departuresOf(state).map(({ lastNs }) => lastNs))
}

/** The segments, in parts if stages cut them. */
function partsOf(
  { good }: ResolvedScenario,
  state: ReadableState,
  unserved: Unserved | null,
  endNs: number,
  most = Number.POSITIVE_INFINITY,
  due = state.window.due,
): SegmentPart[] {
  const { window, stats, queue } = state
  const departures = departuresOf(state)
  const judged = areJudged(good, stats, most)
  const parts: SegmentPart[] = []
  for (let k = 0; k < Math.min(window.segments, most) && window.segmentStartNs(k) < endNs; k++) {
    const nextNs = window.segmentStartNs(k + 1)
    const last = nextNs >= endNs
    const first = window.firsts[k] as number
    const after = last ? due : (window.firsts[k + 1] as number)
    const departed = sumBy(departures, (each) => (last ? each.count : each.before(k + 1)))
    const histograms = {
      ...byMetric((metric) => mergeServers(state, metric, k, k + 1)),
      ...byResponseTime((time) => mergeServers(state, time, k, k + 1)),
    }
    parts.push({
      continues: window.continues(k),
      startNs: window.segmentStartNs(k),
      endNs: last ? endNs : nextNs,
      counts: {
        ...noCounts(),
        offered: after - first,
        completed: histograms.latency.count,
        ...(judged && { good: sumBy(stats, (server) => server.goodIn(k)) }),
        failed: sumBy(stats, (server) => server.failedIn(k)),
        rejected: queue.drops.in(k, 'rejected') + sumBy(stats, (server) => server.rejectedIn(k)),
        timedOut: queue.drops.in(k, 'timedOut'),
        unfinished: unserved?.counts[k] ?? 0,
      },
      inSystem: (last ? due : window.before(k + 1)) - departed,
      batches: sumBy(stats, (server) => server.startedIn(k).batches),
      batched: sumBy(stats, (server) => server.startedIn(k).batched),
      servingNs: sumBy(stats, (server) => server.startedIn(k).servingNs),
      completions: sumBy(stats, (server) => server.completionsIn(k)),
      histograms,
      ...(state.classes !== null && {
        classes: classesOfSegment(state, state.classes, judged, unserved, k),
      }),
    })
  }
  return parts
}

function stagesIn(parts: readonly SegmentPart[], { arrivals }: ResolvedScenario, startNs: number, endNs: number) {
  const stages = recordStages(parts, arrivals, { startNs, endNs })
  return stages !== null && { stages }
}

/** Whether it is known which requests are good: each limited time of responses was there at least once. */
const areJudged = (good: Good | undefined, stats: readonly ServerStats[], segments: number) =>
  good !== undefined &&
  unknownTime(good, (time) =>
    stats.some(({ histograms }) => histograms.slice(0, segments).some((each) => each[time].count > 0)),
  ) === null

/** What is recorded of each class in a segment. All that were offered have an outcome, or are unserved at the end of a run. */
function classesOfSegment(
  { stats, queue }: ReadableState,
  { names }: RequestClasses,
  judged: boolean,
  unserved: Unserved | null,
  segment: number,
): ClassRecordings {
  return Object.fromEntries(
    names.map((name, i) => {
      const served = stats.map((server) => server.classIn(segment, i))
      const histogram = (metric: ClassMetric) => mergeHistograms(served.map(({ histograms }) => histograms[metric]))
      const latency = histogram('latency')
      const counts = {
        ...noCounts(),
        completed: latency.count,
        ...(judged && { good: sumBy(served, ({ good }) => good) }),
        failed: sumBy(served, ({ failed }) => failed),
        rejected: queue.drops.ofClassIn(segment, i, 'rejected') + sumBy(served, ({ rejected }) => rejected),
        timedOut: queue.drops.ofClassIn(segment, i, 'timedOut'),
        unfinished: unserved?.byClass[segment * names.length + i] ?? 0,
      }
      const all = { ...counts, offered: counts.completed + errorsIn(counts) }
      return [name, { counts: all, latency, ...byResponseTime(histogram) }]
    }),
  )
}

const failuresIn = ({ failed }: Counts, stats: ServerStats[]) =>
  failed > 0 && {
    failures: mergeFailures(stats.map(({ kinds }) => kinds.counts)),
    failed: mergeHistograms(stats.map(({ failedLatency }) => failedLatency)),
  }

/** Leaves out the class `other` if all requests have a class of their own. */
function withoutEmptyOther(segments: SegmentPart[]): SegmentPart[] {
  const offered = sumBy(segments, ({ classes }) => classes?.[OTHER_CLASS]?.counts.offered ?? 0)
  if (offered > 0 || segments[0]?.classes?.[OTHER_CLASS] === undefined) return segments
  return segments.map(({ classes: { [OTHER_CLASS]: _, ...classes } = {}, ...segment }) => ({ ...segment, classes }))
}

const classesIn = (segments: Recording['segments']) => mergeClasses(segments.map(({ classes = {} }) => classes))

/** Batches of the two sizes next to their mean: their real sizes are only known at the end of a run. */
function evenSizes(batches: number, batched: number): Map<number, number> {
  const size = Math.floor(batched / Math.max(1, batches))
  const larger = batched - size * batches
  const sizes: [number, number][] = [
    [size, batches - larger],
    [size + 1, larger],
  ]
  return new Map(sizes.filter(([, count]) => count > 0))
}

/** Only HTTP has bodies whose bytes are known. */
const bytesIn = ({ http }: ResolvedScenario, stats: ServerStats[]) =>
  http !== undefined && {
    bytes: { sent: sumBy(stats, ({ bytes }) => bytes.sent), received: sumBy(stats, ({ bytes }) => bytes.received) },
  }

function batchSizesOf(stats: ServerStats[]): Map<number, number> {
  return mergeSizes(stats.map(({ batchSizes }) => new Map([...batchSizes.entries()].filter(([, count]) => count > 0))))
}

/**
 * The number of requests in the system, integrated over the window. Each is in the system from its due time until it
 * leaves: so it takes only the sums of all due times and of all departures.
 */
function inSystemNs(state: ReadableState, endNs: number): number {
  const { window } = state
  const inside = new TimeSum()
  inside.addAll(window.arrived)
  const departures = departuresOf(state)
  for (const { departed } of departures) inside.addAll(departed, -1)
  const atStart = window.dueBefore - sumBy(departures, (each) => each.before(0))
  return inside.below(endNs) + atStart * (endNs - window.startNs)
}
