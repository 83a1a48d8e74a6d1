import { BUDGET_TITLES, budgetRows } from '../../budget/render.js'
import { checkIsGate, type GateOutcome, type GateReport } from '../../gate/gate-report.js'
import { checkOptions } from '../check-options.js'
import { gateHeadline, gateNotes, gateSides, gateTable, sensitivityText } from '../gate-text.js'
import { type Markup, markup } from '../markup.js'
import { renderComparisonSection } from './comparison.js'
import { renderDataTable } from './data-table.js'
import { renderPage } from './page.js'

const CLASSES = { pass: 'good', fail: 'bad', inconclusive: 'doubt', failed: 'bad' } as const

/**
 * Renders a gate as a self-contained HTML page: its verdict, a table of scenarios, and charts for each.
 *
 * @throws ValidationError if it is not the report of a gate
 * @example
 * import { readFile } from 'node:fs/promises'
 *
 * // written by `throughline compare --base-ref origin/main -o gate.json`
 * const gate = JSON.parse(await readFile('gate.json', 'utf8'))
 * const html = renderGateHtml(gate)
 */
export function renderGateHtml(gate: GateReport, options: { title?: string | undefined } = {}): string {
  checkOptions(options, 'markdown')
  checkIsGate(gate)
  const { scenarios, verdict } = gate
  const title = options.title ?? `Regression gate: ${gateHeadline(gate)}`
  const { titles, rows: plainRows } = gateTable(gate)
  const rows = plainRows.map((row, i) => {
    const { verdict: each, comparison, budget } = scenarios[i] as GateOutcome
    // nothing was checked of a new or removed scenario
    if (each === 'pass' && comparison === null && budget === null) return row
    return [...row.slice(0, -1), markup`<span class="verdict ${CLASSES[each]}">${row.at(-1)}</span>`]
  })
  const things = gate.runner === undefined ? 'Scenarios' : 'Tasks'
  const detects = sensitivityText(gate)
  const notes = gateNotes(gate)
  return renderPage(
    title,
    markup`<header><h1>Regression gate</h1><p class="verdict ${CLASSES[verdict]}">${gateHeadline(gate)}</p><p class="quiet">${gateSides(gate)}</p><p class="quiet" id="keys">Hover over a chart to see its values, or focus it and use the arrow keys.</p></header>
<section aria-labelledby="scenarios"><h2 id="scenarios">${things}</h2>${renderDataTable({ caption: `All ${things.toLowerCase()}`, columns: titles, rows })}${detects !== null && markup`<p>${detects}</p>`}${notes.length > 0 && markup`<ul>${notes.map((note) => markup`<li>${note}</li>`)}</ul>`}</section>
${scenarios.map(renderScenario)}`,
  )
}

function renderScenario({ name, comparison, confirmation, budget }: GateOutcome, i: number): Markup {
  const id = `budget-${i}`
  const budgetSection =
    budget !== null &&
    markup`<section aria-labelledby="${id}"><h2 id="${id}">${name}: budget of head</h2>${renderDataTable({ caption: `Budget of ${name}`, columns: BUDGET_TITLES, rows: budgetRows(budget) })}</section>`
  return markup`${comparison !== null && renderComparisonSection(comparison, 2 * i, name)}${confirmation !== null && renderComparisonSection(confirmation, 2 * i + 1, `${name}, second comparison`)}${budgetSection}
`
}
