import { type HistogramSnapshot, mergeHistograms } from '../histogram/latency-histogram.js'
import { percentilesNs } from '../histogram/percentile.js'
import { NS_PER_MS } from '../scenario/nanoseconds.js'
import { sumBy } from '../statistics/descriptive.js'
import { type SegmentTime, segmentTime } from './summary.js'

/** The steps of setting up a connection: all of it, the look-up of the name, TCP and TLS. */
const SETUP_STEPS = ['setup', 'dns', 'tcp', 'tls'] as const
export type SetupStep = (typeof SETUP_STEPS)[number]

interface ConnectionCounts {
  /** how many were set up */
  opened: number
  /** how many of them inside the window */
  openedInWindow: number
  /** how many were closed again before the end of the run, by either side */
  closed: number
  /** how many could not be set up */
  failed: number
  /** bytes on all of them, with request lines and headers; of TLS those before encryption */
  sentBytes: number
  receivedBytes: number
}

/** What is recorded of the connections of an HTTP target, in the whole run. */
export interface ConnectionsRecording extends ConnectionCounts {
  /** how long each step took, of the connections that were opened and have it */
  steps: Record<SetupStep, HistogramSnapshot>
}

/** The time of a step, in milliseconds. */
export interface SetupTime extends SegmentTime {
  p50: number
  p99: number
}

/** The connections of an HTTP target, in the whole run: the warm-up, the window and the drain. */
export interface Connections extends ConnectionCounts {
  /** from the start of the set-up to the connection's first request; null if none was opened */
  setupMs: SetupTime | null
  /** the look-up of the name, TCP and TLS; absent if no connection has that step */
  dnsMs?: SetupTime
  tcpMs?: SetupTime
  tlsMs?: SetupTime
}

/** Makes the result of recorded connections. */
export function connectionsOf({ steps, ...counts }: ConnectionsRecording): Connections {
  const [setupMs, dnsMs, tcpMs, tlsMs] = SETUP_STEPS.map((step) => setupTime(steps[step])) as [
    SetupTime | null,
    ...(SetupTime | null)[],
  ]
  return {
    ...counts,
    setupMs,
    ...(dnsMs && { dnsMs }),
    ...(tcpMs && { tcpMs }),
    ...(tlsMs && { tlsMs }),
  }
}

function setupTime(histogram: HistogramSnapshot): SetupTime | null {
  const whole = segmentTime(histogram)
  if (whole === null) return null
  const [p50, p99] = percentilesNs(histogram, [50, 99]).map((ns) => ns / NS_PER_MS) as [number, number]
  return { ...whole, p50, p99 }
}

/** Adds up the connections of several runs; undefined if those of one of them are not known. */
export function mergeConnections(all: readonly (ConnectionsRecording | undefined)[]): ConnectionsRecording | undefined {
  const known = all.filter((each) => each !== undefined)
  if (known.length < all.length) return undefined
  const step = (name: SetupStep) => mergeHistograms(known.map(({ steps }) => steps[name]))
  return {
    opened: sumBy(known, ({ opened }) => opened),
    openedInWindow: sumBy(known, ({ openedInWindow }) => openedInWindow),
    closed: sumBy(known, ({ closed }) => closed),
    failed: sumBy(known, ({ failed }) => failed),
    sentBytes: sumBy(known, ({ sentBytes }) => sentBytes),
    receivedBytes: sumBy(known, ({ receivedBytes }) => receivedBytes),
    steps: { setup: step('setup'), dns: step('dns'), tcp: step('tcp'), tls: step('tls') },
  }
}
