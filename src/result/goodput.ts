import type { Good } from '../scenario/good.js'
import { NS_PER_SECOND } from '../scenario/units.js'
import { fractionInterval, type RatioPart } from './intervals/figure-intervals.js'
import type { Counts, Recording } from './recording.js'
import { type Interval, noInterval } from './summary.js'

/** The requests that met all limits of `good`. Requests that failed, or were rejected, timed out or aborted, did not. */
export interface Goodput {
  /** in milliseconds; a request is good if each of these times is at most its limit */
  limits: Good
  /** of offered requests, without those that the end of the run left unfinished */
  fraction: number
  /** good requests per second, of those due in the window */
  perSecond: number
  /** of the fraction */
  interval: Interval
}

/** How many requests were good, and of how many. An unfinished request may yet have become good, so it counts as neither. */
export const goodPart = ({ good = 0, offered, unfinished }: Counts): RatioPart => ({
  amount: good,
  of: offered - unfinished,
})

/**
 * The goodput of a recording; null if its requests were not judged by limits.
 *
 * @param noSteadyState why there is no interval; null if there is a steady state
 * @param counts those of the whole, or of a class
 * @param segments the same by segment
 */
export function goodputOf(
  recording: Recording,
  noSteadyState: string | null,
  counts: Counts = recording.counts,
  segments: readonly { counts: Counts }[] = recording.segments,
): Goodput | null {
  const { scenario, startNs, endNs, replications, checkpoints } = recording
  const limits = scenario?.good ?? recording.good
  if (limits === undefined || counts.good === undefined) return null
  const { amount, of } = goodPart(counts)
  if (of === 0) return null
  const order = replications === undefined ? 'in a row' : 'independent'
  const parts = segments.map((segment) => goodPart(segment.counts))
  return {
    limits,
    fraction: amount / of,
    perSecond: amount / ((endNs - startNs) / NS_PER_SECOND),
    interval: noSteadyState === null ? fractionInterval(parts, order, checkpoints?.planned) : noInterval(noSteadyState),
  }
}
