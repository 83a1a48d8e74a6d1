import { type BudgetCheck, checkIsBudgetCheck } from '../../budget/check.js'
import { checkIsComparison } from '../../budget/check-comparison.js'
import type { Comparison } from '../../budget/comparison.js'
import { BUDGET_TITLES, budgetRows, headline } from '../../budget/render.js'
import { comparisonHeadline, comparisonRows } from '../../budget/render-comparison.js'
import type { Swept } from '../../explore/sweep.js'
import { checkIsResult } from '../../result/check.js'
import { partsOf } from '../../result/parts.js'
import type { Result } from '../../result/result.js'
import type { Summary } from '../../result/summary.js'
import { legible } from '../../text/legible.js'
import { rate, threeDigits, time, timeUnit } from '../../text/number.js'
import { FIGURES, figuresOf, headerOf, invalidity, lossesIn, shown } from '../figures.js'
import { checkOptions, checkSwept } from '../given.js'
import { sweptFields } from '../swept-fields.js'
import { COLUMNS, totalsOf, VERBS } from '../terminal/result-table.js'
import { scenarioLines } from '../terminal/scenario-line.js'

// Reports for a pull request, in the Markdown that code hosts show (GitHub Flavored Markdown). Each throws a
// ValidationError where what it is given is not what it is a report of.

interface Finding {
  code: string
  severity: 'error' | 'warning' | 'info'
  message: string
}

const MARKS = { error: '❌', warning: '⚠️', info: 'ℹ️' } as const

/** One result: what was run, its findings, latency with its intervals, and where the time went. */
export function renderMarkdown(result: Result, options: { title?: string | undefined } = {}): string {
  checkOptions(options, 'markdown')
  checkIsResult(result)
  const { title } = options
  const { engine, scenario, latencyMs, waitMs, serviceMs, validity } = result
  const unit = timeUnit([latencyMs.p99])
  const row = (name: string, summary: Summary) => [
    name,
    ...COLUMNS.map(([, key]) => threeDigits(summary[key] / unit.ms)),
  ]
  const interval = COLUMNS.map(([, key]) => {
    if (key === 'max') return ''
    const { low, high } = latencyMs.intervals[key]
    if (low === null && high === null) return ''
    const text = (bound: number | null) => (bound === null ? '?' : threeDigits(bound / unit.ms))
    return `${text(low)} to ${text(high)}`
  })
  const rows = [row('latency', latencyMs), row('wait', waitMs), row('service', serviceMs)]
  if (interval.some((text) => text !== '')) rows.splice(1, 0, ['95 % interval', ...interval])
  const parts = partsOf(result).map(({ name, ms, meaning }) => [
    name,
    time(ms),
    latencyMs.mean === 0 ? '' : `${((100 * ms) / latencyMs.mean).toFixed(1)} %`,
    meaning,
  ])
  return joined([
    heading(title ?? `${VERBS[engine]}: latency p99 ${time(latencyMs.p99)}`),
    scenario === null ? 'Live requests' : list(scenarioLines(scenario, engine)),
    findings(validity.findings),
    tableOf([`latency, ${unit.name}`, ...COLUMNS.map(([name]) => name)], rows),
    tableOf(['part of the mean', '', '', ''], parts),
    tableOf(['', ''], totalsOf(result)),
  ])
}

/** A sweep: a row for each of its points. */
export function renderSweepMarkdown(swept: readonly Swept[], options: { title?: string | undefined } = {}): string {
  checkOptions(options, 'markdown')
  checkSwept(swept)
  const { title } = options
  const fields = sweptFields(swept)
  const all = swept.map((each) => ({
    each,
    figures: figuresOf(each.result),
    invalid: invalidity(each.result),
    labels: fields.map((field) => field.label(each)),
  }))
  const losses = lossesIn(swept.map(({ result }) => result))
  const unit = timeUnit(all.flatMap(({ figures }) => (figures === 'cannot carry' ? [] : [figures.p99])))
  const rows = all.map(({ each, figures, invalid, labels }) => [
    ...labels.map((label, i) => (invalid !== null && i === 0 ? `${MARKS.error} ${label}` : label)),
    threeDigits(each.result.throughput.completed),
    ...losses.map(({ text }) => text(each.result)),
    ...FIGURES.map((figure, i) => {
      if (figures !== 'cannot carry') return shown(figures[figure], figure, unit)
      return i === 0 ? `cannot carry ${rate(each.result.throughput.offered)}` : ''
    }),
  ])
  const titles = [
    ...fields.map(({ header }) => header.replace('\n', ' ').trim()),
    'completed /s',
    ...losses.map(({ header }) => header.join(' ')),
    ...FIGURES.map((figure) => headerOf(figure, unit).join(' ')),
  ]
  const invalid = all.flatMap(({ invalid, labels }) =>
    invalid === null ? [] : [{ ...invalid, message: `${labels.join(', ')} is invalid: ${invalid.message}` }],
  )
  return joined([heading(title ?? 'Sweep'), tableOf(titles, rows), findings(invalid)])
}

/** A comparison: its verdict, and each metric. */
export function renderComparisonMarkdown(comparison: Comparison): string {
  checkIsComparison(comparison)
  const { titles, rows } = comparisonRows(comparison)
  const mark = { slower: '❌', faster: '✅', same: '✅', inconclusive: '⚠️' }[comparison.verdict]
  return joined([
    heading(`${mark} ${comparisonHeadline(comparison)}`),
    tableOf(titles, rows),
    findings(comparison.findings),
  ])
}

/** A budget's check: its verdict, and each rule. */
export function renderBudgetMarkdown(check: BudgetCheck): string {
  checkIsBudgetCheck(check)
  const mark = { pass: '✅', fail: '❌', inconclusive: '⚠️' }[check.verdict]
  const reasons = check.rules.flatMap(({ metric, reason }) => (reason === undefined ? [] : [`${metric}: ${reason}`]))
  return joined([
    heading(`${mark} ${headline(check)}`),
    tableOf([...BUDGET_TITLES], budgetRows(check)),
    list(reasons),
    findings(check.findings),
  ])
}

export const heading = (text: string) => `### ${escaped(text)}`
export const list = (texts: string[]) => texts.map((text) => `- ${escaped(text)}`).join('\n')

function findings(found: readonly Finding[]): string {
  return (['error', 'warning', 'info'] as const)
    .flatMap((severity) => found.filter((finding) => finding.severity === severity))
    .map(({ severity, code, message }) => `- ${MARKS[severity]} **${escaped(code)}**: ${escaped(message)}`)
    .join('\n')
}

/** The first column is of names, the others of figures, which stand to the right. */
export function tableOf(titles: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map(escaped).join(' | ')} |`
  return [line(titles), `| ${titles.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  )
}

export const joined = (parts: string[]) => `${parts.filter((part) => part !== '').join('\n\n')}\n`

/** A text as it is: nothing in it is markup, a mention or a line's end. */
export function escaped(text: string): string {
  return legible(text)
    .replace(/[\\`*_~[\]<>|#]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/@(?=\w)/g, '@\u200b')
    .split(/[\r\n]+/)
    .map((line, i) => (i === 0 ? line.trimEnd() : line.trim()))
    .join(' ')
}
