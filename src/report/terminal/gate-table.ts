import { checkIsGate, type GateOutcome, type GateReport, type GateVerdict } from '../../gate/gate-report.js'
import { columns } from '../../text/columns.js'
import { legible } from '../../text/legible.js'
import { type Format, plain, type RenderOptions, visible } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'
import { GATE_TITLES, gateHeadline, gateNotes, gateRows, gateSides, sensitivityText } from '../gate-text.js'

const COLOURS = { pass: 'green', fail: 'red', inconclusive: 'yellow', failed: 'red' } as const satisfies Record<
  GateVerdict,
  Format
>
const SHORTEST = 60
/** Columns left out on a narrow terminal: the figures of both sides. */
const SIDES = [2, 3]

/**
 * Renders a gate: a row for each scenario, the detectable changes, and remarks.
 *
 * @throws ValidationError if it is not the report of a gate
 */
export function renderGate(given: GateReport, options: RenderOptions = {}): string {
  checkIsGate(given)
  const { width = 80, style = plain } = options
  const gate = legible(given)
  const room = Math.max(SHORTEST, width) - 1
  const lines = (text: string) =>
    wrap(text, room - 1)
      .map((line) => ` ${line}`)
      .join('\n')
  const rows = gateRows(gate).map((row, i) => {
    const { verdict } = gate.scenarios[i] as GateOutcome
    return [...row.slice(0, -1), style(COLOURS[verdict], row.at(-1) as string)]
  })
  // columns that are empty for all scenarios
  const isEmpty = GATE_TITLES.map((_, column) => rows.every((row) => row[column] === ''))
  const table = (leftOut: readonly number[]) => {
    const shown = (_: unknown, column: number) => !isEmpty[column] && !leftOut.includes(column)
    return columns(
      GATE_TITLES.filter(shown),
      rows.map((row) => row.filter(shown)),
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
