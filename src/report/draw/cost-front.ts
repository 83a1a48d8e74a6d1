import { percent, time, timeUnit } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { drawFrame, PLOT, px, ticksOf, tickText } from './elements/frame.js'
import { drawDot, drawMark } from './elements/mark.js'
import { runClass } from './elements/run-colour.js'
import { exactScale, logScale, type Scale } from './elements/scale.js'

/** A setting: what it costs and how fast it is. */
export interface CostPoint {
  /** of all candidates, which one it is of: they differ in colour */
  candidate: number
  /** its description */
  text: string
  cost: number
  p99Ms: number
  /** a fraction of 1; null if the scenario does not say which requests are good */
  goodput: number | null
  keepsBudget: boolean
  onFront: boolean
  isBest: boolean
}

export interface CostFrontOptions {
  /** what the cost is in: `cost an hour`, or `servers` */
  costName: string
  /** the limit that a budget sets to what is drawn */
  limit: number | null
}

/** The p99 of settings against their cost, those of the Pareto front filled, with the limit of a budget. */
export function drawP99Front(points: readonly CostPoint[], options: CostFrontOptions): Drawing {
  const limit = options.limit === 0 ? null : options.limit
  const times = points.map(({ p99Ms }) => p99Ms)
  const unit = timeUnit(limit === null ? times : [...times, limit])
  return drawCostFront(points, options, {
    values: times,
    y: logScale(limit === null ? times : [...times, limit], [PLOT.bottom, PLOT.top]),
    title: `p99, ${unit.name}`,
    tick: (ms) => tickText(ms / unit.ms),
    limit: limit === null ? null : { at: limit, allows: 'below', text: `p99 at most ${time(limit)}` },
  })
}

/** The fraction of good requests of settings against their cost, drawn as p99 is. */
export function drawGoodputFront(points: readonly CostPoint[], options: CostFrontOptions): Drawing {
  const { limit } = options
  return drawCostFront(points, options, {
    values: points.map(({ goodput }) => goodput ?? 0),
    y: exactScale([0, 1], [PLOT.bottom, PLOT.top]),
    title: 'good requests, %',
    tick: (fraction) => tickText(Math.round(100 * fraction)),
    limit: limit === null ? null : { at: limit, allows: 'above', text: `goodput at least ${percent(limit)}` },
  })
}

/** What is drawn against cost. */
interface Drawn {
  /** of each point */
  values: readonly number[]
  y: Scale
  title: string
  tick: (value: number) => string
  limit: { at: number; allows: 'below' | 'above'; text: string } | null
}

function drawCostFront(
  points: readonly CostPoint[],
  { costName }: CostFrontOptions,
  { values, y, title, tick, limit }: Drawn,
): Drawing {
  const costs = points.map(({ cost }) => cost)
  const [least, most] = [Math.min(...costs), Math.max(...costs)]
  const room = Math.max((most - least) * 0.06, most * 0.04, 1e-9)
  const x = exactScale([Math.max(0, least - room), most + room], [PLOT.left, PLOT.right])
  // what matters most is drawn last, above the others
  const rank = ({ isBest, onFront, keepsBudget }: CostPoint) => (isBest ? 3 : onFront ? 2 : keepsBudget ? 1 : 0)
  const inOrder = points
    .map((point, i) => ({ point, value: values[i] as number }))
    .sort((a, b) => rank(a.point) - rank(b.point))
  return {
    drawn: markup`${drawFrame(
      PLOT,
      { ticks: ticksOf(x, tickText), title: costName },
      { ticks: ticksOf(y, tick), title },
    )}${limit !== null && limitLine(limit, px(y.at(limit.at)))}${inOrder.map(({ point, value }) => pointMark(point, value, px(x.at(point.cost)), px(y.at(value))))}`,
    x,
    y,
  }
}

function pointMark(
  { candidate, text, cost, onFront, keepsBudget, isBest }: CostPoint,
  value: number,
  cx: number,
  cy: number,
): Markup {
  return drawMark(
    {
      text,
      class: runClass(candidate).name,
      data: { k: 'setting', x: cost, v: value, front: onFront ? 'yes' : 'no', keeps: keepsBudget ? 'yes' : 'no' },
    },
    [
      isBest && markup`<circle class="line thin" cx="${cx}" cy="${cy}" r="8" fill="none"/>`,
      drawDot(cx, cy, onFront ? 'full' : keepsBudget ? 'open' : 'crossed'),
    ],
  )
}

function limitLine(limit: NonNullable<Drawn['limit']>, at: number): Markup {
  const { left, right, top, bottom } = PLOT
  const [from, to] = limit.allows === 'below' ? [top, at] : [at, bottom]
  const textAt = limit.allows === 'below' ? at - 6 : at + 16
  return markup`<g data-limit="${limit.at}"><rect class="beyond" x="${left}" y="${from}" width="${right - left}" height="${px(Math.max(0, to - from))}"/><line class="limit" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="note bad" x="${right - 4}" y="${textAt}" text-anchor="end">${limit.text}</text></g>`
}
