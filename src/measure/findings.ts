import { histogramOf } from '../result/histogram.js'
import type { Recording } from '../result/recording.js'
import { percentileNs } from '../result/summary.js'
import type { Tally } from '../result/tally.js'
import type { Finding } from '../result/validity.js'
import { NS_PER_MS, NS_PER_SECOND } from '../scenario/units.js'
import { PLACES } from './ring.js'

/** What only the run itself can tell. */
export interface Course {
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
}

/** What a measurement has to say about itself, beside what any recording has. */
export function measureFindings(recording: Recording, course: Course): Finding[] {
  const all = [full(recording, course), late(recording, course), failures(recording, course), teardown(course)]
  return all.filter((finding) => finding !== null)
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

/** Lateness up to these is what any machine shows, and says nothing. */
const P99_MS = 0.5
const MEAN_MS = 0.1
/** The share of latency, and of the window, that lateness may make up. */
const SHARE = 0.1
const WINDOW_SHARE = 0.01

/** The generator could not keep its own schedule. */
function late({ tallies, startNs, endNs }: Recording, { lateNs, unsent, full }: Course): Finding | null {
  const { lag, latency } = tallies
  const lagP99Ms = p99Ms(lag)
  const latencyP99Ms = p99Ms(latency)
  const lagMeanMs = lag.mean / NS_PER_MS
  const latencyMeanMs = latency.mean / NS_PER_MS
  const behindMs = lateNs / NS_PER_MS
  const behind = !full && (unsent > 0 || lateNs > WINDOW_SHARE * (endNs - startNs))
  const distorts =
    lagP99Ms > Math.max(P99_MS, SHARE * latencyP99Ms) || lagMeanMs > Math.max(MEAN_MS, SHARE * latencyMeanMs)
  if (!behind && !distorts) return null
  const said = behind
    ? `sending ended ${ms(behindMs)} behind its schedule${unsent > 0 ? `, with ${count(unsent)} requests never sent` : ''}`
    : `requests were sent late by ${ms(lagMeanMs)} on average and ${ms(lagP99Ms)} at p99, beside a latency of ${ms(latencyMeanMs)} and ${ms(latencyP99Ms)}`
  return {
    code: 'generator-late',
    severity: 'error',
    message: `${said}: what was measured is in part the generator. Lower the rate, use fewer servers than cores, or raise spin`,
    figures: { lagMeanMs, lagP99Ms, latencyMeanMs, latencyP99Ms, behindMs, unsent },
  }
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

function teardown({ teardown }: Course): Finding | null {
  if (teardown === null) return null
  return {
    code: 'teardown-failed',
    severity: 'warning',
    message: `the handler's teardown threw: ${teardown.message}`,
    figures: {},
  }
}

function p99Ms(tally: Tally): number {
  return percentileNs(histogramOf(tally), 99, tally.min, tally.max) / NS_PER_MS
}

const count = (requests: number) => Math.round(requests).toLocaleString('en')
export const seconds = (ns: number) => `${Number((ns / NS_PER_SECOND).toPrecision(3))} s`
const ms = (value: number) => `${Number(value.toPrecision(3))} ms`
