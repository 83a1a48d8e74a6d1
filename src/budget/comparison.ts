import { z } from 'zod'
import type { Environment, Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { nearestName } from '../scenario/nearest.js'
import type { KeptScenario } from '../scenario/scenario.js'
import { type Share, share } from '../scenario/units.js'

/** What is compared of two runs: mean and percentiles of latency, the mean of service, and figures of the run. */
export const COMPARED = ['mean', 'p50', 'p90', 'p95', 'p99', 'service.mean', 'throughput', 'errorRate'] as const
export type ComparedMetric = (typeof COMPARED)[number]

/**
 * What a comparison says of head: that it is slower or faster than base, that it is the same within a share, or that
 * what was seen does not tell. Of throughput, slower is less of it; of an error rate, it is more errors.
 */
export type ComparisonVerdict = 'slower' | 'faster' | 'same' | 'inconclusive'

/** Where a ratio or a difference lies; a bound that cannot be told, or is beyond all bounds, is null. */
export interface ComparisonInterval {
  low: number | null
  high: number | null
  /** how often it holds the true value: 0.99 of pairs, at least 0.95 of two stored results */
  level: 0.99 | 0.95
  reason?: string
}

/** One metric of both, and what they say of one another. */
export interface MetricComparison {
  metric: ComparedMetric
  /** of base and head: milliseconds, a second, or a share of 1 */
  unit: 'ms' | '/s' | 'share'
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
  figures: Record<ComparedMetric, number>
  invalid: Finding['code'][]
}

/** Two rounds, one of each side, that faced the same requests. */
export interface Pair {
  seed: number
  /** which of the two was run first */
  first: Side
  base: Round
  head: Round
}

export type Side = 'base' | 'head'

export interface ComparedSide {
  scenario: KeptScenario | null
  environment: Environment | null
}

/** How head compares with base: plain data. */
export interface Comparison {
  schema: 'throughline/comparison@1'
  engine: Result['engine']
  /** paired: rounds of both in one run; unpaired: two stored results */
  design: 'paired' | 'unpaired'
  /** which metric the verdict is of */
  of: ComparedMetric
  /** what may lie between what counts as the same, as a share */
  within: number
  /** of `of`, and of errors: a head that fails more is slower, whatever its times */
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
  within?: Share | undefined
}

function notCompared(value: unknown): string {
  const nearest = typeof value === 'string' ? nearestName(value, COMPARED) : null
  const hint = nearest === null ? '' : ` (did you mean '${nearest}'?)`
  return `must be a metric that is compared${hint}: ${COMPARED.join(', ')}`
}

/** The schema's part of what two runs are judged by. */
export const judgeShape = {
  of: z.enum(COMPARED, { error: ({ input }) => notCompared(input) }).default('mean'),
  within: share.default(0.05),
}

export const UNITS: Record<ComparedMetric, MetricComparison['unit']> = {
  ...{ mean: 'ms', p50: 'ms', p90: 'ms', p95: 'ms', p99: 'ms', 'service.mean': 'ms' },
  ...{ throughput: '/s', errorRate: 'share' },
}

/** By how much of all requests more or fewer may fail and count as the same, where chance explains the difference. */
const SAME_ERRORS = 0.01

/**
 * The verdict on a ratio by its interval: the same where all of it is within the share, however far from 1 it is
 * known to be; else slower or faster where all of it lies on one side of 1. A bound may be infinite.
 */
export function verdictOnRatio(metric: ComparedMetric, low: number, high: number, within: number): ComparisonVerdict {
  if (low >= 1 / (1 + within) && high <= 1 + within) return 'same'
  const more = metric === 'throughput' ? 'faster' : 'slower'
  if (low > 1) return more
  return high < 1 ? (more === 'slower' ? 'faster' : 'slower') : 'inconclusive'
}

/** The verdict on a difference of error rates: any that chance does not explain counts. */
export function verdictOnErrors(low: number, high: number): ComparisonVerdict {
  if (low > 0) return 'slower'
  if (high < 0) return 'faster'
  return low >= -SAME_ERRORS && high <= SAME_ERRORS ? 'same' : 'inconclusive'
}

/** The verdict of a comparison: that of its metric, unless errors say otherwise. */
export function overall(
  metrics: readonly MetricComparison[],
  of: ComparedMetric,
): Pick<Comparison, 'verdict' | 'reason'> {
  const verdictOf = (name: ComparedMetric) => metrics.find(({ metric }) => metric === name) as MetricComparison
  const { verdict, reason } = verdictOf(of)
  const errors = verdictOf('errorRate').verdict
  if (errors === 'slower') {
    return verdict === 'slower' ? { verdict } : { verdict: 'slower', reason: 'head fails more' }
  }
  if (errors === 'inconclusive' && (verdict === 'faster' || verdict === 'same')) {
    return { verdict: 'inconclusive', reason: `${of} is ${verdict}, but head may fail more` }
  }
  if (errors === 'faster' && verdict === 'slower' && of !== 'errorRate') {
    return {
      verdict: 'inconclusive',
      reason: `${of} is slower, but base fails more, and what fails counts in no latency`,
    }
  }
  return reason === undefined ? { verdict } : { verdict, reason }
}
