import { type Drawing, heightOf } from '../draw/elements/drawing.js'
import { WIDTH } from '../draw/elements/frame.js'
import type { Scale } from '../draw/elements/scale.js'
import { attributes, type Content, type Markup, markup } from '../markup.js'
import { type DataTable, renderDataTable } from './data-table.js'

export interface ReportFigure {
  /** unique on the page */
  id: string
  title: Content
  /** the accessible description of its charts */
  description: string
  /** shown below the title */
  note?: Content
  charts: readonly Drawing[]
  /** the same data as a table, folded up below the charts */
  table?: DataTable
}

/** Renders charts under a title, each with keyboard navigation, and their data as a table. */
export function renderFigure({ id, title, description, note, charts, table }: ReportFigure): Markup {
  return markup`<figure class="card${charts.length > 1 ? ' wide' : ''}" aria-labelledby="${id}"><figcaption><h3 id="${id}">${title}</h3>${note && markup`<div class="quiet">${note}</div>`}</figcaption><div class="charts">${charts.map((chart) => renderChart(chart, id, description))}</div>${table !== undefined && markup`<details><summary>Data</summary>${renderDataTable(table)}</details>`}</figure>
`
}

function renderChart(chart: Drawing, id: string, description: string): Markup {
  const { drawn, x, y } = chart
  return markup`<div class="chart" tabindex="0" role="group" aria-labelledby="${id}" aria-describedby="keys"><svg role="img" aria-label="${description}" viewBox="0 0 ${WIDTH} ${heightOf(chart)}"${scaleData('x', x)}${scaleData('y', y)}>${drawn}</svg></div>`
}

/** Writes a scale's domain and range as an attribute, so that tests can check positions against values. */
function scaleData(axis: 'x' | 'y', scale: Scale | null | undefined): Markup | null {
  if (scale === null || scale === undefined) return null
  const { kind, domain, range } = scale
  return attributes({ [`data-${axis}-scale`]: `${kind} ${domain.join(' ')} ${range.join(' ')}` })
}
