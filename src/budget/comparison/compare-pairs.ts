import type { Result } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import { finiteOrNull, mean, median, sumBy } from '../../statistics/descriptive.js'
import { signedRank } from '../../statistics/signed-rank.js'
import { student } from '../../statistics/student.js'
import { EARLY_DIFFERENCE, EARLY_RATIO, LEVEL, MIN_PAIRS, tailAt } from './checkpoints.js'
import {
  type ComparedMetric,
  comparedMetrics,
  type FractionMetric,
  isFraction,
  type MetricComparison,
  type Pair,
  type Round,
  type Side,
  UNITS,
  verdictOnFraction,
  verdictOnRatio,
} from './comparison.js'

/** If more than this fraction of pairs is left out, the remaining pairs may be a biased selection. */
const MOST_LEFT_OUT = 1 / 2

/** Builds a round from a run: its figures, and the errors that make it invalid. */
export function buildRound({ latencyMs, serviceMs, throughput, rates, goodput, validity }: Result): Round {
  const { mean, p50, p90, p95, p99 } = latencyMs
  return {
    figures: {
      ...{ mean, p50, p90, p95, p99 },
      'service.mean': serviceMs.mean,
      throughput: throughput.completed,
      errorRate: rates.error,
      ...(goodput !== undefined && { goodput: goodput.fraction }),
    },
    // lateness hides a difference even if it is only a warning
    invalid: validity.findings
      .filter(({ severity, code }) => severity === 'error' || code === LATE)
      .map(({ code }) => code),
  }
}

/**
 * Builds a round in which no request completed.
 *
 * @param judged whether the scenario says which requests are good: none was
 */
export function buildEmptyRound(errorRate: number, invalid: Round['invalid'], judged = false): Round {
  const times = { mean: null, p50: null, p90: null, p95: null, p99: null, 'service.mean': null }
  return { figures: { ...times, throughput: 0, errorRate, ...(judged && { goodput: 0 }) }, invalid }
}

/** Findings of an overloaded round: its side is slower, by an unknown amount. */
export const OVER: readonly Finding['code'][] = ['saturated', 'cut-off', 'server-died']
/**
 * A late event loop delays both sides alike: it moves their ratio towards 1, and never past it. So the verdicts slower and
 * faster still hold, and only the verdict same does not.
 */
export const LATE: Finding['code'] = 'event-loop-late'
/** If more than this fraction of pairs is late, lateness may have hidden a difference. */
const MOST_LATE = 0.1
const isOver = ({ invalid }: Round) => invalid.some((code) => OVER.includes(code))
const isBeyond = (round: Round) => isOver(round) || round.figures.mean === null
const isLate = ({ base, head }: Pair) => [base, head].some(({ invalid }) => invalid.includes(LATE))
const isUsable = ({ base, head }: Pair) =>
  [base, head].every(({ invalid }) => invalid.every((code) => code === LATE || OVER.includes(code))) &&
  !(isBeyond(base) && isBeyond(head))

/** How pairs are judged. */
export interface PairOptions {
  /** the largest difference, as a fraction, that counts as the same */
  within: number
  /** the number of planned pairs; some may not have run */
  rounds: number
}

/**
 * Compares two sides by pairs of rounds, each metric by the ratios of the pairs. Both rounds of a pair serve the same
 * requests, at the same time or one after the other in random order. So if the sides are the same, a ratio is as likely as
 * its inverse, whatever the machine did, and Wilcoxon's signed-rank interval of the logarithms of the ratios holds
 * (Lehmann, Nonparametrics, 1975, 3.1 and 4.3: a randomisation model). Differences of fractions have Student's interval,
 * which counts a burst in one round of ten by its size. Each interval has the level of its checkpoint, so that all
 * checkpoints hold together.
 */
export function comparePairs(
  pairs: readonly Pair[],
  { within, rounds }: PairOptions,
): { metrics: MetricComparison[]; findings: Finding[] } {
  const used = pairs.filter(isUsable)
  const tail = tailAt(pairs.length, rounds)
  const basis: Basis = {
    tail: 2 ** -used.length <= tail ? tail : null,
    tooFew: tooFewOf(used.length, pairs.length),
  }
  return {
    metrics: comparedMetrics(areJudged(pairs)).map((metric) =>
      isFraction(metric) ? compareFractions(metric, used, basis) : compareRatios(metric, used, within, basis),
    ),
    findings: [leftOutFinding(pairs, used), lateFinding(used), overloadFinding(used)].filter(
      (finding) => finding !== null,
    ),
  }
}

/** Whether all rounds have goodput. */
const areJudged = (pairs: readonly Pair[]) =>
  pairs.length > 0 &&
  pairs.every(({ base, head }) => [base, head].every(({ figures }) => figures.goodput !== undefined))

/** How intervals are computed. */
interface Basis {
  /** of the interval by ranks; null if there are too few pairs for ranks: the interval is then their range, widened */
  tail: number | null
  /** why there is no interval; null if there is one */
  tooFew: string | null
}

const BY_RANGE = `fewer than 10 pairs can only show ratios above ${EARLY_RATIO}, or below 1/${EARLY_RATIO}`

function tooFewOf(used: number, all: number): string | null {
  if (used < MIN_PAIRS) {
    const usable = used === all ? '' : ' usable'
    return `a ${100 * LEVEL} % interval needs ${MIN_PAIRS}${usable} pairs, got ${used}`
  }
  if (used >= (1 - MOST_LEFT_OUT) * all) return null
  return `only ${used} of ${all} pairs are usable, which may be a biased selection`
}

function compareRatios(
  metric: Exclude<ComparedMetric, FractionMetric>,
  pairs: readonly Pair[],
  within: number,
  basis: Basis,
): MetricComparison {
  // latency is unbounded if the backlog grows or nothing completes
  const isLatency = metric !== 'throughput' && metric !== 'service.mean'
  const figure = (round: Round) => (isLatency && isBeyond(round) ? Number.POSITIVE_INFINITY : round.figures[metric])
  const figures = pairs.flatMap(({ base, head }) => {
    const both = { base: figure(base), head: figure(head) }
    return both.base === null || both.head === null ? [] : [both as { base: number; head: number }]
  })
  const { middle, low, high } = locate(
    figures.map(({ base, head }) => logRatio(base, head)),
    basis,
  )
  const verdict = low === null || high === null ? 'inconclusive' : verdictOnRatio(metric, low, high, within)
  const hidden = isLatency ? hiddenBy(pairs) : null
  const judged = judge(hidden !== null && verdict === 'same' ? 'inconclusive' : verdict, basis, hidden)
  return {
    metric,
    unit: UNITS[metric],
    base: finiteOrNull(median(figures.map(({ base }) => base))),
    head: finiteOrNull(median(figures.map(({ head }) => head))),
    ratio: ratioOrNone(middle),
    difference: null,
    interval: { low: ratioOrNone(low), high: ratioOrNone(high), level: LEVEL, ...noteOf(basis) },
    ...judged,
  }
}

/** Estimates the ratio and its interval from the logarithms of the pairs' ratios. */
function locate(
  logs: readonly number[],
  { tail, tooFew }: Basis,
): { middle: number | null; low: number | null; high: number | null } {
  if (logs.length === 0) return { middle: null, low: null, high: null }
  const ranks = signedRank(logs, 1 - 2 * (tail ?? 0))
  const middle = Math.exp(ranks.middle)
  if (tooFew !== null) return { middle, low: null, high: null }
  if (tail === null) {
    return { middle, low: Math.exp(Math.min(...logs)) / EARLY_RATIO, high: Math.exp(Math.max(...logs)) * EARLY_RATIO }
  }
  const { low, high } = ranks
  return low === null || high === null
    ? { middle, low: null, high: null }
    : { middle, low: Math.exp(low), high: Math.exp(high) }
}

/** Why two versions that look the same may differ: a late event loop adds to the latency of both, and moves their ratio towards 1. */
export const HIDDEN = 'a late event loop hides differences: lower the rate, or serve on threads'

/** What hides a difference, even if the two look the same; null if nothing does. */
const hiddenBy = (pairs: readonly Pair[]) => (pairs.filter(isLate).length > MOST_LATE * pairs.length ? HIDDEN : null)

function compareFractions(metric: FractionMetric, pairs: readonly Pair[], basis: Basis): MetricComparison {
  const fractions = (side: Side) => pairs.map((pair) => pair[side].figures[metric] ?? 0)
  const [ofBase, ofHead] = [fractions('base'), fractions('head')]
  const [base, head] = [finiteOrNull(mean(ofBase)), finiteOrNull(mean(ofHead))]
  const differences = ofHead.map((fraction, i) => fraction - (ofBase[i] as number))
  const difference = finiteOrNull(mean(differences))
  const { low, high } = boundsOfMean(differences, basis)
  const verdict = low === null || high === null ? 'inconclusive' : verdictOnFraction(metric, low, high)
  const hidden = metric === 'goodput' && verdict === 'same' ? hiddenBy(pairs) : null
  return {
    ...{ metric, unit: UNITS[metric], base, head, ratio: null, difference },
    interval: { low, high, level: LEVEL, ...noteOf(basis) },
    ...judge(hidden === null ? verdict : 'inconclusive', basis, hidden),
  }
}

function boundsOfMean(
  differences: readonly number[],
  { tail, tooFew }: Basis,
): { low: number | null; high: number | null } {
  if (tooFew !== null || differences.length === 0) return { low: null, high: null }
  if (tail === null) {
    return {
      low: Math.max(-1, Math.min(...differences) - EARLY_DIFFERENCE),
      high: Math.min(1, Math.max(...differences) + EARLY_DIFFERENCE),
    }
  }
  const n = differences.length
  const middle = mean(differences)
  const squares = sumBy(differences, (each) => (each - middle) ** 2)
  const margin = student(tail / 2, n - 1) * Math.sqrt(squares / (n - 1) / n)
  return { low: middle - margin, high: middle + margin }
}

/** Why there is no interval, or only a wide one. */
function noteOf({ tail, tooFew }: Basis): { reason?: string } {
  if (tooFew !== null) return { reason: tooFew }
  return tail === null ? { reason: BY_RANGE } : {}
}

function judge(
  verdict: MetricComparison['verdict'],
  basis: Basis,
  hidden: string | null,
): Pick<MetricComparison, 'verdict' | 'reason'> {
  if (verdict !== 'inconclusive') return { verdict }
  const reason = noteOf(basis).reason ?? hidden
  return reason === null ? { verdict } : { verdict, reason }
}

/** The logarithm of head / base: 0 if both are 0, or both unbounded. */
function logRatio(base: number, head: number): number {
  return base === head ? 0 : Math.log(head / base)
}

/** Reports pairs that are not used because a round is invalid. */
function leftOutFinding(pairs: readonly Pair[], used: readonly Pair[]): Finding | null {
  const unused = pairs.filter((pair) => !used.includes(pair))
  if (unused.length === 0) return null
  const codes = new Set(unused.flatMap(({ base, head }) => [...base.invalid, ...head.invalid]))
  return {
    code: 'rounds-left-out',
    severity: 'warning',
    message: `${unused.length} of ${pairs.length} pairs are left out, because they have invalid rounds: ${[...codes].join(', ')}`,
    figures: { leftOut: unused.length, pairs: pairs.length },
  }
}

function lateFinding(pairs: readonly Pair[]): Finding | null {
  const times = pairs.filter(isLate).length
  if (times === 0) return null
  return {
    code: 'rounds-late',
    severity: 'warning',
    message: `in ${times} of ${pairs.length} pairs the event loop was late (event-loop-late), for both sides alike: this moves the ratios of latency towards 1`,
    figures: { late: times, pairs: pairs.length },
  }
}

function overloadFinding(pairs: readonly Pair[]): Finding | null {
  const times = (side: Side) => pairs.filter((pair) => isOver(pair[side])).length
  const [base, head] = [times('base'), times('head')]
  if (base + head === 0) return null
  const overloads = [...(base > 0 ? [`base in ${base}`] : []), ...(head > 0 ? [`head in ${head}`] : [])].join(' and ')
  return {
    code: 'load-not-sustained',
    severity: 'warning',
    message: `one side did not sustain a load that the other did: ${overloads} of ${pairs.length} pairs. In such a pair that side counts as slower, by an unknown amount`,
    figures: { base, head, pairs: pairs.length },
  }
}

const ratioOrNone = (ratio: number | null) =>
  ratio !== null && ratio > 0 && ratio < Number.POSITIVE_INFINITY ? ratio : null
