import { mean } from '../../statistics/descriptive.js'
import { NS_PER_MS } from '../nanoseconds.js'
import { type byBatchSize, CAUSES, type Cause, type ServiceExtras } from './service.js'
import { empirical } from './variation.js'

/** A batch as it was observed, in nanoseconds. */
export interface ObservedBatch {
  size: number
  /** why it left the queue, and when */
  cause: Cause
  leaveNs: number
  startNs: number
  endNs: number
}

/** Batches of neighbouring sizes, enough for a mean, with the service time of each in milliseconds. */
export interface SizeGroup {
  size: number
  times: number[]
}

export type Points = Parameters<typeof byBatchSize>[0]

/** The minimum number of observations for a mean. */
export const FEWEST_OBSERVATIONS = 30
/** The maximum number of samples in a variation. */
const KEPT = 1000

/** Groups batches by size, smallest first. Sizes with too few batches are merged with their neighbours. */
export function groupsOf(observed: readonly ObservedBatch[]): [SizeGroup, ...SizeGroup[]] {
  const groups: ObservedBatch[][] = []
  for (const each of [...observed].sort((a, b) => a.size - b.size)) {
    const last = groups.at(-1)
    // batches of one size stay in one group
    if (last === undefined || (last.length >= FEWEST_OBSERVATIONS && last.at(-1)?.size !== each.size))
      groups.push([each])
    else last.push(each)
  }
  const last = groups.at(-1) as ObservedBatch[]
  if (last.length < FEWEST_OBSERVATIONS && groups.length > 1)
    groups.splice(-2, 2, [...(groups.at(-2) as ObservedBatch[]), ...last])
  return groups.map((group) => ({
    size: Math.round(mean(group.map(({ size }) => size))),
    times: group.map(({ startNs, endNs }) => (endNs - startNs) / NS_PER_MS),
  })) as [SizeGroup, ...SizeGroup[]]
}

/** Dispatch times by the cause that let a batch leave, for causes with enough observations. */
export function overheadOf(observed: readonly ObservedBatch[]): NonNullable<ServiceExtras['overhead']> {
  const overhead: NonNullable<ServiceExtras['overhead']> = {}
  for (const cause of CAUSES) {
    const times = observed
      .filter((each) => each.cause === cause)
      .map(({ leaveNs, startNs }) => (startNs - leaveNs) / NS_PER_MS)
    if (times.length >= FEWEST_OBSERVATIONS && mean(times) > 0) overhead[cause] = summarizeTimes(times)
  }
  return overhead
}

/** The mean of times, and an empirical variation from the times themselves. */
export const summarizeTimes = (times: readonly number[]) => ({ mean: mean(times), variation: empirical(evenly(times)) })

/** Thins values to at most 1,000, at evenly spaced ranks. */
export function evenly(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length <= KEPT) return sorted
  return Array.from({ length: KEPT }, (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / KEPT)] as number)
}
