import { z } from 'zod'
import type { Environment } from '../../result/host.js'
import type { Result } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import type { StoredScenario } from '../../scenario/scenario.js'
import { type Fraction, fraction } from '../../scenario/units.js'
import { nearestName, suggest } from '../../validation/nearest.js'
import { ValidationError } from '../../validation/validation-error.js'

/** The compared metrics: mean and percentiles of latency, mean service time, throughput, error rate and goodput. */
export const COMPARED = [
  ...(['mean', 'p50', 'p90', 'p95', 'p99', 'service.mean'] as const),
  ...(['throughput', 'errorRate', 'goodput'] as const),
] as const
/** A compared metric, by name. */
export type ComparedMetric = (typeof COMPARED)[number]
/** A metric that is a fraction of requests. Its differences are compared, not its ratios. */
export type FractionMetric = 'errorRate' | 'goodput'

export const isFraction = (metric: ComparedMetric): metric is FractionMetric =>
  metric === 'errorRate' || metric === 'goodput'

/** @param judged whether both sides say which requests are good */
export const comparedMetrics = (judged: boolean): readonly ComparedMetric[] =>
  judged ? COMPARED : COMPARED.filter((metric) => metric !== 'goodput')

/**
 * Refuses a comparison about goodput of sides that do not both have it.
 *
 * @throws ValidationError
 */
export function refuseGoodput(name: string, of: ComparedMetric, judged: boolean): void {
  if (of !== 'goodput' || judged) return
  throw new ValidationError(
    name,
    "is goodput, so both scenarios must have the same 'good', such as { latency: '100ms' }",
  )
}

/**
 * The verdict on head: slower or faster than base, the same within a fraction, or inconclusive. For throughput, slower
 * means less; for the error rate, it means more errors, and for goodput fewer good requests.
 */
export type ComparisonVerdict = 'slower' | 'faster' | 'same' | 'inconclusive'

/** The interval of a ratio or a difference. A bound that is unknown or infinite is null. */
export interface ComparisonInterval {
  low: number | null
  high: number | null
  /** the probability that it covers the true value; for pairs, at all checkpoints together */
  level: 0.99
  /** why there is no interval, or only a wide one */
  reason?: string
}

/** One metric of base and head, and how they compare. */
export interface MetricComparison {
  metric: ComparedMetric
  /** of base and head: milliseconds, per second, or a fraction of 1 */
  unit: 'ms' | '/s' | 'fraction'
  /** for a paired comparison the median of the rounds, or the mean for fractions; null if no round has the figure */
  base: number | null
  head: number | null
  /**
   * head / base; for a paired comparison the median of the pairs' ratios. Null for fractions, and if either is missing
   * or 0
   */
  ratio: number | null
  /** head - base for error rate and goodput, else null */
  difference: number | null
  /** of the ratio or the difference */
  interval: ComparisonInterval
  verdict: ComparisonVerdict
  /** why it is inconclusive, or what decided it */
  reason?: string
}

/** One round of one side: its figures, and the errors that make it invalid. */
export interface Round {
  /** times are milliseconds, null if nothing completed */
  figures: Record<Exclude<ComparedMetric, 'throughput' | FractionMetric>, number | null> &
    Record<'throughput' | 'errorRate', number> & {
      /** absent if the scenario does not say which requests are good */
      goodput?: number
    }
  invalid: Finding['code'][]
}

/** Two rounds, one of each side, that served the same requests. */
export interface Pair {
  seed: number
  /** the side that ran first, or in a duet started first */
  first: Side
  base: Round
  head: Round
}

/** A side of a comparison: `base` is what `head` is compared with. */
export type Side = 'base' | 'head'

/** What a side ran and where; null if unknown. */
export interface ComparedSide {
  scenario: StoredScenario | null
  environment: Environment | null
}

/** How the rounds of a pair run: one after the other, or at the same time. */
export const DESIGNS = ['alternating', 'duet'] as const
export type Design = (typeof DESIGNS)[number]

/** How head compares with base, as plain data. */
export interface Comparison {
  schema: 'throughline/comparison@1'
  /** bench: tasks of micro-benchmarks */
  engine: Result['engine'] | 'bench'
  /** alternating: rounds one after the other; duet: rounds at the same time; unpaired: two stored results */
  design: Design | 'unpaired'
  /** base was compared with itself */
  null: boolean
  /** the number of planned pairs, though fewer may have decided; 0 for two stored results */
  rounds: number
  /** the metric that the verdict is about */
  of: ComparedMetric
  /** the largest difference, as a fraction, that counts as the same */
  within: number
  /**
   * the verdict on the metric `of`, and on errors: a head that fails more is slower, whatever its times. If mean latency
   * is inconclusive and only the code differs, it is the verdict on `service.mean`
   */
  verdict: ComparisonVerdict
  /** why the verdict is inconclusive or is not that of the metric `of` */
  reason?: string
  /** every metric, judged separately */
  metrics: MetricComparison[]
  base: ComparedSide
  head: ComparedSide
  /** the figures of every round of a paired comparison; empty for stored results */
  pairs: Pair[]
  findings: Finding[]
}

/** How two runs are judged. */
export interface JudgeOptions {
  /**
   * The metric that the verdict is about.
   *
   * @default 'mean', of latency
   */
  of?: ComparedMetric | undefined
  /**
   * The largest difference that counts as the same: a ratio from 1 / (1 + within) to 1 + within.
   *
   * @default '5%'
   */
  within?: Fraction | undefined
}

function describeUnknownMetric(value: unknown): string {
  const nearest = typeof value === 'string' ? nearestName(value, COMPARED) : null
  const hint = suggest(nearest)
  return `must be a compared metric${hint}: ${COMPARED.join(', ')}`
}

/** The schema of `JudgeOptions`. */
export const judgeShape = {
  of: z.enum(COMPARED, { error: ({ input }) => describeUnknownMetric(input) }).default('mean'),
  within: fraction.default(0.05),
}

export const UNITS: Record<ComparedMetric, MetricComparison['unit']> = {
  ...{ mean: 'ms', p50: 'ms', p90: 'ms', p95: 'ms', p99: 'ms', 'service.mean': 'ms' },
  ...{ throughput: '/s', errorRate: 'fraction', goodput: 'fraction' },
}

/** Fractions that chance may explain count as the same if their difference is within this fraction of all requests. */
const SAME_FRACTION = 0.01

/**
 * The verdict on a ratio by its interval: same if the whole interval is within the fraction, even if it excludes 1; else
 * slower or faster if the whole interval lies on one side of 1. A bound may be infinite.
 */
export function verdictOnRatio(metric: ComparedMetric, low: number, high: number, within: number): ComparisonVerdict {
  if (low >= 1 / (1 + within) && high <= 1 + within) return 'same'
  const more = metric === 'throughput' ? 'faster' : 'slower'
  if (low > 1) return more
  return high < 1 ? (more === 'slower' ? 'faster' : 'slower') : 'inconclusive'
}

/**
 * The verdict on a metric of two results, by its interval. Without a lower bound the ratio is infinite if only base has a
 * figure, or only base is 0.
 */
export function verdictOf(
  { metric, base, head, interval }: Pick<MetricComparison, 'metric' | 'base' | 'head' | 'interval'>,
  within: number,
): ComparisonVerdict {
  const { low, high } = interval
  if (isFraction(metric)) {
    // no run can show more than that nothing failed, and all was good
    if (base === head && base === (metric === 'errorRate' ? 0 : 1)) return 'same'
    return verdictOnFraction(metric, low ?? Number.NEGATIVE_INFINITY, high ?? Number.POSITIVE_INFINITY)
  }
  const isBeyond = base !== null && (head === null || (base === 0 && head > 0))
  const from = low ?? (isBeyond ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)
  return verdictOnRatio(metric, from, high ?? Number.POSITIVE_INFINITY, within)
}

/** The verdict on a difference of fractions: any difference that chance does not explain counts. */
export function verdictOnFraction(metric: FractionMetric, low: number, high: number): ComparisonVerdict {
  const [more, less] = metric === 'errorRate' ? (['slower', 'faster'] as const) : (['faster', 'slower'] as const)
  if (low > 0) return more
  if (high < 0) return less
  return low >= -SAME_FRACTION && high <= SAME_FRACTION ? 'same' : 'inconclusive'
}

/** The parts of a comparison that determine its verdict. */
type Judged = Pick<Comparison, 'of' | 'metrics' | 'base' | 'head'>

/** The verdict of a comparison, the metric `by` which it is decided, and the reason if that metric is not `of`. */
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
      reason: `${by} is slower, but base fails more, and failed requests do not count in latency`,
    }
  }
  return { by, verdict, ...(reason !== undefined && { reason }) }
}

/**
 * Service time varies far less than wait time. If mean latency is inconclusive and only the code differs, mean service
 * time decides: with the same requests, servers and batching, a longer service means a longer latency.
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
      reason: `latency is inconclusive, but service time is ${service.verdict === 'slower' ? 'longer' : 'shorter'}`,
    }
  }
  return { by: of, verdict, ...(reason !== undefined && { reason }) }
}

/** The fields that make the load. The service and the target are what is compared. */
export const LOAD = ['arrivals', 'batching', 'servers', 'queue', 'stop', 'warmup'] as const

/** Lists the fields in which two scenarios differ: all fields if either scenario is unknown. */
export function differingFields<F extends (typeof LOAD)[number]>(
  base: ComparedSide,
  head: ComparedSide,
  fields: readonly F[],
): F[] {
  const text = ({ scenario }: ComparedSide, field: F) => JSON.stringify(scenario?.[field])
  if (base.scenario === null || head.scenario === null) return [...fields]
  return fields.filter((field) => text(base, field) !== text(head, field))
}
