import { describe, expect, it } from 'vitest'
import {
  affine,
  byBatchSize,
  closed,
  constant,
  exponential,
  onOff,
  poisson,
  type Scenario,
  simulate,
  stages,
} from '../../src/index.js'

const saturated = (scenario: Scenario) =>
  simulate(scenario).validity.findings.find(({ code }) => code === 'saturated') ?? null

const base: Scenario = { arrivals: poisson('150/s'), service: '10ms', stop: { requests: 20_000 } }

describe('a load that the servers cannot sustain', () => {
  it('is named with the capacity that it exceeds', () => {
    const result = simulate(base)
    expect(result.validity.valid).toBe(false)
    const finding = result.validity.findings.find(({ code }) => code === 'saturated')
    expect(finding).toMatchObject({ severity: 'error', figures: { offered: 150, capacity: 100 } })
    expect(finding?.message).toMatch(/^150\/s are offered; 1 server sustains at most 100\/s: the backlog grows/)
    // what is left when the last request is due is what came and was not served: a third
    expect(finding?.figures.backlog).toBeGreaterThan(6000)
  })

  it.each<[string, Scenario, number, RegExp]>([
    ['several servers', { ...base, servers: 2, arrivals: '201/s' }, 200, /2 servers sustain at most 200\/s/],
    [
      'batches',
      {
        ...base,
        batching: { maxBatchSize: 50 },
        service: affine({ base: '7.5ms', perItem: '0.25ms' }),
        arrivals: 2600,
      },
      2500,
      /1 server sustains, in batches of up to 50, at most 2,500\/s/,
    ],
    [
      'batches of any size',
      { ...base, batching: { maxBatchSize: null }, service: affine({ base: 5, perItem: 1 }), arrivals: 1001 },
      1000,
      /in batches of any size, at most 1,000\/s/,
    ],
    [
      'service by batch size, polling round between batches',
      {
        ...base,
        batching: { maxBatchSize: 4 },
        service: byBatchSize({ 1: 5, 4: 8 }, { overhead: { turnaround: 2 } }),
        arrivals: 401,
      },
      400,
      /at most 400\/s/,
    ],
    ['bursts', { ...base, arrivals: onOff({ rate: '404/s', on: '1s', off: '3s' }) }, 100, /^101\/s are offered/],
    ['even intervals', { ...base, arrivals: constant('101/s') }, 100, /^101\/s are offered/],
  ])('is found with %s', (_, scenario, capacity, message) => {
    const finding = saturated(scenario)
    expect(finding?.figures.capacity).toBeCloseTo(capacity, 9)
    expect(finding?.message).toMatch(message)
  })

  it('is found in a run too short for its backlog to show', () => {
    expect(saturated({ ...base, arrivals: '101/s', stop: { requests: 50 } })).not.toBeNull()
  })

  it('is one of exactly the capacity too, where anything varies', () => {
    expect(saturated({ ...base, arrivals: '100/s' })).not.toBeNull()
    const exponentially = affine({ base: '10ms', variation: exponential() })
    expect(saturated({ ...base, arrivals: constant('100/s'), service: exponentially })).not.toBeNull()
    expect(saturated({ ...base, arrivals: constant('100/s') })).toBeNull()
  })

  it('is named with the capacity where its rate changes, and its backlog shows', () => {
    const arrivals = stages([{ rate: '150/s', duration: '100s' }])
    const finding = saturated({ arrivals, service: '10ms' })
    expect(finding?.message).toMatch(
      / were offered and 1\d\d\/s completed; 1 server sustains at most 100\/s: the backlog/,
    )
    expect(finding?.figures.capacity).toBe(100)
  })
})

it('a backlog that follows a ramp is not saturated, if servers had time to spare', () => {
  const ramp = stages([
    { rate: '10/s', duration: 1 },
    { rate: '1000/s', duration: '60s' },
  ])
  expect(saturated({ arrivals: ramp, service: '1s', servers: 1000 })).toBeNull()
})

describe('a load that is sustained, or rejected', () => {
  it.each<[string, Scenario]>([
    ['is below the capacity', { ...base, arrivals: '99/s' }],
    [
      'comes in bursts above it and is below on average',
      { ...base, arrivals: onOff({ rate: '300/s', on: 10, off: 90 }) },
    ],
    ['finds a queue of limited length', { ...base, queue: { capacity: 10 } }],
    ['waits for a limited time', { ...base, queue: { timeout: '50ms' } }],
    ['comes from clients that await their answers', { ...base, arrivals: closed({ clients: 5 }) }],
    ['is served in no time', { ...base, service: 0 }],
  ])('is not saturated where it %s', (_, scenario) => {
    expect(saturated(scenario)).toBeNull()
  })
})
