import { type HistogramSnapshot, zeros } from '../histogram/latency-histogram.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/nanoseconds.js'
import { type StoredScenario, storeScenario } from '../scenario/scenario.js'
import { RESPONSE_TIMES, type ResponseTime } from '../scenario/times.js'
import { sumBy } from '../statistics/descriptive.js'
import { ValidationError } from '../validation/validation-error.js'
import { type ClassResult, classResults } from './classes.js'
import { type Connections, connectionsOf } from './connections.js'
import type { FailureCounts } from './failures.js'
import { findingsOf, tooFewSamplesFindings } from './findings.js'
import { type Goodput, goodputOf } from './goodput.js'
import type { Environment, Host } from './host.js'
import { hostFindings } from './host-findings.js'
import { countedBy, intervalsOfRecording } from './merge/intervals.js'
import type { Merged, SentShard } from './merge/merged.js'
import {
  type CheckpointCount,
  type Counts,
  errorsIn,
  type Metric,
  type Recording,
  segmentHistograms,
  serversIn,
} from './recording.js'
import { responseTimesIn, type SegmentTimes, segmentTimes } from './segment-times.js'
import { type StageResult, stageResult } from './stages.js'
import { type Estimate, type Interval, type Summary, summaryOf, withholdIntervals } from './summary.js'
import type { Finding, Validity } from './validity.js'

/** A segment of the window, and the outcomes of the requests due in it. */
export interface Segment extends SegmentTimes {
  startMs: number
  endMs: number
  counts: Counts
  /** requests in the system at its end */
  inSystem: number
  /** the batches that started in it, the requests in them, and their total service time */
  batches: number
  batched: number
  servingMs: number
}

/**
 * The bytes of bodies, of the HTTP requests that started in the window, those that failed too: as they were on the wire, so
 * that a compressed body counts as its compressed size.
 */
export interface Bytes {
  sent: number
  received: number
  sentPerSecond: number
  receivedPerSecond: number
}

/**
 * The result of a run: plain data, of the same shape for simulations and measurements. Latencies and counts are of the
 * requests *due* in the window, whenever they completed. Times are in milliseconds, rates per second.
 */
export interface Result {
  schema: 'throughline/result@1'
  engine: 'simulate' | 'measure' | 'record'
  /**
   * with its defaults filled in; of a list of more than 1,000 values only the length and a hash, of a function its name,
   * and no secrets of requests
   */
  scenario: StoredScenario | null
  /** the number of servers, if it is known but not from a scenario, or is that of several shards together */
  servers?: number
  /** when the window began and ended, from the start of the run */
  window: { startMs: number; endMs: number }
  /** from when a request was due to its completion */
  latencyMs: Summary
  /** from due to the start of its batch: lag, queueing, batching and dispatch add up to it */
  waitMs: Summary
  /** from the start of its batch to completion */
  serviceMs: Summary
  /** from due to queued: how late the event loop of this process was; 0 for handler modules in an open loop */
  lagMs: Summary
  /** no server was idle */
  queueingMs: Summary
  /** a server was idle, the batch still filling */
  batchingMs: Summary
  /** the batch had left the queue, and its server was waking up or finishing its last batch */
  dispatchMs: Summary
  /**
   * from when a request was due to the beginning of its response, such as the first byte of an HTTP body, of the completed
   * requests that have one; absent if none has, and in simulations
   */
  firstMs?: Summary
  /**
   * the gaps between the events of each response, such as tokens, of all completed requests: its count is the number of gaps;
   * absent if no response has two events, and in simulations
   */
  betweenMs?: Summary
  /** requests per second: due in the window, and completed inside it */
  throughput: { offered: number; completed: number }
  counts: Counts
  /** the failed requests by kind, the most frequent first: they add up to `counts.failed`; absent if none failed */
  failures?: FailureCounts
  /** from when a failed request was due to its failure; absent if none failed, or if it is not known */
  failedMs?: Summary
  /** fractions of offered; error counts failed, rejected, timed out and unfinished */
  rates: { error: number; rejection: number }
  /** the requests that met all limits of the scenario's `good`; absent if it has none */
  goodput?: Goodput
  /** the requests of each class; absent if requests have no classes */
  classes?: Record<string, ClassResult>
  /** the requests of each stage, in order, by when they were due; absent if the arrivals are not in stages */
  stages?: StageResult[]
  /** the batches that started in the window */
  batches: { count: number; meanSize: number; sizes: Record<number, number> }
  /** the bytes of HTTP bodies; absent for other targets */
  bytes?: Bytes
  /** of the whole run, or so far; absent for other targets, and with a dispatcher of the user, which opens its own */
  connections?: Connections
  /** the fraction of server time spent serving; null if servers are unlimited */
  utilization: number | null
  /** the mean number of requests in the system, integrated over the window */
  meanInSystem: number
  /** the window in about 20 segments, or one segment for each replication */
  segments: Segment[]
  /** the number of runs that it is merged from, if each of them is a segment; absent if it is one */
  replications?: number
  /** the part of the requests that this machine sent; absent if it sent all of them */
  shard?: SentShard
  /** the machines that it is merged from; absent if it is of one */
  merged?: Merged
  /** of a run to a precision or a budget; its intervals hold at all planned checkpoints */
  checkpoints?: CheckpointCount
  validity: Validity
  /**
   * latency without lag, from when this process started each request, as a tool with coordinated omission would report
   * it; null for handler modules, whose requests are never late, and in virtual time
   */
  fromSendMs: Summary | null
  /** the state of the machine during the window; null in virtual time, or if it is of several machines */
  host: Host | null
  environment: Environment | null
}

/**
 * Makes the Result of a recording in which at least one request completed.
 *
 * @throws ValidationError if the window has no length, so that it has no rates
 */
export function resultOf(
  recording: Recording,
  environment: Environment | null = null,
  host: Host | null = null,
): Result {
  const { scenario, histograms, counts, startNs, endNs } = recording
  const windowNs = endNs - startNs
  if (windowNs <= 0) {
    throw new ValidationError(
      'stop',
      `${counts.offered.toLocaleString('en')} requests were due in a window of no length, at ${startNs / NS_PER_MS} ms; let time pass between them, or in serving them`,
    )
  }
  const seconds = windowNs / NS_PER_SECOND
  const findings = [
    ...findingsOf(recording),
    ...(host === null ? [] : hostFindings(host, windowNs / NS_PER_MS, scenario?.http !== undefined)),
  ].map(shortenFinding)
  const steady = findings.every(({ code }) => code !== 'saturated')
  // metrics may share a histogram: all wait is queueing if there is no batching
  const summaries = new Map<HistogramSnapshot, Summary>()
  const summary = (metric: Metric | ResponseTime) => {
    const histogram = histograms[metric] as HistogramSnapshot
    const known = summaries.get(histogram)
    if (known !== undefined) return structuredClone(known)
    const intervals = steady ? metricIntervals(recording, metric) : withholdIntervals(NO_STEADY_STATE)
    const made = summaryOf(histogram, intervals)
    summaries.set(histogram, made)
    return made
  }
  const latencyMs = summary('latency')
  findings.push(...tooFewSamplesFindings(latencyMs))
  const { offered } = counts
  const noSteadyState = steady ? null : NO_STEADY_STATE
  const timesInSegments = responseTimesIn(
    histograms,
    recording.segments.map((segment) => segment.histograms),
  )
  const goodput = goodputOf(recording, noSteadyState)
  const ofResponses: Pick<Result, `${ResponseTime}Ms`> = Object.fromEntries(
    RESPONSE_TIMES.flatMap((time) => (histograms[time] === undefined ? [] : [[`${time}Ms`, summary(time)]])),
  )

  return {
    schema: 'throughline/result@1',
    engine: recording.engine,
    scenario: scenario && storeScenario(scenario),
    ...(recording.servers != null && { servers: recording.servers }),
    window: { startMs: startNs / NS_PER_MS, endMs: endNs / NS_PER_MS },
    latencyMs,
    waitMs: summary('wait'),
    serviceMs: summary('service'),
    lagMs: summary('lag'),
    queueingMs: summary('queueing'),
    batchingMs: summary('batching'),
    dispatchMs: summary('dispatch'),
    ...ofResponses,
    throughput: { offered: offered / seconds, completed: recording.completions / seconds },
    counts,
    ...(recording.failures !== undefined && { failures: recording.failures }),
    ...(recording.failed !== undefined && { failedMs: summaryOf(recording.failed, withholdIntervals(NOT_BY_SEGMENT)) }),
    rates: { error: errorsIn(counts) / offered, rejection: counts.rejected / offered },
    ...(goodput !== null && { goodput }),
    ...(recording.classes !== undefined && { classes: classResults(recording, noSteadyState) }),
    ...(recording.stages !== undefined && { stages: recording.stages.map(stageResult) }),
    batches: batchesOf(recording.batchSizes),
    ...(recording.bytes !== undefined && { bytes: bytesOf(recording.bytes, seconds) }),
    ...(recording.connections !== undefined && { connections: connectionsOf(recording.connections) }),
    utilization: utilizationOf(recording),
    meanInSystem: recording.inSystemNs / windowNs,
    segments: recording.segments.map((segment) => segmentOf(segment, timesInSegments)),
    ...(recording.replications !== undefined && { replications: recording.replications }),
    ...(recording.shard !== undefined && { shard: recording.shard }),
    ...(recording.merged !== undefined && { merged: recording.merged }),
    ...(recording.checkpoints !== undefined && { checkpoints: recording.checkpoints }),
    validity: { valid: findings.every((finding) => finding.severity !== 'error'), findings },
    fromSendMs: recording.fromSend === null ? null : summaryOf(recording.fromSend, withholdIntervals(NOT_BY_SEGMENT)),
    host,
    environment,
  }
}

/** The error message of a handler may have any length. */
const LONGEST_MESSAGE = 2000

function shortenFinding(finding: Finding): Finding {
  const { message } = finding
  if (message.length <= LONGEST_MESSAGE) return finding
  return { ...finding, message: `${message.slice(0, LONGEST_MESSAGE)}… (${message.length} characters)` }
}

const NO_STEADY_STATE = 'the backlog grew throughout: there is no steady state to estimate'
const NOT_BY_SEGMENT = 'it is not recorded by segment, which intervals are computed from'

function metricIntervals(recording: Recording, metric: Metric | ResponseTime): Record<Estimate, Interval> {
  const { histograms, machines = [] } = recording
  const by = {
    machines: machines.map((machine) => machine.histograms[metric] ?? zeros(0)),
    segments: segmentHistograms(recording, metric),
  }
  return intervalsOfRecording(recording, histograms[metric] as HistogramSnapshot, by, countedBy(metric))
}

/** The fraction of server time spent serving; null if servers are unlimited. */
function utilizationOf(recording: Recording): number | null {
  const { servingNs, startNs, endNs } = recording
  const servers = serversIn(recording)
  return servingNs === null || servers === null ? null : servingNs / ((endNs - startNs) * servers)
}

function batchesOf(sizes: Map<number, number>): Result['batches'] {
  const ordered = [...sizes].sort(([a], [b]) => a - b)
  const count = sumBy(ordered, ([, batches]) => batches)
  const requests = sumBy(ordered, ([size, batches]) => size * batches)
  return { count, meanSize: count === 0 ? 0 : requests / count, sizes: Object.fromEntries(ordered) }
}

const bytesOf = ({ sent, received }: NonNullable<Recording['bytes']>, seconds: number): Bytes => ({
  ...{ sent, received },
  sentPerSecond: sent / seconds,
  receivedPerSecond: received / seconds,
})

function segmentOf(segment: Recording['segments'][number], times: readonly ResponseTime[]): Segment {
  const { startNs, endNs, counts, inSystem, batches, batched, servingNs } = segment
  return {
    startMs: startNs / NS_PER_MS,
    endMs: endNs / NS_PER_MS,
    counts,
    inSystem,
    batches,
    batched,
    servingMs: servingNs / NS_PER_MS,
    ...segmentTimes(segment.histograms, times),
  }
}
