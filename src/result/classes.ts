import { zeros } from '../histogram/latency-histogram.js'
import { NS_PER_SECOND } from '../scenario/nanoseconds.js'
import { type Goodput, goodputOf } from './goodput.js'
import { intervalsOfRecording } from './merge/intervals.js'
import {
  type ClassRecording,
  type ClassRecordings,
  type Counts,
  errorsIn,
  noCounts,
  type Recording,
} from './recording.js'
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
  /** one for each segment of the whole, which has its start and end */
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
  const { classes = {}, segments, machines = [], startNs, endNs } = recording
  return Object.fromEntries(
    Object.entries(classes).map(([name, { counts, latency }]) => {
      // one of several merged runs, or of several segments, may be without the class
      const absent: ClassRecording = { counts: noCounts(counts.good !== undefined), latency: zeros(0) }
      const ownOf = ({ classes }: { classes?: ClassRecordings }) => classes?.[name] ?? absent
      const own = segments.map(ownOf)
      const ofMachines = machines.map(ownOf)
      const goodput =
        counts.offered === 0
          ? null
          : goodputOf(recording, noSteadyState, { counts, segments: own, machines: ofMachines })
      const intervals = () =>
        noSteadyState === null
          ? intervalsOfRecording(recording, latency, {
              machines: ofMachines.map((machine) => machine.latency),
              segments: own.map((segment) => segment.latency),
            })
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
