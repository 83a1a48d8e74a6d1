import type { HistogramSnapshot } from '../../histogram/latency-histogram.js'
import type { ResponseTime } from '../../scenario/times.js'
import type { fractionInterval, RatioPart } from '../intervals/figure-intervals.js'
import { intervalsBetween, intervalsIn } from '../intervals/intervals.js'
import type { CheckpointCount, Metric, Recording } from '../recording.js'
import { holdAll } from '../segment-times.js'
import { ESTIMATES, type Estimate, type Interval, withholdIntervals } from '../summary.js'
import type { Merged } from './merged.js'

/** With fewer machines, it is not known well enough how far they differ. */
export const FEWEST_MACHINES = 5

const NOT_HELD = 'results hold their segments only for latency and the times of responses'
const TOO_FEW = `${NOT_HELD}, so it needs the differences between at least ${FEWEST_MACHINES} machines`
const SHARED = `${NOT_HELD}, and machines that load one server are not independent of each other`

/** What the values of a metric are of, in messages. */
export const countedBy = (metric: Metric | ResponseTime) => (metric === 'between' ? 'gaps' : 'requests')

/** The same by machine, and by segment or by replication. */
interface By<Part> {
  machines: Part[]
  segments: Part[]
}

/**
 * Computes the 95 % intervals of a distribution. Merged machines that serve their own requests are independent: with five
 * or more, the intervals come from the differences between them. Otherwise they come from the segments. What several machines load
 * together is slow or fast for all of them at once, which their differences do not show: the wider of both intervals holds.
 */
export function intervalsOfRecording(
  recording: Recording,
  total: HistogramSnapshot,
  { machines, segments }: By<HistogramSnapshot>,
  counted: 'requests' | 'gaps' = 'requests',
): Record<Estimate, Interval> {
  const source = sourceOf(recording)
  if (source === 'machines') return intervalsBetween(total, machines, counted)
  if (!holdAll(segments, total)) return withholdIntervals(source === 'both' ? SHARED : TOO_FEW)
  const within = intervalsIn(recording, total, segments, counted)
  if (source === 'segments') return within
  const between = intervalsBetween(total, machines, counted)
  const entries = ESTIMATES.map((estimate) => [estimate, widerOf(between[estimate], within[estimate])])
  return Object.fromEntries(entries) as Record<Estimate, Interval>
}

/** A recording or a result, as far as it determines what its intervals come from. */
interface Source {
  scenario: { http?: unknown } | null
  replications?: number
  checkpoints?: CheckpointCount
  merged?: Pick<Merged, 'as'>
  /** the machines; empty if a stored result lacks the figure of one */
  machines?: readonly unknown[]
}

/**
 * The same for a ratio of two sums, such as a fraction of requests.
 *
 * @param intervalOf `fractionInterval` or `ratioInterval`
 */
export function ratioBySource(
  of: Source,
  { machines, segments }: By<RatioPart>,
  intervalOf: typeof fractionInterval,
): Interval {
  const source = sourceOf(of)
  const between = () => intervalOf(machines, 'independent')
  if (source === 'machines') return between()
  const order = of.replications === undefined ? 'in a row' : 'independent'
  const within = intervalOf(segments, order, of.checkpoints?.planned)
  return source === 'segments' ? within : widerOf(between(), within)
}

/** What intervals come from. */
function sourceOf({ merged, replications, machines = [], scenario }: Source): 'segments' | 'machines' | 'both' {
  // replications have a segment each, wherever they ran
  if (merged === undefined || replications !== undefined || machines.length < FEWEST_MACHINES) return 'segments'
  const share = merged.as === 'shards' && (scenario === null || scenario.http !== undefined)
  return share ? 'both' : 'machines'
}

/** A bound that one of the two does not know is not known. */
function widerOf(one: Interval, other: Interval): Interval {
  const unknown = [one, other].find(({ low }) => low === null)
  if (unknown !== undefined) return unknown
  const low = Math.min(one.low as number, other.low as number)
  return { low, high: Math.max(one.high as number, other.high as number), level: 0.95 }
}
