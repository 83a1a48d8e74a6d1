import { percentilesNs } from '../../histogram/percentile.js'
import type { Result, Segment } from '../../result/result.js'
import { decodeSummary } from '../../result/summary.js'
import { NS_PER_MS } from '../../scenario/nanoseconds.js'
import { count, time, timeUnit } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import type { Drawing } from './elements/drawing.js'
import { drawFrame, PLOT, px, spreadLabels, ticksOf, tickText } from './elements/frame.js'
import { drawMark } from './elements/mark.js'
import { exactScale, logScale, type Scale } from './elements/scale.js'

/** A segment of the window, and the latency of the requests due in it; null if none completed. */
export interface DecodedSegment {
  segment: Segment
  latency: { p50: number; p99: number; max: number } | null
}

/** Reads the percentiles of each segment. */
export function decodeSegments({ segments }: Result): DecodedSegment[] {
  return segments.map((segment) => {
    if (segment.latencyMs === null) return { segment, latency: null }
    const [p50, p99] = percentilesNs(decodeSummary(segment.latencyMs), [50, 99]) as [number, number]
    return { segment, latency: { p50: p50 / NS_PER_MS, p99: p99 / NS_PER_MS, max: segment.latencyMs.max } }
  })
}

/** Counts the requests due in a segment that never completed. */
export const incompleteIn = ({ segment: { counts } }: DecodedSegment) => counts.offered - counts.completed

/**
 * Draws latency over time: the p50, p99 and max of each segment as lines of the segment's length. Replications count as
 * one segment each. Null if there is no time or no latency to draw.
 */
export function drawTimeline(result: Result, segments: readonly DecodedSegment[]): Drawing | null {
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
  const marks = segments.map((segment, i) =>
    segmentMark(segment, ends[i] as [number, number], x, replicated ? i : null),
  )
  const xTicks = replicated
    ? ticksOf(x, (i) => (Number.isInteger(i) ? String(i) : '')).filter(({ label }) => label !== '')
    : ticksOf(x, (ms) => tickText(ms / length.ms))
  return {
    drawn: markup`${drawFrame(
      PLOT,
      { ticks: xTicks, title: replicated ? 'replication' : `due, ${length.name} after the start` },
      { ticks: ticksOf(y, (ms) => tickText(ms / unit.ms)), title: `latency, ${unit.name}` },
    )}<path class="line s-p50" d="${strokes(segments, 'p50', ends, x, y)}"/><path class="line s-p99" d="${strokes(segments, 'p99', ends, x, y)}"/><path class="line thin s-p999" d="${strokes(segments, 'max', ends, x, y)}"/>${incompleteStrokes(segments, ends, x)}${drawNames(segments, y)}${marks}`,
    x,
    y,
  }
}

function segmentMark(
  decoded: DecodedSegment,
  [from, to]: [number, number],
  x: Scale,
  replication: number | null,
): Markup {
  const { segment, latency } = decoded
  const [x1, x2] = [px(x.at(from)), px(x.at(to))]
  const incomplete = incompleteIn(decoded)
  const when =
    replication === null ? `${time(segment.startMs)} to ${time(segment.endMs)}` : `replication ${replication + 1}`
  const times =
    latency === null ? 'none completed' : `p50 ${time(latency.p50)}, p99 ${time(latency.p99)}, max ${time(latency.max)}`
  const text = `${when}: ${times}; ${count(segment.counts.completed)} completed${incomplete > 0 ? `, ${count(incomplete)} not completed` : ''}`
  const data = { k: 'segment', from: segment.startMs, ...latency, incomplete: incomplete > 0 ? incomplete : null }
  return drawMark({ text, data }, markup`<path class="hit band" d="M${x1} ${PLOT.top}H${x2}V${PLOT.bottom}H${x1}z"/>`)
}

/** Marks the segments with incomplete requests, along the bottom. */
function incompleteStrokes(segments: readonly DecodedSegment[], ends: [number, number][], x: Scale): Markup | null {
  const d = segments.map((segment, i) => {
    const [from, to] = ends[i] as [number, number]
    return incompleteIn(segment) === 0 ? '' : `M${px(x.at(from))} ${PLOT.bottom - 2}H${px(x.at(to))}`
  })
  return d.every((each) => each === '') ? null : markup`<path class="incomplete" d="${d.join('')}"/>`
}

/** Builds a path with a line for each segment. */
function strokes(
  segments: readonly DecodedSegment[],
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

function drawNames(segments: readonly DecodedSegment[], y: Scale): Markup {
  const { latency } = segments.findLast((segment) => segment.latency !== null) as DecodedSegment
  const { p50, p99, max } = latency as NonNullable<DecodedSegment['latency']>
  const heights = spreadLabels([y.at(p50), y.at(p99), y.at(max)], 16)
  const labels = [
    ['p50', 'p50'],
    ['p99', 'p99'],
    ['p999', 'max'],
  ] as const
  return markup`${labels.map(([name, text], i) => markup`<text class="name s-${name}" x="${PLOT.right + 6}" y="${px(heights[i] as number)}" dy=".35em">${text}</text>`)}`
}
