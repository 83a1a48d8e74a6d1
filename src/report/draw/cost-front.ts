import { time, timeUnit } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import type { Drawing } from './drawing.js'
import { drawFrame, PLOT, px, ticksOf, tickText } from './frame.js'
import { drawDot, drawMark } from './mark.js'
import { runClass } from './run-colour.js'
import { exactScale, logScale } from './scale.js'

/** A setting: what it costs and how fast it is. */
export interface CostPoint {
  /** of all candidates, which one it is of: they differ in colour */
  candidate: number
  /** its description */
  text: string
  cost: number
  p99Ms: number
  keepsBudget: boolean
  onFront: boolean
  isBest: boolean
}

export interface CostFrontOptions {
  /** what the cost is in: `cost an hour`, or `servers` */
  costName: string
  /** the limit that a budget sets to p99 */
  limitMs: number | null
}

/** The p99 of settings against their cost, those of the Pareto front filled, with the limit of a budget. */
export function drawCostFront(points: readonly CostPoint[], { costName, limitMs }: CostFrontOptions): Drawing {
  const times = points.map(({ p99Ms }) => p99Ms)
  if (limitMs !== null && limitMs > 0) times.push(limitMs)
  const unit = timeUnit(times)
  const y = logScale(times, [PLOT.bottom, PLOT.top])
  const costs = points.map(({ cost }) => cost)
  const [least, most] = [Math.min(...costs), Math.max(...costs)]
  const room = Math.max((most - least) * 0.06, most * 0.04, 1e-9)
  const x = exactScale([Math.max(0, least - room), most + room], [PLOT.left, PLOT.right])
  // what matters most is drawn last, above the others
  const rank = ({ isBest, onFront, keepsBudget }: CostPoint) => (isBest ? 3 : onFront ? 2 : keepsBudget ? 1 : 0)
  const inOrder = [...points].sort((a, b) => rank(a) - rank(b))
  return {
    drawn: markup`${drawFrame(
      PLOT,
      { ticks: ticksOf(x, tickText), title: costName },
      { ticks: ticksOf(y, (ms) => tickText(ms / unit.ms)), title: `p99, ${unit.name}` },
    )}${limitMs !== null && limitMs > 0 && limitLine(limitMs, px(y.at(limitMs)))}${inOrder.map((point) => pointMark(point, px(x.at(point.cost)), px(y.at(point.p99Ms))))}`,
    x,
    y,
  }
}

function pointMark(
  { candidate, text, cost, p99Ms, onFront, keepsBudget, isBest }: CostPoint,
  cx: number,
  cy: number,
): Markup {
  return drawMark(
    {
      text,
      class: runClass(candidate).name,
      data: { k: 'setting', x: cost, v: p99Ms, front: onFront ? 'yes' : 'no', keeps: keepsBudget ? 'yes' : 'no' },
    },
    [
      isBest && markup`<circle class="line thin" cx="${cx}" cy="${cy}" r="8" fill="none"/>`,
      drawDot(cx, cy, onFront ? 'full' : keepsBudget ? 'open' : 'crossed'),
    ],
  )
}

function limitLine(limitMs: number, at: number): Markup {
  const { left, right, top } = PLOT
  return markup`<g data-limit="${limitMs}"><rect class="beyond" x="${left}" y="${top}" width="${right - left}" height="${px(Math.max(0, at - top))}"/><line class="limit" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="note bad" x="${right - 4}" y="${at - 6}" text-anchor="end">p99 at most ${time(limitMs)}</text></g>`
}
