import { zeros } from '../../histogram/latency-histogram.js'
import type { ResponseTime } from '../../scenario/budget.js'
import { intervalsBetween, intervalsIn } from '../intervals/intervals.js'
import { type Metric, type Recording, segmentHistograms } from '../recording.js'
import { ESTIMATES, type Estimate, type Interval, withholdIntervals } from '../summary.js'

/** With fewer machines, it is not known well enough how far they differ. */
export const FEWEST_MACHINES = 5

const TOO_FEW = `results hold their segments for latency only, and it takes the differences between ${FEWEST_MACHINES} machines or more`
const SHARED =
  'results hold their segments for latency only, and machines that share what they load do not differ as runs do'

/**
 * Computes the 95 % intervals of merged results. Machines that serve their own requests are independent: with five or more,
 * the intervals come from the differences between them. Otherwise they come from the segments. What several machines load
 * together is slow or fast for all of them at once, which their differences do not show: the wider of both intervals holds.
 */
export function intervalsOfMerged(recording: Recording, metric: Metric | ResponseTime): Record<Estimate, Interval> {
  const { histograms, machines = [], scenario, merged } = recording
  const total = histograms[metric] ?? zeros(0)
  const enough = machines.length >= FEWEST_MACHINES
  const between = enough
    ? intervalsBetween(
        total,
        machines.map((own) => own[metric] ?? zeros(0)),
        metric === 'between' ? 'gaps' : 'requests',
      )
    : null
  const share = merged?.as === 'shards' && (scenario === null || scenario.http !== undefined)
  if (between !== null && !share) return between
  if (metric !== 'latency') return withholdIntervals(enough ? SHARED : TOO_FEW)
  const within = intervalsIn(recording, total, segmentHistograms(recording, metric))
  return between === null ? within : widerOf(between, within)
}

/** A bound that one of the two does not know is not known. */
function widerOf(a: Record<Estimate, Interval>, b: Record<Estimate, Interval>): Record<Estimate, Interval> {
  const entries = ESTIMATES.map((estimate): [Estimate, Interval] => {
    const [one, other] = [a[estimate], b[estimate]]
    const unknown = [one, other].find(({ low }) => low === null)
    if (unknown !== undefined) return [estimate, unknown]
    const low = Math.min(one.low as number, other.low as number)
    return [estimate, { low, high: Math.max(one.high as number, other.high as number), level: 0.95 }]
  })
  return Object.fromEntries(entries) as Record<Estimate, Interval>
}
