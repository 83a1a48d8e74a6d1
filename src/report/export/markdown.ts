import { type BudgetCheck, checkIsBudgetCheck } from '../../budget/check.js'
import { checkIsComparison } from '../../budget/comparison/check-comparison.js'
import type { Comparison } from '../../budget/comparison/comparison.js'
import { comparisonHeadline, comparisonRows } from '../../budget/comparison/render-comparison.js'
import { BUDGET_TITLES, budgetRows, headline } from '../../budget/render.js'
import type { Swept } from '../../explore/sweep.js'
import { checkIsResult } from '../../result/check.js'
import { describeMachines } from '../../result/merge/merged.js'
import { partsOf, responseTimesOf } from '../../result/parts.js'
import type { Result } from '../../result/result.js'
import type { Summary } from '../../result/summary.js'
import { makeLegible } from '../../text/legible.js'
import { percentToTenth, rate, threeDigits, time, timeUnit } from '../../text/number.js'
import { checkOptions, checkSwept } from '../check-options.js'
import { dropColumns, FIGURES, figureHeader, figuresOf, firstError, formatFigure } from '../figures.js'
import { MACHINE_TITLES, machineRows } from '../machines.js'
import { stageRows } from '../stages.js'
import { sweptFields } from '../swept-fields.js'
import { COLUMNS, classRows, listCosts, listTotals, VERBS } from '../terminal/result-table.js'
import { describeScenario } from '../terminal/scenario-line.js'

// Reports for pull requests, in GitHub Flavored Markdown.

interface Finding {
  code: string
  severity: 'error' | 'warning' | 'info'
  message: string
}

const MARKS = { error: '❌', warning: '⚠️', info: 'ℹ️' } as const

/**
 * Renders one result as Markdown: the scenario, findings, latency with intervals, and where the time went.
 *
 * @param options.title the heading; default the engine and p99
 * @param options.price the price of one server for an hour, which adds what the run costs
 * @throws ValidationError if it is not a result
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const markdown = renderMarkdown(result, { title: 'Checkout' })
 */
export function renderMarkdown(
  result: Result,
  options: { title?: string | undefined; price?: number | undefined } = {},
): string {
  checkOptions(options, 'resultMarkdown', 'markdown')
  checkIsResult(result)
  const { title, price } = options
  const { engine, scenario, latencyMs, waitMs, serviceMs, validity, merged } = result
  const machines = describeMachines(result)
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
  const rows = [
    row('latency', latencyMs),
    row('wait', waitMs),
    row('service', serviceMs),
    ...responseTimesOf(result).map(([name, summary]) => row(name, summary)),
  ]
  if (interval.some((text) => text !== '')) rows.splice(1, 0, ['95 % interval', ...interval])
  const groups = [classRows(result), stageRows(result)].flatMap((each) => each ?? [])
  const parts = partsOf(result).map(({ name, ms, meaning }) => [
    name,
    time(ms),
    latencyMs.mean === 0 ? '' : percentToTenth(ms / latencyMs.mean),
    meaning,
  ])
  return joinSections([
    renderHeading(title ?? `${VERBS[engine]}: latency p99 ${time(latencyMs.p99)}`),
    scenario === null
      ? `Live requests${machines === null ? '' : ` of ${machines}`}`
      : renderList([...describeScenario(scenario, engine), ...(machines === null ? [] : [machines])]),
    renderFindings(validity.findings),
    renderTable([`latency, ${unit.name}`, ...COLUMNS.map(([name]) => name)], rows),
    ...groups.map(({ columns, rows }) =>
      renderTable(
        columns.map((column) => column.replace('\n', ' ')),
        rows,
      ),
    ),
    renderTable(['part of the mean', '', '', ''], parts),
    renderTable(['', ''], [...listTotals(result), ...listCosts(result, price)]),
    merged === undefined ? '' : renderTable([...MACHINE_TITLES], machineRows(merged)),
  ])
}

/**
 * Renders a sweep as a Markdown table with a row for each run.
 *
 * @param options.title the heading; default `Sweep`
 * @throws ValidationError if it is not a list of runs
 * @example
 * const scenario = { arrivals: '50/s', service: '5ms', stop: { requests: 2000 } }
 * const markdown = renderSweepMarkdown(await sweep(scenario, { servers: [1, 2] }))
 */
export function renderSweepMarkdown(swept: readonly Swept[], options: { title?: string | undefined } = {}): string {
  checkOptions(options, 'markdown')
  checkSwept(swept)
  const { title } = options
  const fields = sweptFields(swept)
  const all = swept.map((each) => ({
    each,
    figures: figuresOf(each.result),
    invalid: firstError(each.result),
    labels: fields.map((field) => field.label(each)),
  }))
  const drops = dropColumns(swept.map(({ result }) => result))
  const unit = timeUnit(all.flatMap(({ figures }) => (figures === 'overloaded' ? [] : [figures.p99])))
  const rows = all.map(({ each, figures, invalid, labels }) => [
    ...labels.map((label, i) => (invalid !== null && i === 0 ? `${MARKS.error} ${label}` : label)),
    threeDigits(each.result.throughput.completed),
    ...drops.map(({ text }) => text(each.result)),
    ...FIGURES.map((figure, i) => {
      if (figures !== 'overloaded') return formatFigure(figures[figure], figure, unit)
      return i === 0 ? `overloaded at ${rate(each.result.throughput.offered)}` : ''
    }),
  ])
  const titles = [
    ...fields.map(({ header }) => header.replace('\n', ' ').trim()),
    'completed /s',
    ...drops.map(({ header }) => header.join(' ')),
    ...FIGURES.map((figure) => figureHeader(figure, unit).join(' ')),
  ]
  const invalid = all.flatMap(({ invalid, labels }) =>
    invalid === null ? [] : [{ ...invalid, message: `${labels.join(', ')} is invalid: ${invalid.message}` }],
  )
  return joinSections([renderHeading(title ?? 'Sweep'), renderTable(titles, rows), renderFindings(invalid)])
}

/**
 * Renders a comparison as Markdown: its verdict, and a row for each metric.
 *
 * @throws ValidationError if it is not a comparison
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1ms' })
 * const head = simulate({ arrivals: '500/s', service: '1.2ms' })
 * const markdown = renderComparisonMarkdown(compareResults(base, head))
 */
export function renderComparisonMarkdown(comparison: Comparison): string {
  checkIsComparison(comparison)
  const { titles, rows } = comparisonRows(comparison)
  const mark = { slower: '❌', faster: '✅', same: '✅', inconclusive: '⚠️' }[comparison.verdict]
  return joinSections([
    renderHeading(`${mark} ${comparisonHeadline(comparison)}`),
    renderTable(titles, rows),
    renderFindings(comparison.findings),
  ])
}

/**
 * Renders a budget check as Markdown: its verdict, and a row for each rule.
 *
 * @throws ValidationError if it is not a budget check
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const markdown = renderBudgetMarkdown(checkBudget(result, { p99: '100ms' }))
 */
export function renderBudgetMarkdown(check: BudgetCheck): string {
  checkIsBudgetCheck(check)
  const mark = { pass: '✅', fail: '❌', inconclusive: '⚠️' }[check.verdict]
  const reasons = check.rules.flatMap(({ metric, reason }) => (reason === undefined ? [] : [`${metric}: ${reason}`]))
  return joinSections([
    renderHeading(`${mark} ${headline(check)}`),
    renderTable([...BUDGET_TITLES], budgetRows(check)),
    renderList(reasons),
    renderFindings(check.findings),
  ])
}

export const renderHeading = (text: string) => `### ${escapeText(text)}`
export const renderList = (texts: string[]) => texts.map((text) => `- ${escapeText(text)}`).join('\n')

function renderFindings(found: readonly Finding[]): string {
  return (['error', 'warning', 'info'] as const)
    .flatMap((severity) => found.filter((finding) => finding.severity === severity))
    .map(({ severity, code, message }) => `- ${MARKS[severity]} **${escapeText(code)}**: ${escapeText(message)}`)
    .join('\n')
}

/** Renders a table: its first columns are left-aligned, the others right-aligned. */
export function renderTable(titles: string[], rows: string[][], left = 1): string {
  const line = (cells: string[]) => `| ${cells.map(escapeText).join(' | ')} |`
  return [line(titles), `| ${titles.map((_, i) => (i < left ? '---' : '---:')).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  )
}

export const joinSections = (parts: string[]) => `${parts.filter((part) => part !== '').join('\n\n')}\n`

/** Escapes a text: markup, mentions and line breaks. */
export function escapeText(text: string): string {
  return makeLegible(text)
    .replace(/[\\`*_~[\]<>|#]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/@(?=\w)/g, '@\u200b')
    .split(/[\r\n]+/)
    .map((line, i) => (i === 0 ? line.trimEnd() : line.trim()))
    .join(' ')
}
