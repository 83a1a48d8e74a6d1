import { encode } from '../histogram/hdr.js'
import type { HistogramSnapshot } from '../histogram/latency-histogram.js'
import { meanOf } from '../histogram/moments.js'
import { isStationary } from '../scenario/arrivals/arrivals.js'
import { type StoredScenario, storeScenario } from '../scenario/scenario.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/units.js'
import { sumBy } from '../statistics/descriptive.js'
import { ValidationError } from '../validation/validation-error.js'
import { findingsOf, tooFewSamples } from './findings.js'
import { type Goodput, goodputOf } from './goodput.js'
import type { Host } from './host.js'
import { hostFindings } from './host-findings.js'
import { intervalsBetween, intervalsOf } from './intervals.js'
import {
  type CheckpointCount,
  type Counts,
  errorsIn,
  type Metric,
  type Recording,
  segmentHistograms,
  serversIn,
} from './recording.js'
import { type Estimate, type Interval, type Summary, summaryOf, withholdIntervals } from './summary.js'
import type { Finding, Validity } from './validity.js'

/** A segment of the window, and the outcomes of the requests due in it. */
export interface Segment {
  startMs: number
  endMs: number
  counts: Counts
  /** requests in the system at its end */
  inSystem: number
  /** the batches that started in it, the requests in them, and their total service time */
  batches: number
  batched: number
  servingMs: number
  /** of the completed requests; null if none completed */
  latencyMs: { count: number; min: number; mean: number; max: number; histogram: string } | null
}

/** The machine that a measurement ran on. */
export interface Environment {
  node: string
  platform: string
  cpu: string
  cores: number
  /** how many cores the container's CPU quota allows; null without a quota, absent in results of earlier versions */
  cpuQuota?: number | null
  /** the load average over one minute when the run began */
  load: number
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
  /** the number of servers, if it is known but not from a scenario */
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
  /** requests per second: due in the window, and completed inside it */
  throughput: { offered: number; completed: number }
  counts: Counts
  /** fractions of offered; error counts failed, rejected, timed out and unfinished */
  rates: { error: number; rejection: number }
  /** the requests that met all limits of the scenario's `good`; absent if it has none */
  goodput?: Goodput
  /** the batches that started in the window */
  batches: { count: number; meanSize: number; sizes: Record<number, number> }
  /** the fraction of server time spent serving; null if servers are unlimited */
  utilization: number | null
  /** the mean number of requests in the system, integrated over the window */
  meanInSystem: number
  /** the window in about 20 segments, or one segment for each replication */
  segments: Segment[]
  /** the number of runs that it is merged from; absent if it is one */
  replications?: number
  /** of a run to a precision or a budget; its intervals hold at all planned checkpoints */
  checkpoints?: CheckpointCount
  validity: Validity
  /**
   * latency without lag, from when this process started each request, as a tool with coordinated omission would report
   * it; null for handler modules, whose requests are never late, and in virtual time
   */
  fromSendMs: Summary | null
  /** the state of the machine during the window; null in virtual time */
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
    ...(host === null ? [] : hostFindings(host, scenario?.http !== undefined)),
  ].map(shortenFinding)
  const steady = findings.every(({ code }) => code !== 'saturated')
  // metrics may share a histogram: all wait is queueing if there is no batching
  const summaries = new Map<HistogramSnapshot, Summary>()
  const summary = (metric: Metric) => {
    const histogram = histograms[metric]
    const known = summaries.get(histogram)
    if (known !== undefined) return structuredClone(known)
    const made = summaryOf(histogram, steady ? metricIntervals(recording, metric) : withholdIntervals(NO_STEADY_STATE))
    summaries.set(histogram, made)
    return made
  }
  const latencyMs = summary('latency')
  findings.push(...tooFewSamples(latencyMs))
  const { offered } = counts
  const goodput = goodputOf(recording, steady ? null : NO_STEADY_STATE)

  return {
    schema: 'throughline/result@1',
    engine: recording.engine,
    scenario: scenario && storeScenario(scenario),
    ...(scenario === null && recording.servers != null && { servers: recording.servers }),
    window: { startMs: startNs / NS_PER_MS, endMs: endNs / NS_PER_MS },
    latencyMs,
    waitMs: summary('wait'),
    serviceMs: summary('service'),
    lagMs: summary('lag'),
    queueingMs: summary('queueing'),
    batchingMs: summary('batching'),
    dispatchMs: summary('dispatch'),
    throughput: { offered: offered / seconds, completed: recording.completions / seconds },
    counts,
    rates: { error: errorsIn(counts) / offered, rejection: counts.rejected / offered },
    ...(goodput !== null && { goodput }),
    batches: batchesOf(recording.batchSizes),
    utilization: utilizationOf(recording),
    meanInSystem: recording.inSystemNs / windowNs,
    segments: recording.segments.map(segmentOf),
    ...(recording.replications !== undefined && { replications: recording.replications }),
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

function metricIntervals(recording: Recording, metric: Metric): Record<Estimate, Interval> {
  const { histograms, startNs, endNs, replications, checkpoints, scenario } = recording
  const segments = segmentHistograms(recording, metric)
  if (replications !== undefined) return intervalsBetween(histograms[metric], segments)
  const endsByItself = scenario !== null && !isStationary(scenario.arrivals)
  return intervalsOf(histograms[metric], segments, endNs - startNs, checkpoints?.planned, endsByItself)
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

function segmentOf(segment: Recording['segments'][number]): Segment {
  const { startNs, endNs, counts, inSystem, batches, batched, servingNs } = segment
  const { latency } = segment.histograms
  return {
    startMs: startNs / NS_PER_MS,
    endMs: endNs / NS_PER_MS,
    counts,
    inSystem,
    batches,
    batched,
    servingMs: servingNs / NS_PER_MS,
    latencyMs:
      latency.count === 0
        ? null
        : {
            count: latency.count,
            min: latency.min / NS_PER_MS,
            mean: meanOf(latency) / NS_PER_MS,
            max: latency.max / NS_PER_MS,
            histogram: encode(latency),
          },
  }
}
