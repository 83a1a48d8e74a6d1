import { meanOf } from '../histogram/moments.js'
import { percentileNs } from '../histogram/percentile.js'
import type { Recording } from '../result/recording.js'
import type { Finding } from '../result/validity.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/nanoseconds.js'
import { sumBy } from '../statistics/descriptive.js'
import { count, milliseconds, plural } from '../text/number.js'
import { PLACES } from './queue/waiting-room.js'
import type { EarlyEndReason } from './recording/window.js'
import type { WorkerExit } from './servers/worker-exits.js'

/** What happened in a run, as far as its recording does not hold it. */
export interface Course {
  /** why the run ended early; null if it did not */
  earlyEnd: EarlyEndReason | null
  /** the first failure of a request */
  failure: Error | null
  /** the error that a teardown threw */
  teardown: Error | null
  /** the servers whose threads ended during the run */
  exits: WorkerExit[]
  servers: number
}

/** Lists the findings of a measurement, without those that any recording may have. */
export function measureFindings(recording: Recording, course: Course): Finding[] {
  const all = [
    interruptedFinding(recording, course),
    queueFullFinding(recording, course),
    eventLoopLateFinding(recording),
    queueLateFinding(recording),
    failuresFinding(recording, course),
    newConnectionsFinding(recording),
    serverDiedFinding(course),
    teardownFailedFinding(course),
  ]
  return all.filter((finding) => finding !== null)
}

function interruptedFinding({ startNs, endNs, counts }: Recording, { earlyEnd }: Course): Finding | null {
  if (earlyEnd !== 'interrupted') return null
  return {
    code: 'interrupted',
    severity: 'error',
    message: `the run was interrupted after ${secondsText(endNs)}, with ${secondsText(endNs - startNs)} to report: ${count(counts.offered)} requests`,
    figures: { requests: counts.offered },
  }
}

function queueFullFinding({ startNs, endNs, counts, completions }: Recording, { earlyEnd }: Course): Finding | null {
  if (earlyEnd !== 'full') return null
  const windowSeconds = (endNs - startNs) / NS_PER_SECOND
  const offered = counts.offered / windowSeconds
  const completed = completions / windowSeconds
  return {
    code: 'saturated',
    severity: 'error',
    message: `after ${secondsText(endNs)}, ${count(PLACES)} requests were waiting, the maximum: ${count(offered)}/s were offered and ${count(completed)}/s completed. The run ended; lower the rate, or add servers`,
    figures: { offered, completed, backlog: PLACES },
  }
}

/** By how much lag may move a percentile without a finding: this fraction of it, or this time, whichever is longer. */
const MOVED_FRACTION = 0.2
const MOVED_MS = { median: 0.5, others: 2 }
/** If lag is more than this fraction of the median, the run measured the event loop and not the target. */
const MOSTLY_LAG = 0.5

/** The event loop of this process started requests late, and so is part of their latency. */
function eventLoopLateFinding(recording: Recording): Finding | null {
  const moved = mostMoved(recording)
  if (moved === null) return null
  const { lag } = recording.histograms
  const figures = {
    lagMeanMs: meanOf(lag) / NS_PER_MS,
    lagP99Ms: percentileNs(lag, 99) / NS_PER_MS,
    ...moved,
  }
  const { percentile, fromDueMs, fromSendMs } = moved
  const mostly = percentile === 50 && fromDueMs - fromSendMs > MOSTLY_LAG * fromDueMs
  return {
    code: 'event-loop-late',
    severity: mostly ? 'error' : 'warning',
    message: `the event loop of this process started requests late, by ${milliseconds(figures.lagMeanMs)} on average and ${milliseconds(figures.lagP99Ms)} at p99, which raised p${percentile} latency from ${milliseconds(fromSendMs)} to ${milliseconds(fromDueMs)}. Lower the rate, or serve on threads with a handler module`,
    figures,
  }
}

/** Finds the lowest percentile of latency that lag moved too far; null if there is none. */
function mostMoved({
  histograms,
  fromSend,
}: Recording): { percentile: number; fromDueMs: number; fromSendMs: number } | null {
  if (fromSend === null) return null
  const moved = [50, 90, 95, 99]
    .map((percentile) => ({
      percentile,
      fromDueMs: percentileNs(histograms.latency, percentile) / NS_PER_MS,
      fromSendMs: percentileNs(fromSend, percentile) / NS_PER_MS,
    }))
    .filter(({ percentile, fromDueMs, fromSendMs }) => {
      const leastMs = percentile === 50 ? MOVED_MS.median : MOVED_MS.others
      return fromDueMs - fromSendMs > Math.max(leastMs, MOVED_FRACTION * fromDueMs)
    })
  return moved[0] ?? null
}

/**
 * Dropping requests takes server time, which counts as dispatch. It matters with this many drops for each completed
 * request, and with this much dispatch, absolute and as a fraction of service.
 */
const DROPS_PER_COMPLETED = 20
const DISPATCH_MS = 0.5
const DISPATCH_FRACTION = 0.5

/** Dropping the requests of clients that retry at once took most of the servers' time. */
function queueLateFinding({ histograms, counts }: Recording): Finding | null {
  const dropped = counts.rejected + counts.timedOut
  const dispatchMs = (meanOf(histograms.dispatch) + meanOf(histograms.lag)) / NS_PER_MS
  const serviceMs = meanOf(histograms.service) / NS_PER_MS
  if (dropped <= DROPS_PER_COMPLETED * counts.completed) return null
  if (dispatchMs <= Math.max(DISPATCH_MS, DISPATCH_FRACTION * serviceMs)) return null
  return {
    code: 'queue-late',
    severity: 'error',
    message: `${count(dropped)} requests were rejected or timed out, and only ${count(counts.completed)} completed: dropping them took ${milliseconds(dispatchMs)} of server time for each completed request, compared with ${milliseconds(serviceMs)} of service. Increase the clients' think time, or simulate this load`,
    figures: { dropped, completed: counts.completed, dispatchMs, serviceMs },
  }
}

function failuresFinding({ counts }: Recording, { failure }: Course): Finding | null {
  if (counts.failed === 0) return null
  return {
    code: 'failures',
    severity: 'warning',
    message: `${count(counts.failed)} of ${count(counts.offered)} requests failed${failure === null ? '' : `, the first with: ${failure.message}`}`,
    figures: { failed: counts.failed, offered: counts.offered },
  }
}

/**
 * New connections matter from this many on, if this fraction of requests waited for one, and if that took this fraction
 * of the service time of all requests.
 */
const NEW_CONNECTIONS = 10
const NEW_FRACTION = 0.1
const SETUP_FRACTION = 0.05

/** Requests that waited for a connection to be set up, since a connection is opened only for a request. */
function newConnectionsFinding({ connections, batchSizes, histograms }: Recording): Finding | null {
  if (connections === undefined) return null
  const { openedInWindow: opened, steps } = connections
  const requests = sumBy([...batchSizes.values()], (batches) => batches)
  const fraction = opened / requests
  if (requests === 0 || opened < NEW_CONNECTIONS || fraction < NEW_FRACTION) return null
  const setupMs = meanOf(steps.setup) / NS_PER_MS
  const serviceMs = meanOf(histograms.service) / NS_PER_MS
  if (fraction * setupMs < SETUP_FRACTION * serviceMs) return null
  const closed = 2 * connections.closed > connections.opened
  return {
    code: 'connections-not-reused',
    severity: 'warning',
    message: `${count(opened)} of ${count(requests)} HTTP requests waited for a new connection, whose set-up took ${milliseconds(setupMs)} of the ${milliseconds(serviceMs)} of service on average. ${closed ? 'Connections are closed instead of kept alive: enable keep-alive in the server, unless its clients connect for each request too' : 'More requests were in flight than there were connections: warm up for longer, or set http.connections'}`,
    figures: { opened, closed: connections.closed, requests, setupMs, serviceMs },
  }
}

/** A server whose thread ended serves no more requests, so the rest of the run had fewer servers. */
function serverDiedFinding({ exits, servers }: Course): Finding | null {
  if (exits.length === 0) return null
  const each = exits.map(({ server, atNs, error, requests }) => {
    const failed = requests === 0 ? '' : `, with ${plural(requests, 'request')} in service`
    return `server ${server + 1} ended after ${secondsText(atNs)}${failed}: ${error.message}`
  })
  const all = exits.length === servers
  return {
    code: 'server-died',
    severity: all ? 'error' : 'warning',
    message: `${each.join('; ')}. ${all ? 'No server was left, so the run ended' : `The other ${servers - exits.length} continued`}`,
    figures: { died: exits.length, servers, requests: sumBy(exits, ({ requests }) => requests) },
  }
}

function teardownFailedFinding({ teardown }: Course): Finding | null {
  if (teardown === null) return null
  return {
    code: 'teardown-failed',
    severity: 'warning',
    message: `the handler's teardown threw: ${teardown.message}`,
    figures: {},
  }
}

export const secondsText = (ns: number) => `${Number((ns / NS_PER_SECOND).toPrecision(3))} s`
