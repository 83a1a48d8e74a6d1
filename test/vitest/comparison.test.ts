import { describe, expect, it } from 'vitest'
import { affine, compare, exponential, type Result, simulate } from '../../src/index.js'
import '../../src/vitest.js'

const run = (base: number, requests = 100_000): Result =>
  simulate({
    arrivals: '500/s',
    service: affine({ base, variation: exponential() }),
    stop: { requests },
  })
const [ms1, ms12] = [run(1), run(1.2)]
const given = { arrivals: '500/s', stop: { requests: 2000 } }
const slower = await compare({ ...given, base: { service: '1ms' }, head: { service: '1.2ms' } }, { rounds: 8 })
const faster = await compare({ ...given, base: { service: '1.2ms' }, head: { service: '1ms' } }, { rounds: 8 })
const same = await compare({ ...given, base: { service: '1ms' }, head: { service: '1ms' } }, { rounds: 8 })
const unclear = await compare({ ...given, base: { service: '1ms' }, head: { service: '1.2ms' } }, { rounds: 3 })

describe('toBeFasterThan', () => {
  it('passes if a run is faster, and negated if it is not', () => {
    expect(ms1).toBeFasterThan(ms12)
    expect(ms1).toBeFasterThan(ms12, { of: 'p99', by: '10%' })
    expect(ms12).not.toBeFasterThan(ms1)
    // 2 ms instead of 3 ms: a third less, not half
    expect(ms1).not.toBeFasterThan(ms12, { by: '50%' })
  })

  it('fails with the table otherwise', () => {
    expect(() => expect(ms12).toBeFasterThan(ms1)).toThrow(
      /^expected head to be faster\n\n head is slower: mean 1\.\d+ times base's latency \(.*\), from two results\n\n metric /,
    )
    expect(() => expect(ms1).not.toBeFasterThan(ms12, { by: 0.1 })).toThrow(/^expected head not to be faster by 0\.1\n/)
  })

  it('fails if inconclusive, negated too', () => {
    const short = run(1, 1000)
    expect(() => expect(short).toBeFasterThan(ms12, { of: 'p99' })).toThrow(/inconclusive/)
    expect(() => expect(short).not.toBeFasterThan(ms12, { of: 'p99' })).toThrow(/inconclusive/)
    expect(() => expect(ms1).toBeFasterThan(ms12, { by: '33%' })).toThrow(/^expected head to be faster by 33%/)
    expect(() => expect(ms1).not.toBeFasterThan(ms12, { by: '33%' })).toThrow(/^expected head not to be faster by 33%/)
    expect(short).toBeFasterThan(ms12, { of: 'p99', onInconclusive: 'pass' })
  })
})

describe('toBeFaster and toBeSlower', () => {
  it('follow the verdict of the comparison', () => {
    expect(faster).toBeFaster()
    expect(faster).toBeFaster({ by: '10%' })
    expect(faster).not.toBeSlower()
    expect(slower).toBeSlower()
    expect(slower).not.toBeFaster()
    expect(same).not.toBeSlower()
    expect(same).not.toBeFaster()
    expect(same).not.toBeFaster({ by: '1%' })
  })

  it('fail with the table otherwise', () => {
    expect(() => expect(slower).not.toBeSlower()).toThrow(
      /^expected head not to be slower\n\n head is slower: .* from 8 pairs/,
    )
    expect(() => expect(same).toBeFaster()).toThrow(/^expected head to be faster\n\n head is the same within 5 %/)
  })

  it('fail if inconclusive, negated too', () => {
    for (const matcher of ['toBeFaster', 'toBeSlower'] as const) {
      expect(() => expect(unclear)[matcher]()).toThrow(/a 99 % interval needs 4 pairs, got 3/)
      expect(() => expect(unclear).not[matcher]()).toThrow(/a 99 % interval needs 4 pairs, got 3/)
      expect(unclear)[matcher]({ onInconclusive: 'pass' })
      expect(unclear).not[matcher]({ onInconclusive: 'pass' })
    }
  })

  it('accept promises', async () => {
    await expect(Promise.resolve(slower)).resolves.toBeSlower()
  })

  it('reject invalid options and values', () => {
    // @ts-expect-error: a misspelt option
    expect(() => expect(faster).toBeFaster({ from: '10%' })).toThrow(/'from' is not an option here/)
    expect(() => expect(faster).toBeFaster({ by: '10' })).toThrow(/by: must be a fraction/)
    // @ts-expect-error: an unknown metric
    expect(() => expect(ms1).toBeFasterThan(ms12, { of: 'p98' })).toThrow(/must be a compared metric/)
    const edited = { ...slower, verdict: 'same' as const }
    expect(() => expect(edited).not.toBeSlower()).toThrow('comparison.verdict: must follow from its metrics')
    // @ts-expect-error: a result is not a comparison
    expect(() => expect(ms1).toBeFaster()).toThrow(/must be a comparison/)
  })
})
