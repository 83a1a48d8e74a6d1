import { decode } from '../../histogram/hdr.js'
import type { Result, Segment } from '../../result/result.js'
import { percentileNs } from '../../result/summary.js'
import { NS_PER_MS, nanoseconds } from '../../scenario/units.js'
import { count, timeUnit } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import type { Drawing } from './drawing.js'
import { apart, frame, PLOT, px, ticksOf, tickText } from './frame.js'
import { mark } from './mark.js'
import { exactScale, logScale, type Scale } from './scale.js'
import { timeText } from './text.js'

/** A stretch of the window, and the percentiles of the requests due in it; null where none completed. */
export interface Stretch {
  segment: Segment
  latency: { p50: number; p99: number; max: number } | null
}

export function stretchesOf({ segments }: Result): Stretch[] {
  return segments.map((segment) => {
    if (segment.latencyMs === null) return { segment, latency: null }
    const { histogram, min, max } = segment.latencyMs
    const read = decode(histogram)
    const at = (p: number) => percentileNs(read, p, nanoseconds(min), nanoseconds(max)) / NS_PER_MS
    return { segment, latency: { p50: at(50), p99: at(99), max } }
  })
}

/** Requests due in a stretch that were never answered. */
export const lostIn = ({ segment: { counts } }: Stretch) => counts.offered - counts.completed

/**
 * Latency over time: for each stretch of the window its p50, p99 and longest, as lines as long as the stretch, for that
 * is all that is kept. Of replications each is one stretch. Null where no time or no latency is left to draw.
 */
export function timeline(result: Result, stretches: readonly Stretch[]): Drawing | null {
  const times = stretches.flatMap(({ latency }) => (latency === null ? [] : [latency.p50, latency.max]))
  const replicated = result.replications !== undefined
  const ends = stretches.map(({ segment }, i): [number, number] =>
    replicated ? [i + 0.5, i + 1.5] : [segment.startMs, segment.endMs],
  )
  const [first, last] = [ends[0]?.[0] ?? 0, ends.at(-1)?.[1] ?? 0]
  if (times.length === 0 || !(last > first)) return null
  const unit = timeUnit(times)
  const length = timeUnit([last])
  const y = logScale(times, [PLOT.bottom, PLOT.top])
  const x = exactScale([first, last], [PLOT.left, PLOT.right])
  const marks = stretches.map((stretch, i) =>
    stretchMark(stretch, ends[i] as [number, number], x, replicated ? i : null),
  )
  const xTicks = replicated
    ? ticksOf(x, (i) => (Number.isInteger(i) ? String(i) : '')).filter(({ label }) => label !== '')
    : ticksOf(x, (ms) => tickText(ms / length.ms))
  return {
    drawn: markup`${frame(
      PLOT,
      { ticks: xTicks, title: replicated ? 'replication' : `due, ${length.name} after the start` },
      { ticks: ticksOf(y, (ms) => tickText(ms / unit.ms)), title: `latency, ${unit.name}` },
    )}<path class="line s-p50" d="${strokes(stretches, 'p50', ends, x, y)}"/><path class="line s-p99" d="${strokes(stretches, 'p99', ends, x, y)}"/><path class="line thin s-p999" d="${strokes(stretches, 'max', ends, x, y)}"/>${lostStrokes(stretches, ends, x)}${names(stretches, y)}${marks}`,
    x,
    y,
  }
}

function stretchMark(stretch: Stretch, [from, to]: [number, number], x: Scale, replication: number | null): Markup {
  const { segment, latency } = stretch
  const [x1, x2] = [px(x.at(from)), px(x.at(to))]
  const lost = lostIn(stretch)
  const when =
    replication === null
      ? `${timeText(segment.startMs)} to ${timeText(segment.endMs)}`
      : `replication ${replication + 1}`
  const times =
    latency === null
      ? 'none completed'
      : `p50 ${timeText(latency.p50)}, p99 ${timeText(latency.p99)}, longest ${timeText(latency.max)}`
  const says = `${when}: ${times}; ${count(segment.counts.completed)} completed${lost > 0 ? `, ${count(lost)} not` : ''}`
  const data = { k: 'stretch', from: segment.startMs, ...latency, lost: lost > 0 ? lost : null }
  return mark({ says, data }, markup`<path class="hit band" d="M${x1} ${PLOT.top}H${x2}V${PLOT.bottom}H${x1}z"/>`)
}

/** Where requests were lost, along the bottom. */
function lostStrokes(stretches: readonly Stretch[], ends: [number, number][], x: Scale): Markup | null {
  const d = stretches.map((stretch, i) => {
    const [from, to] = ends[i] as [number, number]
    return lostIn(stretch) === 0 ? '' : `M${px(x.at(from))} ${PLOT.bottom - 2}H${px(x.at(to))}`
  })
  return d.every((each) => each === '') ? null : markup`<path class="lost" d="${d.join('')}"/>`
}

/** A line for each stretch, as long as it is. */
function strokes(
  stretches: readonly Stretch[],
  name: 'p50' | 'p99' | 'max',
  ends: [number, number][],
  x: Scale,
  y: Scale,
) {
  return stretches
    .map(({ latency }, i) => {
      if (latency === null) return ''
      const [from, to] = ends[i] as [number, number]
      return `M${px(x.at(from))} ${px(y.at(latency[name]))}H${px(x.at(to))}`
    })
    .join('')
}

function names(stretches: readonly Stretch[], y: Scale): Markup {
  const { latency } = stretches.findLast((stretch) => stretch.latency !== null) as Stretch
  const { p50, p99, max } = latency as NonNullable<Stretch['latency']>
  const heights = apart([y.at(p50), y.at(p99), y.at(max)], 16)
  const labels = [
    ['p50', 'p50'],
    ['p99', 'p99'],
    ['p999', 'max'],
  ] as const
  return markup`${labels.map(([name, text], i) => markup`<text class="name s-${name}" x="${PLOT.right + 6}" y="${px(heights[i] as number)}" dy=".35em">${text}</text>`)}`
}
