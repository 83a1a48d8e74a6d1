import type { Recording } from '../result/recording.js'
import { tallyPercentileNs } from '../result/summary.js'
import type { Finding } from '../result/validity.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/units.js'
import type { Death } from './death.js'
import { PLACES } from './ring.js'

/** What only the run itself can tell. */
export interface Course {
  /** whoever watched the run ended it early */
  interrupted: boolean
  /** how late the newest request was sent */
  lateNs: number
  /** requests that were due and never sent */
  unsent: number
  /** the servers were a whole ring behind, which ended the window */
  full: boolean
  /** the first failure of a request */
  failure: Error | null
  /** what a teardown threw */
  teardown: Error | null
  /** servers whose threads ended during the run, of how many there were */
  deaths: Death[]
  servers: number
}

/** What a measurement has to say about itself, beside what any recording has. */
export function measureFindings(recording: Recording, course: Course): Finding[] {
  const all = [
    interrupted(recording, course),
    full(recording, course),
    late(recording, course),
    failures(recording, course),
    died(course),
    teardown(course),
  ]
  return all.filter((finding) => finding !== null)
}

function interrupted({ startNs, endNs, counts }: Recording, course: Course): Finding | null {
  if (!course.interrupted) return null
  return {
    code: 'interrupted',
    severity: 'error',
    message: `the run was interrupted after ${seconds(endNs)}, with ${seconds(endNs - startNs)} to report: ${count(counts.offered)} requests`,
    figures: { requests: counts.offered },
  }
}

function full({ startNs, endNs, counts, completions }: Recording, course: Course): Finding | null {
  if (!course.full) return null
  const windowSeconds = (endNs - startNs) / NS_PER_SECOND
  const offered = counts.offered / windowSeconds
  const completed = completions / windowSeconds
  return {
    code: 'saturated',
    severity: 'error',
    message: `after ${seconds(endNs)} ${count(PLACES)} requests were waiting, as many as may: ${count(offered)}/s were offered and ${count(completed)}/s completed. Sending stopped there, and the window ends there; lower the rate, or add servers`,
    figures: { offered, completed, backlog: PLACES },
  }
}

/** What lateness may move a percentile by: this much always, and this share of it. */
const MOVED_MS = 0.1
const MOVED_SHARE = 0.1
/** How far sending may be behind at the end: this much always, and this share of the window. */
const BEHIND_NS = 10_000_000
const BEHIND_SHARE = 0.01

/**
 * The generator could not keep its own schedule. Servers do not hold it up, so that what latency from the due time has
 * over latency from the actual send is its doing alone.
 */
function late(recording: Recording, { lateNs, unsent, full, deaths, servers }: Course): Finding | null {
  const { lag } = recording.tallies
  const figures = {
    lagMeanMs: lag.mean / NS_PER_MS,
    lagP99Ms: tallyPercentileNs(lag, 99) / NS_PER_MS,
    behindMs: lateNs / NS_PER_MS,
    unsent,
  }
  const behind =
    !full &&
    deaths.length < servers &&
    (unsent > 0 || lateNs > Math.max(BEHIND_NS, BEHIND_SHARE * (recording.endNs - recording.startNs)))
  const moved = mostMoved(recording)
  if (!behind && moved === null) return null

  const sent = `requests were sent late by ${ms(figures.lagMeanMs)} on average and ${ms(figures.lagP99Ms)} at p99`
  const said =
    moved === null
      ? `sending ended ${ms(figures.behindMs)} behind its schedule${unsent > 0 ? `, with ${count(unsent)} requests never sent` : ''}`
      : `${sent}, which moved the p${moved.percentile} of latency from ${ms(moved.fromSendMs)} to ${ms(moved.fromDueMs)}`
  return {
    code: 'generator-late',
    severity: 'error',
    message: `${said}: what was measured is in part the generator. Lower the rate, use fewer servers than cores, or raise spin`,
    figures: { ...figures, ...moved },
  }
}

/** The percentile of latency that lateness moved the most; null where it moved none by more than it may. */
function mostMoved({
  tallies,
  fromSend,
}: Recording): { percentile: number; fromDueMs: number; fromSendMs: number } | null {
  if (fromSend === null) return null
  const moved = [50, 90, 95, 99]
    .map((percentile) => ({
      percentile,
      fromDueMs: tallyPercentileNs(tallies.latency, percentile) / NS_PER_MS,
      fromSendMs: tallyPercentileNs(fromSend, percentile) / NS_PER_MS,
    }))
    .filter(({ fromDueMs, fromSendMs }) => fromDueMs - fromSendMs > Math.max(MOVED_MS, MOVED_SHARE * fromDueMs))
  if (moved.length === 0) return null
  const share = ({ fromDueMs, fromSendMs }: (typeof moved)[number]) => (fromDueMs - fromSendMs) / fromDueMs
  return moved.reduce((a, b) => (share(b) > share(a) ? b : a))
}

function failures({ counts }: Recording, { failure }: Course): Finding | null {
  if (counts.failed === 0) return null
  return {
    code: 'failures',
    severity: 'warning',
    message: `${count(counts.failed)} of ${count(counts.offered)} requests failed${failure === null ? '' : `, the first with: ${failure.message}`}`,
    figures: { failed: counts.failed, offered: counts.offered },
  }
}

/** A server without a thread serves no more: what was measured since is of fewer servers. */
function died({ deaths, servers }: Course): Finding | null {
  if (deaths.length === 0) return null
  const said = deaths.map(({ server, atNs, error, requests }) => {
    const lost =
      requests === 0 ? '' : `, with ${requests === 1 ? '1 request' : `${count(requests)} requests`} that it was serving`
    return `server ${server + 1} ended after ${seconds(atNs)}${lost}: ${error.message}`
  })
  const none = deaths.length === servers
  return {
    code: 'server-died',
    severity: none ? 'error' : 'warning',
    message: `${said.join('; ')}. ${none ? 'None was left: sending stopped there, and the window ends there' : `The other ${servers - deaths.length} went on`}`,
    figures: { died: deaths.length, servers, requests: deaths.reduce((sum, { requests }) => sum + requests, 0) },
  }
}

function teardown({ teardown }: Course): Finding | null {
  if (teardown === null) return null
  return {
    code: 'teardown-failed',
    severity: 'warning',
    message: `the handler's teardown threw: ${teardown.message}`,
    figures: {},
  }
}

const count = (requests: number) => Math.round(requests).toLocaleString('en')
export const seconds = (ns: number) => `${Number((ns / NS_PER_SECOND).toPrecision(3))} s`
const ms = (value: number) => `${Number(value.toPrecision(3))} ms`
