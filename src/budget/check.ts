import { checkedResult, checkedSummary } from '../result/check.js'
import { partsOf } from '../result/parts.js'
import type { Result } from '../result/result.js'
import type { Interval, Summary } from '../result/summary.js'
import type { Finding } from '../result/validity.js'
import { type Budget, type BudgetUnit, type Relation, type Rule, rulesOf } from '../scenario/budget.js'
import { got, ScenarioError } from '../scenario/error.js'
import type { Part } from '../text/parts.js'
import { type Estimate, estimateOf, noErrors } from './estimate.js'

export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** One rule of a budget, and what a run says of it. */
export interface RuleCheck {
  /** as the budget has it */
  metric: string
  relation: Relation
  limit: number
  /** of limit, observed and interval: milliseconds, a second, a share of 1, or requests */
  unit: BudgetUnit
  /** null where the run has no such figure, or it is that of a request never answered */
  observed: number | null
  /** null where the metric is judged as it was observed: max, and that there be no errors */
  interval: Interval | null
  verdict: Verdict
  /** why it is not told, or what tells it */
  reason?: string
  /** the budget says nothing of errors, and so allows none */
  implied?: true
}

/** Whether a run keeps to a budget: plain data. */
export interface BudgetCheck {
  /** fail where one rule fails, else inconclusive where one is */
  verdict: Verdict
  rules: RuleCheck[]
  /** where the mean latency went; null of durations alone */
  latency: { meanMs: number; parts: Part[] } | null
  /** what made the run invalid */
  findings: Finding[]
}

/**
 * Judges a run by a budget, by intervals and not by point estimates: a rule passes where the far end of the metric's
 * 95 % interval is within the limit, fails where the near end is past it, and is inconclusive between, where the run is
 * invalid, or where it is too short to tell. Max, and that there be no errors at all, are judged as observed. A request
 * that was never answered counts as slower than any other where a percentile has an upper limit, and as faster where it
 * has a lower one.
 *
 * @param of a Result, from memory or a file, or a Summary of durations
 * @throws ScenarioError where the budget cannot be read, or the result is of another version or contradicts itself
 */
export function checkBudget(of: Result | Summary, budget: Budget): BudgetCheck {
  const rules = rulesOf(budget)
  if (isSummary(of)) {
    const judged = { summary: checkedSummary(of) }
    const checks = rules.map((rule) => checkOf(rule, estimateOf(rule, judged), [], judged.summary.count))
    return { verdict: verdictOf(checks), rules: checks, latency: null, findings: [] }
  }
  const result = checkedResult(of)
  const findings = result.validity.findings.filter(({ severity }) => severity === 'error')
  const { offered } = result.counts
  const checks = rules.map((rule) => checkOf(rule, estimateOf(rule, { result }), findings, offered))
  const limits = (figure: string) => rules.some((rule) => 'figure' in rule && rule.figure === figure)
  if (!limits('errorRate')) {
    const check = checkOf(NO_ERRORS, noErrors(result, limits('rejectionRate')), findings, offered)
    if (check.verdict === 'fail') check.reason = 'the budget says nothing of errors, and so allows none'
    checks.push({ ...check, implied: true })
  }
  return {
    verdict: verdictOf(checks),
    rules: checks,
    latency: { meanMs: result.latencyMs.mean, parts: partsOf(result) },
    findings,
  }
}

/**
 * Refuses what is no check at all, such as a result that has yet to be judged.
 *
 * @throws ScenarioError
 */
export function checkIsBudgetCheck(value: unknown, name = 'check'): void {
  if (Array.isArray((value as Partial<BudgetCheck> | null | undefined)?.rules)) return
  throw new ScenarioError(name, `must be what checkBudget gives, ${got(value)}`)
}

const NO_ERRORS: Rule = { metric: 'errorRate', figure: 'errorRate', relation: '<=', limit: 0, unit: 'share' }

/** A result always says which version it is of. */
const isSummary = (of: Result | Summary): of is Summary =>
  typeof of === 'object' && of !== null && 'histogram' in of && !('schema' in of)

function verdictOf(rules: RuleCheck[]): Verdict {
  const some = (verdict: Verdict) => rules.some((rule) => rule.verdict === verdict)
  return some('fail') ? 'fail' : some('inconclusive') ? 'inconclusive' : 'pass'
}

function checkOf(rule: Rule, estimate: Estimate, findings: Finding[], requests: number): RuleCheck {
  const { metric, relation, limit, unit } = rule
  const { observed, interval } = estimate
  const { verdict, reason } = judge(rule, estimate, findings, requests)
  return {
    ...{ metric, relation, limit, unit, observed },
    interval: interval === null ? null : written(interval),
    verdict,
    ...(reason !== undefined && { reason }),
  }
}

/** As plain data, which knows no Infinity. */
function written({ low, high, level }: Interval): Interval {
  const finite = (bound: number | null) => (bound === Number.POSITIVE_INFINITY ? null : bound)
  return { low: finite(low), high: finite(high), level }
}

function judge(
  { relation, limit }: Rule,
  { observed, interval, reason }: Estimate,
  findings: Finding[],
  requests: number,
): { verdict: Verdict; reason?: string | undefined } {
  if (findings.length > 0) {
    return { verdict: 'inconclusive', reason: `the run is invalid: ${findings.map(({ code }) => code).join(', ')}` }
  }
  if (interval === null) {
    if (observed === null) return { verdict: 'inconclusive', reason }
    return { verdict: holds(observed, relation, limit) ? 'pass' : 'fail' }
  }
  const { low, high } = interval
  const upper = relation.startsWith('<')
  // the end nearer to breaking the rule, and the one nearer to keeping it
  const [far, near] = upper ? [high, low] : [low, high]
  if (far !== null && holds(far, relation, limit)) return { verdict: 'pass' }
  if (near !== null && !holds(near, relation, limit))
    return { verdict: 'fail', reason: near === Infinity ? reason : undefined }
  return { verdict: 'inconclusive', reason: interval.reason ?? reason ?? longer(observed, limit, far, near, requests) }
}

function holds(value: number, relation: Relation, limit: number): boolean {
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

/** A run longer than this many times is not advised. */
const MOST_TIMES = 100

/** How long a run would tell, were the true value the observed one: an interval shrinks with the root of the length. */
function longer(
  observed: number | null,
  limit: number,
  far: number | null,
  near: number | null,
  requests: number,
): string {
  const holdsIt = 'the limit lies within the interval'
  const ends = [far, near].flatMap((end) => (end === null || observed === null ? [] : [Math.abs(end - observed)]))
  const times = observed === null ? Infinity : (Math.max(...ends) / Math.abs(limit - observed)) ** 2
  if (!(times <= MOST_TIMES)) return `${holdsIt}, too near to what was observed for a run to tell`
  const needed = Number((times * requests).toPrecision(2)).toLocaleString('en')
  return `${holdsIt}: were the true value as observed, about ${needed} requests would tell`
}
