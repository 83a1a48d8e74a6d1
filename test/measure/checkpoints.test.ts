import { describe, expect, it } from 'vitest'
import { checkBudget, measure, type Scenario } from '../../src/index.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { planOf } from '../support/virtual-time/virtual-event-loop.js'

const failing: Scenario = {
  arrivals: '200/s',
  call: (index) => {
    if (index % 10 === 3) throw new Error('every tenth')
  },
}

describe('a measurement that stops at a precision or budget', () => {
  it('ends at the checkpoint that decides the budget', async () => {
    const budget = { p99: '10s' }
    const result = await measure({ ...failing, stop: { budget, atMost: '21s' } })
    // at 0.5 s, or at a later one of five checkpoints if the machine is slow: no error was allowed
    expect(result.checkpoints?.planned).toBe(5)
    expect(result.checkpoints?.taken).toBeLessThan(5)
    expect(result.window.startMs).toBe(50)
    expect(result.window.endMs).toBeGreaterThan(500)
    expect(result.window.endMs).toBeLessThan(21_000)
    const { offered, completed, failed, unfinished } = result.counts
    expect(completed + failed + unfinished).toBe(offered)
    expect(failed).toBeGreaterThan(0)
    expect(offered).toBe(result.segments.reduce((sum, { counts }) => sum + counts.offered, 0))
    expect(result.segments.length).toBeGreaterThanOrEqual(10)
    expect(result.segments.length).toBeLessThanOrEqual(25)
    expect(result.scenario?.stop).toEqual({ budget, atMost: { duration: 21_000 } })
    expect(result.validity.findings.map(({ code }) => code)).not.toContain('littles-law')
    expect(checkBudget(result, budget).verdict).not.toBe('pass')
  })
})

describe('its plan', () => {
  const planned = (stop: Scenario['stop'], warmup?: Scenario['warmup']) => {
    const arrivals = { process: 'poisson', rate: 100 } as const
    return planOf({ ...resolveScenario({ ...failing, arrivals, stop, warmup }, 'measure'), arrivals })
  }

  it('has twenty segments up to the first checkpoint, and ten to each next one', () => {
    const { startNs, endNs, segments } = planned({ precision: '5%', atMost: '20s' })
    expect([startNs, endNs]).toEqual([5e8, 2e10])
    const starts = segments.map((segment) => segment.startNs)
    expect(starts).toHaveLength(40)
    expect(starts.filter((ns) => ns < 5e9)).toHaveLength(20)
    expect(starts.filter((ns) => ns < 1e10)).toHaveLength(30)
    expect(starts.slice(-2)).toEqual([1.8e10, 1.9e10])
  })

  it('must be by time', () => {
    expect(() => planned({ precision: '5%', atMost: { requests: 50_000 } })).toThrow(
      /^stop\.atMost: must be a duration/,
    )
    expect(() => planned({ precision: '5%', atMost: '20s' }, { requests: 10 })).toThrow(/^warmup: must be a duration/)
  })
})
