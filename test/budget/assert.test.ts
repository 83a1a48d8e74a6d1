import { describe, expect, it } from 'vitest'
import { affine, assertBudget, BudgetError, exponential, simulate, ValidationError } from '../../src/index.js'

const scenario = { service: affine({ base: '10ms', variation: exponential() }), stop: { requests: 100_000 } }
const result = simulate({ ...scenario, arrivals: '50/s' })

function errorOf(assert: () => void): BudgetError {
  try {
    assert()
  } catch (error) {
    expect(error).toBeInstanceOf(BudgetError)
    return error as BudgetError
  }
  throw new Error('nothing was thrown')
}

describe('assertBudget', () => {
  it('returns if the budget is kept', () => {
    expect(assertBudget(result, { p99: '150ms', 'service.mean': '< 10.5ms' })).toBeUndefined()
  })

  it('throws a table of rules and parts of latency if the budget is broken', () => {
    const { p99, mean } = result.latencyMs
    const error = errorOf(() => assertBudget(result, { p99: '50.5ms', throughput: '40/s' }))
    expect(error).toMatchObject({ name: 'BudgetError', verdict: 'fail' })
    expect(error.check.rules.map(({ verdict }) => verdict)).toEqual(['fail', 'pass', 'pass'])
    const lines = error.message.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(lines[0]).toEqual(['Budget broken: 1 of 3 rules fails'])
    expect(lines[2]).toEqual(['rule', 'limit', 'observed', '95 % interval', 'verdict'])
    expect(lines[4]).toEqual([
      'p99',
      '<= 50.5 ms',
      `${p99.toPrecision(3)} ms`,
      expect.stringMatching(/^[\d.]+ to [\d.]+ % over$/),
      'fail',
    ])
    expect(lines[5]?.slice(0, 2)).toEqual(['throughput', '>= 40/s'])
    expect(lines[6]).toEqual(['errorRate', '<= 0 %', '0 %', 'as observed', 'pass'])
    expect(error.message).toContain(`Where the time went, ${mean.toPrecision(3)} ms on average`)
    expect(error.message).toMatch(/^ queueing {2}.* no server was idle {2}█/m)
    expect(error.message.replace(/\n +/g, ' ')).toMatch(
      / p99: [\d.]+ % of requests took longer than 50\.5 ms; 1 % may; 95 % interval [\d.]+ to [\d.]+ %/,
    )
    expect(error.message.replace(/\n +/g, ' ')).toContain('To do: make service faster')
    // test reporters print the message unchanged
    expect(error.message).not.toContain('\u001b')
  })

  it('throws if inconclusive, unless that may pass', () => {
    const budget = { p99: result.latencyMs.p99 }
    expect(errorOf(() => assertBudget(result, budget))).toMatchObject({ verdict: 'inconclusive' })
    expect(() => assertBudget(result, budget, { onInconclusive: 'fail' })).toThrow(/^Budget undecided: 1 of 2 rules is/)
    expect(() => assertBudget(result, budget, { onInconclusive: 'pass' })).not.toThrow()
    expect(() => assertBudget(result, { ...budget, p50: 1 }, { onInconclusive: 'pass' })).toThrow(/^Budget broken/)
  })

  it('names the findings of an invalid run', () => {
    const saturated = simulate({ ...scenario, arrivals: '150/s' })
    const { message } = errorOf(() => assertBudget(saturated, { p99: '1ms' }))
    expect(message).toMatch(/^Budget broken: 1 of 2 rules fails/)
    expect(message).toContain('p99: cannot sustain 150/s; at most 100/s')
    expect(message).toMatch(/ ✗ saturated: 150\/s are offered/)
  })

  it('explains the implied rule on errors', () => {
    const lossy = simulate({ ...scenario, arrivals: '50/s', queue: { capacity: 2 } })
    const { message } = errorOf(() => assertBudget(lossy, { p50: '1s' }))
    expect(message).toContain('errorRate: the budget has no limit on errorRate, so no errors are allowed')
  })

  it('rejects unknown options', () => {
    const options = { onInconclusive: 'maybe' } as unknown as { onInconclusive: 'pass' }
    expect(() => assertBudget(result, { p99: 1 }, options)).toThrow(ValidationError)
    expect(() => assertBudget(result, { p99: 1 }, options)).toThrow(
      /^options\.onInconclusive: must be 'fail' or 'pass'/,
    )
  })
})
