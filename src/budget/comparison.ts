import { z } from 'zod'
import type { Environment, Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import type { StoredScenario } from '../scenario/scenario.js'
import { type Fraction, fraction } from '../scenario/units.js'
import { nearestName } from '../validation/nearest.js'

/** What is compared of two runs: mean and percentiles of latency, the mean of service, and figures of the run. */
export const COMPARED = ['mean', 'p50', 'p90', 'p95', 'p99', 'service.mean', 'throughput', 'errorRate'] as const
export type ComparedMetric = (typeof COMPARED)[number]

/**
 * What a comparison says of head: that it is slower or faster than base, that it is the same within a fraction, or that
 * what was seen does not tell. Of throughput, slower is less of it; of an error rate, it is more errors.
 */
export type ComparisonVerdict = 'slower' | 'faster' | 'same' | 'inconclusive'

/** Where a ratio or a difference lies; a bound that cannot be told, or is beyond all bounds, is null. */
export interface ComparisonInterval {
  low: number | null
  high: number | null
  /** how often it holds the true value: of pairs, at all checkpoints together */
  level: 0.99
  reason?: string
}

/** One metric of both, and what they say of one another. */
export interface MetricComparison {
  metric: ComparedMetric
  /** of base and head: milliseconds, a second, or a fraction of 1 */
  unit: 'ms' | '/s' | 'fraction'
  /** of a paired comparison their medians over the rounds, and of error rates the means; null where there is none */
  base: number | null
  head: number | null
  /**
   * head over base: of a paired comparison the middle of the pairs' own ratios; null for error rates, or where it is
   * none
   */
  ratio: number | null
  /** head less base, for error rates, which may be 0; else null */
  difference: number | null
  /** of the ratio, or of the difference */
  interval: ComparisonInterval
  verdict: ComparisonVerdict
  /** why it is not told, or how it is */
  reason?: string
}

/** One round of one side: its figures, and which errors made it invalid. */
export interface Round {
  /** times are null where nothing completed */
  figures: Record<Exclude<ComparedMetric, 'throughput' | 'errorRate'>, number | null> &
    Record<'throughput' | 'errorRate', number>
  invalid: Finding['code'][]
}

/** Two rounds, one of each side, that faced the same requests. */
export interface Pair {
  seed: number
  /** which of the two was run first, or of a duet was started first */
  first: Side
  base: Round
  head: Round
}

export type Side = 'base' | 'head'

export interface ComparedSide {
  scenario: StoredScenario | null
  environment: Environment | null
}

/** How the rounds of a pair are run. */
export const DESIGNS = ['alternating', 'duet'] as const
export type Design = (typeof DESIGNS)[number]

/** How head compares with base: plain data. */
export interface Comparison {
  schema: 'throughline/comparison@1'
  engine: Result['engine']
  /** alternating: rounds of both, one after the other; duet: at the same moment; unpaired: two stored results */
  design: Design | 'unpaired'
  /** base was compared with itself */
  null: boolean
  /** how many pairs were planned, of which it may have needed fewer; 0 of two stored results */
  rounds: number
  /** which metric the verdict is of */
  of: ComparedMetric
  /** what may lie between what counts as the same, as a fraction */
  within: number
  /**
   * of `of`, and of errors: a head that fails more is slower, whatever its times. If mean latency is inconclusive and
   * only the code differs, it is that of `service.mean`
   */
  verdict: ComparisonVerdict
  /** why it is not that of the metric */
  reason?: string
  /** each judged by itself */
  metrics: MetricComparison[]
  base: ComparedSide
  head: ComparedSide
  /** every figure that a paired comparison rests on; empty of stored results */
  pairs: Pair[]
  findings: Finding[]
}

/** What two runs are judged by. */
export interface JudgeOptions {
  /** Which metric the verdict is of. Default: mean, of latency. */
  of?: ComparedMetric | undefined
  /** How far apart two may be and still count as the same: from 1 / (1 + within) to 1 + within. Default 5%. */
  within?: Fraction | undefined
}

function notCompared(value: unknown): string {
  const nearest = typeof value === 'string' ? nearestName(value, COMPARED) : null
  const hint = nearest === null ? '' : ` (did you mean '${nearest}'?)`
  return `must be a metric that is compared${hint}: ${COMPARED.join(', ')}`
}

/** The schema's part of what two runs are judged by. */
export const judgeShape = {
  of: z.enum(COMPARED, { error: ({ input }) => notCompared(input) }).default('mean'),
  within: fraction.default(0.05),
}

export const UNITS: Record<ComparedMetric, MetricComparison['unit']> = {
  ...{ mean: 'ms', p50: 'ms', p90: 'ms', p95: 'ms', p99: 'ms', 'service.mean': 'ms' },
  ...{ throughput: '/s', errorRate: 'fraction' },
}

/** By how much of all requests more or fewer may fail and count as the same, where chance explains the difference. */
const SAME_ERRORS = 0.01

/**
 * The verdict on a ratio by its interval: the same where all of it is within the fraction, however far from 1 it is
 * known to be; else slower or faster where all of it lies on one side of 1. A bound may be infinite.
 */
export function verdictOnRatio(metric: ComparedMetric, low: number, high: number, within: number): ComparisonVerdict {
  if (low >= 1 / (1 + within) && high <= 1 + within) return 'same'
  const more = metric === 'throughput' ? 'faster' : 'slower'
  if (low > 1) return more
  return high < 1 ? (more === 'slower' ? 'faster' : 'slower') : 'inconclusive'
}

/**
 * The verdict on a metric of two results, by its interval. Without a low end the ratio is beyond all bounds if there is
 * a figure of base alone, or only base is 0.
 */
export function verdictOf(
  { metric, base, head, interval }: Pick<MetricComparison, 'metric' | 'base' | 'head' | 'interval'>,
  within: number,
): ComparisonVerdict {
  const { low, high } = interval
  if (metric === 'errorRate') {
    // that nothing failed is as much as a run can show of its errors
    if (base === 0 && head === 0) return 'same'
    return verdictOnErrors(low ?? Number.NEGATIVE_INFINITY, high ?? Number.POSITIVE_INFINITY)
  }
  const isBeyond = base !== null && (head === null || (base === 0 && head > 0))
  const from = low ?? (isBeyond ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)
  return verdictOnRatio(metric, from, high ?? Number.POSITIVE_INFINITY, within)
}

/** The verdict on a difference of error rates: any that chance does not explain counts. */
export function verdictOnErrors(low: number, high: number): ComparisonVerdict {
  if (low > 0) return 'slower'
  if (high < 0) return 'faster'
  return low >= -SAME_ERRORS && high <= SAME_ERRORS ? 'same' : 'inconclusive'
}

/** What a verdict is made of. */
type Judged = Pick<Comparison, 'of' | 'metrics' | 'base' | 'head'>

/** The verdict of a comparison, the metric that it comes from, and why if that is not its own. */
export function overallVerdict(judged: Judged): Pick<Comparison, 'verdict' | 'reason'> & { by: ComparedMetric } {
  const { of, metrics } = judged
  const verdictOf = (name: ComparedMetric) => metrics.find(({ metric }) => metric === name) as MetricComparison
  const errors = verdictOf('errorRate').verdict
  const { by, verdict, reason } = verdictOnTimes(verdictOf(of), verdictOf('service.mean'), judged)
  if (errors === 'slower') {
    return { by, verdict: 'slower', ...(verdict !== 'slower' && { reason: 'head fails more' }) }
  }
  if (errors === 'inconclusive' && (verdict === 'faster' || verdict === 'same')) {
    return { by, verdict: 'inconclusive', reason: `${by} is ${verdict}, but head may fail more` }
  }
  if (errors === 'faster' && verdict === 'slower' && of !== 'errorRate') {
    return {
      by,
      verdict: 'inconclusive',
      reason: `${by} is slower, but base fails more, and what fails counts in no latency`,
    }
  }
  return { by, verdict, ...(reason !== undefined && { reason }) }
}

/**
 * The time that requests are served for varies far less than that which they wait. If mean latency leaves it open and
 * nothing but the code differs, it is what decides: with the same requests, servers and batching, requests that are
 * served for longer take longer.
 */
function verdictOnTimes(
  metric: MetricComparison,
  service: MetricComparison,
  { of, base, head }: Judged,
): Pick<MetricComparison, 'verdict' | 'reason'> & { by: ComparedMetric } {
  const { verdict, reason } = metric
  const decides = of === 'mean' && verdict === 'inconclusive' && service.verdict !== 'same'
  if (decides && service.verdict !== 'inconclusive' && differingFields(base, head, LOAD).length === 0) {
    return {
      by: 'service.mean',
      verdict: service.verdict,
      reason: `latency is inconclusive, but the time to serve a request is ${service.verdict === 'slower' ? 'longer' : 'shorter'}`,
    }
  }
  return { by: of, verdict, ...(reason !== undefined && { reason }) }
}

/** What is run, rather than what it is run on: a service or a target is what a comparison is of. */
export const LOAD = ['arrivals', 'batching', 'servers', 'queue', 'stop', 'warmup'] as const

/** In which of these fields two scenarios differ: in all of them if one is not known. */
export function differingFields<F extends (typeof LOAD)[number]>(
  base: ComparedSide,
  head: ComparedSide,
  fields: readonly F[],
): F[] {
  const text = ({ scenario }: ComparedSide, field: F) => JSON.stringify(scenario?.[field])
  if (base.scenario === null || head.scenario === null) return [...fields]
  return fields.filter((field) => text(base, field) !== text(head, field))
}
