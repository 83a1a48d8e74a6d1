import type { Good } from '../scenario/good.js'
import { NS_PER_SECOND } from '../scenario/nanoseconds.js'
import { fractionInterval, type RatioPart } from './intervals/figure-intervals.js'
import { ratioBySource } from './merge/intervals.js'
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

/** How many requests were good, and of how many. An unfinished request may still become good, so it counts as neither. */
export const goodPart = ({ good = 0, offered, unfinished }: Counts): RatioPart => ({
  amount: good,
  of: offered - unfinished,
})

/**
 * The goodput of a recording; null if its requests were not judged by limits.
 *
 * @param noSteadyState why there is no interval; null if there is a steady state
 * @param of the counts of the whole, or of a class, and the same by segment and by machine
 */
export function goodputOf(
  recording: Recording,
  noSteadyState: string | null,
  of: Counted & { segments: readonly Counted[]; machines?: readonly Counted[] } = recording,
): Goodput | null {
  const { scenario, startNs, endNs } = recording
  const { counts, segments, machines = [] } = of
  const limits = scenario?.good ?? recording.good
  if (limits === undefined || counts.good === undefined) return null
  const { amount, of: judged } = goodPart(counts)
  if (judged === 0) return null
  const partOf = (each: Counted) => goodPart(each.counts)
  const parts = { machines: machines.map(partOf), segments: segments.map(partOf) }
  return {
    limits,
    fraction: amount / judged,
    perSecond: amount / ((endNs - startNs) / NS_PER_SECOND),
    interval: noSteadyState === null ? ratioBySource(recording, parts, fractionInterval) : noInterval(noSteadyState),
  }
}

interface Counted {
  counts: Counts
}
