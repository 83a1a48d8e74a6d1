import type { Comparison } from '../../budget/comparison.js'
import { comparisonHeadline, comparisonRows } from '../../budget/render-comparison.js'
import { ratios } from '../draw/ratios.js'
import { type Markup, markup } from '../markup.js'
import { dataTable } from './data-table.js'
import { figure } from './figure.js'
import { findingList } from './verdicts.js'

/** How head compares with base: the verdict, each metric, and how far apart the two are. */
export function comparisonSection(comparison: Comparison, i: number, title = 'Comparison'): Markup {
  const { metrics, reason, findings, verdict } = comparison
  const { titles, rows: texts } = comparisonRows(comparison)
  const rows = texts.map((row, k) => [
    ...row.slice(0, -1),
    markup`<span class="verdict v-${metrics[k]?.verdict}">${row.at(-1)}</span>`,
  ])
  const table = { caption: 'Head compared with base', columns: titles, rows }
  const chart = ratios(comparison)
  const drawn =
    chart !== null &&
    figure({
      id: `ratios-${i}`,
      title: "Head's figures over base's",
      says: comparisonHeadline(comparison),
      note: 'Shaded: what counts as the same.',
      charts: [chart],
    })
  const note = reason === undefined || findings.some(({ message }) => message === reason) ? null : reason
  return markup`<section aria-labelledby="comparison-${i}"><h2 id="comparison-${i}">${title}</h2><p class="verdict v-${verdict}">${comparisonHeadline(comparison)}</p>${note !== null && markup`<p>${note}</p>`}${findingList(findings)}${dataTable(table)}<div class="grid-of-cards">${drawn}</div></section>`
}
