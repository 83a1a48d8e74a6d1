import { sumBy } from '../../statistics/descriptive.js'
import type { ClassResult, ClassSegment } from '../classes.js'
import { CLASS_METRICS, type ClassMetric, errorsIn, totalOf } from '../recording.js'
import type { Result } from '../result.js'
import type { SegmentTime, Summary } from '../summary.js'
import { areSame, tooManyGood } from './counts.js'
import { Buckets, bucketsOf, decodeHistogram, faultAgainst, momentsOf } from './histograms.js'
import { contradictionOfResponses } from './responses.js'
import { type Contradiction, isAbout } from './rounding.js'

/** A contradiction within segments, or between them and the whole; null if there is none. */
export function contradictionOfSegments(whole: Result): Contradiction | null {
  const { segments, counts, batches } = whole
  const unjudged = segments.findIndex((segment) => (segment.counts.good === undefined) !== (counts.good === undefined))
  if (unjudged >= 0) return [`segments.${unjudged}.counts.good`, 'must be present exactly when the whole result has it']
  const batched = Object.entries(batches.sizes).reduce((all, [size, times]) => all + Number(size) * times, 0)
  if (
    sumBy(segments, (each) => each.batches) !== batches.count ||
    sumBy(segments, (each) => each.batched) !== batched
  ) {
    return ['segments', 'must add up to the batches of the whole']
  }
  const reversed = segments.findIndex(({ startMs, endMs }) => startMs > endMs)
  if (reversed >= 0) return [`segments.${reversed}.endMs`, 'must not be before its start']
  return contradictionInSegments(segments, whole, '', 'whole result')
}

/**
 * A contradiction within segments, or between them and what they are segments of; null if there is none.
 *
 * @param whole a result or a class
 * @param at the path of the class, with a dot at the end
 * @param name what `whole` is
 */
export function contradictionInSegments(
  segments: readonly ClassSegment[],
  whole: Pick<ClassResult, 'counts' | `${ClassMetric}Ms`>,
  at: string,
  name: string,
): Contradiction | null {
  if (!areSame(totalOf(segments.map(({ counts }) => counts)), whole.counts)) {
    return [`${at}segments`, `must add up to the counts of the ${name}`]
  }
  for (const [k, segment] of segments.entries()) {
    const inSegment = contradictionInSegment(segment, `${at}segments.${k}.`)
    if (inSegment !== null) return inSegment
  }
  for (const metric of CLASS_METRICS) {
    const own = segments.flatMap((segment) => segment[`${metric}Ms`] ?? [])
    // a result stored without the times of responses of its segments stays readable
    if (own.length === 0 || holdTogether(own, whole[`${metric}Ms`])) continue
    return [`${at}segments`, `must hold the same ${nameOfTimes(metric)} as the ${name}`]
  }
  return null
}

/** What the values of a metric are called. */
export const nameOfTimes = (metric: ClassMetric) => (metric === 'latency' ? 'latencies' : `'${metric}' times`)

function contradictionInSegment(segment: ClassSegment, at: string): Contradiction | null {
  const { counts, latencyMs } = segment
  if (counts.offered !== counts.completed + errorsIn(counts) + counts.aborted) {
    return [`${at}counts.offered`, 'must be the sum of the other counts']
  }
  if (counts.completed !== (latencyMs?.count ?? 0)) {
    return [`${at}counts.completed`, 'must equal the number of latencies']
  }
  if (tooManyGood(counts)) return [`${at}counts.good`, 'must be at most counts.completed']
  for (const metric of CLASS_METRICS) {
    const time = segment[`${metric}Ms`]
    const fault = time == null ? null : faultOfTime(time)
    if (fault !== null) return [`${at}${metric}Ms`, fault]
  }
  return contradictionOfResponses(segment, at)
}

function faultOfTime(time: SegmentTime): string | null {
  const histogram = decodeHistogram(time.histogram)
  return typeof histogram === 'string' ? histogram : faultAgainst(histogram, momentsOf(histogram).mean, time)
}

/** Whether the same time of all segments has the values that the whole has. */
function holdTogether(own: readonly SegmentTime[], whole: Summary | null | undefined): boolean {
  if (whole == null) return false
  const buckets = new Buckets()
  for (const each of own) buckets.add(bucketsOf(each))
  return (
    sumBy(own, ({ count }) => count) === whole.count &&
    buckets.hold(bucketsOf(whole)) &&
    Math.min(...own.map(({ min }) => min)) === whole.min &&
    Math.max(...own.map(({ max }) => max)) === whole.max &&
    isAbout(sumBy(own, ({ count, mean }) => count * mean) / whole.count, whole.mean)
  )
}
