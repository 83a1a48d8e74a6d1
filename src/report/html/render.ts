import type { Budget } from '../../scenario/budget.js'
import { count } from '../../text/number.js'
import { ValidationError } from '../../validation/validation-error.js'
import { checkOptions } from '../check-options.js'
import { type Markup, markup } from '../markup.js'
import { renderComparisonSection } from './comparison.js'
import {
  batchesFigure,
  classesFigures,
  frontierFigure,
  invalidMark,
  partsFigure,
  percentilesFigure,
  stagesTable,
  timelineFigure,
  tradeOffFigures,
} from './figures.js'
import { renderPage } from './page.js'
import { type Contents, contentsOf, type LabelledResult, type ReportEntry } from './report-entry.js'
import { renderSetting } from './setting.js'
import { renderTunedSection } from './tuned.js'
import { MOST_OPEN, renderVerdicts } from './verdicts.js'

/** Options of `renderHtml`. */
export interface HtmlOptions {
  /**
   * The heading of the page.
   *
   * @default a description of the entries, such as `Sweep of 12 runs`
   */
  title?: string | undefined
  /**
   * Checked against every run, and drawn as limits in the charts.
   *
   * @default none
   */
  budget?: Budget | undefined
  /**
   * The price of one server for an hour, which adds the cost of every run.
   *
   * @default none
   */
  price?: number | undefined
}

/** How many runs get charts of their own. Tables and combined charts show all runs. */
const MOST_IN_DETAIL = 10

/**
 * Renders a report as one self-contained HTML page, to open offline, mail, print or attach to a build. Entries may be
 * results, results with names, the runs of a `sweep`, what `tune` found and comparisons, in any mixture. Findings and verdicts come first.
 * Every chart shows its values on hover and with the arrow keys, and has its data as a table. Labels are escaped.
 *
 * @throws ValidationError if there is no entry, an entry is invalid or inconsistent, or an option is invalid
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const html = renderHtml({ name: 'checkout', result }, { budget: { p99: '100ms' } })
 */
export function renderHtml(of: ReportEntry | readonly ReportEntry[], options: HtmlOptions = {}): string {
  checkOptions(options, 'report')
  const given = Array.isArray(of) ? (of as readonly ReportEntry[]) : [of as ReportEntry]
  if (given.length === 0) throw new ValidationError('report', 'must hold at least one result or comparison')
  const { title, body } = reportOf(contentsOf(given), options)
  return renderPage(title, body)
}

/** Builds the title and body of a report. */
export function reportOf(
  contents: Contents,
  { title: givenTitle, budget, price }: HtmlOptions,
): { title: string; body: Markup } {
  const { runs, swept, comparisons, tuned } = contents
  const title = givenTitle ?? titleOf(contents)
  const detailed = runs.slice(0, MOST_IN_DETAIL)
  const omitted = runs.length - detailed.length
  const body = markup`<header><h1>${title}</h1><p class="quiet" id="keys">Hover over a chart to see its values, or focus it and use the arrow keys.</p></header>
${tuned.map(renderTunedSection)}${comparisons.map((comparison, i) => renderComparisonSection(comparison, i))}${runs.length > 0 && renderVerdicts(runs, budget, price)}${
  swept.length > 0 && renderSection('trade-off', 'Trade-off', tradeOffFigures(swept))
}${
  runs.length > 0 &&
  renderSection('latency', 'Latency', [
    omitted > 0 &&
      markup`<p class="wide quiet">Charts of single runs show the first ${count(MOST_IN_DETAIL)} of ${count(runs.length)} runs.</p>`,
    percentilesFigure(detailed, budget),
    partsFigure(detailed),
    frontierFigure(runs, budget),
  ])
}${
  runs.length > 0 &&
  renderSection(
    'runs',
    'Over time and by batch size',
    detailed.flatMap((run, i) => renderCharts(run, i, detailed.length > MOST_OPEN)),
  )
}${
  runs.length > 0 &&
  markup`<section aria-labelledby="setting"><h2 id="setting">Scenario and environment</h2>${detailed.map((run) => renderFoldedSetting(run, detailed.length > MOST_OPEN))}</section>`
}`
  return { title, body }
}

/** Renders the charts of one run, folded up under its name if there are many runs. */
function renderCharts(run: LabelledResult, i: number, folded: boolean): (Markup | null)[] {
  const charts = [timelineFigure(run, i), stagesTable(run, i), ...classesFigures(run, i), batchesFigure(run, i)]
  if (!folded || charts.every((chart) => chart === null)) return charts
  return [
    markup`<details class="wide run"><summary>${invalidMark(run.result)}<bdi>${run.label}</bdi></summary><div class="grid-of-cards">${charts}</div></details>`,
  ]
}

function renderFoldedSetting(run: LabelledResult, folded: boolean): Markup {
  if (!folded) return renderSetting(run)
  return markup`<details class="run"><summary><bdi>${run.label}</bdi></summary>${renderSetting({ ...run, label: '' })}</details>`
}

function renderSection(id: string, title: string, cards: readonly (Markup | null | false)[]): Markup | null {
  if (cards.every((card) => card === null || card === false)) return null
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2><div class="grid-of-cards">${cards}</div></section>`
}

function titleOf({ runs, swept, comparisons, tuned }: Contents): string {
  if (tuned.length > 0 && runs.length === 0 && comparisons.length === 0) return 'Which setting to run'
  if (runs.length === 0) return 'Comparison'
  if (swept.length === runs.length) return `Sweep of ${count(swept.length)} runs`
  const [only] = runs
  if (runs.length === 1 && comparisons.length === 0) return only?.label || 'Latency report'
  return `Latency of ${count(runs.length)} runs`
}
