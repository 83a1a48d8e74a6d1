import { nanoseconds } from '../nanoseconds.js'
import type { Arrivals } from './arrivals.js'
import { rampsOf } from './ramps.js'

/** How many spans of stages a run records: each has histograms of its own. */
const MOST_SPANS = 32

/** A stage of the arrivals, or neighbouring ones that are recorded together, since there are too many. */
export interface StageSpan {
  /** the numbers of its first and its last stage in the scenario, from 1 */
  first: number
  last: number
  /** when it begins and ends, in nanoseconds from the start of the run */
  startNs: number
  endNs: number
  /** the rates at its start and its end, in requests per second */
  from: number
  to: number
}

/** The stages of arrivals by which a run is recorded; empty for other arrivals. Jumps have no length, and no span. */
export function stageSpans(arrivals: Arrivals): StageSpan[] {
  if (arrivals.process !== 'stages') return []
  const ramps = rampsOf(arrivals)
  const together = Math.ceil(ramps.length / MOST_SPANS)
  const spans: StageSpan[] = []
  let endNs = 0
  ramps.forEach(({ number, from, to, durationMs }, i) => {
    const startNs = endNs
    endNs += nanoseconds(durationMs)
    const last = { last: number, endNs, to }
    if (i % together === 0) spans.push({ first: number, startNs, from, ...last })
    else Object.assign(spans.at(-1) as StageSpan, last)
  })
  return spans
}

/**
 * When requests begin to belong to the span after this one. The due time of the last request of all may be rounded up to
 * the end of its stage, so it has a nanosecond more.
 */
export const endOfSpan = (spans: readonly StageSpan[], k: number): number =>
  spans[k + 1]?.startNs ?? (spans[k] as StageSpan).endNs + 1

/** The times between spans, in ascending order: at these, segments are cut. */
export const cutsBetween = (spans: readonly StageSpan[]): number[] => spans.map((_, k) => endOfSpan(spans, k))
