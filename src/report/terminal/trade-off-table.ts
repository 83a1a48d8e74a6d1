import { count, difference, rate, type TimeUnit, threeDigits, timeUnit } from '../../text/number.js'
import { type Format, plain } from '../../text/style.js'
import { checkList } from '../../validation/validation-error.js'
import { FIGURES, type Figure, figureHeader, formatFigure } from '../figures.js'
import { isWithin, noiseOf, type Spread } from '../spread.js'
import { type Cell, type Column, table } from './table.js'
import type { TradeOffOptions, TradeOffRow } from './trade-off-row.js'

/** A formatted figure, followed by its distance from another. */
interface AnnotatedFigure {
  figure: string
  remark: string
  format?: Format
}
type Line = { name: string; format?: Format; figures: AnnotatedFigure[] | null }

/**
 * Renders the table of `renderTradeOff` alone: for each batch size a line of measured and one of simulated figures.
 *
 * @throws ValidationError if `rows` is not a list
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const rows = [{ batchSize: 1, capacityPerSec: 100, predicted: figuresOf(result) }]
 * console.log(renderTradeOffTable(rows, { offeredPerSec: 50 }))
 */
export function renderTradeOffTable(rows: TradeOffRow[], { offeredPerSec, style = plain }: TradeOffOptions): string {
  checkList(rows, 'rows', 'batch sizes')
  const unit = timeUnit(rows.flatMap(longest))
  const groups = rows.map((row) => ({ row, lines: linesOf(row, unit) }))
  // remarks of a column have the same width, so that the figures line up
  const room = FIGURES.map((_, i) =>
    Math.max(0, ...groups.flatMap(({ lines }) => lines.map(({ figures }) => figures?.[i]?.remark.length ?? 0))),
  )
  const columns: Column[] = [
    { header: 'batch\nsize' },
    { header: 'capacity\n/s' },
    { header: `at\n${rate(offeredPerSec)}`, align: 'left' },
    ...FIGURES.map((figure, i) => {
      const [above, below] = figureHeader(figure, unit)
      const over = ' '.repeat(room[i] as number)
      // a long header may extend over the remarks
      return { header: `${above}${above.length > 5 ? '' : over}\n${below}${over}` }
    }),
  ]
  const overloaded: Cell = { content: style('yellow', `overloaded at ${rate(offeredPerSec)}`), span: FIGURES.length }
  const cells = ({ name, format, figures }: Line): Cell[] => [
    format === undefined ? name : style(format, name),
    ...(figures?.map(({ figure, remark, format }, i) => {
      const text = figure + remark.padEnd(room[i] as number)
      return format === undefined ? text : style(format, text)
    }) ?? [overloaded]),
  ]
  const body = groups.flatMap(({ row, lines }) => {
    const size = [style('bold', count(row.batchSize)), threeDigits(row.capacityPerSec)]
    return lines.length === 0 ? [size] : lines.map((line, i) => [...(i === 0 ? size : ['', '']), ...cells(line)])
  })
  return table(columns, body, style)
}

function longest({ measured, predicted }: TradeOffRow): number[] {
  return [
    ...(typeof measured === 'object' ? [measured.p99.high] : []),
    ...(typeof predicted === 'object' ? [predicted.p99] : []),
  ]
}

function linesOf({ measured, predicted }: TradeOffRow, unit: TimeUnit): Line[] {
  const lines: Line[] = []
  if (measured !== undefined) {
    const figures = typeof measured === 'object' ? FIGURES.map((f) => measuredFigure(measured[f], f, unit)) : null
    lines.push({ name: 'measured', figures })
  }
  if (predicted !== undefined) {
    const measuredSpread = (figure: Figure) => (typeof measured === 'object' ? measured[figure] : null)
    const figures =
      typeof predicted === 'object'
        ? FIGURES.map((f) => predictedFigure(predicted[f], measuredSpread(f), f, unit))
        : null
    lines.push({ name: 'simulated', format: 'cyan', figures })
  }
  return lines
}

function measuredFigure(spread: Spread, figure: Figure, unit: TimeUnit): AnnotatedFigure {
  return { figure: formatFigure(spread.median, figure, unit), remark: ` ±${Math.round(100 * noiseOf(spread))}%` }
}

function predictedFigure(value: number, measured: Spread | null, figure: Figure, unit: TimeUnit): AnnotatedFigure {
  const text = formatFigure(value, figure, unit)
  if (measured === null) return { figure: text, remark: '', format: 'cyan' }
  const within = isWithin(value, measured)
  const apart = difference(value, measured.median)
  return { figure: text, remark: ` ${apart}${within ? '' : '*'}`, format: within ? 'cyan' : 'yellow' }
}
