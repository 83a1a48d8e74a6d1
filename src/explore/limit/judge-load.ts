import { type BudgetCheck, judgeResult, type RuleCheck, type Verdict } from '../../budget/check.js'
import { observedText, ruleText } from '../../budget/render.js'
import type { Result } from '../../result/result.js'
import { FINDING_EFFECTS, type Finding, findingsThat, findingsThatLengthen } from '../../result/validity.js'
import { type Budget, rulesOf } from '../../scenario/budget.js'
import { ValidationError } from '../../validation/validation-error.js'
import type { LoadCause } from './search.js'

/** The verdict on a load, and what it is based on. */
export interface LoadVerdict {
  verdict: Verdict
  /** null if it passed */
  cause: LoadCause | null
  /** null if it passed */
  reason: string | null
  /** null if it is not judged by a budget */
  check: BudgetCheck | null
}

/** Judges a run by a budget. Only a valid run passes; a saturated one fails any budget, unless this machine may be why. */
export function judgeLoad(result: Result, budget: Budget): LoadVerdict {
  const check = judgeResult(result, budget)
  const { valid, findings } = result.validity
  const [saturated] = findingsThat(findings, 'overload')
  const slowed = findingsThatLengthen(findings)
  const invalid = findings.filter(({ severity, code }) => severity === 'error' && code !== 'saturated')
  if (check.verdict !== 'fail' && saturated !== undefined && invalid.length === 0 && slowed.length === 0) {
    return { verdict: 'fail', cause: 'saturation', reason: saturated.message, check }
  }
  switch (check.verdict) {
    case 'pass':
      if (valid) return { verdict: 'pass', cause: null, reason: null, check }
      return { verdict: 'inconclusive', cause: 'machine', reason: messages([...invalid, ...slowed]), check }
    case 'fail': {
      const cause = saturated !== undefined ? 'saturation' : failsByErrors(check) ? 'errors' : 'budget'
      return { verdict: 'fail', cause, reason: reasonOf(check, findings), check }
    }
    case 'inconclusive': {
      const cause = isDoubted(result, budget) ? 'machine' : 'too-short'
      return { verdict: 'inconclusive', cause, reason: reasonOf(check, findings), check }
    }
  }
}

const messages = (findings: readonly Finding[]) =>
  [...new Set(findings.map(({ code, message }) => `${code}: ${message}`))].join('; ')

/** Whether a verdict would be clear without the findings that put the run in doubt. */
function isDoubted(result: Result, budget: Budget): boolean {
  const findings = result.validity.findings.filter(({ code }) => ['overload', 'none'].includes(FINDING_EFFECTS[code]))
  const valid = findings.every(({ severity }) => severity !== 'error')
  return judgeResult({ ...result, validity: { valid, findings } }, budget).verdict !== 'inconclusive'
}

const isOfErrors = ({ metric }: RuleCheck) => /(^|\.)(errorRate|rejectionRate)$/.test(metric)

/** Whether requests fail: a request without an answer is slower than any limit, so that a percentile may fail too. */
const failsByErrors = ({ rules }: BudgetCheck) => rules.some((rule) => rule.verdict === 'fail' && isOfErrors(rule))

/** Why a run does not pass, from the rule that explains it best. */
function reasonOf({ verdict, rules }: BudgetCheck, findings: readonly Finding[]): string {
  const such = rules.filter((rule) => rule.verdict === verdict)
  const rule = (such.find(isOfErrors) ?? such[0]) as RuleCheck
  const failures = isOfErrors(rule) ? findings.find(({ code }) => code === 'failures') : undefined
  const why = failures?.message ?? rule.reason ?? observedText(rule)
  return `${ruleText(rule)}: ${why}`
}

/** The probability that a verdict leaves to chance. */
const TAIL = 0.025
/** Latencies depend on each other, so a verdict takes more requests than if they did not. */
const DEPENDENT = 1.8

/** A part of latency is judged by the interval of its percentile, which takes this many times as many. */
const BY_INTERVAL = 4

/**
 * How many requests a verdict on a budget needs: a percentile is shown by those that exceed it.
 *
 * @throws ValidationError if a higher load meets a limit more easily, so that there is no highest load to search
 */
export function requestsNeeded(budget: Budget): number {
  const rules = rulesOf(budget)
  for (const rule of rules) {
    if (rule.relation.startsWith('<') || ('figure' in rule && rule.figure === 'goodput')) continue
    throw new ValidationError(
      `budget.${rule.metric}`,
      'must be a limit that a higher load breaks: an upper limit, or a lower limit on goodput',
    )
  }
  const fractions = rules.map((rule) => {
    if ('time' in rule && typeof rule.statistic === 'object') {
      const above = 1 - rule.statistic.percentile / 100
      return rule.time === 'latency' ? above : above / BY_INTERVAL
    }
    if ('time' in rule) return 1
    return rule.unit === 'fraction' && rule.limit > 0 ? rule.limit : 1
  })
  const least = Math.min(0.1, ...fractions)
  return Math.ceil((DEPENDENT * Math.log(TAIL)) / Math.log1p(-least))
}
