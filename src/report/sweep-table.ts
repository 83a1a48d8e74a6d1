import { SWEPT, type SweepPoint, type Swept } from '../explore/sweep.js'
import type { Result } from '../result/result.js'
import { count, inText, rate, threeDigits, time, timeUnit } from '../text/number.js'
import { type Look, plain } from '../text/style.js'
import { FIGURES, figuresOf, headerOf, shown } from './figures.js'
import { renderPlot } from './plot.js'
import { type Cell, table } from './table.js'

const HEADERS: Record<keyof SweepPoint, string> = {
  rate: 'rate\n/s',
  servers: '\nservers',
  maxWait: 'max\nwait',
  maxBatchSize: 'max\nbatch',
}

/** The runs of a sweep below one another, and both curves drawn. */
export function renderSweep(swept: Swept[], look: Look = {}): string {
  const { width = 80, style = plain } = look
  const fields = SWEPT.filter((field) => swept.some(({ point }) => field in point))
  const rows = swept.map(({ result }) => {
    const figures = figuresOf(result)
    return { result, figures, labels: fields.map((field) => labelOf(field, result)) }
  })
  // with many fields, what they do to the tail
  const told = FIGURES.filter((figure) => fields.length < 3 || figure !== 'p90')
  const unit = timeUnit(rows.flatMap(({ figures }) => (figures === 'cannot carry' ? [] : [figures.p99])))

  const drawn = table(
    [
      ...fields.map((field) => ({ header: HEADERS[field] })),
      { header: 'completed\n/s' },
      ...told.map((figure) => ({ header: headerOf(figure, unit).join('\n') })),
    ],
    rows.map(({ result, figures, labels }): Cell[] => [
      ...labels.map((label) => style('bold', label)),
      threeDigits(result.throughput.completed),
      ...(figures === 'cannot carry'
        ? [{ content: style('yellow', unable(result)), span: told.length }]
        : told.map((figure) => shown(figures[figure], figure, unit))),
    ]),
    style,
  )
  // more would leave no room to draw in
  if (swept.length === 1 || fields.length > 2) return drawn

  const plot = renderPlot(
    rows.map(({ result, figures, labels }) => ({
      label: labels.join(' · '),
      throughput: result.throughput.completed,
      [result.engine === 'simulate' ? 'simulated' : 'measured']: figures === 'cannot carry' ? unable(result) : figures,
    })),
    {
      rows: fields.map((field) => HEADERS[field].replace('\n', ' ').trim()).join(' · '),
      throughput: 'completed, requests/s',
      latency: 'latency',
      width,
      style,
    },
  )
  return `${drawn}\n\n${plot}`
}

function unable({ scenario, throughput }: Result): string {
  const arrivals = scenario?.arrivals
  return `cannot carry ${rate(arrivals !== undefined && 'rate' in arrivals ? arrivals.rate : throughput.offered)}`
}

/** The value of a field in the scenario that was run, so that all are in the same units. */
function labelOf(field: keyof SweepPoint, { scenario }: Result): string {
  if (scenario === null) return ''
  switch (field) {
    case 'rate':
      return 'rate' in scenario.arrivals ? inText(scenario.arrivals.rate) : ''
    case 'servers':
      return scenario.servers === null ? 'no limit' : count(scenario.servers)
    case 'maxWait':
      return scenario.batching.maxWait === null ? 'none' : time(scenario.batching.maxWait)
    case 'maxBatchSize':
      return scenario.batching.maxBatchSize === null ? 'none' : count(scenario.batching.maxBatchSize)
  }
}
