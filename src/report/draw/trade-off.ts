import { line } from 'd3-shape'
import { count, rate, time, timeUnit } from '../../text/number.js'
import { type Content, type Markup, markup } from '../markup.js'
import { drawFrame, PLOT, px, spreadLabels, ticksOf, tickText } from './elements/frame.js'
import { type Bounded, type Dot, drawDot, drawMark, drawWhisker } from './elements/mark.js'
import { type Positions, positionsOf } from './elements/positions.js'
import { linearScale, logScale, type Scale } from './elements/scale.js'
import { formatBounded, perSecond } from './elements/text.js'
import {
  DRAWN,
  type Drawn,
  type RunValidity,
  type TradeOffCurve,
  type TradeOffFigure,
  type TradeOffPoint,
} from './trade-off-figure.js'

/** One chart of a figure, and its y scale; null if there is nothing to draw. */
export interface Panel {
  drawn: Markup
  y: Scale | null
}

const xPositions = ({ curves, capacity }: TradeOffFigure): Positions =>
  positionsOf([...capacity, ...curves.flatMap(({ points }) => points)], [PLOT.left, PLOT.right])

/** Draws throughput at each value: the capacity if it is known, and the completed requests. */
export function throughputPanel(figure: TradeOffFigure): Panel {
  const { field, curves, capacity, offeredPerSec } = figure
  const x = xPositions(figure)
  const completed = curves.flatMap(({ points }) => points.flatMap((point) => point.completed ?? []))
  const y = linearScale(
    [
      ...capacity.map((each) => each.perSecond),
      ...completed.map((each) => each.high ?? each.value),
      offeredPerSec ?? 0,
    ],
    [PLOT.bottom, PLOT.top],
  )
  const drawn: Content[] = []
  if (offeredPerSec !== null) drawn.push(drawOffered(figure, offeredPerSec, y))
  if (capacity.length > 0) drawn.push(drawCapacity(figure, x, y, completed.length > 0))
  for (const curve of curves) drawn.push(drawCompleted(curve, figure, x, y))
  const title = completed.length === 0 ? 'capacity, requests/s' : 'requests/s'
  return {
    drawn: markup`${drawFrame(PLOT, { ticks: x.ticks, title: field }, { ticks: ticksOf(y, tickText), title })}${drawn}`,
    y,
  }
}

/** Checks whether nearly every offered request completed: the two lines then coincide and share a label. */
function completesOffered({ curves, offeredPerSec }: TradeOffFigure): boolean {
  const completed = curves.flatMap(({ points }) => points.flatMap((point) => point.completed ?? []))
  const near = ({ value }: Bounded) => Math.abs(value - (offeredPerSec ?? 0)) < NEAR * (offeredPerSec ?? 0)
  return offeredPerSec !== null && completed.length > 0 && completed.every(near)
}
const NEAR = 0.05

/** Draws the offered load, labelled at the end that is further from the other lines. */
function drawOffered(figure: TradeOffFigure, offeredPerSec: number, y: Scale): Markup {
  const { curves, capacity } = figure
  const series = [
    capacity.map((each) => each.perSecond),
    ...curves.map(({ points }) => points.flatMap(({ completed }) => completed?.value ?? [])),
  ].filter((values) => values.length > 0)
  const room = (i: number) => Math.min(...series.map((values) => Math.abs((values.at(i) as number) - offeredPerSec)))
  const right = room(-1) > room(0)
  const at = px(y.at(offeredPerSec))
  const note = markup`<text class="note" x="${right ? PLOT.right - 4 : PLOT.left + 4}" y="${at - 7}" text-anchor="${right ? 'end' : 'start'}">${rate(offeredPerSec)} offered</text>`
  return markup`<g data-offered="${offeredPerSec}"><line class="offered" x1="${PLOT.left}" x2="${PLOT.right}" y1="${at}" y2="${at}"/>${!completesOffered(figure) && note}</g>`
}

/** Draws the capacity: dashed if completed requests are drawn too. */
function drawCapacity({ field, capacity }: TradeOffFigure, x: Positions, y: Scale, dashed: boolean): Markup {
  const at = capacity.map(({ label, perSecond }): [number, number] => [px(x.at(label)), px(y.at(perSecond))])
  const marks = capacity.map(({ label, perSecond: value }, i) =>
    drawMark(
      { text: `${field} ${label}: capacity ${perSecond(value)}`, data: { k: 'capacity', x: label, v: value } },
      drawDot(...(at[i] as [number, number]), dashed ? 'open' : 'full'),
    ),
  )
  const [endX, endY] = at.at(-1) as [number, number]
  const name = dashed
    ? markup`<text class="name" x="${endX + 8}" y="${Math.max(PLOT.top + 2, endY - 12)}" text-anchor="end">capacity</text>`
    : null
  return markup`<g class="s-neutral"><path class="line${dashed ? ' thin dashed' : ''}" d="${line()(at)}"/>${marks}${name}</g>`
}

function drawCompleted({ engine, points }: TradeOffCurve, figure: TradeOffFigure, x: Positions, y: Scale): Markup {
  const { field, boundsName, offeredPerSec } = figure
  const there = points.filter((point) => point.completed !== null)
  const at = there.map(({ label, completed }): [number, number] => [px(x.at(label)), px(y.at(completed?.value ?? 0))])
  if (there.length === 0) return markup``
  const marks = there.map(({ label, completed, validity, reason }, i) => {
    const bounded = completed as Bounded
    const [cx, cy] = at[i] as [number, number]
    const text = `${field} ${label}, ${engine}: ${formatBounded(bounded, perSecond, boundsName)} completed${reason === undefined ? '' : `; ${reason}`}`
    return drawMark(
      {
        text,
        data: { k: 'completed', engine, x: label, v: bounded.value, low: bounded.low, high: bounded.high, validity },
      },
      [drawWhisker(cx, height(bounded.low, y), height(bounded.high, y), cy), drawDot(cx, cy, DOTS[validity])],
    )
  })
  const [endX, endY] = at.at(-1) as [number, number]
  // below its line, unless it would cover the axis labels
  const below = endY + 26 < PLOT.bottom
  const name = markup`<text class="name" x="${endX + 8}" y="${below ? endY + 20 : endY - 12}" text-anchor="end">completed${completesOffered(figure) && ` of ${rate(offeredPerSec as number)} offered`}</text>`
  return markup`<g class="s-${engine === 'simulated' ? 'p90' : 'p50'}"><path class="line thin" d="${line()(at)}"/>${marks}${name}</g>`
}

const height = (value: number | null, y: Scale) => (value === null ? null : px(y.at(value)))

/**
 * Draws the latency percentiles at each value on a logarithmic scale. Straight lines join the points, since nothing is
 * known between them. Overloaded runs have no latency.
 *
 * @param over the latencies that the scale covers; default those of this figure
 */
export function latencyPanel(figure: TradeOffFigure, over?: readonly number[]): Panel {
  const { field, curves, offeredPerSec } = figure
  const x = xPositions(figure)
  const values = over ?? latenciesOf(figure)
  const load = offeredPerSec === null ? '' : ` at ${rate(offeredPerSec)}`
  const overloaded = overloadedAreas(figure, x)
  if (values.length === 0) {
    const drawn = markup`${drawFrame(PLOT, { ticks: x.ticks, title: field }, { ticks: [], title: `latency${load}` })}${overloaded}`
    return { drawn, y: null }
  }
  const unit = timeUnit(values)
  const y = logScale(values, [PLOT.bottom, PLOT.top])
  const both = curves.filter(({ points }) => points.some(({ latency }) => latency !== null)).length > 1
  const series = curves.flatMap((curve) => DRAWN.map((name) => drawPercentile(name, curve, figure, x, y, both)))
  const title = `latency${load}, ${unit.name}`
  const ticks = ticksOf(y, (ms) => tickText(ms / unit.ms))
  return {
    drawn: markup`${drawFrame(PLOT, { ticks: x.ticks, title: field }, { ticks, title })}${overloaded}${series}${drawPercentileNames(figure, x, y)}`,
    y,
  }
}

/** Lists all latencies and bounds of a figure, for its scale. */
export function latenciesOf({ curves }: TradeOffFigure): number[] {
  return curves.flatMap(({ points }) =>
    points.flatMap(({ latency }) =>
      latency === null
        ? []
        : DRAWN.flatMap((name) => [
            latency[name].low ?? latency[name].value,
            latency[name].value,
            latency[name].high ?? latency[name].value,
          ]),
    ),
  )
}

function drawPercentile(
  name: Drawn,
  { engine, points }: TradeOffCurve,
  { field, boundsName }: TradeOffFigure,
  x: Positions,
  y: Scale,
  both: boolean,
): Markup {
  const simulated = engine === 'simulated'
  const at = ({ label, latency }: TradeOffPoint): [number, number] => [
    px(x.at(label)),
    px(y.at(latency?.[name].value ?? 1)),
  ]
  // measured points are drawn over the simulated curve, and joined only if there is no such curve
  const path =
    both && !simulated
      ? null
      : line<TradeOffPoint>(
          (point) => at(point)[0],
          (point) => at(point)[1],
        ).defined(({ latency }) => latency !== null)(points)
  const marks = points.map((point) => {
    const bounded = point.latency?.[name]
    if (bounded === undefined) return null
    const [cx, cy] = at(point)
    const atLeast = point.validity === 'truncated'
    const text = `${name} at ${field} ${point.label}, ${engine}: ${atLeast ? 'at least ' : ''}${formatBounded(bounded, time, boundsName)}${point.reason === undefined ? '' : `; ${point.reason}`}`
    const high = atLeast ? null : height(bounded.high, y)
    const low = height(bounded.low, y)
    const kind = simulated && point.validity === 'valid' ? 'open' : DOTS[point.validity]
    return drawMark(
      {
        text,
        data: {
          k: name,
          engine,
          x: point.label,
          v: bounded.value,
          low: bounded.low,
          high: bounded.high,
          validity: point.validity,
        },
      },
      [atLeast ? drawWhisker(cx, low ?? cy, null, cy) : drawWhisker(cx, low, high, cy), drawDot(cx, cy, kind)],
    )
  })
  return markup`<g class="s-${name}">${path !== null && path !== undefined && markup`<path class="line${simulated ? '' : ' thin'}" d="${path}"/>`}${marks}</g>`
}

/** Labels each percentile at the end of its line. */
function drawPercentileNames({ curves }: TradeOffFigure, x: Positions, y: Scale): Markup {
  const sustained = curves.flatMap(({ points }) => points.filter(({ latency }) => latency !== null))
  const last = sustained.reduce((a, b) => (x.at(b.label) > x.at(a.label) ? b : a))
  const heights = spreadLabels(
    DRAWN.map((name) => y.at(last.latency?.[name].value ?? 1)),
    17,
  )
  return markup`${DRAWN.map((name, i) => markup`<text class="name s-${name}" x="${px(x.at(last.label) + 10)}" y="${px(heights[i] as number)}" dy=".35em">${name}</text>`)}`
}

/** Marks the values at which every curve is overloaded. Neighbouring values share one labelled area. */
function overloadedAreas({ curves }: TradeOffFigure, x: Positions): Markup {
  const points = curves.flatMap((curve) => curve.points)
  const areas: { from: number; to: number; reason: string; labels: string[] }[] = []
  for (const { label } of x.ticks) {
    const here = points.filter((point) => point.label === label)
    if (here.length === 0 || here.some(({ latency }) => latency !== null)) continue
    const [from, to] = x.around(label)
    const reason = here[0]?.reason ?? 'overloaded'
    const before = areas.at(-1)
    if (before?.to === from && before.reason === reason) {
      before.to = to
      before.labels.push(label)
    } else areas.push({ from, to, reason, labels: [label] })
  }
  return markup`${areas.map(({ from, to, reason, labels }) => {
    const middle = px((from + to) / 2)
    const centre = (PLOT.top + PLOT.bottom) / 2
    const along = to - from > reason.length * 8 ? '' : `rotate(-90 ${middle} ${centre})`
    return drawMark(
      {
        text: `${labels.join(', ')}: ${reason}`,
        class: 'overloaded-area',
        data: { k: 'overloaded', x: labels.join(' ') },
      },
      markup`<rect class="overloaded" x="${from}" y="${PLOT.top}" width="${px(to - from)}" height="${PLOT.bottom - PLOT.top}"/><text class="note" x="${middle}" y="${centre}" dy=".35em" text-anchor="middle" transform="${along}">${reason}</text>`,
    )
  })}`
}

/** The point drawn for each kind of run. */
export const DOTS = {
  valid: 'full',
  overloaded: 'open',
  truncated: 'open',
  invalid: 'crossed',
} as const satisfies Record<RunValidity, Dot>

/** Legend entries for runs that are not valid. */
export const VALIDITY_LEGEND = [
  { validity: 'invalid', text: 'invalid' },
  { validity: 'truncated', text: 'truncated: lower bound' },
] as const

/** Lists the legend entries of a figure: its engines, and the kinds of runs that are not valid. */
export function legendOf({ curves, boundsName }: TradeOffFigure): { drawn: Markup; text: string; width: number }[] {
  const bounded = ({ points }: TradeOffCurve) =>
    points.some(
      ({ latency }) =>
        latency !== null && DRAWN.some((name) => latency[name].low !== null || latency[name].high !== null),
    )
  const validities = new Set(curves.flatMap(({ points }) => points.map(({ validity }) => validity)))
  const engines = curves.map((curve) => {
    const { engine } = curve
    const simulated = engine === 'simulated'
    const text = `${engine}${bounded(curve) ? `, with ${boundsName === '95 % intervals' ? boundsName : `the range of ${boundsName}`}` : ''}`
    const drawn = markup`<g class="s-neutral">${(simulated || curves.length === 1) && markup`<path class="line${simulated ? '' : ' thin'}" d="M0 0H26"/>`}${bounded(curve) && drawWhisker(13, 8, -8, 0)}${drawDot(13, 0, simulated ? 'open' : 'full')}</g>`
    return { drawn, text, width: 34 + text.length * 7.2 }
  })
  const others = VALIDITY_LEGEND.filter(({ validity }) => validities.has(validity)).map(({ validity, text }) => ({
    drawn: markup`<g class="s-neutral">${drawDot(13, 0, DOTS[validity])}</g>`,
    text,
    width: 34 + text.length * 7.2,
  }))
  return [...engines, ...others]
}

/** Describes a figure in words, for screen readers. */
export function describe({ field, group, curves, capacity, offeredPerSec }: TradeOffFigure): string {
  const extremes = capacity.length > 1 ? [capacity[0], capacity.at(-1)] : []
  const capacities = extremes.map((end) => `${count(end?.perSecond ?? 0)} requests a second at ${end?.label}`)
  const latencies = curves.map(({ engine, points }) => {
    const sustained = points.filter(({ latency }) => latency !== null)
    if (sustained.length === 0) return `Every ${engine} run is overloaded.`
    const best = sustained.reduce((a, b) => ((b.latency?.p99.value ?? 0) < (a.latency?.p99.value ?? 0) ? b : a))
    return `As ${engine}, p99 is lowest at ${field} ${best.label}: ${time(best.latency?.p99.value ?? 0)}.`
  })
  const of = group === '' ? '' : ` with ${group}`
  const load = offeredPerSec === null ? '' : ` At ${count(offeredPerSec)} requests a second offered.`
  return `By ${field}${of}.${capacities.length === 0 ? '' : ` Capacity is ${capacities.join(', ')}.`}${load} ${latencies.join(' ')}`
}
