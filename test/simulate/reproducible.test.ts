import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affine,
  byBatchSize,
  closed,
  exponential,
  gamma,
  lognormal,
  poisson,
  type Result,
  renewal,
  type Scenario,
  type SimulationEvent,
  simulate,
  uniform,
} from '../../src/index.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { atLength } from '../support/at-length.js'
import { expectUncorrelated } from '../support/expect/distribution-checks.js'
import type { NaiveScenario } from '../support/reference/naive-simulator.js'
import { dueTimesOf, simulateWithEvents } from '../support/reference/simulate-with-events.js'
import { seeded, smallScenario } from '../support/reference/small-scenarios.js'

const scenarios: Record<string, Scenario> = {
  'exponential batches': {
    arrivals: poisson('800/s'),
    service: affine({ base: 5, perItem: '250us', variation: exponential() }),
    batching: { maxBatchSize: 8, maxWait: '2ms' },
  },
  'bursts, stalls and dispatch': {
    arrivals: renewal({ rate: '300/s', variation: gamma({ cv: 3 }) }),
    service: affine({
      base: 5,
      variation: lognormal({ cv: 0.5 }),
      stalls: { probability: 0.1, time: 100 },
      overhead: { wake: { mean: '50us', variation: exponential() }, turnaround: '1us' },
    }),
    servers: 3,
    queue: { capacity: 20, timeout: '50ms' },
  },
  'a closed loop': {
    arrivals: closed({ clients: 30, thinkTime: { mean: 20, variation: uniform({ spread: 1 }) } }),
    service: byBatchSize({ 1: 2, 8: { mean: 5, variation: gamma({ cv: 1 }) }, 32: 12 }),
    batching: { maxBatchSize: 16, maxWait: 1 },
  },
}

/** The complete output of a simulation in short, so that a difference can be shown. */
function digest(result: Result): string {
  return createHash('sha256').update(JSON.stringify(result)).digest('hex')
}

describe('the same scenario gives the same bytes', () => {
  for (const [name, given] of Object.entries(scenarios)) {
    const scenario = { ...given, stop: { requests: 5000 }, seed: 5 }
    it(name, () => {
      const once = simulate(scenario)
      const bytes = digest(once)
      expect(digest(simulate(scenario))).toBe(bytes)
      // another seed gives other bytes, even apart from the seed itself
      expect(digest({ ...simulate({ ...scenario, seed: 6 }), scenario: null })).not.toBe(
        digest({ ...once, scenario: null }),
      )
      // callbacks change nothing
      expect(digest(simulate(scenario, { onEvent: () => {}, onProgress: () => true }))).toBe(bytes)
      // a result is plain data, and its stored scenario gives the same result
      const stored = JSON.parse(JSON.stringify(once))
      expect(stored).toEqual(once)
      expect(digest(simulate(stored.scenario))).toBe(bytes)
    })

    it(`${name}, built by factories or read from a file`, () => {
      expect(digest(simulate(JSON.parse(JSON.stringify(scenario))))).toBe(digest(simulate(scenario)))
    })

    it(`${name}, shorter or longer: the same requests, served alike`, () => {
      const whole = simulateWithEvents({ ...scenario, stop: { requests: 3000 }, warmup: { requests: 0 } }).events
      const part = simulateWithEvents({ ...scenario, stop: { requests: 2000 }, warmup: { requests: 700 } }).events
      // except for the end, where nothing more is due
      const sure = part.slice(0, -40)
      expect(sure.length).toBeGreaterThan(200)
      expect(sure).toEqual(whole.slice(0, sure.length))
    })
  }
})

describe('all times multiplied by a whole number', () => {
  const times = (scenario: NaiveScenario, by: number): NaiveScenario => {
    const { arrivals, service, batching, queue, stop } = scenario
    return {
      arrivals:
        arrivals.process === 'replay'
          ? { ...arrivals, timestamps: arrivals.timestamps.map((at) => at * by) }
          : { ...arrivals, thinkTime: arrivals.thinkTime * by },
      service: { ...service, base: service.base * by, perItem: service.perItem * by },
      servers: scenario.servers,
      batching: { ...batching, maxWait: batching.maxWait && batching.maxWait * by },
      queue: { ...queue, timeout: queue.timeout && queue.timeout * by },
      stop: 'duration' in stop ? { duration: stop.duration * by } : stop,
    }
  }
  const scaled = (event: SimulationEvent, by: number): SimulationEvent =>
    event.type === 'batch'
      ? { ...event, startMs: event.startMs * by, endMs: event.endMs * by }
      : { ...event, atMs: event.atMs * by }

  it('multiplies all latencies by it', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(smallScenario, fc.integer({ min: 2, max: 1000 }), (scenario, by) => {
        const warmup = { requests: 0 }
        const one = simulateWithEvents({ ...scenario, warmup })
        const many = simulateWithEvents({ ...times(scenario, by), warmup })
        expect(many.events).toEqual(one.events.map((event) => scaled(event, by)))
        expect(many.result === null).toBe(one.result === null)
        if (one.result === null || many.result === null) return
        for (const part of ['latencyMs', 'waitMs', 'serviceMs', 'queueingMs', 'batchingMs'] as const) {
          const [before, after] = [one.result[part], many.result[part]]
          expect(after.count).toBe(before.count)
          expect(after.min).toBe(before.min * by)
          expect(after.max).toBe(before.max * by)
          expect(after.mean / by).toBeCloseTo(before.mean, 9)
        }
        expect(many.result.meanInSystem).toBeCloseTo(one.result.meanInSystem, 9)
        expect(many.result.utilization).toBeCloseTo(one.result.utilization as number, 9)
      }),
      seeded(atLength(150)),
    )
  })
})

describe('random streams are independent:', () => {
  const stop = { requests: 3000 }
  const warmup = { requests: 0 }
  const arrivals = poisson('800/s')
  /** enough servers that a batch always starts at once */
  const servers = 1000
  const starts = (scenario: Omit<ScenarioParts, 'arrivals'>) =>
    simulateWithEvents({ arrivals, stop, warmup, ...scenario }).batches.map(({ startMs }) => startMs)

  it('another batch size does not change the arrivals', () => {
    const dues = dueTimesOf({ arrivals, stop })
    expect(dues.length).toBe(3000)
    for (const maxBatchSize of [1, 2, 5, 30]) {
      // a full batch starts when its last request is due
      const filled = starts({ service: 20, servers, batching: { maxBatchSize, maxWait: null } })
      expect(filled).toEqual(dues.filter((_, i) => (i + 1) % maxBatchSize === 0))
    }
    // so does a batch with a maxWait of an hour
    expect(starts({ service: 20, servers, batching: { maxBatchSize: 5, maxWait: '1h' } })).toEqual(
      dues.filter((_, i) => i % 5 === 4),
    )
  })

  it('nor do other services, servers, limits and stalls', () => {
    const dues = dueTimesOf({ arrivals, stop })
    const variations = [
      exponential(),
      gamma({ cv: 0.5 }),
      gamma({ cv: 2 }),
      lognormal({ cv: 1 }),
      uniform({ spread: 1 }),
    ]
    for (const variation of variations) {
      const service = affine({ base: 5, variation, stalls: { probability: 0.5, time: 50 } })
      expect(starts({ service, servers })).toEqual(dues)
      expect(starts({ service, servers, queue: { capacity: 3, timeout: 1 } })).toEqual(dues)
    }
  })

  it('another seed changes the arrivals', () => {
    expect(dueTimesOf({ arrivals, stop, seed: 2 })).not.toEqual(dueTimesOf({ arrivals, stop, seed: 1 }))
  })

  it('other arrivals do not change the service times', () => {
    const service = affine({ base: 5, variation: exponential() })
    const services = (arrivals: Scenario['arrivals']) =>
      simulateWithEvents({ arrivals, service, servers: 2, stop, warmup }).batches.map(
        ({ startMs, endMs }) => endMs - startMs,
      )
    const [slow, fast] = [services(poisson('100/s')), services(renewal({ rate: '300/s', variation: gamma({ cv: 2 }) }))]
    for (const [i, time] of slow.entries()) expect(fast[i]).toBeCloseTo(time, 6)
  })

  it('service times are independent of the gaps between arrivals', () => {
    for (const variation of [exponential(), uniform({ spread: 1 })]) {
      const { batches } = simulateWithEvents({
        arrivals: renewal({ rate: '1/s', variation }),
        service: affine({ base: 1, variation }),
        stop: { requests: 10_000 },
        servers,
        warmup,
      })
      const dues = batches.map(({ startMs }) => startMs)
      const times = Float64Array.from(batches, ({ startMs, endMs }) => endMs - startMs)
      const gaps = Float64Array.from(dues, (due, i) => due - (dues[i - 1] ?? 0))
      expectUncorrelated(gaps, times)
      expectUncorrelated(gaps.subarray(1), times.subarray(0, -1))
    }
  })

  it('stalls do not change the service times', () => {
    const times = (probability: number) =>
      simulateWithEvents({
        arrivals,
        stop,
        warmup,
        servers,
        service: affine({ base: 5, variation: exponential(), stalls: { probability, time: 1000 } }),
      }).batches.map(({ startMs, endMs }) => endMs - startMs)
    const stalled = times(0.1)
    for (const [i, time] of times(0).entries()) expect((stalled[i] as number) % 1000).toBeCloseTo(time % 1000, 6)
  })

  it('stalls are independent of the service times', () => {
    // every second batch stalls, for longer than any service time, so that stalls can be recognised
    const stalls = { probability: 0.5, time: 100_000 }
    for (const variation of [exponential(), uniform({ spread: 1 })]) {
      const service = affine({ base: 1000, variation, stalls })
      const run = { arrivals: poisson('1/s'), stop: { requests: 10_000 }, service, servers, warmup }
      const times = simulateWithEvents(run).batches.map(({ startMs, endMs }) => endMs - startMs)
      expectUncorrelated(
        Float64Array.from(times, (time) => (time > 100_000 ? 1 : 0)),
        Float64Array.from(times, (time) => time % 100_000),
      )
    }
  })

  it("one client's think times do not change the others'", () => {
    const thinkTime = { mean: 100, variation: exponential() }
    // a few clients that never wait send at the times of their own thinking
    const sent = (clients: number) =>
      new Set(
        simulateWithEvents({
          arrivals: closed({ clients, thinkTime }),
          service: 0,
          stop: { duration: '10s' },
          warmup,
        }).batches.map(({ startMs }) => startMs),
      )
    const [few, more] = [sent(3), sent(4)]
    expect(few.size).toBeGreaterThan(200)
    expect(more.size).toBeGreaterThan(few.size + 50)
    for (const at of few) expect(more.has(at)).toBe(true)
  })
})
