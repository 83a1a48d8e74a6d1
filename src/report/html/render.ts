import type { Budget } from '../../scenario/budget.js'
import { count } from '../../text/number.js'
import { ValidationError } from '../../validation/validation-error.js'
import { checkOptions } from '../given.js'
import { type Markup, markup } from '../markup.js'
import { comparisonSection } from './comparison.js'
import {
  batchesFigure,
  frontierFigure,
  invalidMark,
  partsFigure,
  percentilesFigure,
  timelineFigure,
  tradeOffFigures,
} from './figures.js'
import { page } from './page.js'
import { type Contents, contentsOf, type LabelledResult, type ReportEntry } from './report-entry.js'
import { setting } from './setting.js'
import { MOST_OPEN, verdicts } from './verdicts.js'

export interface HtmlOptions {
  /** Default: what the report is of. */
  title?: string | undefined
  /** Every run is judged by it, and the frontier shows what it allows. */
  budget?: Budget | undefined
}

/** Of more runs than this, charts of their own are left out; tables and figures of all runs have them all. */
const MOST_IN_DETAIL = 10

/**
 * A report as one HTML page that needs nothing else, and can be opened offline, mailed, printed or put beside a build:
 * of a result, of several with labels, of what `sweep` gives, or of a comparison, in any mixture. Findings and verdicts
 * come first. Every chart says its values on hover and by arrow keys, and has its table; whatever a label holds is shown
 * as text.
 *
 * @throws ValidationError if there is nothing to report, if something is not a result or contradicts itself, or if
 * an option or the budget cannot be read
 */
export function renderHtml(of: ReportEntry | readonly ReportEntry[], options: HtmlOptions = {}): string {
  checkOptions(options, 'report')
  const given = Array.isArray(of) ? (of as readonly ReportEntry[]) : [of as ReportEntry]
  if (given.length === 0) throw new ValidationError('report', 'must hold at least one result or comparison')
  const { title, body } = reportOf(contentsOf(given), options)
  return page(title, body)
}

/** What stands on the page of a report. */
export function reportOf(contents: Contents, { title: asked, budget }: HtmlOptions): { title: string; body: Markup } {
  const { runs, swept, comparisons } = contents
  const title = asked ?? titleOf(contents)
  const detailed = runs.slice(0, MOST_IN_DETAIL)
  const left = runs.length - detailed.length
  const body = markup`<header><h1>${title}</h1><p class="quiet" id="keys">Point at a chart for its values, or focus it and use the arrow keys.</p></header>
${comparisons.map((comparison, i) => comparisonSection(comparison, i))}${runs.length > 0 && verdicts(runs, budget)}${
  swept.length > 0 && section('trade-off', 'Trade-off', tradeOffFigures(swept))
}${
  runs.length > 0 &&
  section('latency', 'Latency', [
    left > 0 &&
      markup`<p class="wide quiet">The charts of single runs are of the first ${count(MOST_IN_DETAIL)} of ${count(runs.length)} runs.</p>`,
    percentilesFigure(detailed, budget),
    partsFigure(detailed),
    frontierFigure(runs, budget),
  ])
}${
  runs.length > 0 &&
  section(
    'runs',
    'Over time, and by batch',
    detailed.flatMap((run, i) => chartsOf(run, i, detailed.length > MOST_OPEN)),
  )
}${
  runs.length > 0 &&
  markup`<section aria-labelledby="setting"><h2 id="setting">Scenario and environment</h2>${detailed.map((run) => settingOf(run, detailed.length > MOST_OPEN))}</section>`
}`
  return { title, body }
}

/** The charts of one run; of many runs, folded up under its name. */
function chartsOf(run: LabelledResult, i: number, folded: boolean): (Markup | null)[] {
  const charts = [timelineFigure(run, i), batchesFigure(run, i)]
  if (!folded || charts.every((chart) => chart === null)) return charts
  return [
    markup`<details class="wide run"><summary>${invalidMark(run.result)}<bdi>${run.label}</bdi></summary><div class="grid-of-cards">${charts}</div></details>`,
  ]
}

function settingOf(run: LabelledResult, folded: boolean): Markup {
  if (!folded) return setting(run)
  return markup`<details class="run"><summary><bdi>${run.label}</bdi></summary>${setting({ ...run, label: '' })}</details>`
}

function section(id: string, title: string, cards: readonly (Markup | null | false)[]): Markup | null {
  if (cards.every((card) => card === null || card === false)) return null
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2><div class="grid-of-cards">${cards}</div></section>`
}

function titleOf({ runs, swept, comparisons }: Contents): string {
  if (runs.length === 0) return 'Comparison'
  if (swept.length === runs.length) return `Sweep of ${count(swept.length)} runs`
  const [only] = runs
  if (runs.length === 1 && comparisons.length === 0) return only?.label || 'Latency report'
  return `Latency of ${count(runs.length)} runs`
}
