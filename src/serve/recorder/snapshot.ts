import { bucketOf, type HistogramSnapshot, type LatencyHistogram } from '../../histogram/latency-histogram.js'
import { environment } from '../../machine/environment.js'
import {
  METRICS,
  type Metric,
  newHistograms,
  noCounts,
  type RecordedSegment,
  type Recording,
  totalOf,
} from '../../result/recording.js'
import { type Result, resultOf } from '../../result/result.js'
import { inStretches } from '../../result/stretches.js'
import { MOST_REQUESTS } from '../../scenario/units.js'
import {
  ABORTED,
  ALONE,
  AREA,
  BATCHED,
  BATCHES,
  BATCHING,
  COMPLETED,
  COMPLETIONS,
  DISPATCH,
  END,
  FAILED,
  LATENCY,
  LEFT,
  OFFERED,
  PENDING_DUE,
  pendingIn,
  QUEUEING,
  REJECTED,
  SERVICE,
  SERVING,
  type Segments,
  START,
  STARTED_SERVING,
  STAYS,
  TIMED_OUT,
  WAIT,
} from './segments.js'

export interface Asked {
  /** when the recorder was made: times in a Result count from there */
  originNs: number
  nowNs: number
  /** how much of the time until now; Infinity for all of it */
  lastNs: number
  drainNs: number
  servers: number | null
  /** no real clock: the machine is no part of it */
  isVirtual: boolean
}

/** What the segments show; null where nothing completed. */
export function snapshotOf(segments: Segments, asked: Asked): Result | null {
  const recording = settled(segments, asked) ?? windowOf(segments, segments.length, asked.nowNs, asked)
  return recording && resultOf(recording, asked.isVirtual ? null : environment())
}

/** The window that ends before the oldest request that is under way, and has not been for too long. */
function settled(segments: Segments, asked: Asked): Recording | null {
  const { sums } = segments
  const drainFrom = asked.nowNs - asked.drainNs
  for (let i = 0; i < segments.length; i++) {
    const at = segments.at(i)
    if (pendingIn(sums, at) <= 0 || (sums[at + END] as number) <= drainFrom) continue
    return windowOf(segments, i, sums[at + START] as number, asked)
  }
  return windowOf(segments, segments.length, asked.nowNs, asked)
}

/** Of the segments before the `to`-th, which end at `endNs`; null where nothing completed that was due in them. */
function windowOf(segments: Segments, to: number, endNs: number, asked: Asked): Recording | null {
  const { sums } = segments
  const from = firstOf(segments, to, endNs - asked.lastNs)
  const of = (i: number, field: number) => sums[segments.at(i) + field] as number
  let inSystem = 0
  let pendingBefore = 0
  for (let i = 0; i < from; i++) {
    inSystem += of(i, OFFERED) - of(i, LEFT)
    pendingBefore += Math.max(0, pendingIn(sums, segments.at(i)))
  }
  const startNs = from < segments.length ? of(from, START) : endNs
  const inSystemAtStart = inSystem
  let inSystemNs = 0
  let staysNs = pendingBefore * (endNs - startNs)
  let servingNs = 0
  let completions = 0
  const recorded: RecordedSegment[] = []
  const histograms = newHistograms()
  const batchSizes = new Map<number, number>()
  for (let i = from; i < to; i++) {
    const at = segments.at(i)
    const end = Math.min(of(i, END), endNs)
    const grown = of(i, OFFERED) - of(i, LEFT)
    const pending = pendingIn(sums, at)
    inSystemNs += inSystem * (end - of(i, START)) + of(i, AREA) - grown * (of(i, END) - end)
    inSystem += grown
    staysNs += of(i, STAYS)
    // what was told of twice is under way less than never
    if (pending > 0) staysNs += pending * (endNs - of(i, START)) - of(i, PENDING_DUE)
    servingNs += of(i, SERVING)
    completions += of(i, COMPLETIONS)
    for (const [size, times] of segments.sizesOf(at)) batchSizes.set(size, (batchSizes.get(size) ?? 0) + times)
    recorded.push(segmentOf(segments, at, end, inSystem, asked.originNs))
    for (const metric of METRICS) addMoments(segments, at, histograms[metric], metric)
  }
  for (const { latency, others } of recorded) {
    for (const metric of METRICS) {
      const compact = metric === 'latency' ? latency?.histogram : others?.[metric]
      if (compact !== undefined) addCounts(compact, histograms[metric])
    }
  }
  const counts = totalOf(recorded.map((segment) => segment.counts))
  if (counts.completed === 0 || endNs <= startNs) return null
  // more than there are cannot have served: then it is not known how many there are
  const known = asked.servers !== null && servingNs <= asked.servers * (endNs - startNs)
  return {
    engine: 'record',
    scenario: null,
    servers: known ? asked.servers : null,
    startNs: startNs - asked.originNs,
    endNs: endNs - asked.originNs,
    histograms,
    counts,
    completions,
    batchSizes,
    servingNs: known ? servingNs : null,
    inSystemNs,
    staysNs,
    inSystemAtStart,
    segments: inStretches(recorded),
    fromSend: null,
    findings: [],
  }
}

/** The segment that a window begins with: of no more requests than 32 bits can count. */
function firstOf(segments: Segments, to: number, startNs: number): number {
  const { sums } = segments
  let offered = 0
  for (let i = to - 1; i >= 0; i--) {
    const at = segments.at(i)
    offered += sums[at + OFFERED] as number
    if (offered > MOST_REQUESTS) return i + 1
    if ((sums[at + START] as number) <= startNs) return i
  }
  return 0
}

/** Which histograms a metric is put together of; of requests that were no part of a batch, what is not told here is 0. */
const TALLIES_OF: Record<Metric, { own: number | null; alone: boolean }> = {
  latency: { own: LATENCY, alone: true },
  wait: { own: WAIT, alone: false },
  service: { own: SERVICE, alone: true },
  lag: { own: null, alone: false },
  queueing: { own: QUEUEING, alone: false },
  batching: { own: BATCHING, alone: false },
  dispatch: { own: DISPATCH, alone: false },
}

const COUNT = 0
const SUM = 1
const SQUARES = 2
const MIN = 3
const MAX = 4

/** Count, sum, sum of squares, min and max of a metric in a segment. */
function momentsOf(segments: Segments, at: number, metric: Metric): Float64Array {
  const { own, alone } = TALLIES_OF[metric]
  const completed = segments.sums[at + COMPLETED] as number
  const moments = new Float64Array(5)
  if (own !== null) moments.set(segments.momentsOf(at, own))
  if (alone) combine(moments, segments.momentsOf(at, ALONE))
  // those that took none of this
  const zeros = completed - (moments[COUNT] as number)
  if (zeros > 0) combine(moments, Float64Array.of(zeros, 0, 0, 0, 0))
  return moments
}

function combine(into: Float64Array, other: Float64Array): void {
  if (other[COUNT] === 0) return
  const empty = into[COUNT] === 0
  into[MIN] = empty ? (other[MIN] as number) : Math.min(into[MIN] as number, other[MIN] as number)
  into[MAX] = empty ? (other[MAX] as number) : Math.max(into[MAX] as number, other[MAX] as number)
  for (const moment of [COUNT, SUM, SQUARES]) into[moment] = (into[moment] as number) + (other[moment] as number)
}

function addMoments(segments: Segments, at: number, histogram: LatencyHistogram, metric: Metric): void {
  combine(histogram.moments, momentsOf(segments, at, metric))
}

function addCounts({ first, counts }: HistogramSnapshot, { buckets }: LatencyHistogram): void {
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] !== 0) buckets[first + i] = (buckets[first + i] as number) + (counts[i] as number)
  }
}

function compactOf(segments: Segments, at: number, metric: Metric, moments: Float64Array): HistogramSnapshot {
  const [count, sum] = [moments[COUNT] as number, moments[SUM] as number]
  if (count === 0) return { count, sum, first: 0, counts: new Uint32Array() }
  const first = bucketOf(moments[MIN] as number)
  const counts = new Uint32Array(bucketOf(moments[MAX] as number) - first + 1)
  const { own, alone } = TALLIES_OF[metric]
  let told = 0
  const add = (bucket: number, times: number) => {
    counts[bucket - first] = (counts[bucket - first] as number) + times
    told += times
  }
  if (own !== null) segments.forEachBucket(at, own, add)
  if (alone) segments.forEachBucket(at, ALONE, add)
  if (told < count) add(0, count - told)
  return { count, sum, first, counts }
}

function segmentOf(segments: Segments, at: number, endNs: number, inSystem: number, originNs: number): RecordedSegment {
  const of = (field: number) => segments.sums[at + field] as number
  const [completed, failed, rejected] = [of(COMPLETED), of(FAILED), of(REJECTED)]
  const [timedOut, aborted] = [of(TIMED_OUT), of(ABORTED)]
  const unfinished = Math.max(0, pendingIn(segments.sums, at))
  const moments = momentsOf(segments, at, 'latency')
  const compact = (metric: Metric) => compactOf(segments, at, metric, momentsOf(segments, at, metric))
  return {
    startNs: of(START) - originNs,
    endNs: endNs - originNs,
    counts: {
      ...noCounts(),
      offered: completed + failed + rejected + timedOut + aborted + unfinished,
      ...{ completed, failed, rejected, timedOut, aborted, unfinished },
    },
    inSystem: Math.max(0, inSystem),
    batches: of(BATCHES),
    batched: of(BATCHED),
    servingNs: of(STARTED_SERVING),
    latency:
      completed === 0
        ? null
        : {
            count: completed,
            min: moments[MIN] as number,
            mean: (moments[SUM] as number) / completed,
            max: moments[MAX] as number,
            histogram: compactOf(segments, at, 'latency', moments),
          },
    others: Object.fromEntries(
      METRICS.filter((metric) => metric !== 'latency').map((metric) => [metric, compact(metric)]),
    ),
  }
}
