import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import type { MeasureProgress } from '../../src/measure/options.js'
import { runMeasurement } from '../../src/measure/run.js'
import { resultOf } from '../../src/result/result.js'
import { closed, constant, type OpenArrivals, stages } from '../../src/scenario/arrivals/arrivals.js'
import { schedule } from '../../src/scenario/arrivals/schedule.js'
import { buildPolicy } from '../../src/scenario/batching-policy.js'
import { type ResolvedScenario, resolveScenario, type Scenario } from '../../src/scenario/scenario.js'
import { simulate } from '../../src/simulate/simulate.js'
import { expectServed, expectToAddUp } from '../support/expect/adds-up.js'
import { referencePolicy } from '../support/reference/reference-policy.js'

// These assertions hold on a slow or busy machine, which may delay anything for long.

const handler = (name: string) => new URL(`./handlers/${name}`, import.meta.url)
const numbers = handler('numbers.js')

/** When the requests of arrivals that end by themselves are due. */
function dueTimesOf({ arrivals, seed }: ResolvedScenario): number[] {
  const next = schedule(arrivals as OpenArrivals, seed)
  const due: number[] = []
  for (let ns = next(); ns < Number.POSITIVE_INFINITY; ns = next()) due.push(ns)
  return due
}

describe('measure', () => {
  it('returns a Result of the requests due in the window', async () => {
    const scenario: Scenario = { arrivals: '2000/s', stop: { requests: 800 }, handler: numbers }
    const result = await measure(scenario)
    expectToAddUp(result)
    expect(result.schema).toBe('throughline/result@1')
    expect(result.engine).toBe('measure')
    expect(result.scenario?.handler).toBe(numbers.href)
    expect(result.environment?.node).toBe(process.versions.node)
    // the window is that of a simulation of the very same requests
    const { window, counts } = simulate({ ...scenario, service: 0 })
    expect(result.window).toEqual(window)
    expect(result.counts).toEqual(counts)
    expect(result.segments.map((segment) => segment.counts.offered)).toEqual(new Array(20).fill(36))
    expectServed(result, 0)
  })

  it('receives exactly the requests of the schedule, and forms the batches that the policy releases', async () => {
    // arrivals that end by themselves: the window lasts until the last completion, so that every batch starts in it
    const scenario = resolveScenario(
      {
        arrivals: stages([{ rate: '8000/s', duration: '200ms' }]),
        stop: { requests: 3000 },
        warmup: { requests: 0 },
        batching: { maxBatchSize: 8, maxWait: '2ms' },
        servers: 2,
        handler: numbers,
        seed: 5,
      },
      'measure',
    )
    const due = dueTimesOf(scenario)
    expect(due.length).toBeGreaterThan(1400)
    const { observations, recording } = await runMeasurement(scenario, {}, due.length)
    expect(recording.counts).toMatchObject({ offered: due.length, completed: due.length })
    expect(observations.flatMap(({ requests }) => requests)).toEqual([...due.keys()])
    expect(observations.flatMap(({ dueNs }) => dueNs)).toEqual(due)
    // no request is late: it is queued when it is due
    for (const { dueNs, queuedNs } of observations) expect(queuedNs).toEqual(dueNs)
    const seen = due.map((dueNs) => ({ dueNs, queuedNs: dueNs }))

    // what was recorded of requests and servers, replayed through the policy, gives the batches that left
    const frees = observations.map(({ freeNs }) => freeNs)
    const replayed = referencePolicy(buildPolicy(scenario.batching), seen, frees)
    const left = observations.map(({ requests, size, leaveNs }) => ({ requests, size, leaveNs }))
    expect(left).toEqual(replayed.batches)
    expect(left.length).toBe(recording.segments.reduce((sum, { batches }) => sum + batches, 0))
    for (const { leaveNs, startNs, endNs } of observations) {
      expect(startNs).toBeGreaterThanOrEqual(leaveNs)
      expect(endNs).toBeGreaterThanOrEqual(startNs)
    }
    // the servers are idle at first, however late their threads wake
    expect(observations[0]?.cause).toBe('filled')
  })

  it('drops exactly the requests that the queue limits exclude: an overload grows no backlog', async () => {
    const scenario = resolveScenario(
      {
        arrivals: stages([{ rate: '2000/s', duration: '500ms' }]),
        stop: { requests: 3000 },
        warmup: { requests: 0 },
        batching: { maxBatchSize: 2, maxWait: '1ms' },
        queue: { capacity: 6, timeout: '20ms' },
        handler: handler('delay.js'),
        seed: 5,
      },
      'measure',
    )
    const due = dueTimesOf(scenario)
    const { observations, recording } = await runMeasurement(scenario, {}, due.length)
    const { counts } = recording
    expectToAddUp(resultOf(recording))
    expect(counts.offered).toBe(due.length)
    // a batch of two takes 5 ms: 400/s
    expect(counts.rejected).toBeGreaterThan(400)
    expect(recording.findings.map(({ code }) => code)).not.toContain('saturated')

    const seen = due.map((dueNs) => ({ dueNs, queuedNs: dueNs }))
    const limits = { capacity: 6, timeoutNs: 20e6 }
    const frees = observations.map(({ freeNs }) => freeNs)
    const { batches, dropped } = referencePolicy(buildPolicy(scenario.batching), seen, frees, limits)
    const left = observations.map(({ requests, size, leaveNs }) => ({ requests, size, leaveNs }))
    expect(left).toEqual(batches)
    const droppedFor = (reason: string) => dropped.filter((each) => each.reason === reason).length
    expect(counts).toMatchObject({
      completed: due.length - dropped.length,
      rejected: droppedFor('rejected'),
      timedOut: droppedFor('timedOut'),
    })
  })

  it('rejects and counts all other requests while a server blocks', async () => {
    const result = await measure(
      {
        arrivals: constant('50000/s'),
        stop: { duration: '400ms' },
        warmup: { requests: 0 },
        queue: { capacity: 3 },
        handler: handler('blocks-a-while.js'),
      },
      { batchTimeout: '5s' },
    )
    expectToAddUp(result)
    expect(result.counts.offered).toBe(20_000)
    expect(result.counts.completed).toBeLessThanOrEqual(8)
    expect(result.counts.rejected).toBeGreaterThanOrEqual(19_990)
    expect(result.counts.unfinished).toBe(0)
    expect(result.rates.rejection).toBeGreaterThan(0.99)
    expect(result.validity.findings.map(({ code }) => code)).not.toContain('saturated')
  })

  it('stops at a time: it serves the requests due before, and none after', async () => {
    const result = await measure({ arrivals: constant('1000/s'), stop: { duration: '0.3s' }, handler: numbers })
    expectToAddUp(result)
    expect(result.window).toEqual({ startMs: 30, endMs: 300 })
    expect(result.counts.offered).toBe(270)
    expect(result.counts.completed).toBe(270)
  })

  it('measures at least the delay of an asynchronous handler', async () => {
    const result = await measure({ arrivals: '100/s', stop: { requests: 40 }, handler: handler('delay.js') })
    expectToAddUp(result)
    expect(result.serviceMs.min).toBeGreaterThanOrEqual(5)
    expect(result.latencyMs.min).toBeGreaterThanOrEqual(5)
    expectServed(result, 5)
  })

  it('forms batches up to the limit, on several servers', async () => {
    const result = await measure({
      arrivals: constant('5000/s'),
      stop: { requests: 2000 },
      batching: { maxBatchSize: 10, maxWait: '50ms' },
      servers: 2,
      handler: numbers,
    })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(1800)
    const sizes = Object.keys(result.batches.sizes).map(Number)
    expect(Math.max(...sizes)).toBe(10)
    expect(result.batches.meanSize).toBeGreaterThan(5)
    expect(result.batchingMs.max).toBeGreaterThan(0)
  })

  it('forms only full batches if maxWait is null, and serves the rest at the end', async () => {
    const result = await measure({
      arrivals: constant('2000/s'),
      stop: { requests: 1007 },
      warmup: { requests: 0 },
      batching: { maxBatchSize: 10, maxWait: null },
      handler: handler('numbers.js'),
    })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(1007)
    // the window is over when the last request is due, after half a second, and late batches start after it
    expect(result.batches.sizes[10]).toBeGreaterThanOrEqual(1)
    expect(Object.keys(result.batches.sizes).filter((size) => size !== '10' && size !== '7')).toEqual([])
  })

  it('sets up a handler before time 0, reuses its inputs in turn, and tears it down; a module may await', async () => {
    const result = await measure({
      arrivals: '2000/s',
      stop: { requests: 100 },
      batching: { maxBatchSize: 4 },
      handler: handler('prepared.ts'),
    })
    expect(result.counts.completed).toBe(90)
    expect(result.validity.findings).toContainEqual({
      code: 'teardown-failed',
      severity: 'warning',
      message: "the handler's teardown threw: torn down with its state",
      figures: {},
    })
  })

  it('resolves the path of a handler against the working directory, serves a trace, and polls', async () => {
    const result = await measure(
      {
        arrivals: { process: 'replay', timestamps: [0, 1, 2, 2, 2, 30] },
        warmup: { requests: 1 },
        handler: relative(process.cwd(), fileURLToPath(handler('numbers.js'))),
      },
      { idle: 'poll', spin: 0 },
    )
    expectToAddUp(result)
    expect(result.counts.completed).toBe(5)
    // the trace is over: its last completion ends the window
    expect(result.window.startMs).toBe(1)
    expect(result.window.endMs).toBeGreaterThan(30)
  })

  it('reports progress', async () => {
    const seen: MeasureProgress[] = []
    await measure(
      { arrivals: '1000/s', stop: { duration: '60s' }, warmup: { duration: 0 }, handler: numbers },
      { onProgress: (progress) => seen.push(progress) < 4 },
    )
    expect(seen.length).toBeGreaterThanOrEqual(4)
    for (let i = 1; i < seen.length; i++) {
      const [before, after] = [seen[i - 1], seen[i]] as [MeasureProgress, MeasureProgress]
      expect(after.timeMs).toBeGreaterThanOrEqual(before.timeMs)
      expect(after.sent).toBeGreaterThanOrEqual(before.sent)
      expect(after.completed).toBeGreaterThanOrEqual(before.completed)
      expect(after.fraction).toBeGreaterThanOrEqual(before.fraction)
      expect(after.fraction).toBeLessThanOrEqual(1)
      expect(after.endMs).toBe(60_000)
    }
  })

  it('reports the progress of a closed loop by the number of requests sent', async () => {
    const seen: MeasureProgress[] = []
    await measure(
      {
        arrivals: closed({ clients: 2, thinkTime: '10ms' }),
        call: () => 1,
        stop: { requests: 10_000 },
        warmup: { requests: 0 },
      },
      { onProgress: (progress) => seen.push(progress) < 4 },
    )
    expect(seen.length).toBeGreaterThanOrEqual(4)
    // how far it was is read a moment after how many it had sent
    for (const { fraction, sent, endMs } of seen) {
      expect(endMs).toBeNull()
      expect(fraction).toSatisfy((value: number) => value === sent / 10_000 || value === 1)
    }
    expect(seen.at(-1)?.fraction).toBeGreaterThan(0)
  })
})
