import { UNITS } from '../../budget/comparison/comparison.js'
import type { HistoryPoint, HistorySeries } from '../../history/series.js'
import { changeText, historyValue, shortCommit } from '../history-text.js'
import { markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { drawFrame, HEIGHT, PLOT, px, ticksOf, tickText } from './elements/frame.js'
import { drawDot, drawMark, drawWhisker } from './elements/mark.js'
import { exactScale } from './elements/scale.js'

/** Space above and below, as a fraction of the range. */
const MARGIN = 0.08
/** The most commits that fit as labels of the axis. */
const MOST_COMMITS = 5

/** Draws a series over commits: each run with its interval, the level between changes, and a line at each change. */
export function drawHistory(series: HistorySeries): Drawing {
  const { points, changes, metric } = series
  const ends = points.flatMap(({ value, interval }) => [value, interval?.low ?? value, interval?.high ?? value])
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  const margin = high === low ? Math.max(1e-9, Math.abs(high) * MARGIN) : (high - low) * MARGIN
  const y = exactScale([low - margin, high + margin], [PLOT.bottom, PLOT.top])
  const x = exactScale([-0.5, points.length - 0.5], [PLOT.left, PLOT.right])
  const every = Math.ceil(points.length / MOST_COMMITS)
  const commits = points.flatMap(({ commit }, i) =>
    i % every === 0 ? [{ at: x.at(i), label: commit === null ? String(i + 1) : commit.slice(0, 7) }] : [],
  )
  const unit = { ms: 'ms', '/s': 'requests/s', fraction: 'fraction' }[UNITS[metric]]
  const starts = [0, ...changes.map(({ at }) => at), points.length]
  const levels = starts.slice(1).map((end, i) => {
    const start = starts[i] as number
    const level = changes[i]?.before ?? changes.at(-1)?.after
    return level === undefined
      ? null
      : markup`<path class="line dashed s-neutral" d="M${px(x.at(start - 0.4))} ${px(y.at(level))}H${px(x.at(end - 0.6))}"/>`
  })
  const lines = changes.map((change) => {
    const at = px(x.at(change.at - 0.5))
    return drawMark(
      {
        text: `Changed at ${shortCommit(change.commit)}: ${changeText(change, series)}`,
        data: { k: 'change', i: change.at, before: change.before, after: change.after },
      },
      markup`<path class="limit" d="M${at} ${PLOT.top}V${PLOT.bottom}"/>`,
    )
  })
  const marks = points.map((point, i) => {
    const { value, interval } = point
    const [cx, cy] = [x.at(i), y.at(value)]
    const drawn = [
      interval !== null && drawWhisker(cx, y.at(interval.low), y.at(interval.high), cy),
      drawDot(cx, cy, 'full'),
    ]
    const data = { k: metric, i, v: value, low: interval?.low, high: interval?.high }
    return drawMark({ text: pointText(point, series), class: 's-p50', data }, drawn)
  })
  return {
    drawn: markup`${drawFrame(PLOT, { ticks: commits, title: 'commit' }, { ticks: ticksOf(y, tickText), title: `${metric}, ${unit}` })}${levels}${lines}${marks}`,
    x,
    y,
    height: HEIGHT,
  }
}

function pointText({ commit, at, value, interval, node }: HistoryPoint, series: HistorySeries): string {
  const between =
    interval === null
      ? ''
      : ` (${historyValue(interval.low, series)} to ${historyValue(interval.high, series)}, 95 % interval)`
  return `${shortCommit(commit)}, ${at.slice(0, 10)}: ${historyValue(value, series)}${between}${node === null ? '' : `, Node ${node}`}`
}
