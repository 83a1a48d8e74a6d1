import { drawBar } from '../../text/bar.js'
import { threeDigits, timeUnit } from '../../text/number.js'
import { pad, plain, type RenderOptions } from '../../text/style.js'
import { createAxis, type LogAxis } from './axis.js'

/** Milliseconds. */
export interface Percentiles {
  p50: number
  p90: number
  p95: number
  p99: number
}
/** A string is shown instead of times, such as `overloaded at 800/s`. */
type Drawn = Percentiles | string | undefined

export interface PlotRow {
  label: string
  /** requests a second */
  throughput: number
  measured?: Drawn
  simulated?: Drawn
}

export interface PlotOptions extends RenderOptions {
  /** the header of the labels: `batch\nsize` */
  rows: string
  /** the header of the bars */
  throughput: string
  /** the header of the times */
  latency: string
}

/** The characters of a stroke: p50 and p99 are its ends, p90 and p95 its ticks. */
const STROKES = {
  measured: { end: '●', tick: '┿', line: '━', format: 'bold' },
  simulated: { end: '○', tick: '┼', line: '─', format: 'cyan' },
} as const

/**
 * Renders throughput as bars and latency as strokes from p50 to p99, with one row or more for each value. The latency axis
 * is logarithmic, so that short and long latencies show equally well.
 */
export function renderPlot(rows: PlotRow[], options: PlotOptions): string {
  const { width = 100, style = plain } = options
  const names = (['measured', 'simulated'] as const).filter((name) => rows.some((row) => row[name] !== undefined))
  const throughputs = rows.map((row) => threeDigits(row.throughput))
  const labelWidth = Math.max(
    ...options.rows.split('\n').map((line) => line.length),
    ...rows.map((r) => r.label.length),
  )
  const valueWidth = Math.max(...throughputs.map((text) => text.length))

  const room = width - labelWidth - valueWidth - 7
  const barWidth = Math.max(options.throughput.length - valueWidth - 1, Math.floor(room * 0.4))
  const most = Math.max(...rows.map((row) => row.throughput))
  const axis = latencyAxis(rows, room - barWidth)

  const line = (label: string, left: string, right: string) =>
    ` ${label.padStart(labelWidth)}  ${pad(left, barWidth + 1 + valueWidth)}   ${right}`.trimEnd()
  const [below = '', above = ''] = options.rows.split('\n').reverse()
  const head = [
    line(above, options.throughput, axis === null ? options.latency : `${options.latency}, ${axis.unit}`),
    line(below, '', axis?.labels ?? ''),
  ]
  const body = rows.flatMap((row, i) => {
    const left = `${style('green', drawBar((barWidth * row.throughput) / most))} ${throughputs[i]}`
    const right = names.map((name) => {
      const drawn = row[name]
      if (typeof drawn === 'string') return style('yellow', drawn)
      if (drawn === undefined || axis === null) return ''
      return style(STROKES[name].format, stroke(drawn, axis, STROKES[name]))
    })
    return [line(row.label, left, right[0] ?? ''), ...right.slice(1).map((text) => line('', '', text))]
  })
  const keys = names.map((name) => {
    const { end, tick, line, format } = STROKES[name]
    return `${style(format, `${end}${line}${line}${tick}${line}${tick}${line}${end}`)} ${name}`
  })
  const legend = axis === null ? [] : ['', ` ${keys.join('   ')}   left to right: p50, p90, p95, p99`]
  return [...head.map((each) => style('dim', each)), ...body, ...legend].join('\n')
}

function latencyAxis(rows: PlotRow[], columns: number): (LogAxis & { unit: string }) | null {
  const drawn = rows.flatMap(({ measured, simulated }) => [measured, simulated]).filter((d) => typeof d === 'object')
  if (drawn.length === 0) return null
  const times = drawn.flatMap(({ p50, p99 }) => [p50, p99])
  const unit = timeUnit(times)
  const axis = createAxis(
    times.map((ms) => ms / unit.ms),
    columns,
  )
  return { ...axis, unit: unit.name, at: (ms) => axis.at(ms / unit.ms) }
}

function stroke(times: Percentiles, axis: LogAxis, { end, tick, line }: { end: string; tick: string; line: string }) {
  const from = axis.at(times.p50)
  const to = axis.at(times.p99)
  const cells = Array.from({ length: to + 1 }, (_, column) => (column < from ? ' ' : line))
  for (const ms of [times.p90, times.p95]) cells[axis.at(ms)] = tick
  for (const column of [from, to]) cells[column] = end
  return cells.join('')
}
