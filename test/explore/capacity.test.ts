import { describe, expect, it } from 'vitest'
import { affine, capacity, checkBudget, closed, exponential, onOff, type Scenario } from '../../src/index.js'
import { atLength } from '../support/at-length.js'

describe('capacity', () => {
  const mm1: Scenario = {
    arrivals: '1/s',
    service: affine({ base: '10ms', variation: exponential() }),
    stop: { requests: 400_000 },
  }

  it('finds the load of M/M/1 at which its p99 meets the limit', { tags: 'at-length' }, () => {
    // latency is exponential of rate mu - lambda, so that p99 = ln(100) / (mu - lambda)
    const exact = 100 - Math.log(100) / 0.1
    const requests = atLength(400_000, 100_000)
    const found = capacity({ ...mm1, stop: { requests } }, { p99: '100ms' })
    // the p99 of 360,000 requests at half load has a standard error of about 1 %; the load's is as large
    const within = 0.04 * Math.sqrt(400_000 / requests)
    expect(found?.rate).toBeGreaterThan((1 - within) * exact)
    expect(found?.rate).toBeLessThan((1 + within) * exact)
    expect(found?.result.latencyMs.p99).toBeLessThanOrEqual(100)
    expect(found?.result.throughput.offered).toBeCloseTo(found?.rate ?? 0, -1)
  })

  it('is higher for larger batches within the same limit', { tags: 'full' }, () => {
    const within = (maxBatchSize: number) =>
      capacity(
        {
          arrivals: '1/s',
          service: affine({ base: '7.5ms', perItem: '0.25ms' }),
          batching: { maxBatchSize, maxWait: 0 },
          stop: { requests: 50_000 },
        },
        { p99: '60ms' },
      )?.rate ?? 0
    // the maximum throughput is 129/s one at a time, 1,000/s in batches of 10 and 2,500/s in batches of 50
    expect(within(1)).toBeLessThan(129)
    expect(within(10)).toBeGreaterThan(700)
    expect(within(50)).toBeGreaterThan(1.5 * within(10))
  })

  it('searches the rate of bursts, which is higher than their mean rate', { tags: 'full' }, () => {
    // on for 1 % of the time: while on, requests may arrive much faster than they are served
    const arrivals = onOff({ rate: '100/s', on: 1, off: 99 })
    const found = capacity({ ...mm1, service: '1ms', arrivals, stop: { requests: 100_000 } }, { p99: '100ms' })
    expect(found?.rate).toBeGreaterThan(1100)
    // it is the rate of the arrivals in the result
    expect(found?.result.throughput.offered).toBeLessThan(0.02 * (found?.rate as number))
    expect(found?.result.latencyMs.p99).toBeLessThanOrEqual(100)
  })

  it.each([
    ['that turns requests away', { capacity: 1 }, '20ms', 0.01, 50_000],
    ['in which requests give up', { capacity: 256, timeout: '50ms' }, '100ms', 0.99, 50_000],
  ] as const)('counts no load of a queue %s as sustained', (_, queue, p99, most, requests) => {
    const service = affine({ base: '1ms', variation: exponential() })
    const found = capacity({ arrivals: '100/s', service, queue, stop: { requests } }, { p99 })
    // of M/M/1/2 even at a hundredth of its capacity one request in 10,000 finds the place taken
    if (queue.capacity === 1) expect(found).toBeNull()
    else {
      const { counts } = (found as NonNullable<typeof found>).result
      expect(counts.completed).toBe(counts.offered)
      expect(found?.rate).toBeLessThan(990 * most)
      expect(found?.check.verdict).toBe('pass')
      expect(checkBudget((found as NonNullable<typeof found>).result, { p99 }).verdict).toBe('pass')
    }
  })

  it('throws if its runs are too short to judge any load', () => {
    expect(() => capacity({ ...mm1, stop: { requests: 50 }, warmup: { requests: 0 } }, { p99: '100ms' })).toThrow(
      /^stop: is too short: no run shows whether it keeps the limit \(.*\); make it longer$/,
    )
  })

  it('is null if the limit is shorter than the service time', () => {
    expect(capacity({ ...mm1, service: '10ms', stop: { requests: 20_000 } }, { p99: '9ms' })).toBeNull()
  })

  it.each([
    [{ p99: '5 parsecs' }, /^capacity\.p99: must be a duration.*got "5 parsecs"/],
    [{ p99: 0 }, /^capacity\.p99: .*got 0/],
    [{ p95: 1 }, /'p95' is not an option here \(did you mean 'p99'\?\); accepted: p99/],
  ])('refuses the limit %j', (limit, message) => {
    expect(() => capacity(mm1, limit as { p99: number })).toThrow(message)
  })

  it('refuses arrivals without a rate, and a service without time', () => {
    expect(() => capacity({ ...mm1, arrivals: closed({ clients: 2 }) }, { p99: 100 })).toThrow(/^arrivals: .*closed/)
    expect(() => capacity({ ...mm1, service: 0 }, { p99: 100 })).toThrow(/^service: takes no time/)
  })
})
