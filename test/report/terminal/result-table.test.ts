import { describe, expect, it } from 'vitest'
import { renderResult } from '../../../src/report/terminal/result-table.js'
import type { Result } from '../../../src/result/result.js'
import { affine } from '../../../src/scenario/service/service.js'
import { gamma } from '../../../src/scenario/service/variation.js'
import { simulate } from '../../../src/simulate/simulate.js'

it('says why more requests complete than are offered', () => {
  const throughputOf = (result: Result) => /throughput +(.*)/.exec(renderResult(result, { width: 120 }))?.[1]?.trim()
  const window = { startMs: 1000, endMs: 11_000 }
  const late: Result = { ...batched, window, throughput: { offered: 509, completed: 549 } }
  expect(throughputOf(late)).toBe('549/s of 509/s offered, plus at least 400 requests from the warm-up')
  expect(throughputOf({ ...late, engine: 'record' })).toMatch(/plus at least 400 requests from before the window$/)
  expect(throughputOf({ ...late, throughput: { offered: 549, completed: 549.2 } })).toBe('549/s of 549/s offered')
})

it('shows the bytes and the connections of a run over HTTP', () => {
  const step = (p50: number) => ({ count: 12, min: p50, mean: p50, p50, p99: 2 * p50, max: 3 * p50, histogram: '' })
  const over: Result = {
    ...batched,
    bytes: { sent: 500, received: 12_345_678, sentPerSecond: 50, receivedPerSecond: 1_234_567.8 },
    connections: {
      ...{ opened: 12, openedInWindow: 0, closed: 0, failed: 0, sentBytes: 5000, receivedBytes: 13_000_000 },
      ...{ setupMs: step(0.4), tcpMs: step(0.4) },
    },
  }
  const rows = (result: Result) => renderResult(result, { width: 140 }).match(/(?<=bodies +|connections +)\S.*/g)
  expect(rows(over)).toEqual([
    '12.3 MB received, 1.23 MB/s; 500 B sent, 50 B/s',
    '12 opened, none of them in the window; set-up p50 400 us, max 1.20 ms',
  ])
  const connections = { ...step(0), ...over.connections, openedInWindow: 4, closed: 3, failed: 1, tlsMs: step(0.1) }
  expect(rows({ ...over, connections } as Result)?.[1]).toBe(
    '12 opened, 4 of them in the window, 3 closed, 1 failed; set-up p50 400 us (TCP 400 us, TLS 100 us), max 1.20 ms',
  )
  const refused = { ...over.connections, opened: 0, failed: 9, setupMs: null }
  expect(rows({ ...over, connections: refused } as Result)?.[1]).toBe('0 opened, 9 failed')
})

const batched = simulate({
  arrivals: '800/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms', variation: gamma({ cv: 0.5 }) }),
  batching: { maxBatchSize: 50, maxWait: '5ms' },
  stop: { requests: 50_000 },
})

/** A simulated result with the fields of a measurement. */
const measured: Result = {
  ...batched,
  engine: 'measure',
  scenario: { ...(batched.scenario as NonNullable<Result['scenario']>), handler: 'file:///srv/model/handler.js' },
  lagMs: { ...batched.lagMs, mean: 0.4 },
  dispatchMs: { ...batched.dispatchMs, mean: 0.08 },
  fromSendMs: { ...batched.latencyMs, p99: 0.9 * batched.latencyMs.p99 },
  counts: { ...batched.counts, completed: batched.counts.completed - 12, failed: 12 },
  latencyMs: {
    ...batched.latencyMs,
    mean: batched.latencyMs.mean + 0.48,
    intervals: {
      ...batched.latencyMs.intervals,
      mean: { low: 15.2, high: 16.9, level: 0.95 },
      p99: { low: 37, high: 41.5, level: 0.95 },
    },
  },
  validity: {
    valid: false,
    findings: [
      { code: 'too-few-samples', severity: 'info', message: 'p99.9 needs 3,688 independent samples', figures: {} },
      {
        code: 'event-loop-late',
        severity: 'error',
        message:
          'the event loop of this process started requests late, by 0.4 ms on average and 2 ms at p99, which raised p50 latency from 1 ms to 3 ms. Lower the rate, or serve on threads with a handler module',
        figures: {},
      },
      { code: 'unsteady', severity: 'warning', message: 'the second half was slower than the first', figures: {} },
    ],
  },
  host: {
    speed: {
      slowest: 0.82,
      fastest: 1.3,
      timeline: Array.from({ length: 40 }, (_, i) => ({ atMs: 1000 * i, speed: i < 10 ? 1.3 : i < 30 ? 0.98 : 0.7 })),
    },
    gc: [
      {
        thread: 'main',
        count: 2,
        totalMs: 1.25,
        longestMs: 0.75,
        kinds: { minor: 2, major: 0, incremental: 0, weak: 0 },
      },
      {
        thread: 'server 1',
        count: 40,
        totalMs: 35.5,
        longestMs: 5.57,
        kinds: { minor: 38, major: 1, incremental: 1, weak: 0 },
      },
    ],
    eventLoopDelay: null,
    cpu: {
      periodMs: 56_400,
      cores: 2,
      threads: [
        { thread: 'main', busyMs: 9306, fraction: 0.165, waitingMs: 282 },
        { thread: 'server 1', busyMs: 53_298, fraction: 0.945, waitingMs: 1128 },
      ],
      processMs: 64_000,
      othersMs: 31_020,
      stealMs: 570,
    },
    reasons: { eventLoopDelay: 'server threads sleep outside of their event loops' },
  },
  environment: { node: '20.20.2', platform: 'linux x64', cpu: 'A Processor 9000', cores: 2, load: 0.31 },
}

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

describe('a result', () => {
  it('reads at eighty columns: simulated', async () => {
    const text = renderResult(batched)
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('golden/result-simulated.txt')
  })

  it('reads at eighty columns: measured, with findings, the most severe first', async () => {
    const text = renderResult(measured)
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('golden/result-measured.txt')
  })

  it('reads at eighty columns: turned away and timed out', async () => {
    const text = renderResult(
      simulate({
        arrivals: '800/s',
        service: '1ms',
        queue: { capacity: 3, timeout: '2ms' },
        stop: { requests: 50_000 },
      }),
    )
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('golden/result-rejected.txt')
  })

  it('fits a narrow terminal', () => {
    expect(widest(renderResult(measured, { width: 62 }))).toBeLessThanOrEqual(62)
  })

  it('describes live requests without a scenario', () => {
    const text = renderResult({ ...batched, engine: 'record', scenario: null, utilization: null })
    expect(text).toMatch(/^ Recorded {2}live requests\n/)
    expect(text).not.toContain('utilization')
  })
})
