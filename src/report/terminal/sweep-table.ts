import type { Swept } from '../../explore/sweep.js'
import type { Result } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import { legible } from '../../text/legible.js'
import { rate, threeDigits, timeUnit } from '../../text/number.js'
import { plain, type RenderOptions, type Style, visible } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'
import { FIGURES, type Figure, figuresOf, headerOf, invalidity, lossesIn, shown } from '../figures.js'
import { checkSwept } from '../given.js'
import { sweptFields } from '../swept-fields.js'
import { renderPlot } from './plot.js'
import { type Cell, table } from './table.js'

/** Fewer columns than this want shorter names. */
const NARROW = 70

/** What is left out first where there is no room for all. */
const LEAST_WANTED: Figure[] = ['p90', 'utilization', 'meanBatchSize', 'p95']

/**
 * The runs of a sweep below one another, and both curves drawn.
 *
 * @throws ValidationError if it is not a sweep
 */
export function renderSweep(given: Swept[], options: RenderOptions = {}): string {
  checkSwept(given)
  const { width = 80, style = plain } = options
  const swept = legible(given)
  if (swept.length === 0) return ' No point was run.'
  const fields = sweptFields(swept)
  const rows = swept.map((each) => {
    const figures = figuresOf(each.result)
    const invalid = invalidity(each.result)
    return { result: each.result, figures, invalid, labels: fields.map((field) => field.label(each)) }
  })
  const losses = lossesIn(rows.map(({ result }) => result))
  const unit = timeUnit(rows.flatMap(({ figures }) => (figures === 'overloaded' ? [] : [figures.p99])))

  const draw = (told: readonly Figure[]) =>
    table(
      [
        ...fields.map(({ header }) => ({ header })),
        { header: 'completed\n/s' },
        ...losses.map(({ header }) => ({ header: header.join('\n') })),
        ...told.map((figure) => ({ header: headerOf(figure, unit).join('\n') })),
      ],
      rows.map(({ result, figures, invalid, labels }): Cell[] => [
        ...labels.map((label, i) =>
          invalid !== null && i === 0 ? style('red', `${INVALID} ${label}`) : style('bold', label),
        ),
        threeDigits(result.throughput.completed),
        ...losses.map(({ text }) => text(result)),
        ...(figures === 'overloaded'
          ? [{ content: style('yellow', overloadText(result)), span: told.length }]
          : told.map((figure) => shown(figures[figure], figure, unit))),
      ]),
      style,
    )
  // with many fields, what they do to the tail
  let told: readonly Figure[] = FIGURES.filter((figure) => fields.length < 3 || figure !== 'p90')
  let drawn = draw(told)
  for (const figure of LEAST_WANTED) {
    if (drawn.split('\n').every((line) => visible(line) <= width)) break
    told = told.filter((each) => each !== figure)
    drawn = draw(told)
  }
  const whole = [drawn, ...invalidLines(rows, width, style)].join('\n')
  // more would leave no room to draw in
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

/** Which runs are invalid, and why. */
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
