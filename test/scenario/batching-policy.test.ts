import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildPolicy, deadline, decide, type Policy } from '../../src/scenario/batching-policy.js'

const NEVER = Number.POSITIVE_INFINITY

describe('decide', () => {
  const table: [about: string, policy: [size: number, wait: number], waiting: number, waited: number, leave: number][] =
    [
      ['nothing of nothing', [4, 10], 0, 0, 0],
      ['nothing of nothing, greedy', [4, 0], 0, 0, 0],
      ['nothing of nothing, without a limit', [NEVER, 0], 0, 0, 0],
      ['one, without batching', [1, 0], 1, 0, 1],
      ['one at a time, of many', [1, 0], 7, 0, 1],
      ['one, which is full whatever the wait', [1, 10], 1, 0, 1],
      ['a full batch, at once', [4, 10], 4, 0, 4],
      ['a full batch of more', [4, 10], 9, 0, 4],
      ['none yet, of one too few', [4, 10], 3, 0, 0],
      ['none a nanosecond before the deadline', [4, 10], 3, 9, 0],
      ['all at the deadline', [4, 10], 3, 10, 3],
      ['all after the deadline', [4, 10], 3, 11, 3],
      ['what is there, greedy', [4, 0], 2, 0, 2],
      ['all of what is there, without a limit', [NEVER, 0], 1000, 0, 1000],
      ['all at the deadline, without a limit', [NEVER, 10], 1000, 10, 1000],
      ['none before the deadline, without a limit', [NEVER, 10], 1000, 9, 0],
      ['none but full ones, however long', [4, NEVER], 3, 1e15, 0],
      ['full ones of those', [4, NEVER], 4, 0, 4],
    ]
  for (const [about, [maxBatchSize, maxWaitNs], waiting, waited, leave] of table) {
    it(about, () => {
      for (const due of [0, 5, 2 ** 52]) {
        expect(decide({ maxBatchSize, maxWaitNs }, waiting, due, due + waited)).toBe(leave)
      }
    })
  }

  it('lets all leave if nothing more is due and only full batches would leave', () => {
    const full: Policy = { maxBatchSize: 4, maxWaitNs: NEVER }
    expect(decide(full, 3, 0, 0, true)).toBe(3)
    expect(decide(full, 9, 0, 0, true)).toBe(4)
    expect(decide(full, 0, 0, 0, true)).toBe(0)
    // a deadline still applies
    expect(decide({ maxBatchSize: 4, maxWaitNs: 10 }, 3, 0, 5, true)).toBe(0)
  })
})

const policy = fc.record({
  maxBatchSize: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(NEVER)),
  maxWaitNs: fc.oneof(fc.nat(1000), fc.constant(NEVER)),
})
const state = fc.record({ waiting: fc.nat(200), due: fc.nat(1000), later: fc.nat(2000), ended: fc.boolean() })
const runs = { seed: 4, numRuns: 5000 }

describe('any policy', () => {
  it('lets the largest possible batch leave, never more than wait or than maxBatchSize', () => {
    fc.assert(
      fc.property(policy, state, (policy, { waiting, due, later, ended }) => {
        const size = decide(policy, waiting, due, due + later, ended)
        expect([0, Math.min(waiting, policy.maxBatchSize)]).toContain(size)
      }),
      runs,
    )
  })

  it('lets a batch that may leave also leave later, and with more requests waiting', () => {
    fc.assert(
      fc.property(policy, state, fc.nat(100), (policy, { waiting, due, later, ended }, more) => {
        if (decide(policy, waiting, due, due + later, ended) === 0) return
        expect(decide(policy, waiting, due, due + later + more, ended)).toBeGreaterThan(0)
        expect(decide(policy, waiting + more, due, due + later, ended)).toBeGreaterThan(0)
      }),
      runs,
    )
  })

  it('lets a batch that does not fill leave at the deadline and not before', () => {
    fc.assert(
      fc.property(policy, state, (policy, { waiting, due }) => {
        const at = deadline(policy, due)
        if (at === NEVER || waiting === 0) return
        expect(decide(policy, waiting, due, at)).toBe(Math.min(waiting, policy.maxBatchSize))
        if (waiting < policy.maxBatchSize && at > due) expect(decide(policy, waiting, due, at - 1)).toBe(0)
      }),
      runs,
    )
  })
})

describe('a policy of a scenario', () => {
  it('is in nanoseconds, with Infinity for null', () => {
    expect(buildPolicy({ maxBatchSize: 8, maxWait: 1.5 })).toEqual({ maxBatchSize: 8, maxWaitNs: 1_500_000 })
    expect(buildPolicy({ maxBatchSize: null, maxWait: 0 })).toEqual({ maxBatchSize: NEVER, maxWaitNs: 0 })
    expect(buildPolicy({ maxBatchSize: 2, maxWait: null })).toEqual({ maxBatchSize: 2, maxWaitNs: NEVER })
  })
})
