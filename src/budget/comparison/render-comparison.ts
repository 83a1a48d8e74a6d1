import { renderColumns } from '../../text/columns.js'
import { renderFindings } from '../../text/findings.js'
import { makeLegible } from '../../text/legible.js'
import { inText, percent, plural, threeDigits, time } from '../../text/number.js'
import { type Format, NARROWEST, plain, type RenderOptions, type Style, visible } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'
import { checkIsComparison } from './check-comparison.js'
import {
  type Comparison,
  type ComparisonVerdict,
  isFraction,
  type MetricComparison,
  overallVerdict,
} from './comparison.js'

const COLOURS = {
  slower: 'red',
  faster: 'green',
  same: 'green',
  inconclusive: 'yellow',
} as const satisfies Record<ComparisonVerdict, Format>

/**
 * Renders a comparison as text: the verdict, and a table with each metric of both sides, their ratio, its interval and the
 * verdict on it.
 *
 * @example
 * const base = simulate({ arrivals: '500/s', service: '1ms' })
 * const head = simulate({ arrivals: '500/s', service: '1.2ms' })
 * console.log(renderComparison(compareResults(base, head), { width: 100 }))
 *
 * @throws ValidationError if the value is not a comparison
 */
export function renderComparison(given: Comparison, options: RenderOptions = {}): string {
  checkIsComparison(given)
  const { width = 80, style = plain } = options
  const comparison = makeLegible(given)
  const { of, findings, reason } = comparison
  const room = Math.max(NARROWEST, width) - 1
  const { titles, rows: plainRows, metrics } = comparisonRows(comparison)
  const rows = plainRows.map((row, i) => {
    const { metric, verdict } = metrics[i] as MetricComparison
    const [name = '', ...rest] = row
    return [metric === of ? style('bold', name) : name, ...rest.slice(0, -1), style(COLOURS[verdict], row.at(-1) ?? '')]
  })
  // the headline has the reason of a clear verdict, and the findings have that of an invalid run
  const isShown = comparison.verdict !== 'inconclusive' || findings.some(({ message }) => message === reason)
  const note = isShown ? '' : (reason ?? '')
  return [
    wrap(comparisonHeadline(comparison), room)
      .map((text) => ` ${style(COLOURS[comparison.verdict], text)}`)
      .join('\n'),
    fitColumns(titles, rows, room, style),
    note === ''
      ? ''
      : wrap(note, room)
          .map((text) => ` ${text}`)
          .join('\n'),
    renderFindings(findings, room, style),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** Columns that are dropped if the table is too wide: base and head, which their ratio summarizes. */
const SIDES = [1, 2]
const RATIO = 'head / base'

function fitColumns(titles: string[], rows: string[][], room: number, style: Style): string {
  const all = renderColumns(titles, rows, style)
  if (all.split('\n').every((line) => visible(line) <= room + 1)) return all
  const without = (cells: string[]) => cells.filter((_, i) => !SIDES.includes(i))
  const short = titles.map((title) => (title === RATIO ? 'ratio' : title))
  return renderColumns(without(short), rows.map(without), style)
}

/** The table of a comparison: a row for each metric. Tasks of micro-benchmarks do not have all metrics. */
export function comparisonRows(comparison: Comparison): {
  titles: string[]
  rows: string[][]
  metrics: MetricComparison[]
} {
  const isKnown = ({ metric, base, head }: MetricComparison) =>
    metric === comparison.of || (metric !== 'errorRate' && (base !== null || head !== null))
  const metrics = comparison.engine === 'bench' ? comparison.metrics.filter(isKnown) : comparison.metrics
  const level = `${100 * (metrics[0]?.interval.level ?? 0.99)} % interval`
  return {
    titles: ['metric', 'base', 'head', RATIO, level, 'verdict'],
    rows: metrics.map((metric) => [
      metric.metric,
      figure(metric.base, metric),
      figure(metric.head, metric),
      changeText(metric),
      intervalText(metric),
      verdictText(metric, comparison),
    ]),
    metrics,
  }
}

/** The verdict in one line: `head is slower: mean 1.31 times base's latency (1.24 to 1.39), from 20 pairs`. */
export function comparisonHeadline(comparison: Comparison): string {
  const { verdict, reason, within, design, pairs, metrics } = comparison
  const of = overallVerdict(comparison).by
  const metric = metrics.find((each) => each.metric === of) as MetricComparison
  const how = design === 'unpaired' ? 'two results' : plural(pairs.length, 'pair')
  const change =
    metric.ratio === null
      ? metric.difference === null
        ? ''
        : `: ${of} ${changeText(metric)}`
      : `: ${of} ${threeDigits(metric.ratio)} times base's${of === 'mean' ? ' latency' : ''}`
  const known = metric.interval.low === null || metric.interval.high === null ? '' : ` (${intervalText(metric)})`
  const because = reason === undefined || verdict === 'inconclusive' ? '' : `; ${reason}`
  return `${VERDICTS[verdict](comparison.null ? 'base against itself' : 'head', percent(within))}${change}${known}, from ${how}${because}`
}

const VERDICTS: Record<ComparisonVerdict, (side: string, within: string) => string> = {
  slower: (side) => `${side} is slower`,
  faster: (side) => `${side} is faster`,
  same: (side, within) => `${side} is the same within ${within}`,
  inconclusive: (side) => (side === 'head' ? 'inconclusive' : `${side}: inconclusive`),
}

function verdictText({ metric, verdict }: MetricComparison, { within }: Comparison): string {
  if (verdict === 'same') return isFraction(metric) ? 'same' : `within ${percent(within)}`
  if (verdict === 'inconclusive') return verdict
  if (metric === 'errorRate') return verdict === 'slower' ? 'fails more' : 'fails less'
  if (metric === 'goodput') return verdict === 'slower' ? 'fewer good' : 'more good'
  if (metric === 'throughput') return verdict === 'slower' ? 'less' : 'more'
  return verdict
}

function changeText({ ratio, difference }: MetricComparison): string {
  if (difference !== null) return signed(difference)
  return ratio === null ? '–' : threeDigits(ratio)
}

function intervalText({ interval: { low, high }, difference }: MetricComparison): string {
  const text = (bound: number) => (difference === null ? threeDigits(bound) : signed(bound))
  if (low === null && high === null) return 'none'
  if (high === null) return `${text(low as number)} or more`
  return low === null ? `${text(high)} or less` : `${text(low)} to ${text(high)}`
}

/** Formats a difference of fractions in percentage points, with its sign. */
function signed(difference: number): string {
  const points = Number((100 * Math.abs(difference)).toPrecision(2))
  return difference === 0 ? '0 %' : `${difference > 0 ? '+' : '−'}${points} %`
}

function figure(value: number | null, { unit }: MetricComparison): string {
  if (value === null) return '–'
  if (unit === 'fraction') return percent(value)
  if (unit === '/s') return `${inText(value)}/s`
  return value === 0 ? '0 ms' : time(value)
}
