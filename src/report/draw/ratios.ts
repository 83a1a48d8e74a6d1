import type { Comparison, MetricComparison } from '../../budget/comparison/comparison.js'
import { threeDigits } from '../../text/number.js'
import { markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { drawFrame, px, ticksOf, tickText, WIDTH } from './elements/frame.js'
import { drawDot, drawMark } from './elements/mark.js'
import { exactScale } from './elements/scale.js'

const ROW = 34
const LEFT = 104

const metricsWithRatio = ({ metrics }: Comparison) => metrics.filter(({ ratio }) => ratio !== null)

/** Draws the ratio of head to base for each metric, with its interval and the range that counts as the same; null without ratios. */
export function drawRatios(comparison: Comparison): Drawing | null {
  const { within } = comparison
  const rows = metricsWithRatio(comparison)
  if (rows.length === 0) return null
  const ends = rows.flatMap(({ ratio, interval }) => [ratio ?? 1, interval.low ?? 1, interval.high ?? 1])
  const most = Math.max(1 + 2 * within, ...ends.map((end) => Math.max(end, 2 - end)))
  const top = 26
  const bottom = top + ROW * rows.length
  const box = { left: LEFT, right: WIDTH - 16, top, bottom }
  const x = exactScale([Math.max(0, 2 - most), most], [box.left, box.right], 6)
  const [low, high] = [px(x.at(1 / (1 + within))), px(x.at(1 + within))]
  return {
    drawn: markup`<rect class="same" x="${low}" y="${top}" width="${px(high - low)}" height="${bottom - top}"/>${drawFrame(
      box,
      { ticks: ticksOf(x, tickText), title: 'head / base' },
      { ticks: [], title: '' },
    )}<line class="axis" x1="${px(x.at(1))}" x2="${px(x.at(1))}" y1="${top}" y2="${bottom}"/>${rows.map((row, i) => {
      const cy = top + ROW * (i + 0.5)
      return markup`<text class="tick" x="${LEFT - 10}" y="${cy}" dy=".35em" text-anchor="end">${row.metric}</text>${drawRatio(row, cy, (value) => px(x.at(value)))}`
    })}`,
    x,
    height: bottom + 46,
  }
}

function drawRatio(row: MetricComparison, cy: number, x: (value: number) => number) {
  const { metric, ratio, interval, verdict } = row
  const { low, high, level } = interval
  const at = (value: number | null) => (value === null ? null : x(value))
  const between =
    low === null || high === null
      ? 'its interval is unbounded'
      : `${threeDigits(low)} to ${threeDigits(high)}, ${100 * level} % interval`
  const cx = x(ratio as number)
  return drawMark(
    {
      text: `${metric}: head is ${threeDigits(ratio as number)} times base (${between}): ${verdict}`,
      class: `v-${verdict}`,
      data: { k: metric, v: ratio, low, high, verdict },
    },
    [
      low !== null &&
        high !== null &&
        markup`<path class="whisker" d="M${at(low)} ${cy}H${at(high)}M${at(low)} ${cy - 3}v6M${at(high)} ${cy - 3}v6"/>`,
      drawDot(cx, cy, 'full'),
    ],
  )
}
