import { bucketFloor } from '../../histogram/buckets.js'
import { decode, forEachBucketOf } from '../../histogram/hdr.js'
import { nameOf, PERCENTILES, type Summary } from '../../result/summary.js'
import { NS_PER_MS } from '../../scenario/units.js'
import { timeUnit } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import type { Drawing } from './drawing.js'
import { apart, type Box, frame, PLOT, px, ticksOf, tickText, WIDTH } from './frame.js'
import { apartInWords } from './label.js'
import { dot, mark, whisker } from './mark.js'
import { runClass } from './run-colour.js'
import { exactLogScale, logScale, type Scale } from './scale.js'
import { boundedText, timeText } from './text.js'
import { boundedOf } from './trade-off-figure.js'

/** A time, and the fraction of all requests that took as long or less. */
interface Step {
  ms: number
  upTo: number
}

export interface LabelledSummary {
  label: string
  summary: Summary
}

/** What a budget allows a percentile of latency at most. */
export interface PercentileLimit {
  percentile: number
  ms: number
}

/** From so few requests beyond it, a percentile is hardly known. */
const FEW = 10
/** With more runs than this, the ends of their percentiles would hide one another. */
const MOST_WITH_WHISKERS = 4
/** Runs are named beside the ends of their curves, if there is room for all their names; a legend has them anyway. */
const NAMED_RIGHT = WIDTH - 84
const LONGEST_NAME = 9
const MOST_NAMED = 6
const NAMES = Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]

/**
 * The whole distribution of each run on HdrHistogram's axis of nines: a percentile p stands at 1 / (1 - p / 100), on a
 * scale of equal ratios, so that each further nine takes as much room as the one before.
 *
 * @param limits curves that pass below the end of each keep to it
 */
export function percentileCurves(runs: readonly LabelledSummary[], limits: readonly PercentileLimit[] = []): Drawing {
  const curves = runs.map(({ summary }) => stepsOf(summary))
  const longest = runs.map(({ summary }) => summary.max)
  const unit = timeUnit(runs.map(({ summary }) => summary.p99))
  const drawable = limits.filter(({ ms }) => ms > 0)
  const times = [...curves.map((steps) => (steps[0] as Step).ms), ...longest, ...drawable.map(({ ms }) => ms)]
  const y = logScale(times, [PLOT.bottom, PLOT.top])
  const most = Math.max(10, ...runs.map(({ summary }) => summary.count))
  const nines = [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].filter((beyond) => beyond <= most)
  const names = namesOf(runs)
  const box = names === null ? PLOT : { ...PLOT, right: NAMED_RIGHT }
  const x = exactLogScale([1, most], [box.left, box.right], nines)
  const whiskers = runs.length <= MOST_WITH_WHISKERS
  const drawn = runs.map((run, i) => runCurve(run, curves[i] as Step[], { x, y, i, whiskers, near: whiskers ? 1 : 2 }))
  return {
    drawn: markup`${frame(
      box,
      { ticks: ticksOf(x, percentileText), title: 'percentile' },
      { ticks: ticksOf(y, (ms) => tickText(ms / unit.ms)), title: `latency, ${unit.name}` },
    )}${limitLines(drawable, x, y, box)}${drawn}${names !== null && runNames(runs, names, y)}`,
    y,
    x,
  }
}

/** Percentiles only rise: what is within the limit at its percentile is so at each before it. */
function limitLines(limits: readonly PercentileLimit[], x: Scale, y: Scale, { left, right }: Box): Markup {
  const heights = apart(
    limits.map(({ ms }) => y.at(ms) - 6),
    15,
    PLOT,
  )
  return markup`${limits.map(({ percentile, ms }, i) => {
    const [to, at] = [px(Math.min(right, x.at(1 / (1 - percentile / 100)))), px(y.at(ms))]
    return markup`<g data-limit="${ms}"><path class="limit" fill="none" d="M${left} ${at}H${to}v-8"/><text class="note bad" x="${left + 4}" y="${px(heights[i] as number)}">p${percentile} at most ${timeText(ms)}</text></g>`
  })}`
}

const percentileText = (beyond: number) => `${Number((100 * (1 - 1 / beyond)).toFixed(9))}`

interface Place {
  x: Scale
  y: Scale
  i: number
  whiskers: boolean
  /** what is nearer than so many pixels is not seen */
  near: number
}

function runCurve({ label, summary }: LabelledSummary, steps: Step[], place: Place): Markup {
  const { x, y, i, whiskers } = place
  const few = 1 - FEW / summary.count
  const beyond = (fraction: number) => (fraction >= 1 ? summary.count : 1 / (1 - fraction))
  const known = path(
    steps.filter(({ upTo }) => upTo <= few),
    place,
    0,
    beyond,
  )
  const start = steps.findLast(({ upTo }) => upTo <= few)?.upTo ?? 0
  const hardly = path(
    steps.filter(({ upTo }) => upTo > few),
    place,
    start,
    beyond,
  )
  const points = NAMES.filter((name) => 1 / (1 - PERCENTILES[name] / 100) <= summary.count).map((name) => {
    const bounded = boundedOf(summary, name)
    const [cx, cy] = [px(x.at(1 / (1 - PERCENTILES[name] / 100))), px(y.at(bounded.value))]
    const says = `${nameOf(name)}${label === '' ? '' : ` of ${label}`}: ${boundedText(bounded, timeText, '95 % interval')}`
    const at = (bound: number | null) => (bound === null ? null : px(y.at(bound)))
    return mark({ says, data: { k: name, run: label, v: bounded.value, low: bounded.low, high: bounded.high } }, [
      whiskers && whisker(cx, at(bounded.low), at(bounded.high), cy),
      dot(cx, cy, 'full'),
    ])
  })
  const longest = mark(
    {
      says: `the longest${label === '' ? '' : ` of ${label}`}: ${timeText(summary.max)}`,
      data: { k: 'max', run: label, v: summary.max },
    },
    dot(px(x.at(summary.count)), px(y.at(summary.max)), 'open'),
  )
  const dashed = runClass(i).dashed ? ' dashed' : ''
  return markup`<g class="${runClass(i).name}">${known !== '' && markup`<path class="line${dashed}" d="${known}"/>`}${hardly !== '' && markup`<path class="line thin dotted" d="${hardly}"/>`}${points}${longest}</g>`
}

/** Percentiles are by nearest rank: between two recorded times there is a step, and nothing else. */
function path(steps: Step[], { x, y, near }: Place, from: number, beyond: (fraction: number) => number): string {
  let d = ''
  let [lastX, lastY] = [px(x.at(beyond(from))), Number.NaN]
  for (const { ms, upTo } of steps) {
    const [toX, toY] = [px(x.at(beyond(upTo))), px(y.at(ms))]
    if (Math.abs(toX - lastX) < near && Math.abs(toY - lastY) < near && upTo < 1) continue
    d += d === '' ? `M${lastX} ${toY}H${toX}` : `V${toY}H${toX}`
    lastX = toX
    lastY = toY
  }
  return d
}

/** What tells runs apart, if all of it is short enough to stand beside their curves. */
function namesOf(runs: readonly LabelledSummary[]): string[] | null {
  if (runs.length === 1 || runs.length > MOST_NAMED) return null
  const names = apartInWords(runs.map(({ label }) => label))
  return names.every((name) => [...name].length <= LONGEST_NAME) ? names : null
}

function runNames(runs: readonly LabelledSummary[], names: string[], y: Scale): Markup {
  const heights = apart(
    runs.map(({ summary }) => y.at(summary.max)),
    16,
    PLOT,
  )
  return markup`${names.map((name, i) => markup`<text class="name ${runClass(i).name}" x="${NAMED_RIGHT + 8}" y="${px(heights[i] as number)}" dy=".35em">${name}</text>`)}`
}

/** A summary's histogram from the shortest time on; a bucket stands for the longest time in it, as percentiles do. */
export function stepsOf({ histogram, min, max }: Pick<Summary, 'histogram' | 'min' | 'max'>): Step[] {
  const buckets: [number, number][] = []
  let all = 0
  forEachBucketOf(decode(histogram), (bucket, times) => {
    all += times
    buckets.push([bucket, times])
  })
  let below = 0
  return buckets.map(([bucket, times]) => {
    below += times
    const ms = (bucketFloor(bucket + 1) - 1) / NS_PER_MS
    return { ms: Math.max(min, Math.min(max, ms)), upTo: below / all }
  })
}
