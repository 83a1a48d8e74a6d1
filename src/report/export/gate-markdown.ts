import { BUDGET_TITLES, budgetRows } from '../../budget/render.js'
import { comparisonRows } from '../../budget/render-comparison.js'
import { checkIsGate, type GatedScenario, type GateReport } from '../../gate/gate-report.js'
import { legible } from '../../text/legible.js'
import { GATE_MARKS, GATE_TITLES, gateHeadline, gateNotes, gateRows, gateSides, sensitivity } from '../gate-text.js'
import { markup } from '../markup.js'
import { escaped, heading, joined, list, tableOf } from './markdown.js'

/**
 * A gate for a pull request: its verdict, a row for each scenario, what it could have found, and every metric folded up.
 *
 * @throws ValidationError if it is not the report of a gate
 */
export function renderGateMarkdown(gate: GateReport): string {
  checkIsGate(gate)
  const { scenarios, verdict, environment } = gate
  const rows = gateRows(gate).map((row, i) => {
    const { verdict: each, comparison, budget } = scenarios[i] as GatedScenario
    const isJudged = each !== 'pass' || comparison !== null || budget !== null
    return [...row.slice(0, -1), isJudged ? `${GATE_MARKS[each]} ${row.at(-1)}` : (row.at(-1) as string)]
  })
  const { node, cpu, cores } = environment
  return joined([
    heading(`${GATE_MARKS[verdict]} ${gateHeadline(gate)}`),
    tableOf([...GATE_TITLES], rows),
    escaped(sensitivity(gate) ?? ''),
    list(gateNotes(gate)),
    ...scenarios.map(detailsOf),
    escaped(`${gateSides(gate)}. Node ${node}, ${cores} cores, ${cpu}.`),
  ])
}

/** Every metric and every rule of a scenario, folded up. */
function detailsOf({ name, comparison, confirmation, budget }: GatedScenario): string {
  const tables = [comparison, confirmation].flatMap((each) => {
    if (each === null) return []
    const { titles, rows } = comparisonRows(each)
    return [tableOf(titles, rows)]
  })
  if (budget !== null) tables.push(tableOf([...BUDGET_TITLES], budgetRows(budget)))
  if (tables.length === 0) return ''
  const summary = markup`<details><summary>${legible(name)}</summary>`.text
  return [summary, ...tables, '</details>'].join('\n\n')
}
