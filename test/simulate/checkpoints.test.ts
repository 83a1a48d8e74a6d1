import { describe, expect, it } from 'vitest'
import { affine, checkBudget, exponential, type Scenario, type SimulationEvent, simulate } from '../../src/index.js'

const mm1 = (load: number): Scenario => ({
  arrivals: 100 * load,
  service: affine({ base: '10ms', variation: exponential() }),
})
const precise = (load: number, precision: string | number, of: 'mean' | 'p50' | 'p99' = 'p99') =>
  simulate({ ...mm1(load), stop: { precision, of } })

describe('a run that ends once an interval is narrow enough', () => {
  it.each([
    ['mean', 0.05],
    ['p50', 0.05],
    ['p99', 0.1],
  ] as const)('ends once that of the %s is, and not before', (of, precision) => {
    const { latencyMs, checkpoints } = precise(0.5, precision, of)
    const reach = (result: { latencyMs: typeof latencyMs }) => {
      const { low, high } = result.latencyMs.intervals[of]
      const estimate = result.latencyMs[of]
      return low === null || high === null ? Infinity : Math.max(high - estimate, estimate - low) / estimate
    }
    expect(reach({ latencyMs })).toBeLessThanOrEqual(precision)
    // the checkpoint before, as a separate run, which allows for fewer checkpoints
    const { taken, planned } = checkpoints as { taken: number; planned: number }
    const requests = Math.round(20_000_000 / 2 ** (planned - taken + 1))
    const before = simulate({
      ...mm1(0.5),
      stop: { precision: 1e-9, of, atMost: { requests } },
      warmup: { requests: 1953 },
    })
    expect(taken).toBeGreaterThan(1)
    expect(1.3 * reach(before)).toBeGreaterThan(precision)
  })

  it('is longer for more precision, and at a higher load', { tags: 'full' }, () => {
    const requests = (result: ReturnType<typeof precise>) => result.counts.offered
    expect(requests(precise(0.5, '5%'))).toBeGreaterThan(requests(precise(0.5, '20%')))
    expect(requests(precise(0.9, '10%', 'p50'))).toBeGreaterThan(requests(precise(0.5, '10%', 'p50')))
  })

  it('equals the run of that length, except for wider intervals', () => {
    const stop = precise(0.5, '10%')
    const { checkpoints, scenario, ...shown } = stop
    const requests = 20_000_000 / 2 ** ((checkpoints?.planned as number) - (checkpoints?.taken as number))
    const fixed = simulate({ ...mm1(0.5), stop: { requests: Math.round(requests) }, warmup: scenario?.warmup as never })
    expect(shown.counts).toEqual(fixed.counts)
    expect(shown.latencyMs.histogram).toBe(fixed.latencyMs.histogram)
    for (const of of ['mean', 'p50', 'p99'] as const) {
      const [wide, narrow] = [shown.latencyMs.intervals[of], fixed.latencyMs.intervals[of]]
      expect(wide.low).toBeLessThan(narrow.low as number)
      expect(wide.high).toBeGreaterThan(narrow.high as number)
    }
  })

  it('ends at atMost in any case', () => {
    const atMost = { requests: 50_000 }
    const { counts, checkpoints, scenario } = simulate({
      ...mm1(0.95),
      stop: { precision: '0.1%', of: 'p99.9', atMost },
    })
    // checkpoints at 12,500, 25,000 and 50,000; the first 1,250 are the warm-up
    expect(checkpoints).toEqual({ planned: 3, taken: 3 })
    expect(counts.offered).toBe(48_750)
    expect(scenario?.stop).toEqual({ precision: 0.001, of: 'p99.9', atMost })
    const byTime = simulate({ ...mm1(0.5), stop: { precision: '0.1%', atMost: '40s' } })
    expect(byTime.checkpoints).toEqual({ planned: 4, taken: 4 })
    expect(byTime.window).toEqual({ startMs: 500, endMs: 40_000 })
  })

  it('emits each event once', () => {
    const events: SimulationEvent[] = []
    const stop = { precision: '20%', of: 'p50', atMost: { requests: 40_000 } } as const
    const result = simulate({ ...mm1(0.5), stop }, { onEvent: (event) => events.push(event) })
    const served = events.flatMap((event) => (event.type === 'batch' ? event.requests : []))
    expect(served).toEqual(Array.from({ length: result.counts.offered + 1000 }, (_, number) => number))
  })

  it('ends if onProgress returns false', () => {
    const seen: number[] = []
    const stop = { precision: '0.01%', of: 'p99' } as const
    const result = simulate(
      { ...mm1(0.5), stop },
      {
        onProgress: ({ requests }) => {
          seen.push(requests)
          return requests < 150_000
        },
      },
    )
    expect(result.validity.findings.map(({ code }) => code)).toContain('interrupted')
    expect(Math.max(...seen)).toBe(3 * 65_536)
  })
})

describe('a run that ends once the verdict on a budget is clear', () => {
  const judged = (p99: string) => simulate({ ...mm1(0.5), stop: { budget: { p99 } } })
  // the p99 of M/M/1 at 50 % load is ln(100) * 20 ms = 92.1 ms

  it('is longer, the nearer the limit is to the true value', () => {
    const [far, near] = [judged('160ms'), judged('105ms')]
    expect(far.checkpoints?.taken).toBeLessThan(near.checkpoints?.taken as number)
    expect(near.counts.offered).toBeGreaterThan(far.counts.offered)
    expect(checkBudget(far, { p99: '160ms' }).verdict).toBe('pass')
    expect(checkBudget(near, { p99: '105ms' }).verdict).toBe('pass')
    expect(checkBudget(judged('80ms'), { p99: '80ms' }).verdict).toBe('fail')
  })

  it('ends at the first checkpoint if an error decides', () => {
    const { checkpoints } = simulate({
      ...mm1(0.9),
      queue: { capacity: 2 },
      stop: { budget: { p99: '1s' } },
    })
    expect(checkpoints?.taken).toBe(1)
  })
})
