import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affine, checkBudget, exponential, type Result, replicate, type Scenario, simulate } from '../../src/index.js'
import { checkResult } from '../../src/result/check.js'
import { atLength } from '../support/at-length.js'
import { type NaiveRequest, naive } from '../support/reference/naive-simulator.js'
import { simulateWithEvents } from '../support/reference/simulate-with-events.js'
import { seeded, smallScenario, withWarmup } from '../support/reference/small-scenarios.js'

const limits = fc
  .tuple(
    // limits that split the requests of a run, and up to two of any kind
    fc.tuple(fc.constantFrom('latency', 'wait', 'queueing'), fc.noBias(fc.integer({ min: 1, max: 30 }))),
    fc.array(fc.tuple(fc.constantFrom('service', 'lag', 'batching', 'dispatch', 'latency'), fc.nat({ max: 30 })), {
      maxLength: 2,
    }),
  )
  .map(([first, others]): Record<string, number> => Object.fromEntries([...others, first]))
const overhead = fc.option(
  fc.record({ wake: fc.nat(3), filled: fc.nat(3), deadline: fc.nat(3), turnaround: fc.nat(3) }),
  { nil: undefined },
)

function isGood(request: NaiveRequest, good: Record<string, number | undefined>): boolean {
  const { due, start, end, queueing, batching, dispatch } = request
  const times = { latency: end - due, wait: start - due, service: end - start, lag: 0, queueing, batching, dispatch }
  return Object.entries(times).every(([name, ms]) => ms <= (good[name] ?? Number.POSITIVE_INFINITY))
}

const half = (probability: number, n: number, worth: number) =>
  4 * Math.sqrt((probability * (1 - probability) * worth) / n)

describe('goodput', () => {
  it('counts the requests that a naive simulator finds good, one by one', { tags: 'at-length' }, () => {
    let [judged, mixed] = [0, 0]
    fc.assert(
      fc.property(withWarmup(smallScenario), limits, overhead, ({ warmup, ...given }, good, overhead) => {
        // a dispatch moves when a closed loop sends, which the naive one follows too
        const service = overhead === undefined ? given.service : { ...given.service, overhead }
        const scenario = { ...given, service }
        const { result } = simulateWithEvents({ ...scenario, warmup, good } as Scenario)
        if (result === null) return
        const since = { requests: 0, duration: 0, ...(warmup as { requests: number } | { duration: number }) }
        const requests = naive(scenario).requests.filter(
          ({ number, due }) => number >= since.requests && due >= since.duration,
        )
        const found = requests.filter((request) => request.fate === 'served' && isGood(request, good)).length
        expect(result.counts.good).toBe(found)
        expect(result.goodput?.fraction).toBe(found / requests.length)
        expect(result.segments.reduce((sum, { counts }) => sum + (counts.good as number), 0)).toBe(found)
        judged++
        if (found > 0 && found < result.counts.completed) mixed++
      }),
      seeded(atLength(300, 40)),
    )
    expect(mixed).toBeGreaterThan(judged / 10)
  })

  it('is what theory says of M/M/1: latency is exponential', { tags: 'at-length' }, () => {
    for (const ms of [10, 50, 150]) {
      const result = simulate({
        arrivals: '80/s',
        service: affine({ base: '10ms', variation: exponential() }),
        good: { latency: ms },
        stop: { requests: atLength(1_000_000, 50_000) },
        seed: 3,
      })
      const exact = 1 - Math.exp(-20 * (ms / 1000))
      const { fraction, perSecond } = result.goodput as NonNullable<Result['goodput']>
      // neighbours wait alike: at 80 % load 2 * rho / (1 - rho)^2 requests are worth one
      expect(Math.abs(fraction - exact)).toBeLessThan(half(exact, result.counts.offered, 40))
      expect(perSecond).toBeCloseTo(fraction * result.throughput.offered, 9)
    }
  })

  it('has an interval that holds the true fraction as often as it says', { tags: 'full' }, () => {
    const exact = 1 - Math.exp(-1)
    const seeds = Array.from({ length: 60 }, (_, seed) => seed)
    const holds = seeds.filter((seed) => {
      const scenario = { arrivals: '80/s', service: affine({ base: '10ms', variation: exponential() }) }
      const { goodput } = simulate({ ...scenario, good: { latency: 50 }, stop: { requests: 50_000 }, seed })
      const { low, high } = (goodput as NonNullable<Result['goodput']>).interval
      return (low ?? 0) <= exact && (high ?? 1) >= exact
    })
    // 57 of 60 on average; 4 standard errors fewer are allowed
    expect(holds.length).toBeGreaterThanOrEqual(50)
  })

  it('is what theory says of M/D/1: P(wait <= x) = (1 - rho) e^(lambda x) up to one service time', {
    tags: 'at-length',
  }, () => {
    const stop = { requests: atLength(1_000_000, 50_000) }
    for (const good of [{ latency: '15ms' }, { wait: '5ms' }, { queueing: '5ms', service: '10ms' }]) {
      const result = simulate({ arrivals: '80/s', service: '10ms', good, stop, seed: 5 })
      const exact = 0.2 * Math.exp(0.4)
      expect(Math.abs((result.goodput?.fraction as number) - exact)).toBeLessThan(
        half(exact, result.counts.offered, 20),
      )
    }
  })

  it('leaves everything else as it is, and is absent if it is not asked for', () => {
    const scenario = {
      arrivals: '580/s',
      service: affine({ base: '5ms', perItem: '1ms' }),
      batching: { maxBatchSize: 8, maxWait: '10ms' },
      queue: { timeout: '20ms' },
      stop: { requests: 10_000 },
    }
    const { scenario: _, goodput, counts, segments, ...judged } = simulate({ ...scenario, good: { queueing: 3 } })
    const { scenario: __, counts: countsOf, segments: segmentsOf, ...plain } = simulate(scenario)
    expect(judged).toEqual(plain)
    expect('goodput' in plain || 'good' in countsOf).toBe(false)
    expect(counts).toEqual({ ...countsOf, good: counts.good })
    expect(segments.map(({ counts: { good: _, ...others }, ...rest }) => ({ ...rest, counts: others }))).toEqual(
      segmentsOf,
    )
    expect(counts.timedOut).toBeGreaterThan(0)
    expect(goodput?.fraction).toBe((counts.good as number) / counts.offered)
  })

  it('of replications is that of all their requests', async () => {
    const scenario = {
      arrivals: '80/s',
      service: affine({ base: '10ms', variation: exponential() }),
      good: { latency: 50 },
      stop: { requests: 5000 },
    }
    const result = await replicate(scenario, { replications: 8 })
    const first = simulate(scenario)
    const each = result.segments.map(({ counts }) => counts.good as number)
    expect(each[0]).toBe(first.counts.good)
    expect(result.counts.good).toBe(each.reduce((sum, good) => sum + good, 0))
    expect(result.goodput?.fraction).toBe((result.counts.good as number) / result.counts.offered)
    const exact = 1 - Math.exp(-1)
    expect(result.goodput?.interval.low).toBeLessThan(exact)
    expect(result.goodput?.interval.high).toBeGreaterThan(exact)
    expect(checkResult(JSON.parse(JSON.stringify(result)))).toEqual(result)
  })

  it('ends a run as soon as its limit is clear', () => {
    const scenario = { arrivals: '80/s', service: affine({ base: '10ms', variation: exponential() }) }
    const stop = { budget: { goodput: '90%' } }
    const result = simulate({ ...scenario, good: { latency: '50ms' }, stop })
    expect(checkBudget(result, stop.budget).verdict).toBe('fail')
    expect(result.counts.offered).toBeLessThan(100_000)
    expect(() => simulate({ ...scenario, stop })).toThrow(
      "stop.budget.goodput: needs the scenario's good: the longest times of a good request, such as { latency: '100ms' }",
    )
  })

  it.each([
    [{}, "good: must limit at least one time of a request, such as { latency: '100ms' }"],
    [{ latency: undefined }, 'good: must limit at least one time of a request'],
    [{ p99: '100ms' }, "good: 'p99' is not an option here; accepted: latency, wait, service, lag,"],
    [{ latency: '100' }, 'good.latency: must be'],
    [{ latency: -1 }, 'good.latency: must be'],
    [{ latency: Number.NaN }, 'good.latency: must be'],
    ['100ms', 'good: must be an object of latency, wait, service, lag, queueing, batching, dispatch'],
  ])('refuses %j', (good, message) => {
    expect(() => simulate({ arrivals: '10/s', service: '1ms', good } as Scenario)).toThrow(message)
  })
})
