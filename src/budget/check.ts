import { checkResult, checkSummary } from '../result/check.js'
import type { ClassResult } from '../result/classes.js'
import { goodPart } from '../result/goodput.js'
import { Exceedances } from '../result/intervals/exceedances.js'
import { partsOf } from '../result/parts.js'
import { CLASS_METRICS, type ClassMetric } from '../result/recording.js'
import type { Result } from '../result/result.js'
import { holdAll } from '../result/segment-times.js'
import { resultOfClass } from '../result/stored.js'
import { type Interval, percentile, type Summary } from '../result/summary.js'
import { type Finding, findingsThat, findingsThatLengthen } from '../result/validity.js'
import { isStationary } from '../scenario/arrivals/arrivals.js'
import { type Budget, type BudgetUnit, type Relation, type Rule, rulesOf } from '../scenario/budget.js'
import { NS_PER_MS } from '../scenario/nanoseconds.js'
import type { LimitedTime } from '../scenario/times.js'
import { tailOfCheckpoints } from '../statistics/student.js'
import { count, rate } from '../text/number.js'
import type { LatencyPart } from '../text/parts.js'
import { got, ValidationError } from '../validation/validation-error.js'
import { adviseLongerRun, overText } from './advice.js'
import { estimateErrors, estimateOf, type MetricEstimate, type TimeRule } from './estimate.js'
import { judgeFraction, type Over } from './fraction-over.js'

/** The verdict on a rule or a budget. */
export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** One rule of a budget, and the verdict on it. */
export interface RuleCheck {
  /** as written in the budget: `p99`, `queueing.p95` */
  metric: string
  relation: Relation
  limit: number
  /** of limit, observed and interval: `ms`, `/s`, `fraction` (of 1) or `requests` */
  unit: BudgetUnit
  /** null if the run does not have the metric, or if the percentile falls on a request that was never answered */
  observed: number | null
  /** null if the metric is judged as observed (max, no errors) or by the fraction of requests over the limit */
  interval: Interval | null
  /**
   * only for percentiles of latency, `first` and `between`: the fraction of requests, or of gaps, over the limit, its 95 %
   * bounds, and the fraction allowed
   */
  over?: Over
  verdict: Verdict
  /** why the rule fails, or why it is inconclusive and what to do */
  reason?: string
  /** the rule is not in the budget: a budget without a limit on errors allows no errors */
  implied?: true
}

/** The verdict on a run by a budget, as plain data. */
export interface BudgetCheck {
  /** `fail` if any rule fails, else `inconclusive` if any rule is */
  verdict: Verdict
  rules: RuleCheck[]
  /** the parts of mean latency, in milliseconds; null for a summary of durations */
  latency: { meanMs: number; parts: LatencyPart[] } | null
  /** the errors that make the run invalid */
  findings: Finding[]
}

/**
 * Judges a run by a budget.
 *
 * A percentile of latency, or of `first` and `between`, is judged by the fraction of requests, or of gaps, over its limit:
 * for p99, at most 1 % of requests may exceed it. The rule passes if the upper 95 % bound of this fraction is at most the
 * allowed fraction, fails if the lower bound is above it, and is inconclusive otherwise. Other metrics are judged by their 95 % intervals. Max, `errorRate`
 * without an allowance, and simulations of `stages` or `replay` are judged as observed. A request that was never answered
 * counts as slower than any other under an upper limit, and as faster under a lower limit.
 *
 * Findings have a direction. A finding that can only have lengthened latency never prevents a pass of an upper limit, but
 * turns a fail into inconclusive if the limit might have held without it. A finding that may have hidden long latencies
 * never prevents a fail. A saturated run fails its upper limits on latency, on max too. A lower limit on `goodput` is affected
 * as an upper limit on latency is. Errors, rates and max are otherwise judged as counted.
 *
 * @example
 * const result = simulate({ arrivals: '400/s', service: '1ms' })
 * const { verdict, rules } = checkBudget(result, { p99: '20ms', 'queueing.p95': '10ms', throughput: '>= 390/s' })
 * console.log(verdict, rules.map(({ metric, verdict }) => `${metric}: ${verdict}`))
 *
 * @param of a Result, from memory or a file, or a Summary of durations in milliseconds
 * @param budget limits by metric: `{ p99: '100ms', errorRate: '< 1%' }`
 * @throws ValidationError if the budget is invalid, or the result has another version or contradicts itself
 */
export function checkBudget(of: Result | Summary, budget: Budget): BudgetCheck {
  if (isSummary(of)) {
    const summary = checkSummary(of)
    const rules = rulesOf(budget, [])
    const checks = rules.map((rule) => {
      const estimate = estimateOf(rule, { summary })
      return checkOf(rule, estimate, byInterval(rule, estimate, ofDurations(summary.count)))
    })
    return { verdict: verdictOf(checks), rules: checks, latency: null, findings: [] }
  }
  return judgeResult(checkResult(of), budget)
}

/** Judges a run of this process, whose result needs no check: that takes longer than to judge it. */
export function judgeResult(result: Result, budget: Budget): BudgetCheck {
  const classes = Object.keys(result.classes ?? {})
  const rules = rulesOf(budget, classes)
  const judges = new Map<string | undefined, RunJudge | null>([[undefined, new RunJudge(result)]])
  const judgeOf = (name: string | undefined) => {
    if (!judges.has(name)) {
      const own = resultOfClass(result, name as string)
      judges.set(name, own === null ? null : new RunJudge(own, result))
    }
    return judges.get(name) ?? null
  }
  const checks = rules.map((rule) => judgeOf(rule.class)?.check(rule) ?? checkWithoutCompletion(rule, result))
  for (const { rule, rejectionsApart } of impliedRules(rules, classes)) {
    const { counts, rates } =
      rule.class === undefined ? result : ((result.classes as Record<string, ClassResult>)[rule.class] as ClassResult)
    // no request of the class was due
    if (rates === null) continue
    const estimate = estimateErrors({ counts, rates }, rejectionsApart)
    const check = checkOf(rule, estimate, byInterval(rule, estimate, ofRun(result)))
    if (check.verdict === 'fail') {
      check.reason = `the budget has no limit on ${rule.metric}, so no errors are allowed`
    }
    checks.push({ ...check, implied: true })
  }
  return {
    verdict: verdictOf(checks),
    rules: checks,
    latency: { meanMs: result.latencyMs.mean, parts: partsOf(result) },
    findings: result.validity.findings.filter(({ severity }) => severity === 'error'),
  }
}

/**
 * Checks only that a value is a budget check.
 *
 * @throws ValidationError if it is something else, such as a result
 */
export function checkIsBudgetCheck(value: unknown, name = 'check'): void {
  if (Array.isArray((value as Partial<BudgetCheck> | null | undefined)?.rules)) return
  throw new ValidationError(name, `must be a budget check, as checkBudget returns it, ${got(value)}`)
}

/** The rule of a budget without a limit on errors. */
const NO_ERRORS: Rule = { metric: 'errorRate', figure: 'errorRate', relation: '<=', limit: 0, unit: 'fraction' }

/**
 * The rules that a budget implies: without a limit on errors none are allowed. If it limits the errors of some classes, the
 * whole may have these, and the other classes none.
 *
 * @param classes the classes that requests have
 * @returns each rule, and whether rejections do not count as errors, since the budget limits them apart
 */
export function impliedRules(rules: readonly Rule[], classes: readonly string[]) {
  const limits = (figure: string, name?: string) =>
    rules.some((rule) => 'figure' in rule && rule.figure === figure && rule.class === name)
  if (limits('errorRate')) return []
  const limited = classes.filter((name) => limits('errorRate', name))
  const names = limited.length === 0 ? [undefined] : classes.filter((name) => !limited.includes(name))
  return names.map((name): { rule: Rule; rejectionsApart: boolean } => ({
    rule: name === undefined ? NO_ERRORS : { ...NO_ERRORS, metric: `${name}.errorRate`, class: name },
    rejectionsApart: limits('rejectionRate') || limits('rejectionRate', name),
  }))
}

/** The check of a rule on a class if none of its requests completed. */
function checkWithoutCompletion(rule: Rule, result: Result): RuleCheck {
  const name = rule.class as string
  const own = (result.classes as Record<string, ClassResult>)[name] as ClassResult
  const { offered } = own.counts
  const none = { observed: null, interval: null }
  if (offered === 0) {
    return checkOf(rule, none, {
      verdict: 'inconclusive',
      reason: `no request of the class '${name}' was due in the window; run longer`,
    })
  }
  // errors are 100 %, goodput is 0, and no latency is short enough
  const observed = 'figure' in rule ? figureWithoutCompletion(rule, own) : null
  const reason = `none of the ${count(offered)} requests of the class '${name}' completed`
  if (observed === null && !isUpper(rule)) return checkOf(rule, none, { verdict: 'inconclusive', reason })
  const kept = observed !== null && holds(observed, rule)
  return checkOf(
    rule,
    { observed, interval: null },
    {
      verdict: kept ? 'pass' : 'fail',
      reason: kept ? undefined : reason,
    },
  )
}

function figureWithoutCompletion(rule: Extract<Rule, { figure: string }>, { rates }: ClassResult): number {
  if (rule.figure === 'goodput') return 0
  return (rule.figure === 'errorRate' ? rates?.error : rates?.rejection) ?? 0
}

interface Judgement {
  verdict: Verdict
  reason?: string | undefined
}

/** Tells a Summary from a Result, which always has a `schema`. */
const isSummary = (of: Result | Summary): of is Summary =>
  typeof of === 'object' && of !== null && 'histogram' in of && !('schema' in of)

function verdictOf(rules: RuleCheck[]): Verdict {
  const some = (verdict: Verdict) => rules.some((rule) => rule.verdict === verdict)
  return some('fail') ? 'fail' : some('inconclusive') ? 'inconclusive' : 'pass'
}

function checkOf(
  rule: Rule,
  { observed, interval }: MetricEstimate,
  { verdict, reason }: Judgement,
  over?: Over,
): RuleCheck {
  const { metric, relation, limit, unit } = rule
  return {
    ...{ metric, relation, limit, unit, observed },
    interval: interval === null ? null : { low: interval.low, high: interval.high, level: interval.level },
    ...(over !== undefined && { over }),
    verdict,
    ...(reason !== undefined && { reason }),
  }
}

const isUpper = ({ relation }: { relation: Relation }) => relation.startsWith('<')

function holds(value: number, { relation, limit }: Rule): boolean {
  switch (relation) {
    case '<':
      return value < limit
    case '<=':
      return value <= limit
    case '>':
      return value > limit
    case '>=':
      return value >= limit
  }
}

/** Judges a metric by its interval, or as observed if there is no interval. */
function byInterval(rule: Rule, { observed, interval, reason }: MetricEstimate, advise: Advise): Judgement {
  if (interval === null) {
    if (observed === null) return { verdict: 'inconclusive', reason }
    return { verdict: holds(observed, rule) ? 'pass' : 'fail' }
  }
  const { low, high } = interval
  // `far` is the bound nearest to breaking the rule, `near` the one nearest to meeting it
  const [far, near] = isUpper(rule) ? [high, low] : [low, high]
  if (far !== null && holds(far, rule)) return { verdict: 'pass' }
  if (near !== null && !holds(near, rule)) return { verdict: 'fail' }
  const why = interval.reason ?? reason ?? longer(observed, rule.limit, far, near, advise)
  return { verdict: 'inconclusive', reason: why }
}

/** Advice never asks for a run longer than this many times. */
const MOST_TIMES = 100

/** Describes a run this many times as long. */
type Advise = (times: number) => string

const ofDurations =
  (durations: number): Advise =>
  (times) =>
    `record more: about ${count(Number((times * durations).toPrecision(2)))} durations would decide`
const ofRun =
  (result: Result): Advise =>
  (times) =>
    adviseLongerRun(result, times)

/**
 * Estimates how long a run would decide, if the observed value were the true one: the width of an interval falls with the
 * square root of the length.
 */
function longer(
  observed: number | null,
  limit: number,
  far: number | null,
  near: number | null,
  advise: Advise,
): string {
  const why = 'the limit lies within the interval'
  const ends = [far, near].flatMap((end) => (end === null || observed === null ? [] : [Math.abs(end - observed)]))
  const times = observed === null ? Infinity : (Math.max(...ends) / Math.abs(limit - observed)) ** 2
  if (!(times <= MOST_TIMES)) return `${why}, too near to the observed value for a longer run to decide`
  return `${advise(times)}; ${why}`
}

/** If the offered load is more than this many times the capacity, a slow machine does not explain the overload. */
const MACHINES_APART = 1.6

/** What a rule claims of the times of a run. */
interface Claim {
  /** that they are short, and not that they are long */
  wantsShort: boolean
  /** they grow without bound in a saturated run */
  grows: boolean
  /** whether it held, or may have held, without the time by which requests were sent late */
  heldFromSend: () => boolean
}

/** Judges the rules of a budget by a run's figures and findings. */
class RunJudge {
  readonly #result: Result
  /** the whole run, if the result is that of a class */
  readonly #run: Result
  /** the arrivals end by themselves and have no steady state: the run itself is judged, not a longer one */
  readonly #varies: boolean
  readonly #asObserved: boolean
  readonly #exceedances = new Map<string, Exceedances>()

  constructor(result: Result, run = result) {
    this.#result = result
    this.#run = run
    this.#varies = result.scenario !== null && !isStationary(result.scenario.arrivals)
    this.#asObserved = this.#varies && result.engine === 'simulate'
  }

  check(rule: Rule): RuleCheck {
    if ('figure' in rule && rule.figure === 'goodput') return this.#checkGoodput(rule)
    if ('figure' in rule) return this.#checkCounted(rule)
    if (rule.statistic === 'max') return this.#checkMax(rule)
    if (typeof rule.statistic === 'object' && this.#isInSegments(rule.time)) {
      return this.#checkFraction(rule, rule.time, rule.statistic.percentile)
    }
    const estimate = this.#withoutInterval(estimateOf(rule, { result: this.#result }))
    const judged = this.#passByLatency(rule) ?? byInterval(rule, estimate, ofRun(this.#run))
    return checkOf(
      rule,
      estimate,
      this.#applyFindings(this.#claimOf(rule), judged, () => this.#calmMean(rule)),
    )
  }

  /** Judges goodput, which is as affected by findings about latency as a limit on latency is. */
  #checkGoodput(rule: Rule): RuleCheck {
    const { goodput, segments } = this.#result
    const estimate = this.#withoutInterval(estimateOf(rule, { result: this.#result }))
    const judged = byInterval(rule, estimate, ofRun(this.#run))
    if (goodput === undefined) return checkOf(rule, estimate, judged)
    const limited = (times: readonly LimitedTime[]) => times.some((time) => goodput.limits[time] !== undefined)
    const claim: Claim = {
      wantsShort: !isUpper(rule),
      grows: limited(GROWS),
      // what was good from the send is not recorded
      heldFromSend: () => limited(['latency', 'wait', 'lag']),
    }
    const calm = () => {
      const parts = segments.map(({ counts }) => goodPart(counts)).filter(({ of }) => of > 0)
      const fractions = parts.map(({ amount, of }) => amount / of).sort((a, b) => b - a)
      const calmest = fractions[Math.ceil(fractions.length / 10) - 1]
      return calmest === undefined ? null : holds(calmest, rule)
    }
    return checkOf(rule, estimate, this.#applyFindings(claim, judged, calm))
  }

  /**
   * Judges a maximum as observed. It is that of this run: a longer one has a longer maximum, and it grows without bound in a
   * saturated run, which so fails an upper limit.
   */
  #checkMax(rule: TimeRule): RuleCheck {
    const check = this.#checkCounted(rule)
    if (check.verdict !== 'pass' || !isUpper(rule) || this.#varies) return check
    const overload = this.#judgeOverloaded(this.#claimOf(rule))
    if (overload !== null) {
      const { verdict, reason = '' } = overload
      return { ...check, verdict, reason }
    }
    return {
      ...check,
      reason: `the maximum of ${count(this.#countOf(rule))} ${rule.time === 'between' ? 'gaps' : 'requests'}; a longer run can only raise it`,
    }
  }

  /** Judges a counted figure, which findings about latency do not affect. */
  #checkCounted(rule: Rule): RuleCheck {
    const estimate = this.#withoutInterval(estimateOf(rule, { result: this.#result }))
    return checkOf(rule, estimate, byInterval(rule, estimate, ofRun(this.#run)))
  }

  /** Drops the interval of an estimate that is judged as observed. */
  #withoutInterval(estimate: MetricEstimate): MetricEstimate {
    return this.#asObserved ? { ...estimate, interval: null } : estimate
  }

  /** Whether the segments hold a time. Those of an older result, or of one merged with such, lack the times of responses. */
  #isInSegments(time: LimitedTime): time is ClassMetric {
    if (!isClassMetric(time)) return false
    const total = this.#result[`${time}Ms`]
    const held = this.#result.segments.flatMap((segment) => segment[`${time}Ms`] ?? [])
    return total !== undefined && holdAll(held, total)
  }

  #exceedancesOf(rule: Rule, time: ClassMetric): Exceedances {
    const unanswered = isUpper(rule) ? 'slowest' : 'fastest'
    const key = `${time} ${unanswered}`
    let known = this.#exceedances.get(key)
    if (known === undefined) {
      const segmentation =
        this.#result.replications !== undefined ? 'independent' : this.#varies ? 'varying' : 'in a row'
      known = new Exceedances(this.#result, segmentation, unanswered, time)
      this.#exceedances.set(key, known)
    }
    return known
  }

  #checkFraction(rule: TimeRule, time: ClassMetric, p: number): RuleCheck {
    const exceedances = this.#exceedancesOf(rule, time)
    const { over, within, times } = judgeFraction(
      exceedances,
      p,
      rule,
      tailOfCheckpoints(this.#result.checkpoints?.planned),
    )
    const ns = exceedances.percentileNs(p)
    const estimate = { observed: ns === null ? null : ns / NS_PER_MS, interval: null }
    if (this.#asObserved) {
      const kept = estimate.observed !== null && holds(estimate.observed, rule)
      const seen = { ...over, low: over.fraction, high: over.fraction }
      return checkOf(
        rule,
        estimate,
        { verdict: kept ? 'pass' : 'fail', reason: kept ? undefined : this.#explain(rule, seen, ns) },
        seen,
      )
    }
    const verdict = within === null ? 'inconclusive' : within === isUpper(rule) ? 'pass' : 'fail'
    const said = this.#explain(rule, over, ns)
    const advice = verdict === 'inconclusive' ? `${adviseLongerRun(this.#run, times)}; ` : ''
    const judged = { verdict, reason: verdict === 'pass' ? undefined : `${advice}${said}` } as const
    const orAtIt = rule.relation === '<' || rule.relation === '>='
    const calm = () => exceedances.calmest(rule.limit * NS_PER_MS, orAtIt) <= over.allowed
    return checkOf(rule, estimate, this.#applyFindings(this.#claimOf(rule), judged, calm), over)
  }

  #explain(rule: TimeRule, over: Over, ns: number | null): string {
    const { offered, completed } = this.#result.counts
    if (offered === completed || !isUpper(rule)) return overText(rule, over)
    const unanswered = `${count(offered - completed)} of ${count(offered)} requests were never answered, and count as slower than any limit`
    return ns === null ? `${unanswered}; ${overText(rule, over)}` : `${overText(rule, over)}; ${unanswered}`
  }

  /** How many values a time has: one for each completed request, but those of responses. */
  #countOf({ time }: TimeRule): number {
    return this.#result[`${time}Ms`]?.count ?? 0
  }

  /** Passes an upper limit on a part of latency if latency as a whole meets it: a part is never longer than the whole. */
  #passByLatency(rule: TimeRule): Judgement | null {
    if (this.#asObserved || !isUpper(rule) || typeof rule.statistic !== 'object') return null
    // a few slow requests may have most of the gaps
    if (rule.time === 'between') return null
    // those that have the time may be slower than the others
    if (this.#countOf(rule) < this.#result.counts.completed) return null
    const { percentile } = rule.statistic
    const { within } = judgeFraction(
      this.#exceedancesOf(rule, 'latency'),
      percentile,
      rule,
      tailOfCheckpoints(this.#result.checkpoints?.planned),
    )
    return within === true ? { verdict: 'pass', reason: 'latency as a whole meets this limit' } : null
  }

  /** Whether mean latency was within the limit in the calmest tenth of the segments; null if segments do not hold it. */
  #calmMean(rule: TimeRule): boolean | null {
    if (rule.time !== 'latency') return null
    const means = this.#result.segments.flatMap(({ latencyMs }) => latencyMs?.mean ?? []).sort((a, b) => a - b)
    return means.length === 0
      ? null
      : holds(means[Math.ceil(means.length / 10) - 1] as number, { ...rule, relation: '<=' })
  }

  #claimOf(rule: TimeRule): Claim {
    const heldFromSend = () => {
      const { fromSendMs } = this.#result
      if (fromSendMs === null || rule.time !== 'latency') return false
      const { statistic } = rule
      const fromSend = typeof statistic === 'object' ? percentile(fromSendMs, statistic.percentile) : fromSendMs.mean
      return fromSend <= rule.limit
    }
    return { wantsShort: isUpper(rule), grows: GROWS.includes(rule.time), heldFromSend }
  }

  /**
   * Adjusts a verdict on latency by the run's findings.
   *
   * @param calm whether the limit held in the calmest tenth of the run; null if unknown
   */
  #applyFindings(claim: Claim, judged: Judgement, calm: () => boolean | null): Judgement {
    const { wantsShort } = claim
    const { findings } = this.#result.validity
    const contradicts = findingsThat(findings, 'contradicts')
    if (contradicts.length > 0) return judgeInvalid(contradicts)
    const overloaded = this.#judgeOverloaded(claim)
    if (overloaded !== null) return overloaded
    const lengthens = findingsThatLengthen(findings)
    if (judged.verdict === 'inconclusive') return judged
    // the verdict claims either that latency is short or that it is long
    const short = (judged.verdict === 'pass') === wantsShort
    const hides = findingsThat(findings, 'hides')
    if (short) return hides.length === 0 ? judged : judgeInvalid(hides)
    if (lengthens.length === 0 || !this.#mightHaveHeld(claim, calm)) return judged
    return blameMachine(lengthens, judged)
  }

  /** Judges a time that grows for as long as a saturated run lasts; null if the run is not saturated. */
  #judgeOverloaded({ wantsShort, grows }: Claim): Judgement | null {
    const { findings } = this.#result.validity
    const [overload] = findingsThat(findings, 'overload')
    if (overload === undefined || this.#varies || !grows) return null
    return wantsShort ? judgeOverload(overload, findingsThatLengthen(findings)) : judgeInvalid([overload])
  }

  #mightHaveHeld({ heldFromSend }: Claim, calm: () => boolean | null): boolean {
    const late = findingsThat(this.#result.validity.findings, 'late').length > 0
    return (late && heldFromSend()) || calm() !== false
  }
}

const isClassMetric = (time: LimitedTime): time is ClassMetric => (CLASS_METRICS as readonly string[]).includes(time)

/** The times that grow without bound in a saturated run. */
const GROWS: readonly LimitedTime[] = ['latency', 'first', 'wait', 'queueing']

const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code).join(', ')

const judgeInvalid = (findings: readonly Finding[]): Judgement => ({
  verdict: 'inconclusive',
  reason: `the run is invalid: ${codes(findings)}`,
})

function blameMachine(lengthens: readonly Finding[], { reason }: Judgement): Judgement {
  const advice = `run again on a quiet machine: the machine, not the code, may be the cause (${codes(lengthens)})`
  return { verdict: 'inconclusive', reason: reason === undefined ? advice : `${advice}; ${reason}` }
}

function judgeOverload({ figures }: Finding, lengthens: readonly Finding[]): Judgement {
  const { offered = 0, completed = 0, capacity = completed } = figures
  const reason = `cannot sustain ${rate(offered)}; at most ${rate(capacity)}`
  if (lengthens.length > 0 && offered <= MACHINES_APART * capacity)
    return blameMachine(lengthens, { verdict: 'fail', reason })
  return { verdict: 'fail', reason }
}
