import { checkBudget, impliedRules, judgeResult, type Verdict } from '../../budget/check.js'
import { meanOf } from '../../histogram/moments.js'
import { percentileNs } from '../../histogram/percentile.js'
import { findingsOf } from '../../result/findings.js'
import { goodPart } from '../../result/goodput.js'
import {
  type ClassRecording,
  type ClassRecordings,
  errorsIn,
  type Metric,
  type Recording,
} from '../../result/recording.js'
import type { Result } from '../../result/result.js'
import { isStationary } from '../../scenario/arrivals/arrivals.js'
import { type Budget, type Rule, rulesOf } from '../../scenario/budget.js'
import { NS_PER_MS, NS_PER_SECOND } from '../../scenario/nanoseconds.js'
import type { SimulatedScenario } from '../../scenario/scenario.js'
import type { ResolvedExtent } from '../../scenario/stop.js'
import { MOST_REQUESTS } from '../../scenario/units.js'
import { Engine } from '../../simulate/engine.js'
import { simulate } from '../../simulate/simulate.js'
import { sum, sumBy } from '../../statistics/descriptive.js'
import { catchRefusal, type Refused, type TaskContext, unlessStopped } from '../../threads/pool.js'

/** A setting to be tried: a scenario, and the budget that it should keep. */
export interface TrialTask {
  scenario: SimulatedScenario
  budget: Budget
}

/** What a short run shows of a setting: figures as observed, without intervals, which take longer than the run. */
export interface Trial {
  /** over all requests offered; Infinity if it falls on a request that was never answered */
  p99Ms: number
  /** the fraction of good requests; null if the scenario does not say which are good */
  goodput: number | null
  /** the largest ratio of an observed figure to its limit: at most 1 if the run keeps the budget as observed */
  limitRatio: number
  /** the rule with the largest ratio, and its figure; null without a steady state or completed requests */
  nearest: { rule: Rule; observed: number } | null
  /** the size of the largest batch */
  largestBatch: number
  completedPerSecond: number
  utilization: number
}

/**
 * Runs a setting, and reads off its figures.
 *
 * @param shouldContinue called every 65,536 requests; false ends the run, whose figures are then incomplete
 */
export function runTrial({ scenario, budget }: TrialTask, shouldContinue?: () => boolean): Trial {
  const recording = new Engine(scenario).run(shouldContinue)
  const { startNs, endNs, completions, servingNs, batchSizes } = recording
  const seconds = (endNs - startNs) / NS_PER_SECOND
  const trial = {
    goodput: scenario.good === undefined ? null : goodFraction(recording),
    largestBatch: Math.max(0, ...batchSizes.keys()),
    completedPerSecond: completions / seconds,
    utilization: (servingNs ?? 0) / ((endNs - startNs) * scenario.servers),
  }
  const invalid = findingsOf(recording).some(({ severity }) => severity === 'error')
  if (recording.counts.completed === 0 || invalid) {
    return { ...trial, p99Ms: Number.POSITIVE_INFINITY, limitRatio: Number.POSITIVE_INFINITY, nearest: null }
  }
  const rules = rulesOf(budget)
  const ofRule = (rule: Rule) => (rule.class === undefined ? recording : recordingOfClass(recording, rule.class))
  const compared = [
    ...rules.map((rule) => ({ rule, observed: observedOf(rule, ofRule(rule), trial) })),
    ...impliedRules(rules, Object.keys(scenario.classes ?? {})).map(({ rule, rejectionsApart }) => ({
      rule,
      observed: errorRate(ofRule(rule), rejectionsApart),
    })),
  ].map((each) => ({ ...each, limitRatio: limitRatioOf(each.rule, each.observed) }))
  const { limitRatio, ...nearest } = compared.reduce((a, b) => (b.limitRatio > a.limitRatio ? b : a))
  return { ...trial, p99Ms: percentileMs(recording, 'latency', 99, 'slowest'), limitRatio, nearest }
}

/** How many times as long the run is that confirms a setting. */
const LONGER = 10

/** Ten times as long a run of a setting, facing other requests; arrivals that end by themselves are run to their end again. */
export function longer(scenario: SimulatedScenario): SimulatedScenario {
  const { stop, warmup, seed, arrivals } = scenario as SimulatedScenario & { stop: ResolvedExtent }
  const own = { ...scenario, seed: (seed + 2_251_799_813_685_249) % Number.MAX_SAFE_INTEGER }
  if (!isStationary(arrivals)) return own
  const times = (extent: ResolvedExtent): ResolvedExtent =>
    'requests' in extent
      ? { requests: Math.min(MOST_REQUESTS, extent.requests * LONGER) }
      : { duration: extent.duration * LONGER }
  return { ...own, stop: times(stop), warmup: times(warmup) }
}

/** The task that tries a setting, on a thread or on an agent, which may stop it. */
export function trySetting({ stopFlag, ...task }: TrialTask & Partial<TaskContext>): Trial | Refused {
  return catchRefusal(() => runTrial(task, unlessStopped(stopFlag)))
}

/** Judges a run of a setting. */
export const judgeRun = ({ scenario, budget }: TrialTask) => ({
  verdict: judgeTrial(simulate(scenario), budget, judgeResult),
})

/**
 * The verdict on a run. A run without a steady state fails: its latency grows for as long as it lasts.
 *
 * @param judge `judgeResult` if this process made the result, which then needs no check
 */
export function judgeTrial(result: Result, budget: Budget, judge: typeof judgeResult = checkBudget): Verdict {
  return result.validity.valid ? judge(result, budget).verdict : 'fail'
}

/** The task of a thread that judges a run. */
export const judgeOnThread = (task: TrialTask): { verdict: Verdict } | Refused => catchRefusal(() => judgeRun(task))

/** From this many requests a run on, a thread is worth the time that it takes to start. */
export const WORTH_THREADS = 200_000

function limitRatioOf(rule: Rule, observed: number): number {
  const { relation, limit } = rule
  const upper = relation.startsWith('<')
  // how many times as many requests as may be are not good
  if ('figure' in rule && rule.figure === 'goodput' && !upper) return strict(ratio(1 - observed, 1 - limit), rule)
  return strict(upper ? ratio(observed, limit) : ratio(limit, observed), rule)
}

/** A strict limit is broken by what is just at it. */
const strict = (limitRatio: number, { relation }: Rule) =>
  limitRatio === 1 && relation.length === 1 ? 1 + Number.EPSILON : limitRatio

/** A limit of 0 is kept by 0 alone; beyond it, more is worse. */
const ratio = (value: number, limit: number) => (limit > 0 ? value / limit : value > 0 ? 2 + value : 0)

function observedOf(
  rule: Rule,
  recording: Recording,
  { completedPerSecond, utilization, goodput }: Pick<Trial, 'completedPerSecond' | 'utilization' | 'goodput'>,
): number {
  const upper = rule.relation.startsWith('<')
  // the budget cannot be shown to hold for a class without requests
  if (recording.counts.offered === 0) return upper ? Number.POSITIVE_INFINITY : 0
  if ('time' in rule) {
    if (recording.counts.completed === 0) return upper ? Number.POSITIVE_INFINITY : 0
    // times of responses were refused
    const time = rule.time as Metric
    const histogram = recording.histograms[time]
    if (rule.statistic === 'max') return histogram.max / NS_PER_MS
    if (rule.statistic === 'mean') return meanOf(histogram) / NS_PER_MS
    return percentileMs(recording, time, rule.statistic.percentile, upper ? 'slowest' : 'fastest')
  }
  switch (rule.figure) {
    case 'throughput':
      return completedPerSecond
    case 'goodput':
      return rule.class === undefined ? (goodput ?? 0) : goodFraction(recording)
    case 'utilization':
      return utilization
    case 'meanBatchSize': {
      const { batchSizes } = recording
      const batches = sum([...batchSizes.values()])
      const requests = sumBy([...batchSizes], ([size, count]) => size * count)
      return requests / batches
    }
    case 'errorRate':
      return errorRate(recording, false)
    case 'rejectionRate':
      return recording.counts.rejected / recording.counts.offered
  }
}

function goodFraction({ counts }: Recording): number {
  const { amount, of } = goodPart(counts)
  return of === 0 ? 0 : amount / of
}

/** A recording as seen by the requests of one class. */
function recordingOfClass(recording: Recording, name: string): Recording {
  const { counts, latency } = (recording.classes as ClassRecordings)[name] as ClassRecording
  return { ...recording, counts, histograms: { ...recording.histograms, latency } }
}

/** The fraction of requests that failed; 0 if none was due. */
const errorRate = ({ counts }: Recording, rejectionsApart: boolean) =>
  counts.offered === 0 ? 0 : (errorsIn(counts) - (rejectionsApart ? counts.rejected : 0)) / counts.offered

/** A percentile over all requests offered, those without an answer counted as the slowest or the fastest. */
function percentileMs(
  { histograms, counts }: Recording,
  time: Metric,
  p: number,
  unanswered: 'slowest' | 'fastest',
): number {
  const perCompleted = counts.offered / counts.completed
  const rank = unanswered === 'slowest' ? p * perCompleted : 100 - (100 - p) * perCompleted
  if (rank > 100) return Number.POSITIVE_INFINITY
  return rank <= 0 ? 0 : percentileNs(histograms[time], rank) / NS_PER_MS
}
