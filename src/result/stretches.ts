import type { HistogramSnapshot } from '../histogram/latency-histogram.js'
import { sumBy } from '../statistics/descriptive.js'
import { type Metric, type RecordedSegment, SEGMENTS, type SegmentLatency, totalOf } from './recording.js'

/**
 * Puts neighbouring segments together into about twenty stretches of about one length, however finely the window was
 * cut: intervals come from the spread between stretches that are alike.
 */
export function inStretches(segments: readonly RecordedSegment[]): RecordedSegment[] {
  const lengthOf = (of: readonly RecordedSegment[]) => (of.at(-1)?.endNs ?? 0) - (of[0]?.startNs ?? 0)
  const aimNs = lengthOf(segments) / SEGMENTS
  const stretches: RecordedSegment[] = []
  let open: RecordedSegment[] = []
  segments.forEach((segment, k) => {
    open.push(segment)
    const longer = lengthOf([...open, segments[k + 1] ?? segment])
    // with one more it would be further from what it should be
    if (Math.abs(longer - aimNs) < Math.abs(lengthOf(open) - aimNs)) return
    stretches.push(merged(open))
    open = []
  })
  const [last] = stretches.splice(-1)
  if (last === undefined) return []
  // what is left at the end is no stretch of its own
  const left = stretches.length > 0 && lengthOf([last]) < aimNs / 2 ? stretches.splice(-1) : []
  return [...stretches, merged([...left, last])]
}

function merged(segments: readonly RecordedSegment[]): RecordedSegment {
  const [first, last] = [segments[0], segments.at(-1)] as [RecordedSegment, RecordedSegment]
  if (segments.length === 1) return first
  const others = segments.every((segment) => segment.others !== undefined)
  return {
    startNs: first.startNs,
    endNs: last.endNs,
    counts: totalOf(segments.map(({ counts }) => counts)),
    inSystem: last.inSystem,
    batches: sumBy(segments, ({ batches }) => batches),
    batched: sumBy(segments, ({ batched }) => batched),
    servingNs: sumBy(segments, ({ servingNs }) => servingNs),
    latency: latencyOf(segments),
    ...(others && { others: othersOf(segments) }),
  }
}

function latencyOf(segments: readonly RecordedSegment[]): SegmentLatency | null {
  const latencies = segments.flatMap(({ latency }) => latency ?? [])
  if (latencies.length === 0) return null
  const histogram = together(latencies.map((latency) => latency.histogram))
  return {
    count: histogram.count,
    min: Math.min(...latencies.map(({ min }) => min)),
    mean: histogram.sum / histogram.count,
    max: Math.max(...latencies.map(({ max }) => max)),
    histogram,
  }
}

function othersOf(segments: readonly RecordedSegment[]): Partial<Record<Metric, HistogramSnapshot>> {
  const metrics = Object.keys(segments[0]?.others ?? {}) as Metric[]
  const kept = metrics.filter((metric) => segments.every(({ others }) => others?.[metric] !== undefined))
  return Object.fromEntries(
    kept.map((metric) => [metric, together(segments.map(({ others }) => others?.[metric] as HistogramSnapshot))]),
  )
}

function together(histograms: readonly HistogramSnapshot[]): HistogramSnapshot {
  const there = histograms.filter(({ count }) => count > 0)
  if (there.length === 0) return { count: 0, sum: 0, first: 0, counts: new Uint32Array() }
  const first = Math.min(...there.map((histogram) => histogram.first))
  const counts = new Uint32Array(
    Math.max(...there.map((histogram) => histogram.first + histogram.counts.length)) - first,
  )
  for (const { first: from, counts: added } of there) {
    // a loop, as this is most of a recorder's snapshot
    for (let i = 0, at = from - first; i < added.length; i++, at++) {
      counts[at] = (counts[at] as number) + (added[i] as number)
    }
  }
  return {
    count: sumBy(there, ({ count }) => count),
    sum: sumBy(there, ({ sum }) => sum),
    first,
    counts,
  }
}
