import { bucketCeiling } from '../../histogram/buckets.js'
import { decode } from '../../histogram/hdr.js'
import { nameOf, PERCENTILES, type Summary } from '../../result/summary.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { time, timeUnit } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { type Box, drawFrame, PLOT, px, spreadLabels, ticksOf, tickText, WIDTH } from './elements/frame.js'
import { stripCommonWords } from './elements/label.js'
import { drawDot, drawMark, drawWhisker } from './elements/mark.js'
import { runClass } from './elements/run-colour.js'
import { exactLogScale, logScale, type Scale } from './elements/scale.js'
import { formatBounded } from './elements/text.js'
import { boundedOf } from './trade-off-figure.js'

/** A time, and the fraction of requests (`upTo`) that took at most that long. */
interface Step {
  ms: number
  upTo: number
}

export interface LabelledSummary {
  label: string
  summary: Summary
}

/** The upper limit of a budget on a percentile of latency. */
export interface PercentileLimit {
  percentile: number
  ms: number
}

/** A percentile with fewer slower requests than this is uncertain, and its curve is dotted. */
const FEW = 10
/** With more runs than this, whiskers would hide one another. */
const MOST_WITH_WHISKERS = 4
/** Runs are labelled at the ends of their curves if every label fits; the legend has all of them. */
const NAMED_RIGHT = WIDTH - 84
const LONGEST_NAME = 9
const MOST_NAMED = 6
const NAMES = Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]

/**
 * Draws the distribution of each run on HdrHistogram's percentile axis: percentile p is at 1 / (1 - p / 100) on a
 * logarithmic scale, so that 90, 99 and 99.9 are at equal distances.
 *
 * @param limits a curve that passes below the end of a limit's line is within the limit
 * @param metric what the distributions are of
 */
export function drawPercentileCurves(
  runs: readonly LabelledSummary[],
  limits: readonly PercentileLimit[] = [],
  metric: string = 'latency',
): Drawing {
  const curves = runs.map(({ summary }) => decodeSteps(summary))
  const longest = runs.map(({ summary }) => summary.max)
  const unit = timeUnit(runs.map(({ summary }) => summary.p99))
  const drawable = limits.filter(({ ms }) => ms > 0)
  const times = [...curves.map((steps) => (steps[0] as Step).ms), ...longest, ...drawable.map(({ ms }) => ms)]
  const y = logScale(times, [PLOT.bottom, PLOT.top])
  const most = Math.max(10, ...runs.map(({ summary }) => summary.count))
  const nines = [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].filter((beyond) => beyond <= most)
  const names = endLabels(runs)
  const box = names === null ? PLOT : { ...PLOT, right: NAMED_RIGHT }
  const x = exactLogScale([1, most], [box.left, box.right], nines)
  const whiskers = runs.length <= MOST_WITH_WHISKERS
  const drawn = runs.map((run, i) =>
    drawCurve(run, curves[i] as Step[], { x, y, i, whiskers, mergeBelow: whiskers ? 1 : 2 }),
  )
  return {
    drawn: markup`${drawFrame(
      box,
      { ticks: ticksOf(x, percentileText), title: 'percentile' },
      { ticks: ticksOf(y, (ms) => tickText(ms / unit.ms)), title: `${metric}, ${unit.name}` },
    )}${drawLimits(drawable, x, y, box)}${drawn}${names !== null && drawRunLabels(runs, names, y)}`,
    y,
    x,
  }
}

/** Draws each limit as a line up to its percentile: lower percentiles are shorter, so the limit holds for them too. */
function drawLimits(limits: readonly PercentileLimit[], x: Scale, y: Scale, { left, right }: Box): Markup {
  const heights = spreadLabels(
    limits.map(({ ms }) => y.at(ms) - 6),
    15,
    PLOT,
  )
  return markup`${limits.map(({ percentile, ms }, i) => {
    const [to, at] = [px(Math.min(right, x.at(1 / (1 - percentile / 100)))), px(y.at(ms))]
    return markup`<g data-limit="${ms}"><path class="limit" fill="none" d="M${left} ${at}H${to}v-8"/><text class="note bad" x="${left + 4}" y="${px(heights[i] as number)}">p${percentile} at most ${time(ms)}</text></g>`
  })}`
}

const percentileText = (beyond: number) => `${Number((100 * (1 - 1 / beyond)).toFixed(9))}`

interface Place {
  x: Scale
  y: Scale
  i: number
  whiskers: boolean
  /** steps of fewer pixels are merged */
  mergeBelow: number
}

function drawCurve({ label, summary }: LabelledSummary, steps: Step[], place: Place): Markup {
  const { x, y, i, whiskers } = place
  const few = 1 - FEW / summary.count
  const beyond = (fraction: number) => (fraction >= 1 ? summary.count : 1 / (1 - fraction))
  const known = stepPath(
    steps.filter(({ upTo }) => upTo <= few),
    place,
    0,
    beyond,
  )
  const start = steps.findLast(({ upTo }) => upTo <= few)?.upTo ?? 0
  const uncertain = stepPath(
    steps.filter(({ upTo }) => upTo > few),
    place,
    start,
    beyond,
  )
  const points = NAMES.filter((name) => 1 / (1 - PERCENTILES[name] / 100) <= summary.count).map((name) => {
    const bounded = boundedOf(summary, name)
    const [cx, cy] = [px(x.at(1 / (1 - PERCENTILES[name] / 100))), px(y.at(bounded.value))]
    const text = `${nameOf(name)}${label === '' ? '' : ` of ${label}`}: ${formatBounded(bounded, time, '95 % interval')}`
    const at = (bound: number | null) => (bound === null ? null : px(y.at(bound)))
    return drawMark({ text, data: { k: name, run: label, v: bounded.value, low: bounded.low, high: bounded.high } }, [
      whiskers && drawWhisker(cx, at(bounded.low), at(bounded.high), cy),
      drawDot(cx, cy, 'full'),
    ])
  })
  const longest = drawMark(
    {
      text: `max${label === '' ? '' : ` of ${label}`}: ${time(summary.max)}`,
      data: { k: 'max', run: label, v: summary.max },
    },
    drawDot(px(x.at(summary.count)), px(y.at(summary.max)), 'open'),
  )
  const dashed = runClass(i).dashed ? ' dashed' : ''
  return markup`<g class="${runClass(i).name}">${known !== '' && markup`<path class="line${dashed}" d="${known}"/>`}${uncertain !== '' && markup`<path class="line thin dotted" d="${uncertain}"/>`}${points}${longest}</g>`
}

/** Builds a stepped path: percentiles are by nearest rank, so that there is nothing between two recorded times. */
function stepPath(
  steps: Step[],
  { x, y, mergeBelow }: Place,
  from: number,
  beyond: (fraction: number) => number,
): string {
  let d = ''
  let [lastX, lastY] = [px(x.at(beyond(from))), Number.NaN]
  for (const { ms, upTo } of steps) {
    const [toX, toY] = [px(x.at(beyond(upTo))), px(y.at(ms))]
    if (Math.abs(toX - lastX) < mergeBelow && Math.abs(toY - lastY) < mergeBelow && upTo < 1) continue
    d += d === '' ? `M${lastX} ${toY}H${toX}` : `V${toY}H${toX}`
    lastX = toX
    lastY = toY
  }
  return d
}

/** The labels of the runs without common words, if all are short enough for the ends of the curves; else null. */
function endLabels(runs: readonly LabelledSummary[]): string[] | null {
  if (runs.length === 1 || runs.length > MOST_NAMED) return null
  const names = stripCommonWords(runs.map(({ label }) => label))
  return names.every((name) => [...name].length <= LONGEST_NAME) ? names : null
}

function drawRunLabels(runs: readonly LabelledSummary[], names: string[], y: Scale): Markup {
  const heights = spreadLabels(
    runs.map(({ summary }) => y.at(summary.max)),
    16,
    PLOT,
  )
  return markup`${names.map((name, i) => markup`<text class="name ${runClass(i).name}" x="${NAMED_RIGHT + 8}" y="${px(heights[i] as number)}" dy=".35em">${name}</text>`)}`
}

/** Reads a summary's histogram as steps. Each bucket counts as its longest time, as in percentiles. */
export function decodeSteps({ histogram, min, max }: Pick<Summary, 'histogram' | 'min' | 'max'>): Step[] {
  const { count, buckets, counts } = decode(histogram)
  let below = 0
  return Array.from(buckets, (bucket, i) => {
    below += counts[i] as number
    const ms = bucketCeiling(bucket) / NS_PER_MS
    return { ms: Math.max(min, Math.min(max, ms)), upTo: below / count }
  })
}
