import { zeros } from '../histogram/latency-histogram.js'
import { NS_PER_SECOND } from '../scenario/nanoseconds.js'
import type { ResponseTime } from '../scenario/times.js'
import { type Goodput, goodputOf } from './goodput.js'
import { countedBy, intervalsOfRecording } from './merge/intervals.js'
import {
  type ClassMetric,
  type ClassRecording,
  type ClassRecordings,
  type Counts,
  errorsIn,
  noCounts,
  type Recording,
} from './recording.js'
import { responseTimesIn, type SegmentTimes, segmentTimes } from './segment-times.js'
import { type Summary, summaryOf, withholdIntervals } from './summary.js'

/** The requests of one class, of those due in the window. */
export interface ClassResult {
  counts: Counts
  /** requests per second that were due in the window */
  offeredPerSecond: number
  /** from when a request was due to its completion; null if none completed */
  latencyMs: Summary | null
  /** from when a request was due to the beginning of its response, as in the whole; absent if none has one */
  firstMs?: Summary
  /** the gaps between the events of each response, as in the whole; absent if none has two events */
  betweenMs?: Summary
  /** fractions of the class's own offered requests, as in the whole; null if none was offered */
  rates: { error: number; rejection: number } | null
  /** the requests that met all limits of the scenario's `good`; absent if it has none, or none of the class was offered */
  goodput?: Goodput
  /** one for each segment of the whole, which has its start and end */
  segments: ClassSegment[]
}

/** The requests of one class in a segment of the window. */
export interface ClassSegment extends SegmentTimes {
  counts: Counts
}

/**
 * The result of each class of a recording.
 *
 * @param noSteadyState why there are no intervals; null if there is a steady state
 */
export function classResults(recording: Recording, noSteadyState: string | null): Record<string, ClassResult> {
  const { classes = {}, segments, machines = [], startNs, endNs } = recording
  const timesOfClasses = responseTimesIn(recording.histograms, Object.values(classes))
  return Object.fromEntries(
    Object.entries(classes).map(([name, recorded]) => {
      const { counts } = recorded
      // one of several merged runs, or of several segments, may be without the class
      const absent: ClassRecording = { counts: noCounts(counts.good !== undefined), latency: zeros(0) }
      const ownOf = ({ classes }: { classes?: ClassRecordings }) => classes?.[name] ?? absent
      const own = segments.map(ownOf)
      const ofMachines = machines.map(ownOf)
      const goodput =
        counts.offered === 0
          ? null
          : goodputOf(recording, noSteadyState, { counts, segments: own, machines: ofMachines })
      const summary = (metric: ClassMetric): Summary | null => {
        const histogramIn = (each: ClassRecording) => each[metric] ?? zeros(0)
        const total = histogramIn(recorded)
        if (total.count === 0) return null
        if (noSteadyState !== null) return summaryOf(total, withholdIntervals(noSteadyState))
        const by = {
          machines: ofMachines.map(histogramIn),
          segments: own.map(histogramIn),
        }
        return summaryOf(total, intervalsOfRecording(recording, total, by, countedBy(metric)))
      }
      const ofResponses: Pick<ClassResult, `${ResponseTime}Ms`> = Object.fromEntries(
        timesOfClasses.flatMap((time) => {
          const known = summary(time)
          return known === null ? [] : [[`${time}Ms`, known]]
        }),
      )
      const times = responseTimesIn(recorded, own).filter((time) => timesOfClasses.includes(time))
      const result: ClassResult = {
        counts,
        offeredPerSecond: counts.offered / ((endNs - startNs) / NS_PER_SECOND),
        latencyMs: summary('latency'),
        ...ofResponses,
        rates: ratesOf(counts),
        ...(goodput !== null && { goodput }),
        segments: own.map((segment) => ({ counts: segment.counts, ...segmentTimes(segment, times) })),
      }
      return [name, result]
    }),
  )
}

const ratesOf = (counts: Counts): ClassResult['rates'] =>
  counts.offered === 0
    ? null
    : { error: errorsIn(counts) / counts.offered, rejection: counts.rejected / counts.offered }
