import { type HistogramSnapshot, zeros } from '../histogram/latency-histogram.js'
import { RESPONSE_TIMES, type ResponseTime } from '../scenario/times.js'
import { sumBy } from '../statistics/descriptive.js'
import type { ClassMetric, Histograms } from './recording.js'
import { type SegmentTime, segmentTime } from './summary.js'

/** The times of a segment, of which budgets count how many exceed a limit. */
export interface SegmentTimes {
  /** of the completed requests; null if none completed */
  latencyMs: SegmentTime | null
  /** until the beginning of their responses; absent if none of them has one */
  firstMs?: SegmentTime
  /** the gaps between the events of their responses; absent if none of them has two events */
  betweenMs?: SegmentTime
}

/**
 * The times of responses of which parts hold all values: a merged result may lack those of some machines. Gaps between
 * events are left out with the beginnings of the same responses.
 *
 * @param parts the segments, or the classes
 */
export function responseTimesIn(
  total: Pick<Histograms, ResponseTime>,
  parts: readonly Pick<Histograms, ResponseTime>[],
): ResponseTime[] {
  const isHeld = (time: ResponseTime) => {
    const held = parts.flatMap((part) => part[time] ?? [])
    return holdAll(held, total[time] ?? zeros(0))
  }
  return isHeld('first') ? RESPONSE_TIMES.filter(isHeld) : []
}

/**
 * Whether parts hold all values of a metric. The segments of a stored result hold those of latency and of the times of
 * responses only.
 */
export const holdAll = (parts: readonly Counted[], total: Counted) => sumBy(parts, ({ count }) => count) === total.count
type Counted = Pick<HistogramSnapshot, 'count'>

/**
 * The times of a segment, of all its requests or of those of a class.
 *
 * @param times the times of responses to include
 */
export function segmentTimes(histograms: Pick<Histograms, ClassMetric>, times: readonly ResponseTime[]): SegmentTimes {
  const ofResponses: Pick<SegmentTimes, `${ResponseTime}Ms`> = Object.fromEntries(
    times.flatMap((time) => {
      const own = segmentTime(histograms[time] ?? zeros(0))
      return own === null ? [] : [[`${time}Ms`, own]]
    }),
  )
  return { latencyMs: segmentTime(histograms.latency), ...ofResponses }
}
