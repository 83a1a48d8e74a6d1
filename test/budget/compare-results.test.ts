import { describe, expect, it } from 'vitest'
import { type CompareResultsOptions, compareResults } from '../../src/budget/compare-results.js'
import type { ComparedMetric } from '../../src/budget/comparison.js'
import type { Result } from '../../src/result/result.js'
import { ScenarioError } from '../../src/scenario/error.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { affine } from '../../src/scenario/service.js'
import { exponential } from '../../src/scenario/variation.js'
import { simulate } from '../../src/simulate/simulate.js'

const run = (base: number, scenario: Partial<Scenario> = {}): Result =>
  simulate({
    arrivals: '500/s',
    service: affine({ base, variation: exponential() }),
    stop: { requests: 100_000 },
    ...scenario,
  } as Scenario)
const ms1 = run(1)
const ms12 = run(1.2)
const metric = (base: Result, head: Result, name: ComparedMetric, options?: CompareResultsOptions) =>
  compareResults(base, head, options).metrics.find((each) => each.metric === name)
const measured = (result: Result): Result => ({
  ...result,
  engine: 'measure',
  environment: { node: '22.18.0', platform: 'linux x64', cpu: 'A', cores: 2, load: 0 },
})
const codes = (base: Result, head: Result) => compareResults(base, head).findings.map(({ code }) => code)

describe('compareResults', () => {
  it('tells which of two simulations is slower, by intervals that hold the exact ratio', () => {
    const comparison = compareResults(ms1, ms12)
    expect(comparison).toMatchObject({ verdict: 'slower', design: 'unpaired', of: 'mean', pairs: [] })
    // M/M/1: a mean of 1 / (mu - lambda), 2 ms at 50 % load and 3 ms at 60 %; p99 is as far apart
    for (const name of ['mean', 'p50', 'p90', 'p99'] as const) {
      const { low, high } = metric(ms1, ms12, name)?.interval ?? {}
      expect(low).toBeLessThan(1.5)
      expect(high).toBeGreaterThan(1.5)
    }
    expect(metric(ms1, ms12, 'service.mean')?.interval.low).toBeLessThan(1.2)
    expect(metric(ms1, ms12, 'service.mean')?.interval.high).toBeGreaterThan(1.2)
    expect(compareResults(ms12, ms1).verdict).toBe('faster')
    expect(compareResults(ms1, ms1, { within: '20%' }).verdict).toBe('same')
    expect(comparison.findings).toEqual([])
  })

  it('says nothing where either has no interval', () => {
    const short = run(1.2, { stop: { requests: 1000 } })
    const found = metric(ms1, short, 'p99', { of: 'p99' })
    expect(found).toMatchObject({ verdict: 'inconclusive', interval: { low: null, high: null } })
    expect(found?.interval.reason).toMatch(/too few|worth/)
    expect(compareResults(ms1, short, { of: 'p99' }).verdict).toBe('inconclusive')
    expect(compareResults(short, short).verdict).toBe('inconclusive')
  })

  it('says nothing where either is invalid, and why', () => {
    const over = run(2.5)
    const comparison = compareResults(ms1, over)
    expect(comparison.verdict).toBe('inconclusive')
    expect(comparison.reason).toMatch(/^head is invalid, and so tells nothing: saturated: /)
    expect(comparison.metrics.every(({ verdict }) => verdict === 'inconclusive')).toBe(true)
    expect(comparison.findings[0]).toMatchObject({ code: 'run-invalid', severity: 'error' })
  })

  it('allows for the machine where one was measured', () => {
    const [a, b] = [measured(ms1), measured(run(1.1))]
    // 2 ms and 2.22 ms: further apart than chance, nearer than machines
    expect(metric(a, b, 'mean', { machineNoise: 0 })?.verdict).toBe('slower')
    expect(metric(a, b, 'mean')?.verdict).toBe('inconclusive')
    const bare = metric(a, b, 'mean', { machineNoise: 0 })?.interval
    const wide = metric(a, b, 'mean', { machineNoise: '50%' })?.interval
    expect(wide?.low).toBeCloseTo((bare?.low as number) / 1.5, 12)
    expect(wide?.high).toBeCloseTo((bare?.high as number) * 1.5, 12)
    expect(codes(a, b)).toEqual(['not-interleaved'])
  })

  it('warns of what else than the code may explain a difference', () => {
    const a = measured(ms1)
    const elsewhere = {
      ...measured(ms12),
      environment: { node: '20.20.0', platform: 'linux x64', cpu: 'B', cores: 4, load: 0 },
    }
    expect(codes(a, elsewhere)).toEqual([...Array(3).fill('environments-differ'), 'not-interleaved'])
    expect(compareResults(a, elsewhere).findings[0]?.message).toBe(
      'not the same Node: 22.18.0 for base, 20.20.0 for head',
    )
    expect(codes(ms1, measured(ms12))).toContain('environments-differ')
    expect(codes(ms1, run(1, { arrivals: '400/s' }))).toEqual(['scenarios-differ'])
    expect(codes(ms1, run(1, { seed: 9 }))).toEqual(['seeds-differ'])
  })

  it('counts errors', () => {
    const queue = { capacity: 3 }
    const fails = run(1, { queue })
    expect(fails.rates.error).toBeGreaterThan(0.02)
    expect(compareResults(ms1, fails)).toMatchObject({ verdict: 'slower', reason: 'head fails more' })
    expect(metric(ms1, fails, 'errorRate')?.difference).toBeCloseTo(fails.rates.error, 12)
    // what was turned away was waited for by nobody: mean latency is lower for it
    expect(metric(ms1, fails, 'mean')?.verdict).toBe('faster')
  })

  it.each([
    [
      'a metric that there is none of',
      { of: 'p98' },
      /options\.of: must be a metric that is compared \(did you mean 'p9[09]'\?\)/,
    ],
    [
      'a share of more than all',
      { within: '120%' },
      /options\.within: must be a share of 0 or more and below 1.* got "120%"/,
    ],
    [
      'an option that there is none of',
      { rounds: 4 },
      /'rounds' is not an option here; accepted: of, within, machineNoise/,
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => compareResults(ms1, ms12, options as CompareResultsOptions)).toThrow(message)
  })

  it('refuses what is no result, naming which', () => {
    expect(() => compareResults(ms1, {} as Result)).toThrow(/^head: must be a result/)
    expect(() => compareResults({ ...ms1, schema: 'throughline/result@9' } as unknown as Result, ms1)).toThrow(
      new ScenarioError('base', 'must be a result, with the schema "throughline/result@1", got "throughline/result@9"'),
    )
  })
})
