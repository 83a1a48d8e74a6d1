import { checkIsGate, type GateOutcome, type GateReport, type GateVerdict } from '../../gate/gate-report.js'
import { renderColumns } from '../../text/columns.js'
import { makeLegible } from '../../text/legible.js'
import { type Format, NARROWEST, plain, type RenderOptions, visible } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'
import { gateHeadline, gateNotes, gateSides, gateTable, sensitivityText } from '../gate-text.js'

const COLOURS = { pass: 'green', fail: 'red', inconclusive: 'yellow', failed: 'red' } as const satisfies Record<
  GateVerdict,
  Format
>
/** Columns left out on a narrow terminal: the figures of both sides. */
const SIDES = ['base', 'head']

/**
 * Renders a gate: a row for each scenario, the detectable changes, and remarks.
 *
 * @throws ValidationError if it is not the report of a gate
 * @example
 * import { readFile } from 'node:fs/promises'
 *
 * // written by `throughline compare --base-ref origin/main -o gate.json`
 * const gate = JSON.parse(await readFile('gate.json', 'utf8'))
 * const text = renderGate(gate, { width: 100 })
 */
export function renderGate(given: GateReport, options: RenderOptions = {}): string {
  checkIsGate(given)
  const { width = 80, style = plain } = options
  const gate = makeLegible(given)
  const room = Math.max(NARROWEST, width) - 1
  const lines = (text: string) =>
    wrap(text, room - 1)
      .map((line) => ` ${line}`)
      .join('\n')
  const { titles, rows: plainRows } = gateTable(gate)
  const rows = plainRows.map((row, i) => {
    const { verdict } = gate.scenarios[i] as GateOutcome
    return [...row.slice(0, -1), style(COLOURS[verdict], row.at(-1) as string)]
  })
  const table = (leftOut: readonly string[]) => {
    const isShown = (_: unknown, column: number) => !leftOut.includes(titles[column] as string)
    return renderColumns(
      titles.filter(isShown),
      rows.map((row) => row.filter(isShown)),
      style,
    )
  }
  const whole = table([])
  const fits = whole.split('\n').every((line) => visible(line) <= room + 1)
  return [
    lines(gateHeadline(gate))
      .split('\n')
      .map((line) => style(COLOURS[gate.verdict], line))
      .join('\n'),
    fits ? whole : table(SIDES),
    lines(sensitivityText(gate) ?? ''),
    gateNotes(gate).map(lines).join('\n'),
    style('dim', lines(gateSides(gate))),
  ]
    .filter((part) => part.trim() !== '')
    .join('\n\n')
}
