import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { signedRank } from '../statistics/signed-rank.js'
import { student } from '../statistics/student.js'
import { EARLY_DIFFERENCE, EARLY_RATIO, LEVEL, MIN_PAIRS, tailAt } from './checkpoints.js'
import {
  COMPARED,
  type ComparedMetric,
  type MetricComparison,
  type Pair,
  type Round,
  type Side,
  UNITS,
  verdictOnErrors,
  verdictOnRatio,
} from './comparison.js'

/** Where more pairs are lost than this, what lost them may have chosen among them. */
const MOST_LEFT_OUT = 1 / 2

/** The figures of one run, and what makes it invalid. */
export function buildRound({ latencyMs, serviceMs, throughput, rates, validity }: Result): Round {
  const { mean, p50, p90, p95, p99 } = latencyMs
  return {
    figures: {
      ...{ mean, p50, p90, p95, p99 },
      'service.mean': serviceMs.mean,
      throughput: throughput.completed,
      errorRate: rates.error,
    },
    // lateness hides a difference, however little it is
    invalid: validity.findings
      .filter(({ severity, code }) => severity === 'error' || code === LATE)
      .map(({ code }) => code),
  }
}

/** A round in which no request completed. */
export function buildEmptyRound(errorRate: number, invalid: Round['invalid']): Round {
  const times = { mean: null, p50: null, p90: null, p95: null, p99: null, 'service.mean': null }
  return { figures: { ...times, throughput: 0, errorRate }, invalid }
}

/** Such a round shows that its side is slower, and not by how much. */
export const OVER: readonly Finding['code'][] = ['saturated', 'cut-off', 'server-died']
/**
 * An event loop that is late is late for both sides alike, whichever was the slower: it draws their ratio towards 1 and never
 * past it. So slower and faster hold all the same, and only that they are the same does not.
 */
export const LATE: Finding['code'] = 'event-loop-late'
/** In more pairs than this fraction, lateness may have hidden a difference. */
const MOST_LATE = 0.1
const isOver = ({ invalid }: Round) => invalid.some((code) => OVER.includes(code))
const isBeyond = (round: Round) => isOver(round) || round.figures.mean === null
const isLate = ({ base, head }: Pair) => [base, head].some(({ invalid }) => invalid.includes(LATE))
const isUsable = ({ base, head }: Pair) =>
  [base, head].every(({ invalid }) => invalid.every((code) => code === LATE || OVER.includes(code))) &&
  !(isBeyond(base) && isBeyond(head))

/** What pairs are judged by. */
export interface PairOptions {
  /** how far apart two may be and still count as the same */
  within: number
  /** how many pairs were planned: those that are there may be a part of them */
  rounds: number
}

/**
 * Compares two sides by pairs of rounds, each metric by the pairs' own ratios. In a pair both faced the same requests
 * at the same moment or one after the other, in an order drawn by lot: so if the two are the same, a ratio is as likely
 * to come out as its inverse, whatever the machine did, and Wilcoxon's signed-rank interval of the ratios' logarithms
 * holds (Lehmann, Nonparametrics, 1975, 3.1 and 4.3: a randomisation model). Differences of error rates have Student's
 * interval, because there a burst in one round of ten matters as much as it fails. Each interval is the one of its
 * checkpoint, so that all checkpoints hold together.
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
    metrics: COMPARED.map((metric) =>
      metric === 'errorRate' ? compareErrors(used, basis) : compareRatios(metric, used, within, basis),
    ),
    findings: [leftOutFinding(pairs, used), lateFinding(used), overloadFinding(used)].filter(
      (finding) => finding !== null,
    ),
  }
}

/** What intervals rest on. */
interface Basis {
  /** of the interval by ranks; null where there are too few pairs for one: it is then their range, widened */
  tail: number | null
  /** why there is no interval at all; null where there is one */
  tooFew: string | null
}

const BY_RANGE = `by fewer than 10 pairs, only a difference of more than ${EARLY_RATIO} times is found`

function tooFewOf(used: number, all: number): string | null {
  if (used < MIN_PAIRS) {
    const valid = used === all ? '' : ' that can be used'
    return `a ${100 * LEVEL} % interval takes ${MIN_PAIRS} pairs, and there ${used === 1 ? 'is' : 'are'} ${used}${valid}`
  }
  if (used >= (1 - MOST_LEFT_OUT) * all) return null
  return `only ${used} of ${all} pairs can be used, and what spoiled the others may have chosen among them`
}

function compareRatios(
  metric: Exclude<ComparedMetric, 'errorRate'>,
  pairs: readonly Pair[],
  within: number,
  basis: Basis,
): MetricComparison {
  // nothing says how long requests take if the backlog grows, nor those that never completed
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
  const hidden =
    isLatency && pairs.filter(isLate).length > MOST_LATE * pairs.length
      ? 'the two look the same, but an event loop that is late hides differences: lower the rate, or serve on threads'
      : null
  const judged = judge(hidden !== null && verdict === 'same' ? 'inconclusive' : verdict, basis, hidden)
  return {
    metric,
    unit: UNITS[metric],
    base: finite(median(figures.map(({ base }) => base))),
    head: finite(median(figures.map(({ head }) => head))),
    ratio: ratioOrNone(middle),
    difference: null,
    interval: { low: ratioOrNone(low), high: ratioOrNone(high), level: LEVEL, ...noteOf(basis) },
    ...judged,
  }
}

/** Where the ratio lies by those of the pairs, on their logarithms. */
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

function compareErrors(pairs: readonly Pair[], basis: Basis): MetricComparison {
  const rates = (side: Side) => pairs.map((pair) => pair[side].figures.errorRate)
  const [base, head] = [meanOf(rates('base')), meanOf(rates('head'))]
  const differences = pairs.map((pair) => pair.head.figures.errorRate - pair.base.figures.errorRate)
  const difference = meanOf(differences)
  const { low, high } = boundsOfMean(differences, basis)
  return {
    ...{ metric: 'errorRate', unit: UNITS.errorRate, base, head, ratio: null, difference },
    interval: { low, high, level: LEVEL, ...noteOf(basis) },
    ...judge(low === null || high === null ? 'inconclusive' : verdictOnErrors(low, high), basis, null),
  }
}

function boundsOfMean(
  differences: readonly number[],
  { tail, tooFew }: Basis,
): { low: number | null; high: number | null } {
  const mean = meanOf(differences)
  if (tooFew !== null || mean === null) return { low: null, high: null }
  if (tail === null) {
    return {
      low: Math.max(-1, Math.min(...differences) - EARLY_DIFFERENCE),
      high: Math.min(1, Math.max(...differences) + EARLY_DIFFERENCE),
    }
  }
  const n = differences.length
  const squares = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  const margin = student(tail / 2, n - 1) * Math.sqrt(squares / (n - 1) / n)
  return { low: mean - margin, high: mean + margin }
}

/** Why an interval is none, or is a wide one. */
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

/** Both nothing, or both beyond telling, is no difference. */
function logRatio(base: number, head: number): number {
  return base === head ? 0 : Math.log(head / base)
}

/** Pairs in which one side could not be measured tell nothing, and are not used in silence. */
function leftOutFinding(pairs: readonly Pair[], used: readonly Pair[]): Finding | null {
  const lost = pairs.filter((pair) => !used.includes(pair))
  if (lost.length === 0) return null
  const codes = new Set(lost.flatMap(({ base, head }) => [...base.invalid, ...head.invalid]))
  return {
    code: 'rounds-left-out',
    severity: 'warning',
    message: `${lost.length} of ${pairs.length} pairs are left out, because rounds of them are invalid: ${[...codes].join(', ')}`,
    figures: { leftOut: lost.length, pairs: pairs.length },
  }
}

function lateFinding(pairs: readonly Pair[]): Finding | null {
  const times = pairs.filter(isLate).length
  if (times === 0) return null
  return {
    code: 'rounds-late',
    severity: 'warning',
    message: `in ${times} of ${pairs.length} pairs the event loop was late (event-loop-late), for both sides alike: the ratios of latency are nearer to 1 than they would be`,
    figures: { late: times, pairs: pairs.length },
  }
}

function overloadFinding(pairs: readonly Pair[]): Finding | null {
  const times = (side: Side) => pairs.filter((pair) => isOver(pair[side])).length
  const [base, head] = [times('base'), times('head')]
  if (base + head === 0) return null
  const said = [
    ...(base > 0 ? [`base did not in ${base}`] : []),
    ...(head > 0 ? [`head did not in ${head}`] : []),
  ].join(' and ')
  return {
    code: 'load-not-sustained',
    severity: 'warning',
    message: `one side carried a load that the other did not: of ${pairs.length} pairs, ${said}. Such a pair counts as one in which that side is slower than can be told`,
    figures: { base, head, pairs: pairs.length },
  }
}

const ratioOrNone = (ratio: number | null) =>
  ratio !== null && ratio > 0 && ratio < Number.POSITIVE_INFINITY ? ratio : null
const finite = (value: number | null) => (value === null || Number.isFinite(value) ? value : null)
const meanOf = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (i: number) => sorted[i] as number
  const middle = (sorted.length - 1) / 2
  return sorted.length === 0 ? null : (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2
}
