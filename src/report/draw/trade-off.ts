import { line } from 'd3-shape'
import { rate, timeUnit } from '../../text/number.js'
import { type Content, type Markup, markup } from '../markup.js'
import { apart, frame, PLOT, px, ticksOf, tickText } from './frame.js'
import { type Bounded, type Dot, dot, mark, whisker } from './mark.js'
import { type Positions, positionsOf } from './positions.js'
import { linearScale, logScale, type Scale } from './scale.js'
import { boundedText, perSecond, timeText } from './text.js'
import {
  DRAWN,
  type Drawn,
  type RunValidity,
  type TradeOffCurve,
  type TradeOffFigure,
  type TradeOffPoint,
} from './trade-off-figure.js'

/** A part of a figure, drawn in a box of its own, and the scale that its heights are of. */
export interface Panel {
  drawn: Markup
  y: Scale | null
}

const placesOf = ({ curves, capacity }: TradeOffFigure): Positions =>
  positionsOf([...capacity, ...curves.flatMap(({ points }) => points)], [PLOT.left, PLOT.right])

/** What is carried at each value: what it can be at most, where that is known, and what was completed. */
export function throughputPanel(figure: TradeOffFigure): Panel {
  const { field, curves, capacity, offeredPerSec } = figure
  const x = placesOf(figure)
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
  if (offeredPerSec !== null) drawn.push(offeredLine(figure, offeredPerSec, y))
  if (capacity.length > 0) drawn.push(capacityLine(figure, x, y, completed.length > 0))
  for (const curve of curves) drawn.push(completedMarks(curve, figure, x, y))
  const title = completed.length === 0 ? 'capacity, requests/s' : 'requests/s'
  return {
    drawn: markup`${frame(PLOT, { ticks: x.ticks, title: field }, { ticks: ticksOf(y, tickText), title })}${drawn}`,
    y,
  }
}

/** Whether all that was offered was completed, or nearly: both lines are then one, and have one name. */
function isCompleted({ curves, offeredPerSec }: TradeOffFigure): boolean {
  const completed = curves.flatMap(({ points }) => points.flatMap((point) => point.completed ?? []))
  const near = ({ value }: Bounded) => Math.abs(value - (offeredPerSec ?? 0)) < NEAR * (offeredPerSec ?? 0)
  return offeredPerSec !== null && completed.length > 0 && completed.every(near)
}
const NEAR = 0.05

/** The load, named at the end of its line that is further from what else is drawn. */
function offeredLine(figure: TradeOffFigure, offeredPerSec: number, y: Scale): Markup {
  const { curves, capacity } = figure
  const series = [
    capacity.map((each) => each.perSecond),
    ...curves.map(({ points }) => points.flatMap(({ completed }) => completed?.value ?? [])),
  ].filter((values) => values.length > 0)
  const room = (i: number) => Math.min(...series.map((values) => Math.abs((values.at(i) as number) - offeredPerSec)))
  const right = room(-1) > room(0)
  const at = px(y.at(offeredPerSec))
  const note = markup`<text class="note" x="${right ? PLOT.right - 4 : PLOT.left + 4}" y="${at - 7}" text-anchor="${right ? 'end' : 'start'}">${rate(offeredPerSec)} offered</text>`
  return markup`<g data-offered="${offeredPerSec}"><line class="offered" x1="${PLOT.left}" x2="${PLOT.right}" y1="${at}" y2="${at}"/>${!isCompleted(figure) && note}</g>`
}

/** What can be carried: drawn as a line beside what was completed, as points where it is all there is. */
function capacityLine({ field, capacity }: TradeOffFigure, x: Positions, y: Scale, beside: boolean): Markup {
  const at = capacity.map(({ label, perSecond }): [number, number] => [px(x.at(label)), px(y.at(perSecond))])
  const marks = capacity.map(({ label, perSecond: value }, i) =>
    mark(
      { says: `${field} ${label}: capacity ${perSecond(value)}`, data: { k: 'capacity', x: label, v: value } },
      dot(...(at[i] as [number, number]), beside ? 'open' : 'full'),
    ),
  )
  const [endX, endY] = at.at(-1) as [number, number]
  const name = beside
    ? markup`<text class="name" x="${endX + 8}" y="${Math.max(PLOT.top + 2, endY - 12)}" text-anchor="end">capacity</text>`
    : null
  return markup`<g class="s-neutral"><path class="line${beside ? ' thin dashed' : ''}" d="${line()(at)}"/>${marks}${name}</g>`
}

function completedMarks({ engine, points }: TradeOffCurve, figure: TradeOffFigure, x: Positions, y: Scale): Markup {
  const { field, ends, offeredPerSec } = figure
  const there = points.filter((point) => point.completed !== null)
  const at = there.map(({ label, completed }): [number, number] => [px(x.at(label)), px(y.at(completed?.value ?? 0))])
  if (there.length === 0) return markup``
  const marks = there.map(({ label, completed, validity, why }, i) => {
    const bounded = completed as Bounded
    const [cx, cy] = at[i] as [number, number]
    const says = `${field} ${label}, ${engine}: ${boundedText(bounded, perSecond, ends)} completed${why === undefined ? '' : `; ${why}`}`
    return mark(
      {
        says,
        data: { k: 'completed', engine, x: label, v: bounded.value, low: bounded.low, high: bounded.high, validity },
      },
      [whisker(cx, height(bounded.low, y), height(bounded.high, y), cy), dot(cx, cy, DOTS[validity])],
    )
  })
  const [endX, endY] = at.at(-1) as [number, number]
  // below its line, unless that is where the axis has its values
  const below = endY + 26 < PLOT.bottom
  const name = markup`<text class="name" x="${endX + 8}" y="${below ? endY + 20 : endY - 12}" text-anchor="end">completed${isCompleted(figure) && ` of ${rate(offeredPerSec as number)} offered`}</text>`
  return markup`<g class="s-${engine === 'simulated' ? 'p90' : 'p50'}"><path class="line thin" d="${line()(at)}"/>${marks}${name}</g>`
}

const height = (value: number | null, y: Scale) => (value === null ? null : px(y.at(value)))

/**
 * The percentiles of latency at each value, on a scale of equal ratios. Points are joined by straight lines, for
 * nothing is known between them, and where the load cannot be carried there is none to draw.
 */
export function latencyPanel(figure: TradeOffFigure, over?: readonly number[]): Panel {
  const { field, curves, offeredPerSec } = figure
  const x = placesOf(figure)
  const values = over ?? latenciesOf(figure)
  const load = offeredPerSec === null ? '' : ` at ${rate(offeredPerSec)}`
  const overloaded = overloadedAreas(figure, x)
  if (values.length === 0) {
    const drawn = markup`${frame(PLOT, { ticks: x.ticks, title: field }, { ticks: [], title: `latency${load}` })}${overloaded}`
    return { drawn, y: null }
  }
  const unit = timeUnit(values)
  const y = logScale(values, [PLOT.bottom, PLOT.top])
  const both = curves.filter(({ points }) => points.some(({ latency }) => latency !== null)).length > 1
  const series = curves.flatMap((curve) => DRAWN.map((name) => percentileSeries(name, curve, figure, x, y, both)))
  const title = `latency${load}, ${unit.name}`
  const ticks = ticksOf(y, (ms) => tickText(ms / unit.ms))
  return {
    drawn: markup`${frame(PLOT, { ticks: x.ticks, title: field }, { ticks, title })}${overloaded}${series}${percentileNames(figure, x, y)}`,
    y,
  }
}

/** All times that a figure's latencies take room for. */
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

function percentileSeries(
  name: Drawn,
  { engine, points }: TradeOffCurve,
  { field, ends }: TradeOffFigure,
  x: Positions,
  y: Scale,
  both: boolean,
): Markup {
  const simulated = engine === 'simulated'
  const at = ({ label, latency }: TradeOffPoint): [number, number] => [
    px(x.at(label)),
    px(y.at(latency?.[name].value ?? 1)),
  ]
  // measured points stand over the simulated curve, and are joined only where there is none
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
    const says = `${name} at ${field} ${point.label}, ${engine}: ${atLeast ? 'at least ' : ''}${boundedText(bounded, timeText, ends)}${point.why === undefined ? '' : `; ${point.why}`}`
    const high = atLeast ? null : height(bounded.high, y)
    const low = height(bounded.low, y)
    const kind = simulated && point.validity === 'valid' ? 'open' : DOTS[point.validity]
    return mark(
      {
        says,
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
      [atLeast ? whisker(cx, low ?? cy, null, cy) : whisker(cx, low, high, cy), dot(cx, cy, kind)],
    )
  })
  return markup`<g class="s-${name}">${path !== null && path !== undefined && markup`<path class="line${simulated ? '' : ' thin'}" d="${path}"/>`}${marks}</g>`
}

/** The name of each percentile at the end of its line. */
function percentileNames({ curves }: TradeOffFigure, x: Positions, y: Scale): Markup {
  const sustained = curves.flatMap(({ points }) => points.filter(({ latency }) => latency !== null))
  const last = sustained.reduce((a, b) => (x.at(b.label) > x.at(a.label) ? b : a))
  const heights = apart(
    DRAWN.map((name) => y.at(last.latency?.[name].value ?? 1)),
    17,
  )
  return markup`${DRAWN.map((name, i) => markup`<text class="name s-${name}" x="${px(x.at(last.label) + 10)}" y="${px(heights[i] as number)}" dy=".35em">${name}</text>`)}`
}

/** Marks the values at which every curve is overloaded. Neighbouring values share one labelled area. */
function overloadedAreas({ curves }: TradeOffFigure, x: Positions): Markup {
  const points = curves.flatMap((curve) => curve.points)
  const areas: { from: number; to: number; why: string; labels: string[] }[] = []
  for (const { label } of x.ticks) {
    const here = points.filter((point) => point.label === label)
    if (here.length === 0 || here.some(({ latency }) => latency !== null)) continue
    const [from, to] = x.around(label)
    const why = here[0]?.why ?? 'overloaded'
    const before = areas.at(-1)
    if (before?.to === from && before.why === why) {
      before.to = to
      before.labels.push(label)
    } else areas.push({ from, to, why, labels: [label] })
  }
  return markup`${areas.map(({ from, to, why, labels }) => {
    const middle = px((from + to) / 2)
    const centre = (PLOT.top + PLOT.bottom) / 2
    const along = to - from > why.length * 8 ? '' : `rotate(-90 ${middle} ${centre})`
    return mark(
      {
        says: `${labels.join(', ')}: ${why}`,
        class: 'overloaded-area',
        data: { k: 'overloaded', x: labels.join(' ') },
      },
      markup`<rect class="overloaded" x="${from}" y="${PLOT.top}" width="${px(to - from)}" height="${PLOT.bottom - PLOT.top}"/><text class="note" x="${middle}" y="${centre}" dy=".35em" text-anchor="middle" transform="${along}">${why}</text>`,
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
  { validity: 'invalid', says: 'invalid' },
  { validity: 'truncated', says: 'truncated: lower bound' },
] as const

/** How what is measured and what is simulated are drawn, for a figure that shows both, or whiskers. */
export function keyOf({ curves, ends }: TradeOffFigure): { drawn: Markup; says: string; width: number }[] {
  const bounded = ({ points }: TradeOffCurve) =>
    points.some(
      ({ latency }) =>
        latency !== null && DRAWN.some((name) => latency[name].low !== null || latency[name].high !== null),
    )
  const validities = new Set(curves.flatMap(({ points }) => points.map(({ validity }) => validity)))
  const engines = curves.map((curve) => {
    const { engine } = curve
    const simulated = engine === 'simulated'
    const says = `${engine}${bounded(curve) ? `, with ${ends === '95 % intervals' ? ends : `the range of ${ends}`}` : ''}`
    const drawn = markup`<g class="s-neutral">${(simulated || curves.length === 1) && markup`<path class="line${simulated ? '' : ' thin'}" d="M0 0H26"/>`}${bounded(curve) && whisker(13, 8, -8, 0)}${dot(13, 0, simulated ? 'open' : 'full')}</g>`
    return { drawn, says, width: 34 + says.length * 7.2 }
  })
  const others = VALIDITY_LEGEND.filter(({ validity }) => validities.has(validity)).map(({ validity, says }) => ({
    drawn: markup`<g class="s-neutral">${dot(13, 0, DOTS[validity])}</g>`,
    says,
    width: 34 + says.length * 7.2,
  }))
  return [...engines, ...others]
}

/** What the figure shows, to be read aloud. */
export function summary({ field, group, curves, capacity, offeredPerSec }: TradeOffFigure): string {
  const ends = capacity.length > 1 ? [capacity[0], capacity.at(-1)] : []
  const rises = ends.map(
    (end) => `${Math.round(end?.perSecond ?? 0).toLocaleString('en')} requests a second at ${end?.label}`,
  )
  const latencies = curves.map(({ engine, points }) => {
    const sustained = points.filter(({ latency }) => latency !== null)
    if (sustained.length === 0) return `As ${engine}, every value is overloaded.`
    const best = sustained.reduce((a, b) => ((b.latency?.p99.value ?? 0) < (a.latency?.p99.value ?? 0) ? b : a))
    return `As ${engine}, p99 is shortest at ${field} ${best.label}: ${Number((best.latency?.p99.value ?? 0).toPrecision(3))} ms.`
  })
  const of = group === '' ? '' : ` with ${group}`
  const load = offeredPerSec === null ? '' : ` At ${offeredPerSec.toLocaleString('en')} requests a second offered.`
  return `By ${field}${of}.${rises.length === 0 ? '' : ` Capacity is ${rises.join(', ')}.`}${load} ${latencies.join(' ')}`
}
