import { attributes, type Content, type Markup, markup } from '../markup.js'

/** A formatted cell, and the exact value as a `data-value` attribute. */
interface ExactCell {
  text: Content
  value: number | null
}
export type DataCell = Content | ExactCell

export interface DataTable {
  /** the accessible name */
  caption: string
  /** the first column holds the row headers */
  columns: readonly Content[]
  rows: readonly (readonly DataCell[])[]
}

/** Renders a table that scrolls sideways if it is wider than the page. */
export function renderDataTable({ caption, columns, rows }: DataTable): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><thead><tr>${columns.map((column) => markup`<th scope="col">${column}</th>`)}</tr></thead><tbody>${rows.map(
    ([first, ...others]) =>
      markup`<tr><th scope="row">${isExact(first) ? first.text : first}</th>${others.map(renderCell)}</tr>`,
  )}</tbody></table></div>`
}

const isExact = (cell: DataCell): cell is ExactCell => typeof cell === 'object' && cell !== null && 'value' in cell

function renderCell(cell: DataCell): Markup {
  if (!isExact(cell)) return markup`<td>${cell}</td>`
  return markup`<td${attributes({ 'data-value': cell.value })}>${cell.text}</td>`
}
