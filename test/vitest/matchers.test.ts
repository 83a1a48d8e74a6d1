import { describe, expect, it } from 'vitest'
import { affine, exponential, simulate, summarizeRuns } from '../../src/index.js'
import '../../src/vitest.js'

const result = simulate({
  arrivals: '50/s',
  service: affine({ base: '10ms', variation: exponential() }),
  stop: { requests: 100_000 },
})
const { p99 } = result.latencyMs
const unclear = { p99 }

describe('toMeetBudget', () => {
  it('passes if the budget is kept, and negated if it is broken', () => {
    expect(result).toMeetBudget({ p99: '150ms', 'queueing.p95': '100ms' })
    expect(result).not.toMeetBudget({ p99: '50ms' })
    expect(summarizeRuns([[1, 2, 3]])).toMeetBudget({ max: 3 })
  })

  it('fails with the table otherwise', () => {
    expect(() => expect(result).toMeetBudget({ p99: '50ms' })).toThrow(/^Budget broken: 1 of 2 rules fails\n\n rule /)
    expect(() => expect(result).not.toMeetBudget({ p99: '150ms' })).toThrow(
      /^Budget kept: 2 rules; expected it to be broken\n\n rule /,
    )
  })

  it('fails if inconclusive, negated too', () => {
    expect(() => expect(result).toMeetBudget(unclear)).toThrow(/^Budget undecided: 1 of 2 rules is inconclusive/)
    expect(() => expect(result).not.toMeetBudget(unclear)).toThrow(/^Budget undecided/)
    expect(result).toMeetBudget(unclear, { onInconclusive: 'pass' })
    expect(result).not.toMeetBudget(unclear, { onInconclusive: 'pass' })
  })

  it('accepts promises', async () => {
    await expect(Promise.resolve(result)).resolves.toMeetBudget({ p99: '150ms' })
    await expect(expect(Promise.resolve(result)).resolves.toMeetBudget({ p99: '50ms' })).rejects.toThrow(
      /^Budget broken/,
    )
  })

  it('rejects an invalid budget and unknown options', () => {
    // @ts-expect-error: a misspelt metric
    expect(() => expect(result).not.toMeetBudget({ throughputt: 1 })).toThrow(/did you mean 'throughput'/)
    // which classes a run has, TypeScript does not know
    expect(() => expect(result).toMeetBudget({ 'queing.p95': 1 })).toThrow(/did you mean 'queueing.p95'/)
    // @ts-expect-error: a misspelt option
    expect(() => expect(result).toMeetBudget({ p99: 1 }, { onInconclusive: 'skip' })).toThrow(
      /must be 'fail' or 'pass'/,
    )
  })

  it('compiles only without misspellings', () => {
    const never = () => {
      // @ts-expect-error: a misspelt matcher
      expect(result).toMeetBudgets({ p99: 1 })
      // @ts-expect-error: not a percentile
      expect(result).toMeetBudget({ 'queueing.p9x': 1 })
      // @ts-expect-error: an invalid limit
      expect(result).toMeetBudget({ p99: true })
      // @ts-expect-error: a value without latency
      expect(3).toMeetBudget({ p99: 1 })
    }
    expect(never).toBeTypeOf('function')
  })
})
