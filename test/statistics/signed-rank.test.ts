import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stream } from '../../src/random/stream.js'
import { fewestPairs, signedRank } from '../../src/statistics/signed-rank.js'

/** The means of all pairs of values, by definition. */
const walsh = (values: number[]) =>
  values.flatMap((a, i) => values.slice(i).map((b) => (a + b) / 2)).sort((a, b) => a - b)

/** P(signed-rank sum <= a value), by enumerating all assignments of signs. */
function chanceOfAtMost(sum: number, n: number): number {
  let times = 0
  for (let signs = 0; signs < 2 ** n; signs++) {
    let ranks = 0
    for (let rank = 1; rank <= n; rank++) if (signs & (1 << (rank - 1))) ranks += rank
    if (ranks <= sum) times++
  }
  return times / 2 ** n
}

const finite = fc.double({ min: -10, max: 10, noNaN: true })

describe('signedRank', () => {
  // two-sided 1 % and 5 %: Wilcoxon and Wilcox, Some Rapid Approximate Statistical Procedures, 1964, table 2
  it.each([
    [10, 0.99, 3],
    [15, 0.99, 15],
    [20, 0.99, 37],
    [25, 0.99, 68],
    [30, 0.99, 109],
    [50, 0.99, 373],
    [10, 0.95, 8],
    [20, 0.95, 52],
  ])('for %d pairs at %d cuts off as many means at either end as published tables', (n, level, critical) => {
    const values = Array.from({ length: n }, (_, i) => Math.sqrt(2 + i) * (i % 3 === 0 ? -1 : 1))
    const means = walsh(values)
    const { low, high } = signedRank(values, level)
    expect([low, high]).toEqual([means[critical], means[means.length - 1 - critical]])
  })

  it.each([5, 6, 8, 9, 12])('for %d pairs cuts at the exact critical value', (n) => {
    const values = Array.from({ length: n }, (_, i) => Math.sin(i + 1))
    const means = walsh(values)
    for (const level of [0.8, 0.9, 0.95, 0.99]) {
      const { low } = signedRank(values, level)
      if (low === null) {
        expect(chanceOfAtMost(0, n)).toBeGreaterThan((1 - level) / 2)
        expect(n).toBeLessThan(fewestPairs(level))
        continue
      }
      const cut = means.indexOf(low)
      expect(chanceOfAtMost(cut, n)).toBeLessThanOrEqual((1 - level) / 2)
      expect(chanceOfAtMost(cut + 1, n)).toBeGreaterThan((1 - level) / 2)
    }
  })

  it('needs 8 pairs for an interval of 99 %', () => {
    expect(fewestPairs(0.99)).toBe(8)
    expect(signedRank([1, 2, 3, 4, 5, 6, 7], 0.99)).toEqual({ middle: 4, low: null, high: null })
    expect(signedRank([1, 2, 3, 4, 5, 6, 7, 8], 0.99)).toEqual({ middle: 4.5, low: 1, high: 8 })
  })

  it('has no jump at 100 pairs, where the normal approximation starts', () => {
    const values = Array.from({ length: 101 }, (_, i) => Math.tan(i))
    const exact = signedRank(values.slice(0, 100), 0.99)
    const normal = signedRank(values, 0.99)
    expect(normal.low).toBeCloseTo(exact.low as number, 1)
    expect(normal.high).toBeCloseTo(exact.high as number, 1)
  })

  it('negates its interval if the differences are negated', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 8, maxLength: 30 }), (values) => {
        const { middle, low, high } = signedRank(values, 0.99)
        const back = signedRank(
          values.map((value) => -value),
          0.99,
        )
        expect(back.middle).toBeCloseTo(-middle, 12)
        expect(back.low).toBeCloseTo(-(high as number), 12)
        expect(back.high).toBeCloseTo(-(low as number), 12)
        expect(low).toBeLessThanOrEqual(middle)
        expect(high).toBeGreaterThanOrEqual(middle)
      }),
      { seed: 2 },
    )
  })

  it('treats a few infinite differences as large ones', () => {
    const values = Array.from({ length: 20 }, (_, i) => i / 100)
    values.splice(5, 1, Number.POSITIVE_INFINITY)
    const { middle, low, high } = signedRank(values, 0.99)
    expect(middle).toBeGreaterThan(0.09)
    expect(middle).toBeLessThan(0.12)
    expect(low).toBeGreaterThan(0)
    expect(high).toBeLessThan(0.2)
    expect(signedRank([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], 0.5).middle).toBe(0)
  })

  it('covers the middle of a heavy-tailed distribution at its level', () => {
    const random = stream(1, 'cauchy')
    const times = 2000
    let missed = 0
    for (let i = 0; i < times; i++) {
      const values = Array.from({ length: 20 }, () => Math.tan(Math.PI * (random.uniform() - 0.5)))
      const { low, high } = signedRank(values, 0.95)
      if ((low as number) > 0 || (high as number) < 0) missed++
    }
    // 5 % of 2,000 are 100, give or take 10: within three and a half standard errors, and no more often than it says
    expect(missed).toBeGreaterThan(65)
    expect(missed).toBeLessThan(135)
  })
})
