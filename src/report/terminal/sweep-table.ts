import type { Swept } from '../../explore/sweep.js'
import type { Result } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import { makeLegible } from '../../text/legible.js'
import { rate, threeDigits, timeUnit } from '../../text/number.js'
import { plain, type RenderOptions, type Style, visible } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'
import { checkSwept } from '../check-options.js'
import { dropColumns, FIGURES, type Figure, figureHeader, figuresOf, firstError, formatFigure } from '../figures.js'
import { sweptFields } from '../swept-fields.js'
import { renderPlot } from './plot.js'
import { type Cell, table } from './table.js'

/** Below this width, headers are shortened. */
const NARROW = 70

/** The columns to drop if the table is too wide, in this order. */
const DROPPED_FIRST: Figure[] = ['p90', 'utilization', 'meanBatchSize', 'p95']

/**
 * Renders a sweep for a terminal: a table with a row for each run, and a plot of throughput and latency.
 *
 * @throws ValidationError if it is not a list of runs
 * @example
 * const scenario = { arrivals: '400/s', service: affine({ base: '7.5ms', perItem: '0.25ms' }), stop: { requests: 10_000 } }
 * console.log(renderSweep(await sweep(scenario, { maxBatchSize: [1, 4, 16] })))
 */
export function renderSweep(given: Swept[], options: RenderOptions = {}): string {
  checkSwept(given)
  const { width = 80, style = plain } = options
  const swept = makeLegible(given)
  if (swept.length === 0) return ' No runs.'
  const fields = sweptFields(swept)
  const rows = swept.map((each) => {
    const figures = figuresOf(each.result)
    const invalid = firstError(each.result)
    return { result: each.result, figures, invalid, labels: fields.map((field) => field.label(each)) }
  })
  const drops = dropColumns(rows.map(({ result }) => result))
  const unit = timeUnit(rows.flatMap(({ figures }) => (figures === 'overloaded' ? [] : [figures.p99])))

  const draw = (columns: readonly Figure[]) =>
    table(
      [
        ...fields.map(({ header }) => ({ header })),
        { header: 'completed\n/s' },
        ...drops.map(({ header }) => ({ header: header.join('\n') })),
        ...columns.map((figure) => ({ header: figureHeader(figure, unit).join('\n') })),
      ],
      rows.map(({ result, figures, invalid, labels }): Cell[] => [
        ...labels.map((label, i) =>
          invalid !== null && i === 0 ? style('red', `${INVALID} ${label}`) : style('bold', label),
        ),
        threeDigits(result.throughput.completed),
        ...drops.map(({ text }) => text(result)),
        ...(figures === 'overloaded'
          ? [{ content: style('yellow', overloadText(result)), span: columns.length }]
          : columns.map((figure) => formatFigure(figures[figure], figure, unit))),
      ]),
      style,
    )
  // with three fields or more, p90 makes room for them
  let columns: readonly Figure[] = FIGURES.filter((figure) => fields.length < 3 || figure !== 'p90')
  let drawn = draw(columns)
  for (const figure of DROPPED_FIRST) {
    if (drawn.split('\n').every((line) => visible(line) <= width)) break
    columns = columns.filter((each) => each !== figure)
    drawn = draw(columns)
  }
  const whole = [drawn, ...invalidLines(rows, width, style)].join('\n')
  // the labels of more fields would leave no room for the plot
  if (swept.length === 1 || fields.length > 2) return whole

  const plot = renderPlot(
    rows.map(({ result, figures, invalid, labels }) => ({
      label: `${invalid === null ? '' : `${INVALID} `}${labels.join(' · ')}`,
      throughput: result.throughput.completed,
      [result.engine === 'simulate' ? 'simulated' : 'measured']:
        figures === 'overloaded' ? overloadText(result) : figures,
    })),
    {
      rows: fields.map(({ header }) => header.replace('\n', ' ').trim()).join(' · '),
      throughput: width < NARROW ? 'completed /s' : 'completed, requests/s',
      latency: 'latency',
      width,
      style,
    },
  )
  return `${whole}\n\n${plot}`
}

const INVALID = '✗'

/** Lists the invalid runs and their errors. */
function invalidLines(rows: { invalid: Finding | null; labels: string[] }[], width: number, style: Style): string[] {
  const lines = rows.flatMap(({ invalid, labels }) =>
    invalid === null
      ? []
      : wrap(`${INVALID} ${labels.join(' · ')} is invalid: ${invalid.code}: ${invalid.message}`, width - 4).map(
          (line, i) => style('red', i === 0 ? ` ${line}` : `   ${line}`),
        ),
  )
  return lines.length === 0 ? [] : ['', ...lines]
}

function overloadText({ scenario, throughput }: Result): string {
  const arrivals = scenario?.arrivals
  return `overloaded at ${rate(arrivals !== undefined && 'rate' in arrivals ? arrivals.rate : throughput.offered)}`
}
