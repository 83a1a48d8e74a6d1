import { pad, plain, type Style, visible } from './style.js'

/**
 * Renders columns of text under their titles and a rule. Each column is as wide as its widest cell. `table` of
 * `report/terminal` has headers of several lines and cells that span columns, by a package that budgets do not load.
 */
export function renderColumns(titles: string[], rows: string[][], style: Style = plain): string {
  const header = titles.map((title) => style('dim', title))
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => visible(row[i] as string))))
  const line = (row: string[]) => ` ${row.map((cell, i) => pad(cell, widths[i] as number)).join('  ')}`.trimEnd()
  const rule = ` ${'─'.repeat(widths.reduce((sum, each) => sum + each + 2, -2))}`
  return [line(header), style('dim', rule), ...rows.map(line)].join('\n')
}
