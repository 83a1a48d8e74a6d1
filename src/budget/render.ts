import type { BudgetUnit } from '../scenario/budget.js'
import { renderColumns } from '../text/columns.js'
import { makeLegible } from '../text/legible.js'
import { inText, percent, plural, rate, time, timeUnit } from '../text/number.js'
import { renderParts } from '../text/parts.js'
import { type Format, NARROWEST, plain, type RenderOptions } from '../text/style.js'
import { wrap } from '../text/wrap.js'
import { overText, rangeText } from './advice.js'
import { type BudgetCheck, checkIsBudgetCheck, type RuleCheck, type Verdict } from './check.js'

const COLOURS = { pass: 'green', fail: 'red', inconclusive: 'yellow' } as const satisfies Record<Verdict, Format>

/**
 * Renders a budget check as text: a table of the rules with what was observed, the parts of mean latency, and the errors
 * that make the run invalid.
 *
 * @example
 * const result = simulate({ arrivals: '400/s', service: '1ms' })
 * console.log(renderBudget(checkBudget(result, { p99: '20ms' }), { width: 100 }))
 *
 * @throws ValidationError if the value is not a budget check
 */
export function renderBudget(given: BudgetCheck, options: RenderOptions = {}): string {
  checkIsBudgetCheck(given)
  const { width = 80, style = plain } = options
  const check = makeLegible(given)
  const { rules, latency, findings } = check
  const rows = budgetRows(check).map((row, i) => {
    const verdict = (rules[i] as RuleCheck).verdict
    return [...row.slice(0, -1), style(COLOURS[verdict], verdict)]
  })
  const room = Math.max(NARROWEST, width)
  const notes = rules.flatMap(({ metric, reason }) =>
    reason === undefined ? [] : wrap(`${metric}: ${reason}`, room - 1).map((text) => ` ${text}`),
  )
  const found = findings.flatMap(({ code, message }) =>
    wrap(`${code}: ${message}`, room - 3).map((text, i) => ` ${i === 0 ? style('red', '✗') : ' '} ${text}`),
  )
  const todo = adviceFor(check)
  const parts = [
    renderColumns([...BUDGET_TITLES], rows, style),
    notes.join('\n'),
    found.join('\n'),
    latency === null ? '' : renderParts(latency.parts, latency.meanMs, room, style),
    todo === null
      ? ''
      : wrap(todo, room - 1)
          .map((text) => ` ${text}`)
          .join('\n'),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

const ADVICE: Record<string, string> = {
  lag: 'do less in this process, or measure a handler module on threads. The event loop started requests late',
  queueing:
    'add servers, serve larger batches, or lower the rate. Queueing for a server is the longest part of latency',
  batching: 'lower maxWait or maxBatchSize. Batching, while a batch fills, is the longest part of latency',
  dispatch: 'run fewer busy threads on this machine. Dispatch, while a server wakes up, is the longest part of latency',
  service: 'make service faster, or raise the limit. Service is the longest part of latency',
}

/** Advises what to do if a limit on a time is exceeded: answer all requests, or shorten the longest part of the mean. */
function adviceFor({ rules, latency }: BudgetCheck): string | null {
  const failed = rules.filter(({ unit, verdict }) => unit === 'ms' && verdict === 'fail')
  if (latency === null || failed.length === 0) return null
  if (failed.some(({ observed }) => observed === null)) {
    return 'To do: find out why requests were never answered: they failed, were rejected or timed out.'
  }
  const longest = latency.parts.reduce((a, b) => (b.ms > a.ms ? b : a))
  const advice = ADVICE[longest.name]
  return advice === undefined ? null : `To do: ${advice}.`
}

export const BUDGET_TITLES = ['rule', 'limit', 'observed', '95 % interval', 'verdict'] as const

/** The rows of the table under `BUDGET_TITLES`, one for each rule. */
export function budgetRows({ rules }: BudgetCheck): string[][] {
  return rules.map((rule) => [
    rule.metric,
    `${rule.relation} ${limitText(rule)}`,
    rule.observed === null ? '–' : figure(rule.observed, rule),
    intervalText(rule),
    rule.verdict,
  ])
}

/** Formats a rule: `p99 <= 100 ms`. */
export const ruleText = (rule: RuleCheck) => `${rule.metric} ${rule.relation} ${limitText(rule)}`

/** Formats what was observed: `observed 41.2 ms, 95 % interval 39 ms to 43 ms`. */
export function observedText(rule: RuleCheck): string {
  const observed = rule.observed === null ? 'nothing observed' : `observed ${figure(rule.observed, rule)}`
  if (rule.over !== undefined) return `${observed}; ${overText(rule, rule.over)}`
  return rule.interval === null ? observed : `${observed}, 95 % interval ${intervalText(rule)}`
}

/** The verdict in one line: `Budget broken: 1 of 3 rules fails`. */
export function headline({ verdict, rules }: BudgetCheck): string {
  const such = rules.filter((rule) => rule.verdict === verdict).length
  const all = plural(rules.length, 'rule')
  switch (verdict) {
    case 'pass':
      return `Budget kept: ${all}`
    case 'fail':
      return `Budget broken: ${such} of ${all} ${such === 1 ? 'fails' : 'fail'}`
    case 'inconclusive':
      return `Budget undecided: ${such} of ${all} ${such === 1 ? 'is' : 'are'} inconclusive`
  }
}

function intervalText({ interval, observed, over, ...rule }: RuleCheck): string {
  if (over !== undefined) return over.low === over.high ? 'as observed' : `${rangeText(over)} over`
  if (interval === null) return observed === null ? 'none' : 'as observed'
  const { low, high } = interval
  if (low === null && high === null) return 'none'
  if (high === null) return `${figure(low as number, rule)} or more`
  if (low === null) return `${figure(high, rule)} or less`
  return `${figure(low, rule)} to ${figure(high, rule)}`
}

/** Formats a limit without rounding. */
function limitText({ limit, unit }: RuleCheck): string {
  const exact = (value: number) => String(Number(value.toPrecision(12)))
  switch (unit) {
    case 'ms': {
      const { ms, name } = timeUnit([limit])
      return `${exact(limit / ms)} ${name}`
    }
    case '/s':
      return `${exact(limit)}/s`
    case 'fraction':
      return `${exact(100 * limit)} %`
    case 'requests':
      return exact(limit)
  }
}

const figure = (value: number, { unit }: Pick<RuleCheck, 'unit'>) => figureText(value, unit)

/** Formats a figure that a budget can limit. */
export function figureText(value: number, unit: BudgetUnit): string {
  switch (unit) {
    case 'ms':
      return value === 0 ? '0 ms' : time(value)
    case '/s':
      return rate(value)
    case 'fraction':
      return percent(value)
    case 'requests':
      return inText(value)
  }
}
