import { percentile, type Summary } from '../../result/summary.js'
import { threeDigits, timeUnit } from '../../text/number.js'
import { plain, type RenderOptions } from '../../text/style.js'
import { axisOf } from './axis.js'

/** The percentiles of a curve: each as far again from 100 % as the one before, or about. */
const CURVE = [50, 75, 90, 95, 99, 99.9, 99.99, 99.999]

/**
 * The percentile curve of a distribution, down the page by how many requests are slower, and across on a scale of equal
 * ratios. It ends with the last percentile that fewer than all requests lie below.
 */
export function renderCurve(summary: Summary, options: RenderOptions = {}): string {
  const { width = 80, style = plain } = options
  const told = CURVE.filter((p) => summary.count * (1 - p / 100) >= 1)
  const points = [...told.map((p) => ({ name: `p${p}`, ms: percentile(summary, p) })), { name: 'max', ms: summary.max }]
  if (summary.max === 0) return ''
  const unit = timeUnit([summary.max])
  const texts = points.map(({ ms }) => threeDigits(ms / unit.ms))
  const names = Math.max(...points.map(({ name }) => name.length))
  const figures = Math.max(...texts.map((text) => text.length))
  const { labels, at } = axisOf(
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
