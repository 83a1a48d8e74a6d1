import jstat from 'jstat'
import { describe, expect, it } from 'vitest'
import { drawExponential } from '../../../src/random/exponential.js'
import { stream } from '../../../src/random/stream.js'
import { fractionInterval, ratioInterval } from '../../../src/result/intervals/figure-intervals.js'

const even = (amount: number, of: number) => Array.from({ length: 20 }, () => ({ amount, of }))

describe('the interval of a fraction', () => {
  it('of none seen is the rule of three', () => {
    const { low, high } = fractionInterval(even(0, 5000), 'in a row')
    expect(low).toBe(0)
    expect(high).toBeCloseTo(1 - 0.025 ** (1 / 100_000), 12)
    expect((high as number) * 100_000).toBeCloseTo(3.69, 2)
  })

  it('is that of Clopper and Pearson where segments differ no more than independent requests do', () => {
    // 1,000 of 100,000, as even as can be: worth all of them but for Student's t
    const { low, high } = fractionInterval(even(50, 5000), 'in a row')
    const worth = 100_000 * (1.959964 / 2.093024) ** 2
    const k = 0.01 * worth
    expect(low).toBeCloseTo(jstat.ibetainv(0.025, k, worth - k + 1), 6)
    expect(high).toBeCloseTo(jstat.ibetainv(0.975, k + 1, worth - k), 6)
  })

  it('is wider where errors come in clusters', () => {
    const clustered = even(0, 5000).map(({ of }, i) => ({ amount: i === 7 || i === 15 ? 500 : 0, of }))
    const [apart, together] = [even(50, 5000), clustered].map((parts) => fractionInterval(parts, 'in a row'))
    expect(together?.high).toBeGreaterThan(2 * (apart?.high as number))
    expect(together?.low).toBeLessThan(0.2 * (apart?.low as number))
  })

  it('is withheld where there are too few segments to tell how errors cluster', () => {
    const few = [{ amount: 3, of: 100 }]
    expect(fractionInterval(few, 'in a row')).toMatchObject({
      low: null,
      high: null,
      reason: expect.stringMatching(/10 segments .* there are 1/),
    })
    expect(fractionInterval([{ amount: 0, of: 0 }], 'in a row').reason).toMatch(/no request/)
  })

  it('covers the true fraction of independent errors as often as it says', () => {
    const random = stream(3, 'fractions')
    const runs = 1000
    let [below, above] = [0, 0]
    for (let run = 0; run < runs; run++) {
      const parts = even(0, 100).map(({ of }) => {
        let amount = 0
        for (let i = 0; i < of; i++) if (random.uniform() < 0.02) amount++
        return { amount, of }
      })
      const { low, high } = fractionInterval(parts, 'in a row')
      if ((low as number) > 0.02) above++
      if ((high as number) < 0.02) below++
    }
    // 2.5 % on either side at most, and two standard errors of 1,000 runs
    expect(below / runs).toBeLessThan(0.035)
    expect(above / runs).toBeLessThan(0.035)
  })
})

describe('the interval of a ratio', () => {
  it('has no width where all segments agree', () => {
    expect(ratioInterval(even(50, 10), 'in a row')).toEqual({ low: 5, high: 5, level: 0.95 })
  })

  it('covers the true rate of a Poisson process as often as it says', () => {
    const random = stream(5, 'rates')
    const runs = 500
    let covered = 0
    for (let run = 0; run < runs; run++) {
      const parts = even(100, 0).map(({ amount }) => {
        let of = 0
        for (let i = 0; i < amount; i++) of += drawExponential(random)
        return { amount, of }
      })
      const { low, high } = ratioInterval(parts, 'in a row')
      if ((low as number) <= 1 && 1 <= (high as number)) covered++
    }
    // 95 % and more, as segments are taken for alike where they seem so; three standard errors of 500 runs
    expect(covered / runs).toBeGreaterThan(0.92)
    expect(covered / runs).toBeLessThan(0.99)
  })

  it('is withheld of too few', () => {
    expect(ratioInterval([{ amount: 1, of: 1 }], 'independent').reason).toMatch(/2 replications .* there are 1/)
  })
})
