import type { Result } from '../result/result.js'
import { fewestPairs, signedRank } from '../result/signed-rank.js'
import { student } from '../result/student.js'
import type { Finding } from '../result/validity.js'
import {
  COMPARED,
  type ComparedMetric,
  type ComparisonInterval,
  type MetricComparison,
  type Pair,
  type Round,
  type Side,
  UNITS,
  verdictOnErrors,
  verdictOnRatio,
} from './comparison.js'

/**
 * So often an interval holds the true ratio: the verdict looks at two, and calls what is the same slower once in a
 * hundred runs at most.
 */
const LEVEL = 0.99
const FEWEST = fewestPairs(LEVEL)
/** Where more pairs are lost than this, what lost them may have chosen among them. */
const MOST_LEFT_OUT = 1 / 2

/** The figures of one run, and what makes it invalid. */
export function figuresOf({ latencyMs, serviceMs, throughput, rates, validity }: Result): Round {
  const { mean, p50, p90, p95, p99 } = latencyMs
  return {
    figures: {
      ...{ mean, p50, p90, p95, p99 },
      'service.mean': serviceMs.mean,
      throughput: throughput.completed,
      errorRate: rates.error,
    },
    invalid: validity.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code),
  }
}

/** A round whose backlog grew throughout, or that was cut off, tells that its side is slower, and not by how much. */
const OVER: readonly Finding['code'][] = ['saturated', 'cut-off']
/**
 * A late generator is late for both sides alike, whichever was the slower: it draws their ratio towards 1 and never
 * past it. So slower and faster hold all the same, and only that they are the same does not.
 */
const LATE: Finding['code'] = 'event-loop-late'
/** In more pairs than this share, lateness may have hidden a difference. */
const MOST_LATE = 0.1
const isOver = ({ invalid }: Round) => invalid.some((code) => OVER.includes(code))
const isLate = ({ base, head }: Pair) => [base, head].some(({ invalid }) => invalid.includes(LATE))
const isUsable = ({ base, head }: Pair) =>
  [base, head].every(({ invalid }) => invalid.every((code) => code === LATE || OVER.includes(code))) &&
  !(isOver(base) && isOver(head))

/**
 * Compares two sides by pairs of rounds, each metric by the pairs' own ratios. In a pair both faced the same requests
 * within moments of each other, in an order drawn by lot: so where the two are the same, a ratio is as likely to come
 * out as its inverse, whatever the machine did, and Wilcoxon's signed-rank interval of the ratios' logarithms holds
 * (Lehmann, Nonparametrics, 1975, 3.1 and 4.3: a randomisation model). Differences of error rates have Student's
 * interval, for there a burst in one round of ten matters as much as it fails.
 */
export function comparePairs(
  pairs: readonly Pair[],
  within: number,
): { metrics: MetricComparison[]; findings: Finding[] } {
  const used = pairs.filter(isUsable)
  const enough = used.length >= FEWEST && used.length >= (1 - MOST_LEFT_OUT) * pairs.length
  const tooFew = enough ? null : tooFewOf(used.length, pairs.length)
  return {
    metrics: COMPARED.map((metric) =>
      metric === 'errorRate' ? errorsOf(used, tooFew) : ratioOf(metric, used, within, tooFew),
    ),
    findings: [leftOut(pairs, used), late(used), notCarried(used)].filter((finding) => finding !== null),
  }
}

function tooFewOf(used: number, all: number): string {
  if (used < FEWEST) {
    const valid = used === all ? '' : ' that can be used'
    return `a ${100 * LEVEL} % interval takes ${FEWEST} pairs, and there ${used === 1 ? 'is' : 'are'} ${used}${valid}`
  }
  return `only ${used} of ${all} pairs can be used, and what spoiled the others may have chosen among them`
}

function ratioOf(
  metric: Exclude<ComparedMetric, 'errorRate'>,
  pairs: readonly Pair[],
  within: number,
  tooFew: string | null,
): MetricComparison {
  // how long requests take where the backlog grows, there is no saying
  const isLatency = metric !== 'throughput' && metric !== 'service.mean'
  const figure = (round: Round) => (isLatency && isOver(round) ? Number.POSITIVE_INFINITY : round.figures[metric])
  const logs = pairs.map(({ base, head }) => logRatio(figure(base), figure(head)))
  const { middle, low, high } = pairs.length === 0 ? NOWHERE : signedRank(logs, LEVEL)
  const bounds = tooFew === null && low !== null && high !== null ? { low: Math.exp(low), high: Math.exp(high) } : null
  const verdict = bounds === null ? 'inconclusive' : verdictOnRatio(metric, bounds.low, bounds.high, within)
  const hidden =
    isLatency && pairs.filter(isLate).length > MOST_LATE * pairs.length
      ? 'the two look the same, but a generator that is late hides differences: lower the rate, or leave the machine a core'
      : null
  return {
    metric,
    unit: UNITS[metric],
    base: finite(median(pairs.map(({ base }) => figure(base)))),
    head: finite(median(pairs.map(({ head }) => figure(head)))),
    ratio: middle === null ? null : ratioOrNone(Math.exp(middle)),
    difference: null,
    interval: {
      low: bounds && ratioOrNone(bounds.low),
      high: bounds && ratioOrNone(bounds.high),
      level: LEVEL,
      ...(tooFew !== null && { reason: tooFew }),
    },
    ...(hidden !== null && verdict === 'same'
      ? { verdict: 'inconclusive' as const, reason: hidden }
      : { verdict, ...(tooFew !== null && { reason: tooFew }) }),
  }
}

const NOWHERE = { middle: null, low: null, high: null }

function errorsOf(pairs: readonly Pair[], tooFew: string | null): MetricComparison {
  const base = meanOf(pairs.map((pair) => pair.base.figures.errorRate))
  const head = meanOf(pairs.map((pair) => pair.head.figures.errorRate))
  const differences = pairs.map((pair) => pair.head.figures.errorRate - pair.base.figures.errorRate)
  const difference = meanOf(differences)
  const interval: ComparisonInterval = {
    low: null,
    high: null,
    level: LEVEL,
    ...(tooFew !== null && { reason: tooFew }),
  }
  const common = { metric: 'errorRate', unit: UNITS.errorRate, base, head, ratio: null, difference } as const
  if (tooFew !== null || difference === null) {
    return { ...common, interval, verdict: 'inconclusive', ...(tooFew !== null && { reason: tooFew }) }
  }
  const n = differences.length
  const squares = differences.reduce((sum, each) => sum + (each - difference) ** 2, 0)
  const margin = student((1 - LEVEL) / 2, n - 1) * Math.sqrt(squares / (n - 1) / n)
  const [low, high] = [difference - margin, difference + margin]
  return { ...common, interval: { ...interval, low, high }, verdict: verdictOnErrors(low, high) }
}

/** Both nothing, or both beyond telling, is no difference. */
function logRatio(base: number, head: number): number {
  return base === head ? 0 : Math.log(head / base)
}

/** Pairs in which one side could not be measured tell nothing, and are not used in silence. */
function leftOut(pairs: readonly Pair[], used: readonly Pair[]): Finding | null {
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

function late(pairs: readonly Pair[]): Finding | null {
  const times = pairs.filter(isLate).length
  if (times === 0) return null
  return {
    code: 'rounds-late',
    severity: 'warning',
    message: `in ${times} of ${pairs.length} pairs the generator was late (event-loop-late), for both sides alike: the ratios of latency are nearer to 1 than they would be`,
    figures: { late: times, pairs: pairs.length },
  }
}

function notCarried(pairs: readonly Pair[]): Finding | null {
  const times = (side: Side) => pairs.filter((pair) => isOver(pair[side])).length
  const [base, head] = [times('base'), times('head')]
  if (base + head === 0) return null
  const said = [
    ...(base > 0 ? [`base did not in ${base}`] : []),
    ...(head > 0 ? [`head did not in ${head}`] : []),
  ].join(' and ')
  return {
    code: 'load-not-carried',
    severity: 'warning',
    message: `one side carried a load that the other did not: of ${pairs.length} pairs, ${said}. Such a pair counts as one in which that side is slower than can be told`,
    figures: { base, head, pairs: pairs.length },
  }
}

const ratioOrNone = (ratio: number) => (ratio > 0 && ratio < Number.POSITIVE_INFINITY ? ratio : null)
const finite = (value: number | null) => (value === null || Number.isFinite(value) ? value : null)
const meanOf = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (i: number) => sorted[i] as number
  const middle = (sorted.length - 1) / 2
  return sorted.length === 0 ? null : (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2
}
