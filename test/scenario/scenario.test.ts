import { describe, expect, it } from 'vitest'
import {
  affine,
  byBatchSize,
  closed,
  constant,
  empirical,
  exponential,
  gamma,
  hyperexponential,
  lognormal,
  none,
  poisson,
  renewal,
  replay,
  type Scenario,
  type ScenarioParts,
  simulate,
  uniform,
} from '../../src/index.js'
import { resolveScenario, type StoredScenario } from '../../src/scenario/scenario.js'

const normal = (scenario: Scenario | StoredScenario) => resolveScenario(scenario, 'simulate')

describe('a scenario with its defaults filled in', () => {
  it('needs only arrivals and a service', () => {
    expect(normal({ arrivals: '800/s', service: '10ms' })).toEqual({
      arrivals: { process: 'poisson', rate: 800 },
      service: { model: 'affine', base: 10, perItem: 0 },
      batching: { maxBatchSize: 1, maxWait: 0 },
      servers: 1,
      queue: { capacity: null, timeout: null },
      stop: { requests: 2_000_000 },
      warmup: { requests: 200_000 },
      seed: 1,
    })
  })

  it('expands a bare rate and a bare duration', () => {
    const shorthand = normal({ arrivals: 800, service: 10 })
    expect(normal({ arrivals: poisson('800/s'), service: affine({ base: '10ms' }) })).toEqual(shorthand)
    expect(
      normal({ arrivals: { process: 'poisson', rate: '48000/m' }, service: { model: 'affine', base: '10000us' } }),
    ).toEqual(shorthand)
    expect(normal({ arrivals: closed({ clients: 3 }), service: 10 }).arrivals).toEqual({
      process: 'closed',
      clients: 3,
      thinkTime: { mean: 0 },
    })
    expect(normal({ arrivals: closed({ clients: 3, thinkTime: '5s' }), service: 10 }).arrivals).toMatchObject({
      thinkTime: { mean: 5000 },
    })
    expect(
      normal({ arrivals: 1, service: byBatchSize({ 1: '2ms', 4: { mean: '3ms', variation: none() } }) }).service,
    ).toEqual({
      model: 'byBatchSize',
      points: { 1: { mean: 2 }, 4: { mean: 3, variation: { distribution: 'none' } } },
    })
  })

  it('fills in the missing parts of partial options', () => {
    expect(normal({ arrivals: 1, service: 1, batching: { maxBatchSize: 8 } }).batching).toEqual({
      maxBatchSize: 8,
      maxWait: 0,
    })
    expect(normal({ arrivals: 1, service: 1, batching: { maxBatchSize: 1, maxWait: 5 } }).batching).toEqual({
      maxBatchSize: 1,
      maxWait: 5,
    })
    expect(normal({ arrivals: 1, service: 1, queue: { capacity: 0 } }).queue).toEqual({ capacity: 0, timeout: null })
    expect(normal({ arrivals: 1, service: affine({ perItem: '1ms' }) }).service).toMatchObject({ base: 0, perItem: 1 })
  })

  it('warms up for a tenth of the run, and runs a replay to its end', () => {
    const of = (given: Partial<ScenarioParts>) => {
      const { stop, warmup } = normal({ arrivals: 1, service: 1, ...given })
      return { stop, warmup }
    }
    expect(of({ stop: { requests: 55 } })).toEqual({ stop: { requests: 55 }, warmup: { requests: 5 } })
    expect(of({ stop: { duration: '5s' } })).toEqual({ stop: { duration: 5000 }, warmup: { duration: 500 } })
    expect(of({ warmup: { duration: 7 } })).toEqual({ stop: { requests: 2_000_000 }, warmup: { duration: 7 } })
    const arrivals = replay(Array.from({ length: 30 }, (_, i) => i))
    expect(of({ arrivals })).toEqual({ stop: { requests: 30 }, warmup: { requests: 3 } })
    expect(of({ arrivals, stop: { requests: 1000 } }).warmup).toEqual({ requests: 3 })
  })

  it('takes an optional field that is undefined as absent', () => {
    const bare = { arrivals: poisson(1), service: affine({ base: 1 }) }
    expect(
      normal({
        ...bare,
        batching: undefined,
        servers: undefined,
        queue: undefined,
        stop: undefined,
        warmup: undefined,
        seed: undefined,
        handler: undefined,
      }),
    ).toEqual(normal(bare))
    expect(
      normal({
        ...bare,
        batching: { maxBatchSize: undefined, maxWait: undefined },
        queue: { capacity: undefined, timeout: undefined },
        stop: { requests: 2_000_000, duration: undefined },
        warmup: { duration: undefined, requests: 200_000 },
      }),
    ).toEqual(normal(bare))
    const whole = normal({ arrivals: 1, service: JSON.parse('{ "model": "affine", "base": 1 }') })
    const holed = {
      arrivals: { process: 'poisson', rate: 1 },
      service: {
        model: 'affine',
        base: 1,
        perItem: undefined,
        variation: undefined,
        stalls: undefined,
        overhead: undefined,
      },
    }
    expect(normal(holed as unknown as Scenario)).toEqual(whole)
  })

  it('accepts a warm-up and a think time of 0', () => {
    const scenario = normal({
      arrivals: closed({ clients: 2, thinkTime: 0 }),
      service: 1,
      warmup: { requests: 0 },
      stop: { requests: 10 },
    })
    expect(scenario.warmup).toEqual({ requests: 0 })
    expect(simulate(scenario).counts.offered).toBe(10)
    expect(
      simulate({ arrivals: 100, service: 1, stop: { duration: 1000 }, warmup: { duration: 0 } }).window.startMs,
    ).toBe(0)
  })

  it('keeps null, which means no limit', () => {
    const { batching } = normal({ arrivals: 1, service: 1, batching: { maxBatchSize: null } })
    expect(batching).toEqual({ maxBatchSize: null, maxWait: 0 })
    expect(normal({ arrivals: 1, service: 1, batching: { maxBatchSize: 2, maxWait: null } }).batching.maxWait).toBe(
      null,
    )
  })

  it('does not change what it was given', () => {
    const given = Object.freeze({
      arrivals: Object.freeze(poisson('10/s')),
      service: Object.freeze(byBatchSize(Object.freeze({ 1: '1ms' }))),
      queue: Object.freeze({ timeout: '5ms' }),
    })
    const before = JSON.stringify(given)
    normal(given)
    expect(JSON.stringify(given)).toBe(before)
  })
})

describe('resolving', () => {
  const scenarios: Scenario[] = [
    { arrivals: '30/m', service: '250us' },
    { arrivals: constant(10), service: affine({ perItem: '1ms', variation: lognormal({ cv: 2 }) }), seed: 2 ** 53 - 1 },
    {
      arrivals: renewal({ rate: 1, variation: hyperexponential({ probabilities: [0.1, 0.9], means: [1, 3] }) }),
      service: byBatchSize({ 1: { mean: '1ms', variation: gamma({ cv: 1 }) }, 10: '2ms' }),
      batching: { maxBatchSize: 10, maxWait: '7ms' },
      queue: { capacity: 5, timeout: '1s' },
      servers: 3,
      stop: { duration: '1h' },
      warmup: { requests: 3 },
    },
    {
      arrivals: closed({ clients: 9, thinkTime: { mean: '3ms', variation: uniform({ spread: 1 }) } }),
      service: affine({
        base: 3,
        variation: empirical([1, 2, 3]),
        stalls: { probability: 0.1, time: '3s' },
        overhead: { wake: '53us', turnaround: { mean: 1, variation: exponential() } },
      }),
      batching: { maxBatchSize: null },
      stop: { requests: 7 },
    },
    { arrivals: replay(['1ms', 2, '1s']), service: 1, batching: { maxBatchSize: 2, maxWait: null } },
  ]
  for (const scenario of scenarios) {
    it(`a resolved scenario does not change: ${JSON.stringify(scenario).slice(0, 60)}…`, () => {
      const once = normal(scenario)
      expect(JSON.stringify(normal(once))).toBe(JSON.stringify(once))
      // it is plain data, and survives JSON
      expect(JSON.parse(JSON.stringify(once))).toEqual(once)
      expect(normal(JSON.parse(JSON.stringify(scenario)))).toEqual(once)
    })
  }

  it('needs a handler to measure, and keeps its path', () => {
    const handler = new URL('file:///app/model.js')
    const { stop, warmup, handler: kept } = resolveScenario({ arrivals: 1, handler }, 'measure')
    expect({ stop, warmup, kept }).toEqual({
      stop: { duration: 10_000 },
      warmup: { duration: 1000 },
      kept: handler.href,
    })
    expect(() => resolveScenario({ arrivals: 1, service: 1 }, 'measure')).toThrow(/^handler: is required to measure/)
  })
})
