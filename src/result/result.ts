import { encode, toHdr } from '../histogram/hdr.js'
import { isStationary } from '../scenario/arrivals/arrivals.js'
import { type StoredScenario, storeScenario } from '../scenario/scenario.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/units.js'
import { ValidationError } from '../validation/validation-error.js'
import { findingsOf, tooFewSamples } from './findings.js'
import type { Host } from './host.js'
import { hostFindings } from './host-findings.js'
import { intervalsBetween, intervalsOf } from './intervals.js'
import {
  type CheckpointCount,
  type Counts,
  errorsIn,
  type Metric,
  type Recording,
  serversIn,
  stretchesOf,
} from './recording.js'
import { type Estimate, type Interval, type Summary, summaryOf, withheld } from './summary.js'
import type { Finding, Validity } from './validity.js'

/** A stretch of the window: what became of the requests due in it. */
export interface Segment {
  startMs: number
  endMs: number
  counts: Counts
  /** requests in the system at its end */
  inSystem: number
  /** the batches that started in it, the requests in them, and how long they were served in all */
  batches: number
  batched: number
  servingMs: number
  /** of the requests completed; null where none was */
  latencyMs: { count: number; min: number; mean: number; max: number; histogram: string } | null
}

/** What the machine was, for a measurement. */
export interface Environment {
  node: string
  platform: string
  cpu: string
  cores: number
  /** how many cores a container's CPU quota allows; null without one, absent in results of earlier versions */
  cpuQuota?: number | null
  /** the load average over a minute when the run began */
  load: number
}

/**
 * What a run showed: plain data, the same from a simulation and a measurement. Latencies and counts are of the
 * requests *due* in the window, whenever they completed; times are in milliseconds and rates a second.
 */
export interface Result {
  schema: 'throughline/result@1'
  engine: 'simulate' | 'measure' | 'record'
  /**
   * with its defaults filled in; a list of more than 1,000 values is kept as how many there were and their hash, a
   * function as its name, and what a request holds of secrets is left out
   */
  scenario: StoredScenario | null
  /** how many servers there were, where no scenario says so and it is known */
  servers?: number
  /** when the window began and ended, from the start of the run */
  window: { startMs: number; endMs: number }
  /** from when a request was due to its completion */
  latencyMs: Summary
  /** from due to the start of its batch: lag, queueing, batching and dispatch add up to it */
  waitMs: Summary
  /** from the start of its batch to completion */
  serviceMs: Summary
  /** from due to queued: the event loop of this process was late; 0 for handler modules in an open loop */
  lagMs: Summary
  /** no server was idle */
  queueingMs: Summary
  /** a server was idle, the batch still filling */
  batchingMs: Summary
  /** the batch had left the queue, and its server was waking up or finishing its last batch */
  dispatchMs: Summary
  /** requests a second over the window: due, and completed inside it */
  throughput: { offered: number; completed: number }
  counts: Counts
  /** fractions of offered; error counts failed, rejected, timed out and unfinished */
  rates: { error: number; rejection: number }
  /** the batches that started in the window */
  batches: { count: number; meanSize: number; sizes: Record<number, number> }
  /** the fraction of server time spent serving; null where servers are not limited */
  utilization: number | null
  /** the mean number of requests in the system, integrated over the window */
  meanInSystem: number
  /** the window in about 20 stretches; of replications, one each */
  segments: Segment[]
  /** how many runs it is put together of; absent where it is one */
  replications?: number
  /** of a run to a precision or a budget; its intervals hold at all the checkpoints planned */
  checkpoints?: CheckpointCount
  validity: Validity
  /**
   * latency without lag, from when this process started each request: what a tool with coordinated omission would have
   * reported; null for handler modules, whose requests are never late, and in virtual time
   */
  fromSendMs: Summary | null
  /** what the machine did during the window; null in virtual time */
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
  ].map(shortened)
  const steady = findings.every(({ code }) => code !== 'saturated')
  const intervals = (metric: Metric) => {
    if (!steady) return withheld(NO_STEADY_STATE)
    return metricIntervals(recording, metric)
  }
  const summary = (metric: Metric) => summaryOf(histograms[metric], intervals(metric))
  const latencyMs = summary('latency')
  findings.push(...tooFewSamples(latencyMs))
  const { offered } = counts

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
    batches: batchesOf(recording.batchSizes),
    utilization: utilizationOf(recording),
    meanInSystem: recording.inSystemNs / windowNs,
    segments: recording.segments.map(segmentOf),
    ...(recording.replications !== undefined && { replications: recording.replications.length }),
    ...(recording.checkpoints !== undefined && { checkpoints: recording.checkpoints }),
    validity: { valid: findings.every((finding) => finding.severity !== 'error'), findings },
    fromSendMs: recording.fromSend === null ? null : summaryOf(recording.fromSend, withheld(NOT_BY_STRETCH)),
    host,
    environment,
  }
}

/** An error of a handler's may say as much as it likes. */
const LONGEST_MESSAGE = 2000

function shortened(finding: Finding): Finding {
  const { message } = finding
  if (message.length <= LONGEST_MESSAGE) return finding
  return { ...finding, message: `${message.slice(0, LONGEST_MESSAGE)}… (${message.length} characters)` }
}

const NO_STEADY_STATE = 'the backlog grew throughout: there is no steady state to estimate'
const NOT_BY_STRETCH = 'it is not kept by stretch of the window, which intervals come from'

function metricIntervals(recording: Recording, metric: Metric): Record<Estimate, Interval> {
  const { histograms, startNs, endNs, replications, checkpoints, scenario } = recording
  const stretches = stretchesOf(recording, metric)
  if (stretches === null) return withheld(NOT_BY_STRETCH)
  if (replications !== undefined) return intervalsBetween(histograms[metric], stretches)
  const endsByItself = scenario !== null && !isStationary(scenario.arrivals)
  return intervalsOf(histograms[metric], stretches, endNs - startNs, checkpoints?.planned, endsByItself)
}

/** The fraction of server time spent serving; null where servers are not limited. */
function utilizationOf(recording: Recording): number | null {
  const { servingNs, startNs, endNs } = recording
  const servers = serversIn(recording)
  return servingNs === null || servers === null ? null : servingNs / ((endNs - startNs) * servers)
}

function batchesOf(sizes: Map<number, number>): Result['batches'] {
  const ordered = [...sizes].sort(([a], [b]) => a - b)
  const count = ordered.reduce((sum, [, batches]) => sum + batches, 0)
  const requests = ordered.reduce((sum, [size, batches]) => sum + size * batches, 0)
  return { count, meanSize: count === 0 ? 0 : requests / count, sizes: Object.fromEntries(ordered) }
}

function segmentOf(segment: Recording['segments'][number]): Segment {
  const { startNs, endNs, counts, inSystem, batches, batched, servingNs, latency } = segment
  return {
    startMs: startNs / NS_PER_MS,
    endMs: endNs / NS_PER_MS,
    counts,
    inSystem,
    batches,
    batched,
    servingMs: servingNs / NS_PER_MS,
    latencyMs: latency && {
      count: latency.count,
      min: latency.min / NS_PER_MS,
      mean: latency.mean / NS_PER_MS,
      max: latency.max / NS_PER_MS,
      histogram: encode(toHdr(latency.histogram)),
    },
  }
}
