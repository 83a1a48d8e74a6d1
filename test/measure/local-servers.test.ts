import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildRecording } from '../../src/measure/recording/build-recording.js'
import { resultOf } from '../../src/result/result.js'
import { buildPolicy } from '../../src/scenario/batching-policy.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { simulate } from '../../src/simulate/simulate.js'
import { atLength } from '../support/at-length.js'
import { referencePolicy } from '../support/reference/reference-policy.js'
import { cycle } from '../support/virtual-time/cycle.js'
import { simulateEvents } from '../support/virtual-time/simulated-events.js'
import { type Flown, serveInVirtualTime } from '../support/virtual-time/virtual-event-loop.js'

const instant = { lateness: () => 0 }

const scenarios = fc.record({
  gaps: fc.array(fc.nat(6), { minLength: 1, maxLength: 60 }),
  maxBatchSize: fc.constantFrom(1, 2, 3, 5, null),
  maxWait: fc.constantFrom<(number | null)[]>(0, 3, 8, 40, null),
  servers: fc.integer({ min: 1, max: 3 }),
  services: fc.array(fc.nat(20), { minLength: 1, maxLength: 10 }),
  lateness: fc.array(fc.nat(7), { minLength: 1, maxLength: 10 }),
})
type Given = typeof scenarios extends fc.Arbitrary<infer Value> ? Value : never

/** Times in whole nanoseconds. */
function scenarioOf({ gaps, maxBatchSize, maxWait, servers }: Given): ScenarioParts {
  let due = 0
  const timestamps = gaps.map((gap) => {
    due += gap
    return due / 1e6
  })
  // both without a limit is refused
  const wait = maxBatchSize === null && maxWait === null ? 0 : maxWait
  return {
    arrivals: { process: 'replay', timestamps },
    // a batch without a limit takes the memory of a million requests: mostly a limit that no scenario reaches instead
    batching: {
      maxBatchSize: maxBatchSize === null && gaps.length % 5 > 0 ? 64 : maxBatchSize,
      maxWait: wait === null ? null : wait / 1e6,
    },
    servers,
    warmup: { requests: 0 },
  }
}

function simulated(scenario: ScenarioParts, service: ScenarioParts['service']) {
  const events = simulateEvents({ ...scenario, service })
  return events.flatMap((event) => (event.type === 'batch' ? [[event.startMs, event.endMs, event.requests]] : []))
}
const toEvent = ({ startNs, endNs, requests }: Flown) => [startNs / 1e6, endNs / 1e6, requests]

describe('servers in this process, in virtual time', () => {
  it('serve every request once and in order, with at most one batch in flight for each server, and then end', {
    tags: 'at-length',
  }, () => {
    fc.assert(
      fc.property(scenarios, (given) => {
        const { flown, ended, left } = serveInVirtualTime(scenarioOf(given), {
          service: cycle(given.services),
          lateness: cycle(given.lateness),
          segments: 1,
        })
        expect({ ended, left }).toEqual({ ended: true, left: 0 })
        expect(flown.flatMap(({ requests }) => requests)).toEqual(given.gaps.map((_, number) => number))
        for (const [i, { startNs, leaveNs, freeNs, queued }] of flown.entries()) {
          expect(leaveNs).toBeGreaterThanOrEqual(freeNs)
          expect(startNs).toBeGreaterThanOrEqual(leaveNs)
          for (const queuedNs of queued) expect(queuedNs).toBeLessThanOrEqual(leaveNs)
          const underWay = flown.slice(0, i).filter(({ endNs }) => endNs > startNs)
          expect(underWay.length).toBeLessThan(given.servers)
        }
      }),
      { numRuns: atLength(200), seed: 11 },
    )
  })

  it('release the batches of the policy, however late the timers are', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(scenarios, (given) => {
        const run = serveInVirtualTime(scenarioOf(given), {
          // a batch that ended as it left would free its server before it had taken it
          service: cycle(given.services.map((ns) => ns + 1)),
          lateness: cycle(given.lateness),
          segments: 1,
        })
        const requests = run.flown.flatMap(({ due, queued }) =>
          due.map((dueNs, i) => ({ dueNs, queuedNs: queued[i] as number })),
        )
        const frees = Array.from({ length: given.servers }, () => -1)
        frees.push(...run.flown.map(({ endNs }) => endNs).sort((a, b) => a - b))
        const { batches } = referencePolicy(buildPolicy(run.scenario.batching), requests, frees)
        expect(run.flown.map(({ requests, leaveNs }) => ({ requests, leaveNs }))).toEqual(
          batches.map(({ requests, leaveNs }) => ({ requests, leaveNs })),
        )
      }),
      { numRuns: atLength(200), seed: 11 },
    )
  })

  it('form the batches that a simulation forms, if the event loop takes no time', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(scenarios, fc.integer({ min: 1, max: 9 }), fc.nat(4), (given, base, perItem) => {
        const scenario = scenarioOf(given)
        const service = { model: 'affine', base: base / 1e6, perItem: perItem / 1e6 } as const
        const behaviour = { ...instant, service: (size: number) => base + perItem * size, segments: 1 }
        const limited = serveInVirtualTime(scenario, behaviour)
        expect(limited.flown.map(toEvent)).toEqual(simulated(scenario, service))
        // no limit is as many servers as there are requests
        const unlimited = serveInVirtualTime(scenario, behaviour, true)
        expect(unlimited.flown.map(toEvent)).toEqual(simulated({ ...scenario, servers: given.gaps.length }, service))
      }),
      { numRuns: atLength(200), seed: 11 },
    )
  })

  const scenario: ScenarioParts = {
    arrivals: '50000/s',
    stop: { requests: 2000 },
    batching: { maxBatchSize: 4, maxWait: '60us' },
  }

  it.each([
    ['one at a time', 1],
    ['three at a time', 3],
  ])('record the same as a simulation: %s', (_, servers) => {
    const run = serveInVirtualTime({ ...scenario, servers }, { ...instant, service: (size) => 10_000 + 5000 * size })
    const {
      engine: _engine,
      scenario: _scenario,
      fromSendMs: _send,
      ...measured
    } = resultOf(buildRecording(run.scenario, run.state, run.nowNs))
    const {
      engine,
      scenario: _normal,
      fromSendMs,
      ...expected
    } = simulate({
      ...scenario,
      servers,
      service: { model: 'affine', base: '10us', perItem: '5us' },
    })
    expect(measured).toEqual(expected)
  })

  it('keep all sums if batches end in another order than they started, without an in-flight limit', {
    tags: 'at-length',
  }, () => {
    const times = fc.array(fc.nat(400_000), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(times, fc.array(fc.nat(9000), { minLength: 1, maxLength: 9 }), (services, lateness) => {
        const behaviour = { service: cycle(services), lateness: cycle(lateness) }
        const { flown, ...run } = serveInVirtualTime(scenario, behaviour, true)
        const recording = buildRecording(run.scenario, run.state, run.nowNs)
        const { histograms, counts, inSystemNs, staysNs, servingNs, segments, startNs } = recording
        const { latency, wait, service, lag, queueing, batching, dispatch } = histograms
        expect(queueing.sum).toBe(0)
        expect(lag.sum + queueing.sum + batching.sum + dispatch.sum).toBe(wait.sum)
        expect(wait.sum + service.sum).toBe(latency.sum)
        expect(inSystemNs).toBe(staysNs)
        expect(servingNs).toBeNull()
        expect(counts).toMatchObject({ offered: 1800, completed: 1800 })
        // each segment has the latencies of its own requests
        const all = flown.flatMap((each) =>
          each.due.map((due, i) => ({ ...each, due, number: each.requests[i] as number })),
        )
        for (const [k, segment] of segments.entries()) {
          const [from, to] = [run.window.firsts[k] as number, run.window.firsts[k + 1] as number]
          const own = all.filter(({ number }) => number >= from && number < to)
          expect(segment.counts.completed).toBe(own.length)
          expect(segment.histograms.latency.max).toBe(Math.max(...own.map(({ due, endNs }) => endNs - due)))
          const started = flown.filter(
            (each) => each.startNs >= segment.startNs && each.startNs < segment.endNs && each.startNs >= startNs,
          )
          expect(segment.batches).toBe(started.length)
        }
      }),
      { numRuns: atLength(20), seed: 11 },
    )
  })

  it('abort batches that time out, and count the remaining requests at the end of the drain', () => {
    const hangs = (every: number) => {
      let n = 0
      return () => (n++ % every === 0 ? Number.POSITIVE_INFINITY : 1000)
    }
    const one: ScenarioParts = { arrivals: '1000/s', stop: { requests: 100 }, warmup: { requests: 0 } }
    const run = serveInVirtualTime(one, { ...instant, service: hangs(10), batchTimeoutMs: 50 }, true)
    const recording = buildRecording(run.scenario, run.state, run.nowNs)
    expect(recording.counts).toMatchObject({ offered: 100, completed: 90, failed: 10, unfinished: 0 })
    expect(run.failure?.message).toBe('it took longer than 50 ms (batchTimeout)')
    const cut = serveInVirtualTime(one, { ...instant, service: hangs(10), batchTimeoutMs: 60_000 }, true)
    const { counts, inSystemNs, staysNs } = buildRecording(cut.scenario, cut.state, cut.nowNs)
    expect(counts).toMatchObject({ offered: 100, completed: 90, failed: 0, unfinished: 10 })
    expect(inSystemNs).toBe(staysNs)
    expect(cut.left).toBe(0)
  })
})
