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

/** A segment and the latency of the requests due in it; null if none completed. */
export interface SegmentLatency {
  segment: Segment
  latency: { p50: number; p99: number; max: number } | null
}

export function segmentLatencies({ segments }: Result): SegmentLatency[] {
  return segments.map((segment) => {
    if (segment.latencyMs === null) return { segment, latency: null }
    const { histogram, min, max } = segment.latencyMs
    const read = decode(histogram)
    const at = (p: number) => percentileNs(read, p, nanoseconds(min), nanoseconds(max)) / NS_PER_MS
    return { segment, latency: { p50: at(50), p99: at(99), max } }
  })
}

/** How many requests due in a segment did not complete. */
export const lostIn = ({ segment: { counts } }: SegmentLatency) => counts.offered - counts.completed

/**
 * Draws latency over time: p50, p99 and the longest of each segment, as lines as long as the segment, since a Result
 * has no finer detail. Each replication is one segment. Null if there is no time or no latency to draw.
 */
export function timeline(result: Result, segments: readonly SegmentLatency[]): Drawing | null {
  const times = segments.flatMap(({ latency }) => (latency === null ? [] : [latency.p50, latency.max]))
  const replicated = result.replications !== undefined
  const ends = segments.map(({ segment }, i): [number, number] =>
    replicated ? [i + 0.5, i + 1.5] : [segment.startMs, segment.endMs],
  )
  const [first, last] = [ends[0]?.[0] ?? 0, ends.at(-1)?.[1] ?? 0]
  if (times.length === 0 || !(last > first)) return null
  const unit = timeUnit(times)
  const length = timeUnit([last])
  const y = logScale(times, [PLOT.bottom, PLOT.top])
  const x = exactScale([first, last], [PLOT.left, PLOT.right])
  const marks = segments.map((each, i) => segmentMark(each, ends[i] as [number, number], x, replicated ? i : null))
  const xTicks = replicated
    ? ticksOf(x, (i) => (Number.isInteger(i) ? String(i) : '')).filter(({ label }) => label !== '')
    : ticksOf(x, (ms) => tickText(ms / length.ms))
  return {
    drawn: markup`${frame(
      PLOT,
      { ticks: xTicks, title: replicated ? 'replication' : `due, ${length.name} after the start` },
      { ticks: ticksOf(y, (ms) => tickText(ms / unit.ms)), title: `latency, ${unit.name}` },
    )}<path class="line s-p50" d="${strokes(segments, 'p50', ends, x, y)}"/><path class="line s-p99" d="${strokes(segments, 'p99', ends, x, y)}"/><path class="line thin s-p999" d="${strokes(segments, 'max', ends, x, y)}"/>${lostStrokes(segments, ends, x)}${names(segments, y)}${marks}`,
    x,
    y,
  }
}

function segmentMark(
  drawn: SegmentLatency,
  [from, to]: [number, number],
  x: Scale,
  replication: number | null,
): Markup {
  const { segment, latency } = drawn
  const [x1, x2] = [px(x.at(from)), px(x.at(to))]
  const lost = lostIn(drawn)
  const when =
    replication === null
      ? `${timeText(segment.startMs)} to ${timeText(segment.endMs)}`
      : `replication ${replication + 1}`
  const times =
    latency === null
      ? 'none completed'
      : `p50 ${timeText(latency.p50)}, p99 ${timeText(latency.p99)}, longest ${timeText(latency.max)}`
  const says = `${when}: ${times}; ${count(segment.counts.completed)} completed${lost > 0 ? `, ${count(lost)} not` : ''}`
  const data = { k: 'segment', from: segment.startMs, ...latency, lost: lost > 0 ? lost : null }
  return mark({ says, data }, markup`<path class="hit band" d="M${x1} ${PLOT.top}H${x2}V${PLOT.bottom}H${x1}z"/>`)
}

/** Where requests were lost, along the bottom. */
function lostStrokes(segments: readonly SegmentLatency[], ends: [number, number][], x: Scale): Markup | null {
  const d = segments.map((each, i) => {
    const [from, to] = ends[i] as [number, number]
    return lostIn(each) === 0 ? '' : `M${px(x.at(from))} ${PLOT.bottom - 2}H${px(x.at(to))}`
  })
  return d.every((each) => each === '') ? null : markup`<path class="lost" d="${d.join('')}"/>`
}

/** A line for each segment, as long as it is. */
function strokes(
  segments: readonly SegmentLatency[],
  name: 'p50' | 'p99' | 'max',
  ends: [number, number][],
  x: Scale,
  y: Scale,
) {
  return segments
    .map(({ latency }, i) => {
      if (latency === null) return ''
      const [from, to] = ends[i] as [number, number]
      return `M${px(x.at(from))} ${px(y.at(latency[name]))}H${px(x.at(to))}`
    })
    .join('')
}

function names(segments: readonly SegmentLatency[], y: Scale): Markup {
  const { latency } = segments.findLast((each) => each.latency !== null) as SegmentLatency
  const { p50, p99, max } = latency as NonNullable<SegmentLatency['latency']>
  const heights = apart([y.at(p50), y.at(p99), y.at(max)], 16)
  const labels = [
    ['p50', 'p50'],
    ['p99', 'p99'],
    ['p999', 'max'],
  ] as const
  return markup`${labels.map(([name, text], i) => markup`<text class="name s-${name}" x="${PLOT.right + 6}" y="${px(heights[i] as number)}" dy=".35em">${text}</text>`)}`
}
