import Table from 'cli-table3'
import { plain, type Style, visible } from '../../text/style.js'

/** A column of a table. */
export interface Column {
  /** one line or more; the last is next to the rows */
  header: string
  align?: 'left' | 'right'
}

/** The text of a cell, or a cell that spans several columns. */
export type Cell = string | { content: string; span: number }

const NO_BORDERS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: '  ',
}

/**
 * Renders a table for a terminal: headers, a rule and rows. Columns are right-aligned unless they say otherwise.
 *
 * @example
 * console.log(table([{ header: 'batch', align: 'left' }, { header: 'p99\nms' }], [['1', '9.21'], ['8', '12.4']]))
 */
export function table(columns: Column[], rows: Cell[][], style: Style = plain): string {
  const height = Math.max(...columns.map(({ header }) => lines(header).length))
  const drawn = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ align }) => align ?? 'right'),
  })
  // shorter headers are bottom-aligned, next to the rule
  drawn.push(columns.map(({ header }) => '\n'.repeat(height - lines(header).length) + header))
  for (const row of rows) {
    drawn.push(
      row.map((cell) =>
        typeof cell === 'string' ? cell : { content: cell.content, colSpan: cell.span, hAlign: 'left' as const },
      ),
    )
  }
  const text = lines(drawn.toString()).map((line) => ` ${line}`)
  const width = Math.max(...text.map((line) => visible(line)))
  return [
    ...text.slice(0, height).map((line) => style('dim', line.trimEnd())),
    style('dim', ` ${'─'.repeat(width - 1)}`),
    ...text.slice(height).map((line) => line.trimEnd()),
  ].join('\n')
}

const lines = (text: string) => text.split('\n')
