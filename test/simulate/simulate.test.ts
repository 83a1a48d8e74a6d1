import { describe, expect, it } from 'vitest'
import {
  affine,
  byBatchSize,
  closed,
  constant,
  exponential,
  gamma,
  poisson,
  replay,
  type Scenario,
  type ScenarioParts,
  simulate,
  ValidationError,
} from '../../src/index.js'
import { atLength } from '../support/at-length.js'
import { dueTimesOf, simulateWithEvents } from '../support/reference/simulate-with-events.js'

const everything = { warmup: { requests: 0 } } as const

describe('the textbook figures', () => {
  const runAtFullLoad = (clients: number, service: Scenario['service']) =>
    simulate({
      arrivals: closed({ clients }),
      service,
      batching: { maxBatchSize: clients, maxWait: null },
      stop: { requests: 100 * clients },
    })

  it('10 ms a query is 100 queries a second, and 100 ms is 10', () => {
    expect(runAtFullLoad(1, '10ms').throughput.completed).toBeCloseTo(100, 9)
    expect(runAtFullLoad(1, '100ms').throughput.completed).toBeCloseTo(10, 9)
  })

  it('10 queries in 10 ms are 1,000 a second, 50 in 20 ms are 2,500', () => {
    const line = affine({ base: '7.5ms', perItem: '0.25ms' })
    const [ten, fifty] = [runAtFullLoad(10, line), runAtFullLoad(50, line)]
    expect(ten.throughput.completed).toBeCloseTo(1000, 9)
    expect(ten.latencyMs.p50).toBe(10)
    expect(fifty.throughput.completed).toBeCloseTo(2500, 9)
    expect(fifty.latencyMs.p50).toBe(20)
    expect(fifty.utilization).toBeCloseTo(1, 9)
    expect(fifty.meanInSystem).toBeCloseTo(50, 9)
  })
})

describe('service times', () => {
  /** the time of a batch of each size, from a trace that makes one of each */
  const timesOf = (service: Scenario['service'], sizes: number[]) =>
    sizes.map((size) => {
      const arrivals = replay(Array.from({ length: size }, () => 0))
      const { batches } = simulateWithEvents({
        arrivals,
        service,
        batching: { maxBatchSize: size, maxWait: null },
        ...everything,
      })
      expect(batches.map((batch) => batch.requests.length)).toEqual([size])
      return batches[0]?.endMs
    })

  it('are the same for every size if they are a duration', () => {
    expect(timesOf('10ms', [1, 2, 50])).toEqual([10, 10, 10])
  })

  it('are linear in the size with affine', () => {
    expect(timesOf(affine({ base: '7.5ms', perItem: '0.25ms' }), [1, 10, 50])).toEqual([7.75, 10, 20])
    expect(timesOf(affine({ perItem: 2 }), [1, 3])).toEqual([2, 6])
    // larger than the table of precomputed means
    expect(timesOf(affine({ base: 1, perItem: '1us' }), [4096, 4097, 10_000])).toEqual([5.096, 5.097, 11])
  })

  it('by batch size are linear between the sizes, and the first one below them', () => {
    const service = byBatchSize({ 2: '4ms', 8: '10ms', 16: '10ms' })
    expect(timesOf(service, [1, 2, 3, 5, 8, 12, 16])).toEqual([4, 4, 5, 7, 10, 10, 10])
    // in any order of the points
    expect(timesOf({ model: 'byBatchSize', points: { 16: 10, 8: 10, 2: 4 } }, [5])).toEqual([7])
  })

  it('by batch size vary as the nearest size does', () => {
    const service = byBatchSize({ 1: { mean: 10, variation: exponential() }, 8: 20 })
    const run = (maxBatchSize: number) =>
      simulate({
        arrivals: closed({ clients: maxBatchSize }),
        service,
        batching: { maxBatchSize, maxWait: null },
        stop: { requests: 2000 * maxBatchSize },
      }).serviceMs
    // 2,000 times from an exponential distribution, 1,800 in the window: the standard error of their mean is 0.24 ms
    expect(Math.abs(run(1).mean - 10)).toBeLessThan(4 * 0.24)
    expect(run(1).stdDev).toBeGreaterThan(8)
    expect(run(8)).toMatchObject({ min: 20, max: 20 })
    expect(run(3).stdDev).toBeGreaterThan(8)
    expect(run(6).stdDev).toBe(0)
  })

  it('stall with the given probability, by the given time', () => {
    const stalls = { probability: 0.1, time: '3s' }
    const { serviceMs } = simulate({
      arrivals: constant('1/s'),
      service: affine({ base: '100ms', stalls }),
      servers: 10,
      stop: { requests: 10_000 },
      ...everything,
    })
    expect(serviceMs).toMatchObject({ min: 100, max: 3100 })
    // 10,000 batches: the standard error of the fraction is 0.003
    expect(Math.abs((serviceMs.mean - 100) / 3000 - 0.1)).toBeLessThan(4 * 0.003)
    // a summary's deviation is that of the two values
    const fraction = (serviceMs.mean - 100) / 3000
    expect(serviceMs.stdDev).toBeCloseTo(3000 * Math.sqrt(fraction * (1 - fraction)), 6)
  })

  it('vary about their mean, once a batch', () => {
    const { serviceMs, latencyMs } = simulate({
      arrivals: closed({ clients: 4 }),
      service: affine({ base: 8, perItem: 0.5, variation: gamma({ cv: 0.5 }) }),
      batching: { maxBatchSize: 4, maxWait: null },
      stop: { requests: 80_000 },
      ...everything,
    })
    // 20,000 batches of mean 10 and deviation 5: standard errors of 0.035 and, by a kurtosis of 4.5, of 0.033
    expect(Math.abs(serviceMs.mean - 10)).toBeLessThan(4 * 0.035)
    expect(Math.abs(serviceMs.stdDev - 5)).toBeLessThan(4 * 0.033)
    expect(latencyMs.mean).toBe(serviceMs.mean)
  })
})

describe('dispatch', () => {
  const overhead = { wake: '1ms', filled: '2ms', deadline: '3ms', turnaround: '4ms' }
  const batching = { maxBatchSize: 2, maxWait: '5ms' }
  const starts = (timestamps: number[], given: Partial<ScenarioParts> = {}) =>
    simulateWithEvents({
      arrivals: replay(timestamps),
      service: affine({ base: 10, overhead }),
      batching,
      ...everything,
      ...given,
    })

  it('depends on the cause: filled, deadline, turnaround', () => {
    const { batches, result } = starts([0, 1, 30, 100, 101, 102, 103])
    expect(batches).toEqual([
      { type: 'batch', startMs: 3, endMs: 13, requests: [0, 1] },
      { type: 'batch', startMs: 38, endMs: 48, requests: [2] },
      { type: 'batch', startMs: 103, endMs: 113, requests: [3, 4] },
      { type: 'batch', startMs: 117, endMs: 127, requests: [5, 6] },
    ])
    // a waking server is neither idle nor serving
    expect(result?.dispatchMs).toMatchObject({ count: 7, min: 2, max: 4 })
    expect(result?.dispatchMs.mean).toBeCloseTo((4 * 2 + 3 + 2 * 4) / 7, 12)
    expect(result?.batchingMs).toMatchObject({ min: 0, max: 5 })
    expect(result?.batchingMs.mean).toBeCloseTo((1 + 0 + 5 + 1) / 7, 12)
    expect(result?.queueingMs).toMatchObject({ min: 0, max: 11 })
    expect(result?.queueingMs.mean).toBeCloseTo((11 + 10) / 7, 12)
    expect(result?.utilization).toBeCloseTo(40 / 127, 12)
  })

  it('is wake if a request finds a server idle', () => {
    const { batches } = starts([0, 50], { batching: { maxBatchSize: 2, maxWait: 0 } })
    expect(batches.map((batch) => batch.startMs)).toEqual([1, 51])
  })

  it('is 0 by default', () => {
    const service = affine({ base: 10, overhead: { deadline: '3ms' } })
    const { batches } = starts([0, 1, 30, 100, 101, 102, 103], { service })
    expect(batches.map((batch) => batch.startMs)).toEqual([1, 38, 101, 111])
  })
})

describe('a closed loop', () => {
  it('has all its clients either thinking or in the system', () => {
    // the time a client takes around is latency and thinking: N = throughput * (latency + thinking)
    const { throughput, latencyMs } = simulate({
      arrivals: closed({ clients: 7, thinkTime: '20ms' }),
      service: '10ms',
      servers: 2,
      stop: { duration: '100s' },
    })
    expect((throughput.completed / 1000) * (latencyMs.mean + 20)).toBeCloseTo(7, 2)
  })

  it('starts with thinking; of two that send at one instant the lower number goes first', () => {
    const { batches } = simulateWithEvents({
      arrivals: closed({ clients: 3, thinkTime: 5 }),
      service: 2,
      stop: { requests: 6 },
      ...everything,
    })
    expect(batches.map(({ startMs }) => startMs)).toEqual([5, 7, 9, 12, 14, 16])
  })

  it('sends again after a rejection and a timeout as after a response', () => {
    const { events } = simulateWithEvents({
      arrivals: closed({ clients: 3, thinkTime: 4 }),
      service: 10,
      queue: { capacity: 1, timeout: 3 },
      stop: { requests: 7 },
      ...everything,
    })
    expect(events).toEqual([
      { type: 'batch', startMs: 4, endMs: 14, requests: [0] },
      { type: 'reject', atMs: 4, request: 2 },
      { type: 'timeout', atMs: 7, request: 1 },
      // client 2 sends again at 8, client 1 at 11: before the timeout at that instant makes room
      { type: 'reject', atMs: 11, request: 4 },
      { type: 'timeout', atMs: 11, request: 3 },
      // both at 15, client 1 first
      { type: 'batch', startMs: 15, endMs: 25, requests: [5] },
      { type: 'timeout', atMs: 18, request: 6 },
    ])
  })

  it('refuses to wait for batches that its clients never fill', () => {
    const scenario = (clients: number): Scenario => ({
      arrivals: closed({ clients, thinkTime: 1 }),
      service: 10,
      batching: { maxBatchSize: 8, maxWait: null },
      stop: { requests: 1000 },
    })
    expect(() => simulate(scenario(7))).toThrow(
      /batching\.maxWait: null waits for a batch of 8, which 7 clients never fill/,
    )
    expect(simulate(scenario(8)).batches.sizes).toEqual({ 8: simulate(scenario(8)).batches.count })
  })
})

describe('many servers', () => {
  it('scale: 1,000 servers sustain 1,000 times the load of one', () => {
    const run = (servers: number) =>
      simulate({ arrivals: closed({ clients: servers }), service: 10, servers, stop: { requests: 20 * servers } })
    expect(run(1000).throughput.completed).toBeCloseTo(1000 * run(1).throughput.completed, 6)
    expect(run(1000)).toMatchObject({ utilization: 1, waitMs: { max: 0 } })
  })
})

describe('findings', () => {
  const codes = (scenario: Scenario) => {
    const { validity } = simulate(scenario)
    expect(validity.valid).toBe(validity.findings.every((finding) => finding.severity !== 'error'))
    return validity.findings.filter((finding) => finding.severity !== 'info').map((finding) => finding.code)
  }

  it('report overload', () => {
    const scenario = { arrivals: poisson('120/s'), service: '10ms', stop: { requests: 20_000 } }
    expect(codes(scenario)).toContain('saturated')
    const finding = simulate(scenario).validity.findings.find(({ code }) => code === 'saturated')
    expect(finding?.severity).toBe('error')
    expect(finding?.figures.completed).toBeCloseTo(100, 0)
    expect(finding?.figures.offered).toBeGreaterThan(115)
    expect(codes({ ...scenario, stop: { duration: '100s' } })).toContain('saturated')
  })

  it('are empty for a queue at 80 or 90 % load, one that rejects, and a closed loop', { tags: 'at-length' }, () => {
    for (let seed = 1; seed <= atLength(5, 2); seed++) {
      for (const rate of [80, 90]) {
        const service = affine({ base: 10, variation: exponential() })
        expect(codes({ arrivals: rate, service, seed, stop: { requests: 100_000 } })).toEqual([])
      }
      expect(
        codes({ arrivals: 300, service: 10, queue: { capacity: 10 }, seed, stop: { requests: 50_000 } }),
      ).not.toContain('saturated')
    }
    expect(codes({ arrivals: closed({ clients: 50 }), service: 10, stop: { requests: 20_000 } })).toEqual([])
  })

  it('report latencies over an hour, which percentiles cannot distinguish', () => {
    const scenario: Scenario = { arrivals: replay([0, 1, 2]), service: '2h', servers: 3, ...everything }
    expect(codes(scenario)).toContain('over-an-hour')
    const { latencyMs } = simulate(scenario)
    expect(latencyMs).toMatchObject({ min: 7_200_000, mean: 7_200_000, max: 7_200_000 })
  })
})

describe('an impossible run throws', () => {
  const refused = (scenario: Scenario) => {
    try {
      simulate(scenario)
    } catch (error) {
      expect(error).toBeInstanceOf(ValidationError)
      return (error as ValidationError).message
    }
    throw new Error(`was run: ${JSON.stringify(scenario)}`)
  }

  it('no service', () => {
    expect(refused({ arrivals: '10/s' })).toMatch(/^service: is required to simulate/)
  })

  it('nothing completed, with the counts', () => {
    const neverFull: Scenario = {
      arrivals: poisson('10/s'),
      service: 10,
      batching: { maxBatchSize: 4, maxWait: '1s' },
      queue: { capacity: 0 },
      stop: { requests: 100 },
      ...everything,
    }
    expect(refused(neverFull)).toMatch(
      /no request due in the window completed: 100 offered, 100 rejected; make the run longer/,
    )
    expect(refused({ arrivals: '1/s', service: 10, stop: { duration: '1ms' } })).toMatch(/completed: 0 offered;/)
    // the warm-up is over only after the last request
    expect(
      refused({ arrivals: replay([0, 1, 2]), service: 1, stop: { requests: 3 }, warmup: { duration: 100 } }),
    ).toMatch(/completed: 0 offered;/)
  })

  it('a window of no length', () => {
    expect(refused({ arrivals: replay([3, 3, 3]), service: 0, warmup: { requests: 1 } })).toMatch(/window of no length/)
  })

  it('a run past 2^53 ns', () => {
    expect(refused({ arrivals: '1/h', service: 1, stop: { requests: 3000 } })).toMatch(/2\^53 ns/)
    expect(
      refused({ arrivals: closed({ clients: 1, thinkTime: '1000h' }), service: 1, stop: { requests: 3 } }),
    ).toMatch(/2\^53 ns/)
    expect(simulate({ arrivals: constant('1/h'), service: 1, stop: { requests: 2400 } }).counts.offered).toBe(2160)
  })
})

describe('the options of simulate', () => {
  const scenario: Scenario = { arrivals: '100/s', service: 5, stop: { requests: 100 } }

  it.each([
    [
      'an unknown option',
      { onProgres: () => {} },
      /^options: 'onProgres' is not an option here \(did you mean 'onProgress'\?\); accepted/,
    ],
    ['an option of measuring', { signal: AbortSignal.timeout(1) }, /^options: 'signal' is not an option here/],
    ['what is no function', { onEvent: 5 }, /^options\.onEvent: must be a function, got 5$/],
    ['what is no object', null, /^options: must be an object of onEvent, onProgress, got null$/],
  ])('are refused: %s', (_, options, said) => {
    expect(() => simulate(scenario, options as never)).toThrow(ValidationError)
    expect(() => simulate(scenario, options as never)).toThrow(said)
  })

  it('may be left undefined', () => {
    expect(simulate(scenario, { onEvent: undefined, onProgress: undefined })).toEqual(simulate(scenario))
  })
})

describe('onProgress', () => {
  const scenario: Scenario = { arrivals: poisson('100/s'), service: 5, stop: { requests: 150_000 }, ...everything }

  it('reports progress', () => {
    const reports: { requests: number; timeMs: number }[] = []
    simulate(scenario, { onProgress: (progress) => void reports.push(progress) })
    expect(reports.map(({ requests }) => requests)).toEqual([65_536, 131_072])
    const dues = dueTimesOf(scenario)
    // between the current request and its neighbours
    for (const { requests, timeMs } of reports) {
      expect(timeMs).toBeGreaterThanOrEqual(dues[requests - 1] as number)
      expect(timeMs).toBeLessThanOrEqual(dues[requests] as number)
    }
  })

  it('ends the run if it returns false, with the results so far', () => {
    const { counts, validity } = simulate(scenario, { onProgress: ({ requests }) => requests < 131_072 })
    expect(counts).toMatchObject({ offered: 131_072, completed: 131_072 })
    expect(validity.valid).toBe(false)
    expect(validity.findings).toContainEqual(expect.objectContaining({ code: 'interrupted', severity: 'error' }))
    // also a run by time
    const timed = simulate(
      { ...scenario, stop: { duration: '3000s' }, warmup: { duration: 0 } },
      { onProgress: () => false },
    )
    expect(timed.counts.offered).toBe(65_536)
    expect(timed.window.endMs).toBeLessThan(700_000)
    const loop = simulate({ ...scenario, arrivals: closed({ clients: 10, thinkTime: 3 }) }, { onProgress: () => false })
    expect(loop.counts.offered).toBe(65_536)
  })
})
