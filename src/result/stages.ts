import { mergeHistograms } from '../histogram/latency-histogram.js'
import type { Arrivals } from '../scenario/arrivals/arrivals.js'
import { endOfSpan, stageSpans } from '../scenario/arrivals/stage-spans.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/nanoseconds.js'
import { sumBy } from '../statistics/descriptive.js'
import { mergeSegments } from './intervals/even-segments.js'
import {
  type Counts,
  noCounts,
  type RecordedSegment,
  type RecordedStage,
  type Recording,
  totalOf,
} from './recording.js'
import { type Summary, summaryOf, withholdIntervals } from './summary.js'

/** The requests due in one stage of `stages` arrivals, of those due in the window, whenever they completed. */
export interface StageResult {
  /**
   * the numbers of its first and its last stage in the scenario, from 1. They differ only if the scenario has more than 32
   * stages: neighbouring ones then count as one
   */
  first: number
  last: number
  /** when it begins and ends, from the start of the run */
  startMs: number
  endMs: number
  /** the rates at its start and its end in the scenario, in requests per second; of a shard, those of the whole stream */
  fromPerSecond: number
  toPerSecond: number
  /**
   * how much of it is in the window, in all replications together. 0 if the run ended before it, or if all of it is
   * warm-up
   */
  windowMs: number
  /** requests per second: due in it, and completed inside it; null if none of it is in the window */
  throughput: { offered: number; completed: number } | null
  counts: Counts
  /** from when a request was due to its completion; null if none completed */
  latencyMs: StageLatency | null
}

/** A summary without intervals: the load changes within a stage, and most stages are too short for one. */
export type StageLatency = Omit<Summary, 'intervals'>

/** A segment, or a part of one, which is cut where a stage begins. */
export interface SegmentPart extends RecordedSegment {
  /** whether it continues the segment of the part before it */
  continues: boolean
  /** completions inside it, whenever the requests were due */
  completions: number
}

/** Joins the parts of each segment. */
export function joinParts(parts: readonly SegmentPart[]): RecordedSegment[] {
  const segments: RecordedSegment[][] = []
  for (const { continues, completions: _, ...segment } of parts) {
    if (continues) segments.at(-1)?.push(segment)
    else segments.push([segment])
  }
  return segments.map(mergeSegments)
}

/** The stages of a run: each has the parts of segments that begin in it. Null if the arrivals are not in stages. */
export function recordStages(
  parts: readonly SegmentPart[],
  arrivals: Arrivals,
  window: { startNs: number; endNs: number },
): RecordedStage[] | null {
  const spans = stageSpans(arrivals)
  if (spans.length === 0) return null
  const judged = parts.some(({ counts }) => counts.good !== undefined)
  return spans.map((span, k) => {
    const own = parts.filter(({ startNs }) => startNs >= span.startNs && startNs < endOfSpan(spans, k))
    return {
      ...span,
      windowNs: Math.max(0, Math.min(span.endNs, window.endNs) - Math.max(span.startNs, window.startNs)),
      counts: own.length === 0 ? noCounts(judged) : totalOf(own.map(({ counts }) => counts)),
      latency: mergeHistograms(own.map(({ histograms }) => histograms.latency)),
      completions: sumBy(own, ({ completions }) => completions),
    }
  })
}

/** Adds up the stages of runs of one scenario; null if not all of them have the same. */
export function mergeStages(
  runs: readonly Pick<Recording, 'stages'>[],
  as: 'shards' | 'replications',
): RecordedStage[] | null {
  const all = runs.map(({ stages = [] }) => stages)
  const [spans = []] = all
  if (spans.length === 0 || all.some((stages) => stages.length !== spans.length)) return null
  return spans.map((span, k) => {
    const own = all.map((stages) => stages[k] as RecordedStage)
    return {
      ...span,
      // shards ran at the same time
      windowNs:
        as === 'shards' ? Math.max(...own.map(({ windowNs }) => windowNs)) : sumBy(own, (each) => each.windowNs),
      counts: totalOf(own.map(({ counts }) => counts)),
      latency: mergeHistograms(own.map(({ latency }) => latency)),
      completions: sumBy(own, ({ completions }) => completions),
    }
  })
}

/** The result of a recorded stage. */
export function stageResult(stage: RecordedStage): StageResult {
  const { first, last, startNs, endNs, from, to, windowNs, counts, latency, completions } = stage
  const perSecond = (requests: number) => requests / (windowNs / NS_PER_SECOND)
  return {
    ...{ first, last },
    startMs: startNs / NS_PER_MS,
    endMs: endNs / NS_PER_MS,
    fromPerSecond: from,
    toPerSecond: to,
    windowMs: windowNs / NS_PER_MS,
    throughput: windowNs === 0 ? null : { offered: perSecond(counts.offered), completed: perSecond(completions) },
    counts,
    latencyMs: latency.count === 0 ? null : stageLatency(latency),
  }
}

function stageLatency(latency: RecordedStage['latency']): StageLatency {
  const { intervals: _, ...figures } = summaryOf(latency, withholdIntervals(''))
  return figures
}
