import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { buildRecording, buildRecordingSoFar } from '../../src/measure/recording/build-recording.js'
import { AHEAD_NS } from '../../src/measure/recording/window.js'
import type { Recording } from '../../src/result/recording.js'
import { type Result, resultOf, type Segment } from '../../src/result/result.js'
import { closed, constant, stages } from '../../src/scenario/arrivals/arrivals.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { simulate } from '../../src/simulate/simulate.js'
import { atLength } from '../support/at-length.js'
import { cycle } from '../support/virtual-time/cycle.js'
import { runInVirtualTime, type Threads } from '../support/virtual-time/virtual-threads.js'

/** Runs a scenario in virtual time, and records it as a measurement does. */
function record(scenario: ScenarioParts, threads: Threads) {
  const run = runInVirtualTime(scenario, threads)
  return { run, recording: buildRecording(run.scenario, run.state, run.nowNs) }
}

const us = (value: number) => value * 1000

/** A result with what started in its segments added up. */
function startedInAll<R extends Pick<Result, 'segments'>>(result: R) {
  const sum = (of: (segment: Segment) => number) => result.segments.reduce((total, segment) => total + of(segment), 0)
  return {
    ...result,
    segments: result.segments.map(({ batches, batched, servingMs, ...rest }) => rest),
    started: [sum(({ batches }) => batches), sum(({ batched }) => batched), sum(({ servingMs }) => servingMs)],
  }
}

describe('the recording of a run', () => {
  const loop = closed({ clients: 9, thinkTime: { mean: '150us', variation: exponential() } })
  const ramps = stages(
    [
      { rate: '30000/s', duration: '10ms' },
      { rate: '90000/s', duration: 0 },
      { rate: '20000/s', duration: '7ms' },
      { rate: 0, duration: '20ms' },
    ],
    { from: '1000/s' },
  )
  const late = stages([
    { rate: 0, duration: '5ms' },
    { rate: '30000/s', duration: 0 },
    { rate: '30000/s', duration: '10ms' },
  ])
  const scenarios: [string, ScenarioParts][] = [
    ['by requests', { arrivals: '20000/s', stop: { requests: 1000 } }],
    ['by time', { arrivals: '20000/s', stop: { duration: '50ms' } }],
    ['in batches', { arrivals: '50000/s', stop: { requests: 2000 }, batching: { maxBatchSize: 8, maxWait: '100us' } }],
    ['by several servers', { arrivals: '50000/s', stop: { duration: '40ms' }, servers: 3 }],
    [
      'of a trace, whole',
      { arrivals: { process: 'replay', timestamps: [0, 0.01, 0.02, 0.5, 0.5, 0.5, 0.9] }, warmup: { requests: 2 } },
    ],
    [
      'of a trace that ends before the run',
      {
        arrivals: { process: 'replay', timestamps: [0, 0.01, 0.02, 0.5, 0.5, 0.5, 0.9] },
        stop: { requests: 30 },
        warmup: { duration: '15us' },
      },
    ],
    ['warmed up by requests, stopped by time', { arrivals: 30_000, warmup: { requests: 77 }, stop: { duration: 20 } }],
    ['warmed up by time, stopped by requests', { arrivals: 30_000, warmup: { duration: 5 }, stop: { requests: 777 } }],
    [
      'of a queue with limits, by requests',
      { arrivals: '120000/s', stop: { requests: 2000 }, queue: { capacity: 3, timeout: '25us' }, servers: 2 },
    ],
    [
      'of a queue with limits, in batches by time',
      {
        arrivals: '90000/s',
        stop: { duration: '20ms' },
        batching: { maxBatchSize: 4, maxWait: '20us' },
        queue: { capacity: 5, timeout: '30us' },
      },
    ],
    ['of a closed loop, by requests', { arrivals: loop, stop: { requests: 2000 }, warmup: { requests: 200 } }],
    ['of a closed loop, by time', { arrivals: loop, stop: { duration: '20ms' }, servers: 2 }],
    [
      'of a closed loop, by time and requests',
      { arrivals: loop, stop: { requests: 999 }, warmup: { duration: '1ms' } },
    ],
    [
      'of a closed loop, by requests and time',
      { arrivals: loop, stop: { duration: '15ms' }, warmup: { requests: 55 } },
    ],
    [
      'of a closed loop, in batches with limits',
      {
        arrivals: loop,
        stop: { requests: 1500 },
        batching: { maxBatchSize: 3, maxWait: '20us' },
        queue: { capacity: 3, timeout: '31us' },
      },
    ],
    ['of stages, by time', { arrivals: ramps, queue: { capacity: 3, timeout: '30us' } }],
    ['of stages, by requests', { arrivals: ramps, stop: { requests: 600 }, warmup: { duration: '12ms' } }],
    ['of stages, and nothing after them', { arrivals: ramps, stop: { requests: 9000 }, warmup: { requests: 30 } }],
    ['of stages, for longer', { arrivals: ramps, stop: { duration: '70ms' }, good: { latency: '40us' } }],
    ['of fewer requests than segments', { arrivals: '1000/s', warmup: { requests: 1 }, stop: { requests: 7 } }],
    ['without a warm-up, by requests', { arrivals: '20000/s', warmup: { requests: 0 }, stop: { requests: 500 } }],
    ['without a warm-up, by time', { arrivals: '20000/s', warmup: { requests: 0 }, stop: { duration: '25ms' } }],
    [
      'without a warm-up, of a trace that begins later',
      { arrivals: { process: 'replay', timestamps: [0.4, 0.5, 0.9] }, warmup: { requests: 0 } },
    ],
    ['without a warm-up, of stages that begin with nothing', { arrivals: late, warmup: { requests: 0 } }],
    [
      'without a warm-up, of stages that begin with nothing, by requests',
      { arrivals: late, warmup: { requests: 0 }, stop: { requests: 200 } },
    ],
    ['without a warm-up, of a closed loop', { arrivals: loop, warmup: { requests: 0 }, stop: { requests: 900 } }],
  ]

  it.each(scenarios)('equals a simulation, if threads take no time: %s', (_, scenario) => {
    const { recording } = record(scenario, {
      service: (size) => us(10 + 5 * size),
      delay: () => 0,
    })
    const simulated = simulate({ ...scenario, service: { model: 'affine', base: '10us', perItem: '5us' } })
    const measured = resultOf(recording)
    const { engine, scenario: _normal, ...rest } = measured
    const { engine: _engine, scenario: _other, ...expected } = simulated
    // of requests at one instant, some may be in the segment that ends there and some in the next
    const atOnce = typeof scenario.arrivals === 'object' && scenario.arrivals.process === 'replay'
    const comparable = atOnce ? startedInAll : (result: typeof expected) => result
    expect(comparable(rest)).toEqual(comparable(expected))
    expect(engine).toBe('measure')
  })

  const runs = fc.record({
    scenario: fc.constantFrom(...scenarios.map(([, scenario]) => scenario)),
    services: fc.array(fc.nat(us(300)), { minLength: 1, maxLength: 10 }),
    delays: fc.array(fc.nat(us(20)), { minLength: 1, maxLength: 10 }),
    failing: fc.integer({ min: 2, max: 50 }),
    aheadNs: fc.constantFrom(1, us(10), AHEAD_NS),
  })

  it('adds up, whatever threads do, and agrees with a count request by request', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(runs, ({ scenario, services, delays, failing, aheadNs }) => {
        const fails = (number: number) => number % failing === 0
        const { run, recording } = record(scenario, {
          service: cycle(services),
          delay: cycle(delays),
          fails,
          places: 8192,
          aheadNs,
        })
        expectSumsToAgree(recording)
        const { startNs, endNs } = recording
        const first = run.window.firsts[0] as number
        const requests = run.served.flatMap((batch) =>
          batch.due.map((dueNs, i) => ({
            ...batch,
            number: batch.requests[i] as number,
            dueNs,
            queuedNs: batch.queued[i] as number,
          })),
        )
        const due = requests.filter(({ number }) => number >= first)
        const completed = due.filter(({ number }) => !fails(number))
        const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)

        const dropped = (reason?: string) =>
          run.dropped.filter((each) => each.number >= first && each.reason === (reason ?? each.reason))
        expect(recording.counts.offered).toBe(due.length + dropped().length)
        expect(recording.counts.rejected).toBe(dropped('rejected').length)
        expect(recording.counts.timedOut).toBe(dropped('timedOut').length)
        expect(recording.counts.completed).toBe(completed.length)
        expect(recording.counts.failed).toBe(due.length - completed.length)
        expect(recording.counts.unfinished).toBe(0)
        expect(recording.histograms.latency.sum).toBe(sum(completed.map(({ dueNs, endNs }) => endNs - dueNs)))
        expect(recording.histograms.lag.sum).toBe(sum(completed.map(({ dueNs, queuedNs }) => queuedNs - dueNs)))
        expect(recording.histograms.dispatch.sum).toBe(sum(completed.map(({ leaveNs, startNs }) => startNs - leaveNs)))
        // while it waited, a server was idle from when it could first have been taken
        const formed = completed.map(({ leaveNs, freeNs, queuedNs }) => leaveNs - Math.max(freeNs, queuedNs))
        expect(recording.histograms.batching.sum).toBe(sum(formed))

        const inside = requests.filter(({ endNs: at, number }) => at >= startNs && at < endNs && !fails(number))
        // if the last completion ends the window, it is in it
        const last = run.window.endNs === Number.POSITIVE_INFINITY
        if (!last) expect(recording.completions).toBe(inside.length)
        const overlap = (from: number, to: number) => Math.max(0, Math.min(to, endNs) - Math.max(from, startNs))
        expect(recording.servingNs).toBe(sum(run.served.map((batch) => overlap(batch.startNs, batch.endNs))))
        const stays = [...requests.map(({ dueNs, endNs: at }) => overlap(dueNs, at))]
        stays.push(...run.dropped.map(({ dueNs, atNs }) => overlap(dueNs, atNs)))
        expect(recording.staysNs).toBe(sum(stays))
        expect(recording.inSystemNs).toBe(recording.staysNs)
        if (run.scenario.arrivals.process === 'closed') {
          const stayed = [...requests, ...run.dropped.map(({ dueNs, atNs }) => ({ dueNs, endNs: atNs }))]
          for (const { endNs: atNs, inSystem } of recording.segments) {
            expect(inSystem).toBe(stayed.filter((each) => each.dueNs < atNs && each.endNs >= atNs).length)
          }
        }
        for (const stage of recording.stages ?? []) {
          const own = [...completed].filter(({ dueNs }) => dueNs >= stage.startNs && dueNs < stage.endNs)
          expect(stage.counts.completed).toBe(own.length)
          expect(stage.latency.sum).toBe(sum(own.map(({ dueNs, endNs }) => endNs - dueNs)))
          const [from, to] = [Math.max(stage.startNs, startNs), Math.min(stage.endNs, endNs)]
          const ended = inside.filter(({ endNs: at }) => at >= from && at < to)
          if (!last) expect(Math.abs(stage.completions - ended.length)).toBeLessThanOrEqual(1)
        }
        const started = run.served.filter((batch) => batch.startNs >= startNs && batch.startNs < endNs)
        expect(sum([...recording.batchSizes.values()])).toBe(started.length)
      }),
      { numRuns: atLength(60), seed: 11 },
    )
  })

  it('ends the window when the waiting room is full, and drops no request', () => {
    const { run, recording } = record(
      { arrivals: { process: 'constant', rate: 1e6 }, stop: { duration: '1s' }, warmup: { requests: 100 } },
      { service: () => us(100), delay: () => 0, places: 1024 },
    )
    const { counts } = recording
    expect(run.window.endNs).toBeLessThan(1e9)
    expect(recording.endNs).toBe(run.window.endNs)
    expect(run.window.earlyEnd).toBe('full')
    expect(counts.completed + counts.unfinished).toBe(counts.offered)
    expectSumsToAgree(recording)
    expect(recording.inSystemNs).toBe(recording.staysNs)
    // the requests that were due before the window's end are those of the schedule: one a microsecond from 0 on
    expect(run.window.due).toBe(Math.ceil(run.window.endNs / 1000))
    expect(run.window.due).toBeGreaterThan(1024)
    expect(recording.segments.at(-1)?.endNs).toBe(recording.endNs)
  })

  it('has no figures of stages that a run which ends early does not reach', () => {
    const arrivals = stages([
      { rate: '1000/s', duration: '10ms' },
      { rate: '1000000/s', duration: 0 },
      { rate: '1000000/s', duration: '1s' },
      { rate: '1000/s', duration: '1s' },
    ])
    const { run, recording } = record(
      { arrivals, warmup: { duration: 0 } },
      { service: () => us(100), delay: () => 0, places: 1024 },
    )
    expect(run.window.earlyEnd).toBe('full')
    const [calm, peak, missed] = resultOf(recording).stages ?? []
    expect(calm?.windowMs).toBe(10)
    expect(peak?.windowMs).toBeCloseTo(run.window.endNs / 1e6 - 10, 9)
    expect(peak?.counts.unfinished).toBe(recording.counts.unfinished)
    expect(missed).toMatchObject({ windowMs: 0, throughput: null, latencyMs: null, counts: { offered: 0 } })
  })

  it('ends the drain 10 s after the last request was due, and counts the remaining requests as unfinished', () => {
    const { recording } = record(
      { arrivals: '100/s', stop: { requests: 200 }, warmup: { requests: 0 } },
      { service: () => 1e9, delay: () => 0 },
    )
    const { counts } = recording
    expect(counts.offered).toBe(200)
    expect(counts.completed).toBeGreaterThanOrEqual(11)
    expect(counts.completed).toBeLessThanOrEqual(14)
    expect(counts.completed + counts.unfinished).toBe(200)
    expect(recording.inSystemNs).toBe(recording.staysNs)
  })

  it('has a utilization of at most 1 so far, though batches that started end later', () => {
    const { run } = record(
      { arrivals: constant('1000/s'), servers: 20, stop: { duration: '200ms' }, warmup: { requests: 0 } },
      { service: () => 30e6, delay: () => 0, segments: 10 },
    )
    // 10 batches of 30 ms start in the first 10 ms
    const first = buildRecordingSoFar(run.scenario, run.state, 1)
    expect(first?.segments[0]).toMatchObject({ batches: 10, servingNs: 300e6 })
    expect(first && resultOf(first).utilization).toBe(1)
    const budget = checkBudget(resultOf(first as Recording), { utilization: '50%', max: '1s' })
    expect(budget.rules.map(({ metric }) => metric)).toEqual(['utilization', 'max', 'errorRate'])
  })
})

function expectSumsToAgree({ histograms, counts, segments }: Recording) {
  const { latency, wait, service, lag, queueing, batching, dispatch } = histograms
  expect(lag.sum + queueing.sum + batching.sum + dispatch.sum).toBe(wait.sum)
  expect(wait.sum + service.sum).toBe(latency.sum)
  const { offered, ...others } = counts
  expect(Object.values(others).reduce((sum, each) => sum + each, 0)).toBe(offered)
  for (const { counts: of } of segments) {
    const { offered: due, ...became } = of
    expect(Object.values(became).reduce((sum, each) => sum + each, 0)).toBe(due)
  }
}
