import { describe, expect, it } from 'vitest'
import { type Course, measureFindings } from '../../src/measure/findings.js'
import { newTallies, noCounts, type Recording } from '../../src/result/recording.js'
import { Tally } from '../../src/result/tally.js'

const MS = 1_000_000
const quiet: Course = {
  interrupted: false,
  lateNs: 0,
  unsent: 0,
  full: false,
  failure: null,
  teardown: null,
  deaths: [],
  servers: 1,
}

/** A second in which 1,000 requests took `ms` from their due time, of which `lateMs` before they were sent. */
function recordingOf(requests: { ms: number; lateMs: number; times: number }[]): Recording {
  const tallies = newTallies()
  const fromSend = new Tally()
  for (const { ms, lateMs, times } of requests) {
    tallies.latency.record(ms * MS, times)
    tallies.lag.record(lateMs * MS, times)
    fromSend.record((ms - lateMs) * MS, times)
  }
  const counts = { ...noCounts(), offered: 1000, completed: 1000 }
  return { tallies, fromSend, counts, startNs: 0, endNs: 1000 * MS } as unknown as Recording
}

const codes = (recording: Recording, course = quiet) => measureFindings(recording, course).map(({ code }) => code)

describe('generator-late', () => {
  it('is found where lateness moved a percentile of latency', () => {
    const moved = recordingOf([
      { ms: 5, lateMs: 0, times: 980 },
      { ms: 8, lateMs: 3, times: 20 },
    ])
    const [finding] = measureFindings(moved, quiet)
    expect(finding).toMatchObject({ code: 'generator-late', severity: 'error' })
    expect(finding?.figures).toMatchObject({
      percentile: 99,
      fromDueMs: expect.closeTo(8, 1),
      fromSendMs: expect.closeTo(5, 1),
    })
    expect(finding?.message).toMatch(/moved the p99 of latency from 5(\.\d+)? ms to 8(\.\d+)? ms/)
  })

  it('is not found where the slow requests were slow by themselves', () => {
    const early = recordingOf([
      { ms: 5, lateMs: 2, times: 20 },
      { ms: 5, lateMs: 0, times: 900 },
      { ms: 9, lateMs: 0, times: 80 },
    ])
    expect(codes(early)).toEqual([])
  })

  it('is not found where lateness is too small to matter to anyone', () => {
    expect(codes(recordingOf([{ ms: 0.1, lateMs: 0.05, times: 1000 }]))).toEqual([])
  })

  it('is found where sending ended behind its schedule, or left requests unsent', () => {
    const steady = recordingOf([{ ms: 5, lateMs: 0, times: 1000 }])
    expect(codes(steady, { ...quiet, lateNs: 9 * MS })).toEqual([])
    expect(codes(steady, { ...quiet, lateNs: 11 * MS })).toEqual(['generator-late'])
    expect(codes(steady, { ...quiet, unsent: 3 })).toEqual(['generator-late'])
  })
})

describe('server-died', () => {
  const recording = recordingOf([{ ms: 5, lateMs: 0, times: 1000 }])
  const death = { server: 1, atNs: 1500 * MS, error: new Error('worker exited with code: 3'), requests: 4 }

  it('names who died, when and of what, and how many went on', () => {
    const [finding] = measureFindings(recording, { ...quiet, deaths: [death], servers: 3 })
    expect(finding).toEqual({
      code: 'server-died',
      severity: 'warning',
      message:
        'server 2 ended after 1.5 s, with 4 requests that it was serving: worker exited with code: 3. The other 2 went on',
      figures: { died: 1, servers: 3, requests: 4 },
    })
  })

  it('makes a run invalid where nobody was left, and what was then not sent is not the generator late', () => {
    const course = { ...quiet, unsent: 5, deaths: [{ ...death, requests: 0 }], servers: 1 }
    const [finding, ...others] = measureFindings(recording, course)
    expect(others).toEqual([])
    expect(finding?.severity).toBe('error')
    expect(finding?.message).toMatch(/^server 2 ended after 1.5 s: worker .* None was left: sending stopped there/)
  })
})
