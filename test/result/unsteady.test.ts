import { describe, expect, it } from 'vitest'
import {
  affine,
  closed,
  constant,
  exponential,
  type Finding,
  onOff,
  poisson,
  recorded,
  replay,
  type Scenario,
  simulate,
  stages,
} from '../../src/index.js'
import { drawExponential } from '../../src/random/exponential.js'
import { stream } from '../../src/random/stream.js'
import { findingsOf } from '../../src/result/findings.js'
import { unsteadyFinding } from '../../src/result/unsteady.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { Engine } from '../../src/simulate/engine.js'
import { atLength } from '../support/at-length.js'

const found = (scenario: Scenario): Finding[] =>
  findingsOf(new Engine(resolveScenario(scenario, 'simulate')).run()).filter(({ code }) => code === 'unsteady')

const exponentially = affine({ base: '1ms', variation: exponential() })
const seeds = (count: number) => Array.from({ length: count }, (_, i) => 20_000 + i)

/** Simulates service times of 1 ms on average, longer by a fraction from the middle of the window on. */
function slowing(by: number, requests: number, seed: number) {
  const random = stream(seed, 'times')
  const from = 0.55 * requests
  return recorded({
    by: 'order',
    times: Array.from({ length: requests }, (_, i) => (i < from ? 1 : 1 + by) * drawExponential(random)),
  })
}

describe('a run whose halves disagree', () => {
  it('is rarely found where nothing changes: in less than 1 % of runs', { tags: 'full' }, () => {
    const base: Scenario = { arrivals: '800/s', service: exponentially }
    const short = seeds(150).filter((seed) => found({ ...base, seed, stop: { requests: 10_000 } }).length > 0)
    // of 150 at 1 %, more than 5 come once in 200 times
    expect(short.length).toBeLessThanOrEqual(5)
    // of a greater length, and with batches
    const long = seeds(12).filter((seed) => found({ ...base, seed, stop: { requests: 200_000 } }).length > 0)
    expect(long.length).toBeLessThanOrEqual(1)
    const batched: Scenario = {
      arrivals: '2000/s',
      service: affine({ base: '7.5ms', perItem: '0.25ms' }),
      batching: { maxBatchSize: 50, maxWait: '5ms' },
      stop: { requests: 30_000 },
    }
    expect(seeds(50).filter((seed) => found({ ...batched, seed }).length > 0).length).toBeLessThanOrEqual(3)
  })

  it('is found where service slows down by a fifth, with the figures and which half was the slower', {
    tags: 'at-length',
  }, () => {
    const requests = 50_000
    const many = atLength(20, 2)
    const runs = seeds(many).map((seed) => {
      const service = slowing(0.2, requests, seed)
      return found({ arrivals: poisson('600/s'), service, stop: { requests }, seed })
    })
    expect(runs.filter((findings) => findings.length === 1).length).toBe(many)
    const [finding] = runs[0] as [Finding]
    expect(finding.severity).toBe('warning')
    expect(finding.figures.firstMs).toBeCloseTo(1, 1)
    expect(finding.figures.secondMs).toBeCloseTo(1.2, 1)
    expect(finding.figures.change).toBeCloseTo(0.2, 1)
    expect(finding.message).toMatch(/^the mean service time was \S+ ms in the first half .* (19|20|21) % more, /)
  })

  it('is not found where they differ by less than matters, or the run is too short to tell', () => {
    for (const [by, requests] of [
      [0.03, 100_000],
      [0.2, 300],
    ] as const) {
      expect(found({ arrivals: constant('100/s'), service: slowing(by, requests, 1), stop: { requests } })).toEqual([])
    }
  })

  it('is found exactly where nothing varies but the level', () => {
    const times = Array.from({ length: 1000 }, (_, i) => (i < 550 ? 2 : 3))
    const [finding] = found({
      arrivals: constant('100/s'),
      service: recorded({ by: 'order', times }),
      stop: { requests: 1000 },
    })
    expect(finding?.figures).toEqual({ firstMs: 2, secondMs: 3, change: 0.5 })
  })

  it('is for information only if the arrivals are meant to vary', () => {
    const rising = stages([
      { rate: '200/s', duration: 1 },
      { rate: '200/s', duration: '100s' },
      { rate: '750/s', duration: 1 },
      { rate: '750/s', duration: '100s' },
    ])
    const [finding] = found({
      arrivals: rising,
      service: exponentially,
      warmup: { requests: 0 },
      stop: { duration: '200s' },
    })
    expect(finding?.severity).toBe('info')
    expect(finding?.message).toContain('the mean latency was')
    expect(finding?.message).toMatch(/ and [\d.]+ ms in the second, \d+ % more, .*: the arrivals vary by design/)

    const bursts = onOff({ rate: '900/s', on: '20s', off: '20s' })
    for (const seed of seeds(5)) {
      for (const { severity } of found({
        arrivals: bursts,
        service: exponentially,
        stop: { requests: 50_000 },
        seed,
      })) {
        expect(severity).toBe('info')
      }
    }
    const timestamps = Array.from({ length: 4000 }, (_, i) => (i < 2200 ? 10 * i : 22_000 + 2 * (i - 2200)))
    const replayed = found({
      arrivals: replay(timestamps),
      service: affine({ base: '1.9ms', variation: exponential() }),
    })
    for (const { severity } of replayed) expect(severity).toBe('info')
  })

  it('is left out if the backlog grew throughout, and checked for closed loops too', () => {
    const { findings } = simulate({ arrivals: '1200/s', service: exponentially, stop: { requests: 50_000 } }).validity
    expect(findings.map(({ code }) => code)).toContain('saturated')
    expect(findings.map(({ code }) => code)).not.toContain('unsteady')

    const requests = 20_000
    const service = slowing(0.2, requests, 3)
    expect(found({ arrivals: closed({ clients: 4, thinkTime: '10ms' }), service, stop: { requests } })).toHaveLength(1)
  })

  it('on a real clock is found only beyond what a machine does by itself', () => {
    const recordingOf = (later: number) => {
      const times = Array.from({ length: 1000 }, (_, i) => (i < 550 ? 2 : later))
      const service = recorded({ by: 'order', times })
      const scenario = { arrivals: constant('100/s'), service, stop: { requests: 1000 } }
      return new Engine(resolveScenario(scenario, 'simulate')).run()
    }
    const [moved, changed] = [recordingOf(2.8), recordingOf(3.2)]
    expect(unsteadyFinding(moved)?.figures.change).toBeCloseTo(0.4, 9)
    expect(unsteadyFinding({ ...moved, engine: 'measure' })).toBeNull()
    expect(unsteadyFinding({ ...changed, engine: 'measure' })?.figures.change).toBeCloseTo(0.6, 9)
  })
})
