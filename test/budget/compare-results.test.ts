import { describe, expect, it } from 'vitest'
import { checkComparison } from '../../src/budget/comparison/check-comparison.js'
import { type CompareResultsOptions, compareResults } from '../../src/budget/comparison/compare-results.js'
import type { ComparedMetric, Comparison } from '../../src/budget/comparison/comparison.js'
import { compare } from '../../src/explore/compare.js'
import type { Result } from '../../src/result/result.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { affine } from '../../src/scenario/service/service.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { simulate } from '../../src/simulate/simulate.js'
import { ValidationError } from '../../src/validation/validation-error.js'

const run = (base: number, scenario: Partial<Scenario> = {}): Result =>
  simulate({
    arrivals: '500/s',
    service: affine({ base, variation: exponential() }),
    stop: { requests: 40_000 },
    ...scenario,
  } as Scenario)
const ms1 = run(1)
const ms12 = run(1.2)
const metric = (base: Result, head: Result, name: ComparedMetric, options?: CompareResultsOptions) =>
  metricIn(compareResults(base, head, options), name)
const metricIn = ({ metrics }: Comparison, name: ComparedMetric) => metrics.find((each) => each.metric === name)
const measured = (result: Result): Result => ({
  ...result,
  engine: 'measure',
  environment: { node: '22.18.0', platform: 'linux x64', cpu: 'A', cores: 2, load: 0 },
})
const codes = (base: Result, head: Result) => compareResults(base, head).findings.map(({ code }) => code)

describe('compareResults', () => {
  it('compares goodput by the same limits only, and of measurements says that the machine matters', () => {
    const good = { latency: '3ms' }
    const [base, head, others] = [run(1, { good }), run(1.2, { good }), run(1.2, { good: { latency: '4ms' } })]
    const comparison = compareResults(base, head, { of: 'goodput' })
    expect(metricIn(comparison, 'goodput')).toMatchObject({ unit: 'fraction', verdict: 'slower', ratio: null })
    expect(metric(base, base, 'goodput')).toMatchObject({ difference: 0 })
    expect(metric(base, others, 'goodput')).toBeUndefined()
    expect(metric(base, ms12, 'goodput')).toBeUndefined()
    expect(() => compareResults(base, ms12, { of: 'goodput' })).toThrow('options.of: is goodput')
    expect(metric(measured(base), measured(head), 'goodput')).toMatchObject({
      verdict: 'inconclusive',
      interval: { low: null, high: null },
    })
    expect(checkComparison(JSON.parse(JSON.stringify(comparison))).verdict).toBe('slower')
  })

  it('is rejected when read if a ratio is outside its interval or not head / base', () => {
    const stored = JSON.parse(JSON.stringify(compareResults(ms1, run(2))))
    expect(checkComparison(stored).verdict).toBe('slower')
    const same = (each: object) => ({ ...each, interval: { low: 0.99, high: 1.01, level: 0.99 }, verdict: 'same' })
    const edited = { ...stored, metrics: stored.metrics.map(same), verdict: 'same' }
    expect(() => checkComparison(edited)).toThrow(/must have a ratio for \S+ that is head \/ base/)
    const level = (each: object) => ({ ...same(each), ratio: 1 })
    expect(() => checkComparison({ ...edited, metrics: stored.metrics.map(level) })).toThrow(/must have a ratio/)
  })

  it('never reports latency as same if the event loop was late', () => {
    const late = {
      ...ms1,
      validity: { valid: true, findings: [{ code: 'event-loop-late', severity: 'warning', message: '', figures: {} }] },
    } as Result
    expect(compareResults(ms1, ms1, { within: '20%' }).verdict).toBe('same')
    const found = compareResults(ms1, late, { within: '20%' })
    expect(found.verdict).toBe('inconclusive')
    expect(found.metrics.find((each) => each.metric === 'mean')?.reason).toContain('hides differences')
    // lateness moves the ratio towards 1, so slower still holds
    expect(compareResults(late, run(2)).verdict).toBe('slower')
  })

  it('finds the slower of two simulations, with intervals that cover the exact ratio', () => {
    const comparison = compareResults(ms1, ms12)
    expect(comparison).toMatchObject({ verdict: 'slower', design: 'unpaired', of: 'mean', pairs: [] })
    // M/M/1: a mean of 1 / (mu - lambda), 2 ms at 50 % load and 3 ms at 60 %; p99 has the same ratio
    for (const name of ['mean', 'p50', 'p90', 'p99'] as const) {
      const { low, high } = metricIn(comparison, name)?.interval ?? {}
      expect(low).toBeLessThan(1.5)
      expect(high).toBeGreaterThan(1.5)
    }
    expect(metricIn(comparison, 'service.mean')?.interval.low).toBeLessThan(1.2)
    expect(metricIn(comparison, 'service.mean')?.interval.high).toBeGreaterThan(1.2)
    expect(compareResults(ms12, ms1).verdict).toBe('faster')
    expect(compareResults(ms1, ms1, { within: '20%' }).verdict).toBe('same')
    expect(comparison.findings).toEqual([])
  })

  it('is inconclusive if either run is too short', () => {
    const short = run(1, { stop: { requests: 1000 } })
    const comparison = compareResults(ms1, short, { of: 'p99' })
    expect(metricIn(comparison, 'p99')).toMatchObject({ verdict: 'inconclusive', interval: { high: null } })
    expect(comparison.verdict).toBe('inconclusive')
    expect(compareResults(short, short).verdict).toBe('inconclusive')
  })

  it('finds a run with a growing backlog slower, and is inconclusive for two such runs', () => {
    const over = run(2.5)
    const comparison = compareResults(ms1, over)
    expect(comparison.verdict).toBe('slower')
    expect(comparison.findings[0]).toMatchObject({
      code: 'load-not-sustained',
      message: expect.stringMatching(/^head did not sustain its load/),
    })
    expect(metricIn(comparison, 'p99')).toMatchObject({ head: null, interval: { low: null, high: null } })
    expect(compareResults(over, ms1).verdict).toBe('faster')
    const both = compareResults(over, over)
    expect(both.reason).toMatch(/^base is invalid and cannot be compared: saturated: /)
    expect(both.metrics.every(({ verdict }) => verdict === 'inconclusive')).toBe(true)
    for (const each of [comparison, both]) expect(checkComparison(JSON.parse(JSON.stringify(each)))).toEqual(each)
  })

  it('is inconclusive if either run is invalid for another reason', () => {
    const finding = { code: 'littles-law', severity: 'error', message: 'they disagree', figures: {} } as const
    const invalid = { ...run(9), validity: { valid: false, findings: [finding] } }
    expect(compareResults(ms1, invalid)).toMatchObject({
      verdict: 'inconclusive',
      findings: [{ code: 'run-invalid', severity: 'error' }],
    })
  })

  it('finds 1 ms slower than 0 ms, as compare does', async () => {
    const [zero, one] = ['0ms', '1ms'].map((service) =>
      simulate({ arrivals: '500/s', service, stop: { requests: 10_000 } } as Scenario),
    ) as [Result, Result]
    expect(compareResults(zero, one).verdict).toBe('slower')
    expect(compareResults(one, zero).verdict).toBe('faster')
    expect(compareResults(zero, zero).verdict).toBe('same')
    expect(compareResults(measured(zero), measured(one)).verdict).toBe('slower')
    const { verdict } = await compare({ arrivals: '500/s', base: { service: '0ms' }, head: { service: '1ms' } })
    expect(verdict).toBe('slower')
    const stored = JSON.parse(JSON.stringify(compareResults(zero, one)))
    expect(checkComparison(stored).verdict).toBe('slower')
  })

  it('allows for noise of the machine if a run was measured', () => {
    const steady = (ms: number) =>
      measured(simulate({ arrivals: '200/s', service: affine({ base: ms }), servers: 4, stop: { requests: 1000 } }))
    const [a, b] = [steady(5), steady(7.5)]
    // half as long again: more than chance explains, less than machines differ
    expect(metric(a, b, 'mean', { machineNoise: 0 })?.verdict).toBe('slower')
    expect(metric(a, b, 'mean')?.verdict).toBe('inconclusive')
    // 904 requests of 5 and of 10 ms differ by more
    expect(compareResults(a, steady(10)).verdict).toBe('slower')
    expect(metric(a, b, 'mean', { machineNoise: '50%' })?.interval.low).toBeLessThan(1)
    expect(codes(a, b)).toEqual(['not-interleaved'])
  })

  it('takes the noise of the machine from a history of results', () => {
    const steady = (ms: number) =>
      measured(simulate({ arrivals: '200/s', service: affine({ base: ms }), servers: 4, stop: { requests: 1000 } }))
    const quiet = [5, 5.02, 4.98, 5.03, 4.97, 5.01].map(steady)
    const busy = [5, 8, 4, 9, 6, 3].map(steady)
    expect(compareResults(steady(5), steady(5.5), { history: quiet }).verdict).toBe('slower')
    expect(compareResults(steady(5), steady(5.5), { history: busy }).verdict).toBe('inconclusive')
    // Student's t with 5 degrees of freedom for 0.4 % is 4.26, and the logarithms have a standard deviation of 0.0045
    const { low } = metric(steady(5), steady(10), 'service.mean', { history: quiet })?.interval ?? {}
    expect(low).toBeCloseTo(2 * Math.exp(-4.26 * Math.SQRT2 * 0.0046), 2)
    expect(compareResults(steady(5), steady(5), { history: quiet }).findings.at(-1)?.message).toMatch(
      /according to 6 earlier results/,
    )
    expect(() => compareResults(ms1, ms12, { history: quiet.slice(0, 4) })).toThrow(
      /must be a list of at least 5 results/,
    )
    expect(() => compareResults(ms1, ms12, { history: quiet, machineNoise: 0.1 })).toThrow(/must be omitted/)
    expect(() => compareResults(ms1, ms12, { history: Array(5).fill({}) })).toThrow(
      /options\.history\[0\]: must be a result/,
    )
  })

  it('does not report head as slower because its threads waited for a core', () => {
    const cpu = (waitingMs: number) => ({
      periodMs: 200_000,
      cores: 2,
      processMs: 1,
      othersMs: 1,
      stealMs: 0,
      threads: [{ thread: 'server 1', busyMs: 100_000, fraction: 0.5, waitingMs }],
    })
    const waited = (result: Result, waitingMs: number): Result => ({
      ...measured(result),
      host: { speed: null, gc: null, eventLoopDelay: null, cpu: cpu(waitingMs) } as never,
    })
    // 1 ms for each request, of which 0.9 ms waiting for a core
    const head = run(1.9)
    expect(compareResults(measured(ms1), waited(head, 0)).verdict).toBe('slower')
    const contended = compareResults(measured(ms1), waited(head, 90_000))
    expect(contended.verdict).toBe('inconclusive')
    expect(contended.findings.at(-1)?.message).toMatch(/no CPU for 47 % in head/)
    // waiting in base does not hide a slower head
    expect(compareResults(waited(ms1, 90_000), measured(head)).verdict).toBe('slower')
  })

  it('warns of everything but the code that may explain a difference', () => {
    const a = measured(ms1)
    const elsewhere = {
      ...measured(ms12),
      environment: { node: '20.20.0', platform: 'linux x64', cpu: 'B', cores: 4, load: 0 },
    }
    const { findings } = compareResults(a, elsewhere)
    expect(findings.map(({ code }) => code)).toEqual([...Array(3).fill('environments-differ'), 'not-interleaved'])
    expect(findings[0]?.message).toBe('different Node: 22.18.0 for base, 20.20.0 for head')
    expect(codes(ms1, measured(ms12))).toContain('environments-differ')
    expect(codes(ms1, run(1, { arrivals: '400/s' }))).toEqual(['scenarios-differ'])
    expect(codes(ms1, run(1, { seed: 9 }))).toEqual(['seeds-differ'])
  })

  it('counts errors', () => {
    const queue = { capacity: 3 }
    const fails = run(1, { queue })
    expect(fails.rates.error).toBeGreaterThan(0.02)
    const comparison = compareResults(ms1, fails)
    expect(comparison).toMatchObject({ verdict: 'slower', reason: 'head fails more' })
    expect(metricIn(comparison, 'errorRate')?.difference).toBeCloseTo(fails.rates.error, 12)
    // rejected requests are not waited for: mean latency is lower
    expect(metricIn(comparison, 'mean')?.verdict).toBe('faster')
  })

  it.each([
    ['an unknown metric', { of: 'p98' }, /options\.of: must be a compared metric \(did you mean 'p9[09]'\?\)/],
    [
      'a fraction above 1',
      { within: '120%' },
      /options\.within: must be a fraction of 0 or more and below 1.* got "120%"/,
    ],
    ['an unknown option', { rounds: 4 }, /'rounds' is not an option here; accepted: of, within, machineNoise, history/],
  ])('rejects %s', (_, options, message) => {
    expect(() => compareResults(ms1, ms12, options as CompareResultsOptions)).toThrow(message)
  })

  it('rejects a value that is not a result, naming the side', () => {
    expect(() => compareResults(ms1, {} as Result)).toThrow(/^head: must be a result/)
    expect(() => compareResults({ ...ms1, schema: 'throughline/result@9' } as unknown as Result, ms1)).toThrow(
      new ValidationError(
        'base',
        'must be a result with the schema "throughline/result@1", got "throughline/result@9"',
      ),
    )
  })
})
