import { RESPONSE_TIMES } from '../../scenario/times.js'
import type { SegmentTimes } from '../segment-times.js'
import type { SegmentTime } from '../summary.js'
import { type Contradiction, ROUNDING } from './rounding.js'

type Times = { [T in keyof SegmentTimes]: Pick<SegmentTime, 'count' | 'mean' | 'max'> | Extract<SegmentTimes[T], null> }

/**
 * Finds a contradiction between latency and the times of responses, which are parts of it; null if there is none.
 *
 * @param at the path of the class or the segment, with a dot at the end
 */
export function contradictionOfResponses({ firstMs, betweenMs, latencyMs }: Times, at = ''): Contradiction | null {
  if (firstMs === undefined) {
    return betweenMs === undefined
      ? null
      : [`${at}betweenMs`, 'must be absent without firstMs: a gap is between two events']
  }
  if (latencyMs === null || firstMs.count > latencyMs.count) {
    return [`${at}firstMs.count`, 'must be at most the number of latencies']
  }
  let within = 0
  for (const time of RESPONSE_TIMES) {
    const summary = { firstMs, betweenMs }[`${time}Ms`]
    if (summary === undefined) continue
    if (summary.max > latencyMs.max) return [`${at}${time}Ms.max`, 'must be at most the longest latency']
    within += summary.count * summary.mean
    if (within > latencyMs.count * latencyMs.mean * (1 + ROUNDING)) {
      return [`${at}${time}Ms.mean`, 'must be possible within the latency of the requests']
    }
  }
  return null
}
