import { describe, expect, it } from 'vitest'
import {
  affine,
  byBatchSize,
  constant,
  exponential,
  poisson,
  recorded,
  replay,
  type Scenario,
  type SimulationEvent,
  simulate,
} from '../../src/index.js'
import { refusal } from '../support/expect/refusal.js'

/** When each batch started, with its requests. */
function starts(scenario: Scenario): [startMs: number, requests: number[]][] {
  const batches: Extract<SimulationEvent, { type: 'batch' }>[] = []
  simulate(
    { warmup: { requests: 0 }, ...scenario },
    { onEvent: (event) => event.type === 'batch' && batches.push(event) },
  )
  return batches.map(({ startMs, requests }) => [startMs, requests])
}

const overhead = { wake: 0.1, filled: '0.2ms', deadline: 0.3, turnaround: 0.4 }

describe('overhead', () => {
  it('depends on the cause that let the batch leave', () => {
    const service = affine({ base: '10ms', overhead })
    const batching = { maxBatchSize: 2, maxWait: '5ms' }
    // filled by its second at 1; at 20 a lone one whose deadline comes at 25; the two at 26 and 27 leave when it is done
    expect(starts({ arrivals: replay([0, 1, 20, 26, 27]), service, batching })).toEqual([
      [1.2, [0, 1]],
      [25.3, [2]],
      [35.7, [3, 4]],
    ])
  })

  it('wakes an idle server if batches do not wait to fill', () => {
    const service = affine({ base: '10ms', overhead })
    expect(starts({ arrivals: replay([0, 20, 21]), service })).toEqual([
      [0.1, [0]],
      [20.1, [1]],
      [30.5, [2]],
    ])
    // with several servers too
    expect(starts({ arrivals: replay([0, 1, 2]), service, servers: 2 })).toEqual([
      [0.1, [0]],
      [1.1, [1]],
      [10.5, [2]],
    ])
  })

  it('is dispatch, and neither service nor queueing: latency is the sum of the parts', () => {
    const { latencyMs, waitMs, serviceMs, queueingMs, batchingMs, dispatchMs, utilization, validity } = simulate({
      arrivals: constant('50/s'),
      service: affine({ base: '10ms', overhead: { wake: '2ms' } }),
      stop: { requests: 1000 },
    })
    expect([dispatchMs.min, dispatchMs.mean, dispatchMs.max]).toEqual([2, 2, 2])
    expect([serviceMs.mean, waitMs.mean, latencyMs.mean]).toEqual([10, 2, 12])
    expect([queueingMs.max, batchingMs.max]).toEqual([0, 0])
    // a server that wakes does not serve yet
    expect(utilization).toBeCloseTo(0.5, 2)
    expect(validity.valid).toBe(true)
  })

  it('makes the server slower by the turnaround', () => {
    // M/D/1 whose service is 8 ms with the 3 ms of turning round, or of waking
    const both = { wake: '3ms', turnaround: '3ms' }
    const load: Scenario = { arrivals: poisson('80/s'), stop: { requests: 100_000 } }
    const slower = simulate({ ...load, service: affine({ base: '5ms', overhead: both }) })
    const plain = simulate({ ...load, service: '8ms' })
    expect(slower.latencyMs).toEqual(plain.latencyMs)
    expect(slower.queueingMs.mean).toBeCloseTo(plain.queueingMs.mean, 9)
  })

  it('may vary', () => {
    const varying = { wake: { mean: '2ms', variation: exponential() } }
    const { dispatchMs } = simulate({
      arrivals: constant('10/s'),
      service: affine({ base: '1ms', overhead: varying }),
      stop: { requests: 20_000 },
    })
    // the mean of 18,000 exponentials has a standard error of 0.75 %, their p99 of 1.6 %
    expect(Math.abs(dispatchMs.mean / 2 - 1)).toBeLessThan(0.025)
    expect(Math.abs(dispatchMs.p99 / (2 * Math.log(100)) - 1)).toBeLessThan(0.06)
  })

  it('may be recorded by cause: in order, or from the nearest in time', () => {
    const batching = { maxBatchSize: 2, maxWait: '5ms' }
    const arrivals = replay([0, 1, 20, 26, 27, 100, 101])
    const inOrder = {
      filled: recorded({ by: 'order', times: [0.2, '300us'] }),
      deadline: recorded({ by: 'order', times: [0.5] }),
      turnaround: 0.4,
    }
    expect(starts({ arrivals, service: affine({ base: '10ms', overhead: inOrder }), batching })).toEqual([
      [1.2, [0, 1]],
      [25.5, [2]],
      [35.9, [3, 4]],
      [101.3, [5, 6]],
    ])
    // the last batch of a cause may be long before the end, and sizes do not matter
    const byTime = {
      filled: recorded({
        by: 'time',
        times: [
          { at: 40, size: 9, time: 0.7 },
          { at: 0, time: 0.2 },
        ],
      }),
      deadline: recorded({ by: 'time', times: [{ at: 3, time: 0.5 }] }),
    }
    expect(starts({ arrivals, service: affine({ base: '10ms', overhead: byTime }), batching })).toEqual([
      [1.2, [0, 1]],
      [25.5, [2]],
      [35.5, [3, 4]],
      [101.7, [5, 6]],
    ])
  })

  it('is refused if recorded times run out', () => {
    const overhead = { wake: recorded({ by: 'order', times: [1, 2] }) }
    const given = { arrivals: replay([0, 20, 40]), service: affine({ base: 1, overhead }) }
    expect(() => starts(given)).toThrow(/^service\.overhead\.wake\.times: has only 2 dispatch times, .* more/)
  })

  it('counts towards the maximum throughput if it was recorded', () => {
    // 4 ms and, on average, 6 ms from batch to batch
    const overhead = { turnaround: recorded({ by: 'order', times: new Array(5000).fill([4, 8]).flat() }) }
    const { validity } = simulate({
      arrivals: constant('101/s'),
      service: affine({ base: 4, overhead }),
      stop: { requests: 5000 },
    })
    expect(validity.findings.find(({ code }) => code === 'saturated')?.figures).toMatchObject({ capacity: 100 })
  })

  it('does not change service times', () => {
    const times = (extra: object) => {
      const service = affine({ base: '1ms', variation: exponential(), ...extra })
      return simulate({ arrivals: constant('10/s'), service, stop: { requests: 1000 } }).serviceMs
    }
    expect(times({ overhead: { wake: { mean: 1, variation: exponential() } } })).toEqual(times({}))
  })
})

describe('stalls', () => {
  it('add their time to the given fraction of batches', () => {
    const stalls = { probability: 0.1, time: '3000ms' }
    const { serviceMs, batches } = simulate({
      arrivals: constant('1/m'),
      service: affine({ base: '100ms', stalls }),
      stop: { requests: 100_000 },
    })
    expect(batches.count).toBe(90_000)
    expect([serviceMs.min, serviceMs.max]).toEqual([100, 3100])
    const fraction = (serviceMs.mean - 100) / 3000
    expect(Math.abs(fraction - 0.1)).toBeLessThan(3.3 * Math.sqrt((0.1 * 0.9) / 90_000))
    // the textbook tail: nine in ten take 100 ms, and p91 is over three seconds
    expect(serviceMs.p50).toBeLessThan(100 * 1.001)
    expect(serviceMs.p95).toBe(3100)
  })

  it('work with any model, and do not change service times', () => {
    const points = { 1: { mean: '10ms', variation: exponential() } }
    const run = (stalls?: { probability: number; time: string }) =>
      simulate({
        arrivals: constant('1/m'),
        service: byBatchSize(points, stalls && { stalls }),
        stop: { requests: 1000 },
      }).serviceMs
    expect(run({ probability: 1, time: '1s' }).min).toBeCloseTo(run().min + 1000, 6)
    expect(run({ probability: 0, time: '1s' })).toEqual(run())
  })
})

describe('an invalid service', () => {
  it.each([
    ['service.stalls.probability', 'a probability from 0 to 1', 'got 1.5', { stalls: { probability: 1.5, time: 1 } }],
    ['service.stalls.probability', 'a probability from 0 to 1', 'got -0.1', { stalls: { probability: -0.1, time: 1 } }],
    ['service.stalls.time', 'a duration of 0 or more', 'got -1', { stalls: { probability: 0.5, time: -1 } }],
    ['service.stalls.time', 'a duration of 0 or more', 'got nothing', { stalls: { probability: 0.5 } }],
    ['service.overhead.wake', 'a duration of 0 or more', 'got -1', { overhead: { wake: -1 } }],
    ['service.overhead.wake.mean', 'a duration of 0 or more', 'got "x"', { overhead: { wake: { mean: 'x' } } }],
    ['service.overhead.wake', 'recorded times', 'got true', { overhead: { wake: true } }],
    [
      'service.overhead.wake.times',
      'a non-empty list of batches',
      'got []',
      { overhead: { wake: recorded({ by: 'time', times: [] }) } },
    ],
    ['service.overhead', 'accepted: wake, filled, deadline, turnaround', "'sleep' is not", { overhead: { sleep: 1 } }],
  ])('is refused at %s: %s, %s', (path, accepted, got, extras) => {
    const { message } = refusal({ arrivals: 1, service: affine({ base: 1, ...(extras as object) }) })
    expect(message.startsWith(`${path}: `)).toBe(true)
    expect(message).toContain(accepted)
    expect(message).toContain(got)
  })
})
