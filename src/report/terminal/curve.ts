import { percentile, type Summary } from '../../result/summary.js'
import { threeDigits, timeUnit } from '../../text/number.js'
import { plain, type RenderOptions } from '../../text/style.js'
import { createAxis } from './axis.js'

/** The percentiles of a curve, at about equal distances on a logarithmic axis of 1 / (1 - p). */
const CURVE = [50, 75, 90, 95, 99, 99.9, 99.99, 99.999]

/**
 * Renders the percentile curve of a distribution: percentiles down the page, times across it on a logarithmic axis. It
 * ends with the last percentile that at least one request exceeds, and the maximum.
 */
export function renderCurve(summary: Summary, options: RenderOptions = {}): string {
  const { width = 80, style = plain } = options
  const known = CURVE.filter((p) => summary.count * (1 - p / 100) >= 1)
  const points = [
    ...known.map((p) => ({ name: `p${p}`, ms: percentile(summary, p) })),
    { name: 'max', ms: summary.max },
  ]
  if (summary.max === 0) return ''
  const unit = timeUnit([summary.max])
  const texts = points.map(({ ms }) => threeDigits(ms / unit.ms))
  const names = Math.max(...points.map(({ name }) => name.length))
  const figures = Math.max(...texts.map((text) => text.length))
  const { labels, at } = createAxis(
    points.map(({ ms }) => ms / unit.ms),
    Math.min(80, width - names - figures - 5),
  )
  const line = (name: string, figure: string, drawn: string) =>
    ` ${name.padEnd(names)}  ${figure.padStart(figures)}  ${drawn}`.trimEnd()
  return [
    style('bold', ` Percentiles of latency, ${unit.name}`),
    style('dim', line('', '', labels)),
    ...points.map(({ name, ms }, i) =>
      line(name, texts[i] as string, style('cyan', `${'─'.repeat(at(ms / unit.ms))}●`)),
    ),
  ].join('\n')
}
