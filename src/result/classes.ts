import { zeros } from '../histogram/latency-histogram.js'
import { NS_PER_SECOND } from '../scenario/units.js'
import { type Goodput, goodputOf } from './goodput.js'
import { intervalsIn } from './intervals/intervals.js'
import { type ClassRecording, type Counts, errorsIn, noCounts, type Recording } from './recording.js'
import { type SegmentLatency, type Summary, segmentLatency, summaryOf, withholdIntervals } from './summary.js'

/** The requests of one class, of those due in the window. */
export interface ClassResult {
  counts: Counts
  /** requests per second that were due in the window */
  offeredPerSecond: number
  /** from when a request was due to its completion; null if none completed */
  latencyMs: Summary | null
  /** fractions of the class's own offered requests, as in the whole; null if none was offered */
  rates: { error: number; rejection: number } | null
  /** the requests that met all limits of the scenario's `good`; absent if it has none, or none of the class was offered */
  goodput?: Goodput
  /** in the segments of the whole: when they begin and end, they say */
  segments: ClassSegment[]
}

/** The requests of one class in a segment of the window. */
export interface ClassSegment {
  counts: Counts
  /** of the completed requests; null if none completed */
  latencyMs: SegmentLatency | null
}

/**
 * The result of each class of a recording.
 *
 * @param noSteadyState why there are no intervals; null if there is a steady state
 */
export function classResults(recording: Recording, noSteadyState: string | null): Record<string, ClassResult> {
  const { classes = {}, segments, startNs, endNs } = recording
  return Object.fromEntries(
    Object.entries(classes).map(([name, { counts, latency }]) => {
      const absent: ClassRecording = { counts: noCounts(counts.good !== undefined), latency: zeros(0) }
      const own = segments.map((segment) => segment.classes?.[name] ?? absent)
      const goodput = counts.offered === 0 ? null : goodputOf(recording, noSteadyState, counts, own)
      const intervals = () =>
        noSteadyState === null
          ? intervalsIn(
              recording,
              latency,
              own.map((segment) => segment.latency),
            )
          : withholdIntervals(noSteadyState)
      const result: ClassResult = {
        counts,
        offeredPerSecond: counts.offered / ((endNs - startNs) / NS_PER_SECOND),
        latencyMs: latency.count === 0 ? null : summaryOf(latency, intervals()),
        rates: ratesOf(counts),
        ...(goodput !== null && { goodput }),
        segments: own.map((segment) => ({ counts: segment.counts, latencyMs: segmentLatency(segment.latency) })),
      }
      return [name, result]
    }),
  )
}

const ratesOf = (counts: Counts): ClassResult['rates'] =>
  counts.offered === 0
    ? null
    : { error: errorsIn(counts) / counts.offered, rejection: counts.rejected / counts.offered }
