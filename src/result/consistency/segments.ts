import type { BucketCounts } from '../../histogram/latency-histogram.js'
import { sumBy } from '../../statistics/descriptive.js'
import type { ClassSegment } from '../classes.js'
import { errorsIn, totalOf } from '../recording.js'
import type { Result } from '../result.js'
import { type Contradiction, isAbout } from './contradiction.js'
import { areSame, tooManyGood } from './counts.js'
import { Buckets, bucketsOf, decodeHistogram, faultAgainst, momentsOf } from './histograms.js'

/** A contradiction within segments, or between them and the whole; null if there is none. */
export function contradictionOfSegments(whole: Result): Contradiction | null {
  const { segments, counts, latencyMs, batches } = whole
  const unjudged = segments.findIndex((segment) => (segment.counts.good === undefined) !== (counts.good === undefined))
  if (unjudged >= 0) return [`segments.${unjudged}.counts.good`, 'must be present exactly when the whole result has it']
  if (!areSame(totalOf(segments.map((segment) => segment.counts)), counts)) {
    return ['segments', 'must add up to the counts of the whole']
  }
  const sum = (of: (segment: Result['segments'][number]) => number) => sumBy(segments, of)
  const batched = Object.entries(batches.sizes).reduce((all, [size, times]) => all + Number(size) * times, 0)
  if (sum((each) => each.batches) !== batches.count || sum((each) => each.batched) !== batched) {
    return ['segments', 'must add up to the batches of the whole']
  }
  const inSegments = new Buckets()
  for (const [i, segment] of segments.entries()) {
    const at = `segments.${i}`
    if (segment.startMs > segment.endMs) return [`${at}.endMs`, 'must not be before its start']
    const inSegment = contradictionInSegment(segment, at, inSegments)
    if (inSegment !== null) return inSegment
  }
  const of = segments.flatMap(({ latencyMs }) => latencyMs ?? [])
  const mean = of.reduce((all, each) => all + each.count * each.mean, 0) / latencyMs.count
  const extremes = [Math.min(...of.map(({ min }) => min)), Math.max(...of.map(({ max }) => max))] as const
  if (
    // their counts have the same sum
    !inSegments.hold(bucketsOf(latencyMs)) ||
    extremes[0] !== latencyMs.min ||
    extremes[1] !== latencyMs.max ||
    !isAbout(mean, latencyMs.mean)
  ) {
    return ['segments', 'must hold the same latencies as the whole result']
  }
  return null
}

/**
 * A contradiction within a segment, of all requests or of a class; null if there is none.
 *
 * @param buckets adds up the latencies of all segments
 */
export function contradictionInSegment(
  { counts, latencyMs }: ClassSegment,
  at: string,
  buckets: Buckets,
): Contradiction | null {
  if (counts.offered !== counts.completed + errorsIn(counts) + counts.aborted) {
    return [`${at}.counts.offered`, 'must be the sum of the other counts']
  }
  if (counts.completed !== (latencyMs?.count ?? 0)) {
    return [`${at}.counts.completed`, 'must equal the number of latencies']
  }
  if (tooManyGood(counts)) return [`${at}.counts.good`, 'must be at most counts.completed']
  if (latencyMs === null) return null
  const histogram = decodeHistogram(latencyMs.histogram)
  const fault =
    typeof histogram === 'string' ? histogram : faultAgainst(histogram, momentsOf(histogram).mean, latencyMs)
  if (fault !== null) return [`${at}.latencyMs`, fault]
  buckets.add(histogram as BucketCounts)
  return null
}
