import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../src/histogram/latency-histogram.js'
import { type Course, measureFindings } from '../../src/measure/findings.js'
import { byMetric, type Metric, noCounts, type Recording } from '../../src/result/recording.js'

const MS = 1_000_000
const quiet: Course = {
  earlyEnd: null,
  failure: null,
  teardown: null,
  exits: [],
  servers: 1,
}

/** A second in which 1,000 requests took `ms` from their due time, of which `lateMs` before they were sent. */
function recordingOf(
  requests: { ms: number; lateMs: number; times: number }[],
  others: Partial<Record<Metric, number>> = {},
): Recording {
  const histograms = byMetric(() => new LatencyHistogram())
  const fromSend = new LatencyHistogram()
  for (const { ms, lateMs, times } of requests) {
    histograms.latency.record(ms * MS, times)
    histograms.lag.record(lateMs * MS, times)
    fromSend.record((ms - lateMs) * MS, times)
  }
  for (const [metric, ms] of Object.entries(others)) histograms[metric as Metric].record(ms * MS, 10)
  const counts = { ...noCounts(), offered: 1000, completed: 1000 }
  const recording = {
    histograms: byMetric((metric) => histograms[metric].snapshot()),
    fromSend: fromSend.snapshot(),
    ...{ counts, startNs: 0, endNs: 1000 * MS },
  }
  return recording as unknown as Recording
}

const codes = (recording: Recording, course = quiet) => measureFindings(recording, course).map(({ code }) => code)

describe('event-loop-late', () => {
  it('is found if lag moved a percentile of latency', () => {
    const moved = recordingOf([
      { ms: 5, lateMs: 0, times: 980 },
      { ms: 8, lateMs: 3, times: 20 },
    ])
    const [finding] = measureFindings(moved, quiet)
    expect(finding).toMatchObject({ code: 'event-loop-late', severity: 'warning' })
    expect(finding?.figures).toMatchObject({
      percentile: 99,
      fromDueMs: expect.closeTo(8, 1),
      fromSendMs: expect.closeTo(5, 1),
    })
    expect(finding?.message).toMatch(/raised p99 latency from 5(\.\d+)? ms to 8(\.\d+)? ms/)
  })

  it('makes a run invalid if the median is mostly lag', () => {
    const mostly = recordingOf([{ ms: 8, lateMs: 5, times: 1000 }])
    expect(measureFindings(mostly, quiet)).toMatchObject([{ severity: 'error', figures: { percentile: 50 } }])
    const partly = recordingOf([{ ms: 8, lateMs: 3, times: 1000 }])
    expect(measureFindings(partly, quiet)).toMatchObject([{ severity: 'warning', figures: { percentile: 50 } }])
  })

  it('is not found if the slow requests had no lag', () => {
    const early = recordingOf([
      { ms: 5, lateMs: 2, times: 20 },
      { ms: 5, lateMs: 0, times: 900 },
      { ms: 9, lateMs: 0, times: 80 },
    ])
    expect(codes(early)).toEqual([])
  })

  it('is not found if lag is too small to matter', () => {
    expect(codes(recordingOf([{ ms: 0.5, lateMs: 0.4, times: 1000 }]))).toEqual([])
    expect(codes(recordingOf([{ ms: 50, lateMs: 9, times: 1000 }]))).toEqual([])
  })

  it('is not checked for handler modules, whose requests are not sent', () => {
    const recording = { ...recordingOf([{ ms: 8, lateMs: 5, times: 1000 }]), fromSend: null }
    expect(codes(recording)).toEqual([])
  })
})

describe('queue-late', () => {
  const storm = (dispatchMs: number, rejected: number) => {
    const recording = recordingOf([{ ms: 5, lateMs: 0, times: 10 }], { service: 1, dispatch: dispatchMs })
    return { ...recording, counts: { ...noCounts(), offered: 10 + rejected, completed: 10, rejected } }
  }

  it('is an error if dropping requests took more server time than service', () => {
    const [finding] = measureFindings(storm(200, 5000), quiet)
    expect(finding).toMatchObject({
      code: 'queue-late',
      severity: 'error',
      figures: { dropped: 5000, completed: 10 },
    })
    expect(codes(storm(0.3, 5000))).toEqual([])
    expect(codes(storm(200, 100))).toEqual([])
  })
})

describe('a run that ends early', () => {
  const recording = recordingOf([{ ms: 5, lateMs: 0, times: 1000 }])

  it.each([
    ['interrupted', 'interrupted', /^the run was interrupted after 1 s, with 1 s to report: 1,000 requests/],
    ['full', 'saturated', /^after 1 s, 1,048,576 requests were waiting, the maximum/],
  ] as const)('because it is %s has an error: %s', (earlyEnd, code, message) => {
    const findings = measureFindings({ ...recording, completions: 100 }, { ...quiet, earlyEnd })
    expect(findings).toMatchObject([{ code, severity: 'error', message: expect.stringMatching(message) }])
  })

  it('because a checkpoint has decided has none', () => {
    expect(codes(recording, { ...quiet, earlyEnd: 'decided' })).toEqual([])
  })
})

describe('server-died', () => {
  const recording = recordingOf([{ ms: 5, lateMs: 0, times: 1000 }])
  const exit = { server: 1, atNs: 1500 * MS, error: new Error('worker exited with code: 3'), requests: 4 }

  it('names the server, the time and the error, and how many servers continued', () => {
    const [finding] = measureFindings(recording, { ...quiet, exits: [exit], servers: 3 })
    expect(finding).toEqual({
      code: 'server-died',
      severity: 'warning',
      message:
        'server 2 ended after 1.5 s, with 4 requests in service: worker exited with code: 3. The other 2 continued',
      figures: { died: 1, servers: 3, requests: 4 },
    })
  })

  it('makes a run invalid if no server is left', () => {
    const course = { ...quiet, earlyEnd: 'no-server' as const, exits: [{ ...exit, requests: 0 }], servers: 1 }
    const [finding, ...others] = measureFindings(recording, course)
    expect(others).toEqual([])
    expect(finding?.severity).toBe('error')
    expect(finding?.message).toMatch(/^server 2 ended after 1.5 s: worker .* No server was left, so the run ended/)
  })
})
