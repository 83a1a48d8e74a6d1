import { type Drawing, heightOf } from '../draw/drawing.js'
import { WIDTH } from '../draw/frame.js'
import type { Scale } from '../draw/scale.js'
import { attributes, type Content, type Markup, markup } from '../markup.js'
import { type DataTable, dataTable } from './data-table.js'

export interface Figure {
  /** unlike any other on the page */
  id: string
  title: Content
  /** what it shows, for those who cannot see it */
  says: string
  /** below the title */
  note?: Content
  charts: readonly Drawing[]
  /** left out where it stands beside the figure */
  table?: DataTable
}

/** One or more charts under a title, each to be walked through by keyboard, and what they show as a table. */
export function figure({ id, title, says, note, charts, table }: Figure): Markup {
  return markup`<figure class="card${charts.length > 1 ? ' wide' : ''}" aria-labelledby="${id}"><figcaption><h3 id="${id}">${title}</h3>${note && markup`<div class="quiet">${note}</div>`}</figcaption><div class="charts">${charts.map((chart) => chartOf(chart, id, says))}</div>${table !== undefined && markup`<details><summary>Data</summary>${dataTable(table)}</details>`}</figure>
`
}

function chartOf(chart: Drawing, id: string, says: string): Markup {
  const { drawn, x, y } = chart
  return markup`<div class="chart" tabindex="0" role="group" aria-labelledby="${id}" aria-describedby="keys"><svg role="img" aria-label="${says}" viewBox="0 0 ${WIDTH} ${heightOf(chart)}"${scaleData('x', x)}${scaleData('y', y)}>${drawn}</svg></div>`
}

/** What a scale does, so that where a mark stands can be checked against its value. */
function scaleData(axis: 'x' | 'y', scale: Scale | null | undefined): Markup | null {
  if (scale === null || scale === undefined) return null
  const { kind, domain, range } = scale
  return attributes({ [`data-${axis}-scale`]: `${kind} ${domain.join(' ')} ${range.join(' ')}` })
}
