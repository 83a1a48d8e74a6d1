import { comparisonHeadline, comparisonRows } from '../../budget/comparison/render-comparison.js'
import { BUDGET_TITLES, budgetRows, headline } from '../../budget/render.js'
import { checkIsGate, type GateOutcome, type GateReport } from '../../gate/gate-report.js'
import { makeLegible } from '../../text/legible.js'
import { GATE_MARKS, gateHeadline, gateNotes, gateSides, gateTable, sensitivityText } from '../gate-text.js'
import { markup } from '../markup.js'
import { escapeText, joinSections, renderHeading, renderList, renderTable } from './markdown.js'

/**
 * Renders a gate for a pull request: its verdict, a row for each scenario, the detectable changes, and folded tables of all
 * metrics.
 *
 * @throws ValidationError if it is not the report of a gate
 * @example
 * import { readFile } from 'node:fs/promises'
 *
 * // written by `throughline compare --base-ref origin/main -o gate.json`
 * const gate = JSON.parse(await readFile('gate.json', 'utf8'))
 * const markdown = renderGateMarkdown(gate)
 */
export function renderGateMarkdown(gate: GateReport): string {
  checkIsGate(gate)
  const { scenarios, verdict, environment } = gate
  const { titles, rows: plainRows } = gateTable(gate)
  const rows = plainRows.map((row, i) => {
    const { verdict: each, comparison, budget } = scenarios[i] as GateOutcome
    const isChecked = each !== 'pass' || comparison !== null || budget !== null
    const [name = '', ...cells] = row
    const verdict = isChecked ? `${GATE_MARKS[each]} ${cells.at(-1)}` : (cells.at(-1) as string)
    // the verdict comes first, since a narrow page cuts off the last columns; a number and its unit stay in one line
    return [name, ...[verdict, ...cells.slice(0, -1)].map((cell) => cell.replaceAll(' ', NO_BREAK))]
  })
  const { node, cpu, cores } = environment
  return joinSections([
    renderHeading(`${GATE_MARKS[verdict]} ${gateHeadline(gate)}`),
    renderTable([...titles.slice(0, 1), 'verdict', ...titles.slice(1, -1)], rows, 2),
    escapeText(sensitivityText(gate) ?? ''),
    renderList(gateNotes(gate)),
    ...scenarios.map(renderDetails),
    escapeText(`Compared by throughline: ${gateSides(gate)}. Node ${node}, ${cores} cores, ${cpu}.`),
  ])
}

const NO_BREAK = '\u00a0'

/** Renders all metrics and rules of a scenario in a folded section. */
function renderDetails({ name, verdict, comparison, confirmation, budget }: GateOutcome): string {
  const tables: string[] = []
  for (const [i, compared] of [comparison, confirmation].entries()) {
    if (compared === null) continue
    if (i === 1) tables.push(escapeText(`Second comparison: ${comparisonHeadline(compared)}`))
    const { titles, rows } = comparisonRows(compared)
    tables.push(renderTable(titles, rows))
  }
  if (budget !== null) tables.push(escapeText(headline(budget)), renderTable([...BUDGET_TITLES], budgetRows(budget)))
  if (tables.length === 0) return ''
  const headlineText = comparison === null ? '' : `: ${comparisonHeadline(comparison)}`
  const summary = markup`<details><summary>${GATE_MARKS[verdict]} ${makeLegible(name)}${headlineText}</summary>`.text
  return [summary, ...tables, '</details>'].join('\n\n')
}
