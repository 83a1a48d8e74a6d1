import { rate, time, timeUnit } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { drawFrame, PLOT, px, ticksOf, tickText, WIDTH } from './elements/frame.js'
import { stripCommonWords } from './elements/label.js'
import { type Bounded, drawDot, drawMark, drawWhisker } from './elements/mark.js'
import { exactScale, logScale, type Scale } from './elements/scale.js'
import { formatBounded, perSecond } from './elements/text.js'
import { DOTS } from './trade-off.js'
import type { RunValidity } from './trade-off-figure.js'

/** The throughput and latency of a run. */
export interface FrontierPoint {
  label: string
  /** requests a second */
  throughput: number
  latency: Bounded
  validity: RunValidity
}

export interface FrontierOptions {
  /** the latency's name, such as `p99` */
  name: string
  /** which throughput: `completed` or `capacity` */
  throughputName: string
  /** the limits of a budget */
  latencyLimit: number | null
  throughputLimit: number | null
}

/** With more points than this, only those on the frontier are labelled. */
const MOST_NAMED = 10

/** Valid points that no other valid point beats on both throughput and latency, sorted by throughput. */
export function findFrontier(points: readonly FrontierPoint[]): FrontierPoint[] {
  const valid = points.filter(({ validity }) => validity === 'valid')
  const better = (a: FrontierPoint, b: FrontierPoint) =>
    a.throughput >= b.throughput &&
    a.latency.value <= b.latency.value &&
    (a.throughput > b.throughput || a.latency.value < b.latency.value)
  return valid
    .filter((point) => !valid.some((other) => better(other, point)))
    .sort((a, b) => a.throughput - b.throughput)
}

/** Draws latency against throughput, with the frontier and the limits of a budget. */
export function drawFrontier(points: readonly FrontierPoint[], options: FrontierOptions): Drawing {
  const { name, throughputName, latencyLimit, throughputLimit } = options
  const times = points.flatMap(({ latency }) => [
    latency.value,
    latency.low ?? latency.value,
    latency.high ?? latency.value,
  ])
  if (latencyLimit !== null && latencyLimit > 0) times.push(latencyLimit)
  const unit = timeUnit(times)
  const y = logScale(times, [PLOT.bottom, PLOT.top])
  const rates = points.map(({ throughput }) => throughput)
  if (throughputLimit !== null) rates.push(throughputLimit)
  const [least, most] = [Math.min(...rates), Math.max(...rates)]
  const room = Math.max((most - least) * 0.12, most * 0.02, 1e-9)
  const x = exactScale([Math.max(0, least - room), most + room], [PLOT.left, PLOT.right])
  const best = findFrontier(points)
  const named = points.length <= MOST_NAMED ? points : best
  return {
    drawn: markup`${drawFrame(
      PLOT,
      { ticks: ticksOf(x, tickText), title: `${throughputName}, requests/s` },
      { ticks: ticksOf(y, (ms) => tickText(ms / unit.ms)), title: `${name}, ${unit.name}` },
    )}${drawLimits(options, x, y)}${drawSteps(best, x, y)}<g class="s-neutral">${points.map((point) => drawPoint(point, options, x, y))}${drawLabels(named, x, y)}</g>`,
    x,
    y,
  }
}

function drawPoint(
  { label, throughput, latency, validity }: FrontierPoint,
  { name, throughputName }: FrontierOptions,
  x: Scale,
  y: Scale,
): Markup {
  const [cx, cy] = [px(x.at(throughput)), px(y.at(latency.value))]
  const at = (bound: number | null) => (bound === null ? null : px(y.at(bound)))
  const text = `${label}: ${throughputName} ${perSecond(throughput)}, ${name} ${formatBounded(latency, time, '95 % interval')}${validity === 'valid' ? '' : ` (${validity})`}`
  return drawMark(
    {
      text,
      data: { k: 'point', run: label, x: throughput, v: latency.value, low: latency.low, high: latency.high, validity },
    },
    [drawWhisker(cx, at(latency.low), at(latency.high), cy), drawDot(cx, cy, DOTS[validity])],
  )
}

const CHARACTER = 8

/** Draws labels next to their points. A label that would be cut off or overlap another is left to the tooltip. */
function drawLabels(points: readonly FrontierPoint[], x: Scale, y: Scale): Markup[] {
  const taken: { from: number; to: number; at: number }[] = []
  const names = stripCommonWords(points.map(({ label }) => label))
  return points.flatMap(({ throughput, latency }, i) => {
    const name = names[i] as string
    const at = x.at(throughput)
    const left = at > (PLOT.left + 2 * PLOT.right) / 3
    const width = CHARACTER * name.length
    const here = {
      from: left ? at - 8 - width : at + 8,
      to: left ? at - 8 : at + 8 + width,
      at: y.at(latency.value) - 8,
    }
    if (here.from < PLOT.left || here.to > WIDTH) return []
    if (taken.some(({ from, to, at }) => from < here.to && here.from < to && Math.abs(at - here.at) < 14)) return []
    taken.push(here)
    return markup`<text class="name${left && ' end'}" x="${px(left ? here.to : here.from)}" y="${px(here.at)}">${name}</text>`
  })
}

/** Draws the frontier as steps: nothing is known between two points. */
function drawSteps(best: FrontierPoint[], x: Scale, y: Scale): Markup | null {
  if (best.length < 2) return null
  const d = best.map(({ throughput, latency }, i) => {
    const [cx, cy] = [px(x.at(throughput)), px(y.at(latency.value))]
    return i === 0 ? `M${cx} ${cy}` : `V${cy}H${cx}`
  })
  return markup`<path class="line thin s-neutral" d="${d.join('')}"/>`
}

function drawLimits({ name, latencyLimit, throughputLimit }: FrontierOptions, x: Scale, y: Scale): Markup {
  const { left, right, top, bottom } = PLOT
  const at = latencyLimit === null || latencyLimit <= 0 ? null : px(y.at(latencyLimit))
  const from = throughputLimit === null ? null : px(x.at(throughputLimit))
  return markup`${
    at !== null &&
    markup`<g data-limit="${latencyLimit}"><rect class="beyond" x="${left}" y="${top}" width="${right - left}" height="${px(Math.max(0, at - top))}"/><line class="limit" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="note bad" x="${right - 4}" y="${at - 6}" text-anchor="end">${name} at most ${time(latencyLimit as number)}</text></g>`
  }${
    from !== null &&
    markup`<g data-limit="${throughputLimit}"><rect class="beyond" x="${left}" y="${top}" width="${px(Math.max(0, from - left))}" height="${bottom - top}"/><line class="limit" x1="${from}" x2="${from}" y1="${top}" y2="${bottom}"/><text class="note bad" x="${from + 5}" y="${bottom - 6}">at least ${rate(throughputLimit as number)}</text></g>`
  }`
}
