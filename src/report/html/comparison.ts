import type { Comparison } from '../../budget/comparison/comparison.js'
import { comparisonHeadline, comparisonRows } from '../../budget/comparison/render-comparison.js'
import { drawRatios } from '../draw/ratios.js'
import { type Markup, markup } from '../markup.js'
import { renderDataTable } from './data-table.js'
import { renderFigure } from './figure.js'
import { renderFindingList } from './verdicts.js'

/** Renders a comparison: the verdict, its findings, a table of metrics and a chart of ratios. */
export function renderComparisonSection(comparison: Comparison, i: number, title = 'Comparison'): Markup {
  const { reason, findings, verdict } = comparison
  const { titles, rows: texts, metrics } = comparisonRows(comparison)
  const rows = texts.map((row, k) => [
    ...row.slice(0, -1),
    markup`<span class="verdict v-${metrics[k]?.verdict}">${row.at(-1)}</span>`,
  ])
  const table = { caption: 'Head compared with base', columns: titles, rows }
  const chart = drawRatios(comparison)
  const drawn =
    chart !== null &&
    renderFigure({
      id: `ratios-${i}`,
      title: 'Ratio of head to base',
      description: comparisonHeadline(comparison),
      note: 'Shaded: the range that counts as the same.',
      charts: [chart],
    })
  // the headline has the reason of a clear verdict
  const isShown = verdict !== 'inconclusive' || findings.some(({ message }) => message === reason)
  const note = isShown ? null : (reason ?? null)
  return markup`<section aria-labelledby="comparison-${i}"><h2 id="comparison-${i}">${title}</h2><p class="verdict v-${verdict}">${comparisonHeadline(comparison)}</p>${note !== null && markup`<p>${note}</p>`}${renderFindingList(findings)}${renderDataTable(table)}<div class="grid-of-cards">${drawn}</div></section>`
}
