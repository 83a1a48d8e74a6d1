import { attributes, type Content, type Markup, markup } from '../markup.js'

/** What is read, and the exact value behind it. */
interface ExactCell {
  text: Content
  value: number | null
}
export type DataCell = Content | ExactCell

export interface DataTable {
  /** what it holds, for those who cannot see it */
  caption: string
  /** the first is what a row is called */
  columns: readonly Content[]
  rows: readonly (readonly DataCell[])[]
}

/** A table that may be wider than the page, and is then moved sideways. */
export function dataTable({ caption, columns, rows }: DataTable): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><thead><tr>${columns.map((column) => markup`<th scope="col">${column}</th>`)}</tr></thead><tbody>${rows.map(
    ([first, ...others]) =>
      markup`<tr><th scope="row">${isExact(first) ? first.text : first}</th>${others.map(dataCell)}</tr>`,
  )}</tbody></table></div>`
}

const isExact = (cell: DataCell): cell is ExactCell => typeof cell === 'object' && cell !== null && 'value' in cell

function dataCell(cell: DataCell): Markup {
  if (!isExact(cell)) return markup`<td>${cell}</td>`
  return markup`<td${attributes({ 'data-value': cell.value })}>${cell.text}</td>`
}
