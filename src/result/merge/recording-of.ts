import { bucketCeiling, bucketFloor } from '../../histogram/buckets.js'
import { type HistogramSnapshot, zeros } from '../../histogram/latency-histogram.js'
import { NS_PER_MS, NS_PER_SECOND, nanoseconds } from '../../scenario/nanoseconds.js'
import type { ResolvedScenario } from '../../scenario/scenario.js'
import type { ResponseTime } from '../../scenario/times.js'
import type { ClassSegment } from '../classes.js'
import type { Connections, ConnectionsRecording } from '../connections.js'
import {
  byMetric,
  byResponseTime,
  type ClassRecording,
  type RecordedSegment,
  type RecordedStage,
  type Recording,
  serversIn,
} from '../recording.js'
import type { Result, Segment } from '../result.js'
import type { StageResult } from '../stages.js'
import { decodeSummary, type Summary } from '../summary.js'

/**
 * Reads a Result back as the recording that it was made of, as far as it holds it: segments have latencies and the times of
 * responses only, and stays are those that its own check of Little's law has accepted or reported.
 */
export function recordingOf(result: Result): Recording {
  const { window, meanInSystem, utilization, throughput, fromSendMs, goodput, classes, stages, failures } = result
  const { failedMs, shard, bytes, connections } = result
  const [startNs, endNs] = [nanoseconds(window.startMs), nanoseconds(window.endMs)]
  const windowNs = endNs - startNs
  const servers = serversIn(result)
  return {
    engine: result.engine,
    scenario: result.scenario as ResolvedScenario | null,
    servers,
    good: goodput?.limits,
    startNs,
    endNs,
    histograms: {
      ...byMetric((metric) => histogramOf(result[`${metric}Ms`])),
      ...byResponseTime(responseTimeIn(result)),
    },
    counts: result.counts,
    ...(classes !== undefined && {
      classes: mapValues(classes, classOf),
    }),
    ...(stages !== undefined && { stages: stages.map(stageOf) }),
    ...(shard !== undefined && { shard }),
    ...(failures !== undefined && { failures }),
    ...(failedMs !== undefined && { failed: histogramOf(failedMs) }),
    completions: completionsIn(throughput, windowNs),
    ...(bytes !== undefined && { bytes: { sent: bytes.sent, received: bytes.received } }),
    ...(connections !== undefined && { connections: connectionsRecordingOf(connections) }),
    batchSizes: new Map(Object.entries(result.batches.sizes).map(([size, batches]) => [Number(size), batches])),
    servingNs: utilization === null || servers === null ? null : utilization * windowNs * servers,
    inSystemNs: meanInSystem * windowNs,
    staysNs: meanInSystem * windowNs,
    inSystemAtStart: 0,
    segments: result.segments.map((segment, k) => ({
      ...segmentOf(segment),
      ...(classes !== undefined && {
        classes: mapValues(classes, ({ segments }) => classOf(segments[k] as ClassSegment)),
      }),
    })),
    fromSend: fromSendMs === null ? null : histogramOf(fromSendMs),
    findings: result.validity.findings,
  }
}

/** Reads the histogram of a time of responses, of a result, a class or a segment; an empty one if the time is unknown. */
const responseTimeIn = (of: StoredTimes) => (time: ResponseTime) => {
  const stored = of[`${time}Ms`]
  return stored === undefined ? zeros(0) : histogramOf(stored)
}
type StoredTimes = { [T in ResponseTime as `${T}Ms`]?: Stored }

function connectionsRecordingOf({ setupMs, dnsMs, tcpMs, tlsMs, ...counts }: Connections): ConnectionsRecording {
  const step = (time: Stored | null | undefined) => (time == null ? zeros(0) : histogramOf(time))
  const { opened, openedInWindow, closed, failed, sentBytes, receivedBytes } = counts
  return {
    ...{ opened, openedInWindow, closed, failed, sentBytes, receivedBytes },
    steps: { setup: step(setupMs), dns: step(dnsMs), tcp: step(tcpMs), tls: step(tlsMs) },
  }
}

function segmentOf(segment: Segment): RecordedSegment {
  const { startMs, endMs, counts, inSystem, batches, batched, servingMs, latencyMs } = segment
  const histograms = { ...byMetric(() => zeros(0)), ...byResponseTime(responseTimeIn(segment)) }
  if (latencyMs !== null) histograms.latency = histogramOf(latencyMs)
  return {
    startNs: nanoseconds(startMs),
    endNs: nanoseconds(endMs),
    ...{ counts, inSystem, batches, batched },
    servingNs: servingMs * NS_PER_MS,
    histograms,
  }
}

const completionsIn = ({ completed }: Result['throughput'], windowNs: number) =>
  Math.round((completed * windowNs) / NS_PER_SECOND)

function stageOf(stage: StageResult): RecordedStage {
  const { first, last, startMs, endMs, fromPerSecond, toPerSecond, windowMs, throughput, counts, latencyMs } = stage
  const windowNs = nanoseconds(windowMs)
  return {
    ...{ first, last },
    startNs: nanoseconds(startMs),
    endNs: nanoseconds(endMs),
    ...{ from: fromPerSecond, to: toPerSecond, windowNs, counts },
    latency: latencyMs === null ? zeros(0) : histogramOf(latencyMs),
    completions: throughput === null ? 0 : completionsIn(throughput, windowNs),
  }
}

/** Reads a class, of the whole or of a segment. */
const classOf = (given: Pick<ClassSegment, 'counts'> & StoredTimes & { latencyMs: Stored | null }): ClassRecording => ({
  counts: given.counts,
  latency: given.latencyMs === null ? zeros(0) : histogramOf(given.latencyMs),
  ...byResponseTime(responseTimeIn(given)),
})

const mapValues = <From, To>(from: Record<string, From>, of: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, of(value)]))

type Stored = Pick<Summary, 'count' | 'min' | 'mean' | 'max' | 'histogram'> & { stdDev?: number }

/** The sum is exact: it is of whole nanoseconds. Segments store no deviation, so theirs is that of the buckets. */
function histogramOf({ count, mean, stdDev, ...stored }: Stored): HistogramSnapshot {
  const { buckets, counts, min, max } = decodeSummary(stored)
  const squares =
    stdDev === undefined ? squaresOf(buckets, counts) : count * ((mean * NS_PER_MS) ** 2 + (stdDev * NS_PER_MS) ** 2)
  return {
    ...{ count, squares, buckets },
    sum: Math.round(count * mean * NS_PER_MS),
    ...{ min, max },
    counts: Uint32Array.from(counts),
  }
}

function squaresOf(buckets: ArrayLike<number>, counts: ArrayLike<number>): number {
  let squares = 0
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i] as number
    squares += (counts[i] as number) * ((bucketFloor(bucket) + bucketCeiling(bucket)) / 2) ** 2
  }
  return squares
}
