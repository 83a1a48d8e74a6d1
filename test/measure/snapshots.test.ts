import { describe, expect, it } from 'vitest'
import { bucketOf } from '../../src/histogram/buckets.js'
import { zeros } from '../../src/histogram/latency-histogram.js'
import { checkMeasurable } from '../../src/measure/measurable.js'
import { measure } from '../../src/measure/measure.js'
import { SharedMemory } from '../../src/measure/recording/shared-memory.js'
import { takeSnapshot } from '../../src/measure/recording/take-snapshot.js'
import { Window } from '../../src/measure/recording/window.js'
import { checkResult } from '../../src/result/check.js'
import type { Result } from '../../src/result/result.js'
import { constant, stages } from '../../src/scenario/arrivals/arrivals.js'
import { resolveScenario, type StoredScenario, storeScenario } from '../../src/scenario/scenario.js'
import { startThread } from '../../src/threads/thread.js'
import { planOf } from '../support/virtual-time/virtual-event-loop.js'
import { runInVirtualTime } from '../support/virtual-time/virtual-threads.js'

describe('a snapshot of a run in progress, in virtual time', () => {
  /** Request `hangs` is never answered, and another server serves the rest in 0.5 ms each. */
  function run(hangs: number) {
    const { scenario, memory } = runInVirtualTime(
      {
        arrivals: constant('1000/s'),
        servers: 2,
        good: { latency: '1500us' },
        stop: { requests: 1000 },
        warmup: { requests: 100 },
      },
      { service: (_, [number]) => (number === hangs ? Number.POSITIVE_INFINITY : 500_000), delay: () => 0 },
    )
    return { memory: memory.shared, scenario: scenario as StoredScenario, due: 1000, nowNs: 1_000_000_000 }
  }
  const inProgress = (result: Result | null) =>
    result?.validity.findings.find(({ code }) => code === 'in-progress') as Result['validity']['findings'][number]

  it('is of the requests that have been answered, and reports those in flight', () => {
    const result = checkResult(takeSnapshot({ ...run(700), oldestNs: 700_000_000 }))
    expect(result.counts).toMatchObject({ offered: 899, completed: 899, good: 899, unfinished: 0 })
    expect(result.window).toEqual({ startMs: 100, endMs: 1000 })
    expect(result.latencyMs.max).toBe(0.5)
    expect(result.validity.valid).toBe(true)
    expect(inProgress(result)).toEqual({
      code: 'in-progress',
      severity: 'warning',
      message:
        'the run is in progress: 1 request is in flight and not in these figures, the oldest due 300 ms ago, longer than any answered one took',
      figures: { inFlight: 1, oldestMs: 300 },
    })
  })

  it('only notes requests that have not been in flight for long', () => {
    const result = takeSnapshot({ ...run(999), oldestNs: 999_800_000 })
    expect(inProgress(result)).toMatchObject({ severity: 'info', figures: { inFlight: 1 } })
    expect(inProgress(takeSnapshot({ ...run(-1), oldestNs: Number.POSITIVE_INFINITY })).message).toBe(
      'the run is in progress: no request is in flight',
    )
  })

  it('counts requests that leave while it reads, and segments that no request has reached yet', () => {
    const { memory, ...task } = run(-1)
    const { firsts } = new Window(memory.buffers.window)
    const due = firsts[15] as number
    firsts.fill(Number.POSITIVE_INFINITY, 15)
    const result = checkResult(takeSnapshot({ ...task, memory, due, oldestNs: Number.POSITIVE_INFINITY }))
    expect(result.segments.map(({ inSystem }) => inSystem).slice(13)).toEqual([0, 0, 0, 0, 0, 0, 0])
  })

  it('has the connections that the process of the run opened so far', () => {
    const setup = { ...zeros(0), count: 1, sum: 5e6, squares: 25e12, min: 5e6, max: 5e6 }
    const known = { ...setup, buckets: Uint16Array.of(bucketOf(5e6)), counts: Uint32Array.of(1) }
    const counts = { opened: 1, openedInWindow: 0, closed: 0, failed: 2, sentBytes: 70, receivedBytes: 90 }
    const steps = { setup: known, dns: zeros(0), tcp: known, tls: zeros(0) }
    const task = { ...run(-1), oldestNs: Number.POSITIVE_INFINITY }
    const result = checkResult(takeSnapshot({ ...task, connections: { ...counts, steps } }))
    expect(result.connections).toMatchObject({ ...counts, setupMs: { count: 1, p50: 5 }, tcpMs: { max: 5 } })
    expect(result.connections).not.toHaveProperty('dnsMs')
    expect(takeSnapshot(task)).not.toHaveProperty('connections')
  })

  it('has the stages that have begun', () => {
    const { scenario, memory } = runInVirtualTime(
      {
        arrivals: stages([
          { rate: '2000/s', duration: '50ms' },
          { rate: '2000/s', duration: '50ms' },
          { rate: '2000/s', duration: '50ms' },
        ]),
        warmup: { duration: 0 },
      },
      // request 120, due at about 60 ms, is never answered
      { service: (_, [number]) => (number === 120 ? Number.POSITIVE_INFINITY : 50_000), delay: () => 0 },
    )
    const at = { due: 121, nowNs: 80e6, oldestNs: 60e6 }
    const result = takeSnapshot({ memory: memory.shared, scenario: scenario as StoredScenario, ...at }) as Result
    expect(result.stages?.map(({ windowMs }) => windowMs)).toEqual([50, 30, 0])
    expect(result.stages?.[2]?.latencyMs).toBeNull()
    expect(result.counts.offered).toBe(120)
    expect(result.stages?.reduce((sum, { counts }) => sum + counts.offered, 0)).toBe(120)
  })

  it('is null before the window', () => {
    expect(takeSnapshot({ ...run(700), nowNs: 50_000_000, oldestNs: Number.POSITIVE_INFINITY })).toBeNull()
  })
})

describe('a snapshot of what another thread is recording', () => {
  it('has figures that agree with each other', async () => {
    const scenario = checkMeasurable(
      resolveScenario(
        {
          arrivals: constant('1000/s'),
          handler: 'none.js',
          batching: { maxBatchSize: 4 },
          good: { latency: '500us' },
          classes: { a: { weight: 1 }, b: { weight: 3 } },
          stop: { duration: '2000s' },
          warmup: { duration: 0 },
        },
        'measure',
      ),
    )
    const plan = planOf({ ...scenario, arrivals: constant('1000/s') as never }, null)
    const memory = SharedMemory.allocate(scenario, plan, 1)
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const thread = await startThread<object, number>(new URL('./handlers/records-on.js', import.meta.url), 'recordOn')
    const writing = thread.run({ memory: memory.shared, stop })
    // the last departure is later than 1 ns, and so ends the window of a snapshot
    const task = { memory: memory.shared, scenario: storeScenario(scenario), due: 2_000_000, nowNs: 1, oldestNs: 0 }
    const snapshots: Result[] = []
    try {
      // a thread starts late on a busy machine, and may then record too fast for some of them
      for (let i = 0; i < 500 && snapshots.length < 10; i++) {
        const result = takeSnapshot(task)
        if (result !== null) snapshots.push(checkResult(JSON.parse(JSON.stringify(result))))
        else await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 20))])
      }
    } finally {
      Atomics.store(stop, 0, 1)
      Atomics.notify(stop, 0)
      await writing
      await thread.destroy()
    }
    expect(snapshots.length).toBeGreaterThan(0)
    for (const { counts, classes = {}, failures = {}, firstMs, betweenMs } of snapshots) {
      // a gap after each beginning, and what classes have was found to add up to the whole
      expect(betweenMs?.count).toBe(firstMs?.count)
      for (const own of Object.values(classes)) expect(own.betweenMs?.count).toBe(own.firstMs?.count)
      expect(Object.values(failures).reduce((a, b) => a + b, 0)).toBe(counts.failed)
    }
    const last = takeSnapshot(task)
    expect(last?.counts.offered).toBe(await writing)
    const { failed = 0, rejected = 0, timedOut = 0, good = 0 } = last?.counts ?? {}
    expect(Math.min(failed, rejected, timedOut, good, last?.betweenMs?.count ?? 0)).toBeGreaterThan(0)
    expect(Math.min(...Object.values(last?.classes ?? {}).map(({ firstMs }) => firstMs?.count ?? 0))).toBeGreaterThan(0)
  })
})

describe('resultSoFar', () => {
  it('gives a Result of the run so far, and null before and after', async () => {
    const results: (Result | null)[] = []
    let latest: (() => Promise<Result | null>) | undefined
    const scenario = { arrivals: constant('500/s'), stop: { duration: '30s' }, warmup: { duration: '300ms' } }
    const result = await measure(
      { ...scenario, call: () => {} },
      {
        onProgress: ({ resultSoFar }) => {
          latest = resultSoFar
          resultSoFar().then((each) => results.push(each))
          // on a busy machine the thread that takes snapshots starts late
          return results.filter((each) => each !== null).length < 2
        },
      },
    )
    const found = results.filter((each) => each !== null)
    expect(found.length).toBeGreaterThan(1)
    const last = found.at(-1) as Result
    expect(last.counts.completed).toBeGreaterThan(0)
    expect(last.counts.completed).toBeLessThanOrEqual(result.counts.completed)
    expect(found.every(({ validity }) => validity.findings.some(({ code }) => code === 'in-progress'))).toBe(true)
    expect(result.validity.findings.map(({ code }) => code)).not.toContain('in-progress')
    expect(await latest?.()).toBeNull()
  })
})
