import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TimeSum } from '../../src/measure/recording/time-sum.js'

it('tells the difference of huge sums to the nanosecond', () => {
  const times = fc.array(fc.tuple(fc.nat(10_000_000_000_000), fc.nat(1000)), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(times, times, fc.nat(10_000_000_000_000), (added, taken, from) => {
      const sum = new TimeSum()
      const other = new TimeSum()
      let exact = 0n
      for (const [ns, count] of added) {
        sum.add(ns, count)
        exact += BigInt(from - ns) * BigInt(count)
      }
      for (const [ns, count] of taken) {
        other.add(ns, count)
        exact -= BigInt(from - ns) * BigInt(count)
      }
      sum.addAll(other, -1)
      expect(sum.below(from)).toBe(Number(exact))
    }),
    { seed: 1 },
  )
})

it('is exact where a plain sum is not', () => {
  const sum = new TimeSum()
  let plain = 0
  for (let i = 0; i < 2_000_000; i++) {
    sum.add(9_999_999_999_999)
    plain += 9_999_999_999_999
  }
  expect(sum.below(10_000_000_000_000)).toBe(2_000_000)
  expect(10_000_000_000_000 * 2_000_000 - plain).not.toBe(2_000_000)
})
