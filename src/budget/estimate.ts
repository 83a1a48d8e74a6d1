import { fractionInterval, type RatioPart, ratioInterval } from '../result/intervals/figure-intervals.js'
import { ratioBySource } from '../result/merge/intervals.js'
import type { MergedMachine } from '../result/merge/merged.js'
import { errorsIn, serversIn } from '../result/recording.js'
import type { Result, Segment } from '../result/result.js'
import { type Interval, PERCENTILES, percentile, type Summary } from '../result/summary.js'
import type { Rule } from '../scenario/budget.js'

/** A run's estimate of a metric. */
export interface MetricEstimate {
  /** null if the metric is absent, or falls on a request that was never answered */
  observed: number | null
  /** null if the metric is judged as observed */
  interval: Interval | null
  /** why there is no estimate, or why its interval is wide */
  reason?: string
}

/** A run, or a distribution of durations. */
type Judged = { result: Result } | { summary: Summary }

export type TimeRule = Extract<Rule, { time: unknown }>
type FigureRule = Extract<Rule, { figure: string }>

export function estimateOf(rule: Rule, judged: Judged): MetricEstimate {
  if ('time' in rule) return estimateTime(rule, judged)
  if ('summary' in judged) return noEstimate(`a summary of durations has no ${rule.figure}`)
  return estimateFigure(rule, judged.result)
}

function estimateTime(rule: TimeRule, judged: Judged): MetricEstimate {
  if ('summary' in judged && rule.time !== 'latency') return noEstimate(`a summary of durations has no ${rule.time}`)
  const summary = 'summary' in judged ? judged.summary : judged.result[`${rule.time}Ms`]
  if (summary === undefined) return noEstimate(whyNoTimes(rule))
  if (rule.statistic === 'max') return { observed: summary.max, interval: null }
  if (rule.statistic === 'mean') return { observed: summary.mean, interval: summary.intervals.mean }
  const p = rule.statistic.percentile
  const unanswered = 'summary' in judged ? 0 : unansweredIn(rule, summary, judged.result)
  const stored = (Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]).find((name) => PERCENTILES[name] === p)
  if (stored !== undefined && unanswered === 0) {
    return { observed: summary[stored], interval: summary.intervals[stored] }
  }
  // unanswered requests count against the rule: slower than all others under an upper limit, faster under a lower one
  return boundPercentile(
    summary,
    p,
    rule.relation.startsWith('<') ? 'slowest' : 'fastest',
    (summary.count + unanswered) / summary.count,
  )
}

/** How many values requests without an answer would have: one each, and of gaps as many as the others have on average. */
function unansweredIn({ time }: TimeRule, { count }: Summary, { counts }: Result): number {
  const requests = counts.offered - counts.completed
  return time === 'between' ? (requests * count) / counts.completed : requests
}

/**
 * Bounds a percentile that has no interval of its own by the intervals of its neighbours: from the lower bound of the one
 * below to the upper bound of the one above. A percentile above p99.9 has no upper bound.
 */
function boundPercentile(
  summary: Summary,
  p: number,
  unanswered: 'slowest' | 'fastest',
  perCompleted: number,
): MetricEstimate {
  const above = unanswered === 'slowest' ? p * perCompleted : p
  const below = unanswered === 'fastest' ? Math.max(0, 100 - (100 - p) * perCompleted) : p
  const rank = unanswered === 'slowest' ? above : below
  const names = Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]
  const lower = names.filter((name) => PERCENTILES[name] <= below).at(-1)
  const upper = names.find((name) => PERCENTILES[name] >= above)
  const low = lower === undefined ? 0 : summary.intervals[lower].low
  const high = upper === undefined ? null : summary.intervals[upper].high
  const observed = rank > 100 ? null : rank === 0 ? 0 : percentile(summary, rank)
  const reason =
    (lower === undefined ? undefined : summary.intervals[lower].reason) ??
    (upper === undefined ? undefined : summary.intervals[upper].reason) ??
    `only bounds are known: it lies ${lower === undefined ? '' : `above p${PERCENTILES[lower]}`}${lower && upper ? ' and ' : ''}${upper === undefined ? '' : `below p${PERCENTILES[upper]}`}`
  return { observed, interval: { low, high, level: 0.95 }, reason }
}

function estimateFigure({ figure, limit }: FigureRule, result: Result): MetricEstimate {
  const { rates, throughput, batches, utilization, segments, replications } = result
  const fraction = (ofSegment: Part<Segment>, ofMachine: Part<MergedMachine>) =>
    bound(result, segments.map(ofSegment), ofMachine, fractionInterval)
  const ratio = (ofSegments: RatioPart[], ofMachine: Part<MergedMachine>) =>
    bound(result, ofSegments, ofMachine, ratioInterval)
  switch (figure) {
    case 'errorRate':
      if (limit === 0) return { observed: rates.error, interval: null }
      return {
        observed: rates.error,
        interval: fraction(
          ({ counts }) => ({ amount: errorsIn(counts), of: counts.offered }),
          ({ requests }) => ({ amount: requests.errors, of: requests.offered }),
        ),
      }
    case 'rejectionRate':
      if (limit === 0) return { observed: rates.rejection, interval: null }
      return {
        observed: rates.rejection,
        interval: fraction(
          ({ counts }) => ({ amount: counts.rejected, of: counts.offered }),
          ({ requests }) => ({ amount: requests.rejected, of: requests.offered }),
        ),
      }
    case 'goodput': {
      const { goodput } = result
      if (goodput === undefined) return noEstimate(whyNoGoodput(result))
      return { observed: goodput.fraction, interval: limit === 1 ? null : goodput.interval }
    }
    case 'throughput': {
      const flows = replications === undefined ? completionsIn(segments) : segments.map(completedOf)
      return includeObserved(
        throughput.completed,
        // rates of machines add up
        ratio(flows, ({ throughput }, _, { length }) => ({ amount: throughput.completed, of: 1 / length })),
      )
    }
    case 'meanBatchSize':
      if (batches.count === 0) return noEstimate('no batch started in the window')
      return includeObserved(
        batches.meanSize,
        ratio(
          segments.map(({ batched, batches }) => ({ amount: batched, of: batches })),
          ({ batches }) => ({ amount: batches.count * batches.meanSize, of: batches.count }),
        ),
      )
    case 'utilization': {
      if (utilization === null) return noEstimate('utilization is undefined if servers are not limited')
      const servers = serversIn(result) ?? 1
      const serverMs = ({ startMs, endMs }: Segment) => (endMs - startMs) * servers
      return includeObserved(
        utilization,
        ratio(
          segments.map((segment) => ({ amount: segment.servingMs, of: serverMs(segment) })),
          ({ utilization }) => ({ amount: utilization as number, of: 1 }),
        ),
      )
    }
  }
}

type Part<Of> = (of: Of, i: number, all: readonly Of[]) => RatioPart

/** Bounds a ratio of a run by its segments, or by its machines if the intervals of the other metrics come from them. */
function bound(
  result: Result,
  ofSegments: RatioPart[],
  ofMachine: Part<MergedMachine>,
  intervalOf: typeof fractionInterval,
): Interval {
  const { machines = [] } = result.merged ?? {}
  // a result that was stored without the batches of its machines has only its segments
  const known = machines.every(({ batches }) => batches !== undefined) ? machines.map(ofMachine) : []
  return ratioBySource({ ...result, machines: known }, { machines: known, segments: ofSegments }, intervalOf)
}

/** Why a run, or a class of its requests, has no times of responses. */
function whyNoTimes({ time, class: name }: TimeRule): string {
  const ofClass = name === undefined ? '' : ` of the class '${name}'`
  return time === 'between'
    ? `it is unknown how far apart events${ofClass} were: http.stream finds those of HTTP responses, a handler or call marks them with next(), and a simulation has none`
    : `it is unknown when responses${ofClass} began: an HTTP response needs a body, a handler or call marks it with first(), and a simulation has none`
}

const whyNoGoodput = ({ validity }: Result) =>
  validity.findings.find(({ code }) => code === 'goodput-unknown')?.message ?? NO_GOOD

const NO_GOOD = "the scenario does not say which requests are good: set its good, such as { latency: '100ms' }"

const secondsOf = ({ startMs, endMs }: Segment) => (endMs - startMs) / 1000

const completedOf = (segment: Segment): RatioPart => ({ amount: segment.counts.completed, of: secondsOf(segment) })

/**
 * Counts the requests that completed in each segment but the first, whenever they were due: those that left the system
 * minus those that failed or were dropped.
 */
function completionsIn(segments: readonly Segment[]): RatioPart[] {
  return segments.slice(1).map((segment, i) => {
    const { offered, failed, rejected, timedOut, aborted } = segment.counts
    const left = (segments[i] as Segment).inSystem + offered - segment.inSystem
    return { amount: Math.max(0, left - failed - rejected - timedOut - aborted), of: secondsOf(segment) }
  })
}

/** Estimates the error rate for the implied rule that no request fails, without rejections if these have their own limit. */
export function estimateErrors(
  { counts, rates }: Pick<Result, 'counts' | 'rates'>,
  rejectionsApart: boolean,
): MetricEstimate {
  if (!rejectionsApart || counts.rejected === 0) return { observed: rates.error, interval: null }
  return { observed: (errorsIn(counts) - counts.rejected) / counts.offered, interval: null }
}

/** Extends an interval from the segments to the figure of the whole run, which differs at the ends of the window. */
function includeObserved(observed: number, interval: Interval): MetricEstimate {
  const { low, high } = interval
  if (low === null || high === null) return { observed, interval }
  const margin = (high - low) / 2
  const middle = low + margin
  return {
    observed,
    interval: { low: Math.min(low, observed - margin), high: Math.max(middle, observed) + margin, level: 0.95 },
  }
}

const noEstimate = (reason: string): MetricEstimate => ({ observed: null, interval: null, reason })
