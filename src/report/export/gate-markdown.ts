import { BUDGET_TITLES, budgetRows } from '../../budget/render.js'
import { comparisonRows } from '../../budget/render-comparison.js'
import { checkIsGate, type GateOutcome, type GateReport } from '../../gate/gate-report.js'
import { legible } from '../../text/legible.js'
import { GATE_MARKS, gateHeadline, gateNotes, gateSides, gateTable, sensitivityText } from '../gate-text.js'
import { markup } from '../markup.js'
import { escapeText, joinParts, renderHeading, renderList, renderTable } from './markdown.js'

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
    return [...row.slice(0, -1), isChecked ? `${GATE_MARKS[each]} ${row.at(-1)}` : (row.at(-1) as string)]
  })
  const { node, cpu, cores } = environment
  return joinParts([
    renderHeading(`${GATE_MARKS[verdict]} ${gateHeadline(gate)}`),
    renderTable(titles, rows),
    escapeText(sensitivityText(gate) ?? ''),
    renderList(gateNotes(gate)),
    ...scenarios.map(renderDetails),
    escapeText(`${gateSides(gate)}. Node ${node}, ${cores} cores, ${cpu}.`),
  ])
}

/** Renders all metrics and rules of a scenario in a folded section. */
function renderDetails({ name, comparison, confirmation, budget }: GateOutcome): string {
  const tables = [comparison, confirmation].flatMap((each) => {
    if (each === null) return []
    const { titles, rows } = comparisonRows(each)
    return [renderTable(titles, rows)]
  })
  if (budget !== null) tables.push(renderTable([...BUDGET_TITLES], budgetRows(budget)))
  if (tables.length === 0) return ''
  const summary = markup`<details><summary>${legible(name)}</summary>`.text
  return [summary, ...tables, '</details>'].join('\n\n')
}
