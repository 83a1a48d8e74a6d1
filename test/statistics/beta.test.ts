import fc from 'fast-check'
import jstat from 'jstat'
import { describe, expect, it } from 'vitest'
import { betaCdf, betaQuantile } from '../../src/statistics/beta.js'

describe('the beta distribution', () => {
  const shape = fc.double({ min: 1, max: 1e5, noNaN: true })

  it('agrees with jstat', () => {
    const x = fc.double({ min: 0.001, max: 0.999, noNaN: true })
    fc.assert(
      fc.property(
        x,
        fc.double({ min: 0.1, max: 200, noNaN: true }),
        fc.double({ min: 0.1, max: 200, noNaN: true }),
        (x, a, b) => {
          expect(betaCdf(x, a, b)).toBeCloseTo(jstat.ibeta(x, a, b), 6)
        },
      ),
      { seed: 1 },
    )
  })

  it('has each fraction below its quantile', () => {
    fc.assert(
      fc.property(fc.constantFrom(0.025, 0.5, 0.975), shape, shape, (fraction, a, b) => {
        expect(betaCdf(betaQuantile(fraction, a, b), a, b)).toBeCloseTo(fraction, 6)
      }),
      { seed: 1 },
    )
  })

  it('has the closed-form quantiles', () => {
    // of Beta(1, n) 1 - (1 - q)^(1/n), of Beta(n, 1) q^(1/n)
    expect(betaQuantile(0.975, 1, 1e6)).toBeCloseTo(1 - 0.025 ** 1e-6, 12)
    expect(betaQuantile(0.025, 300, 1)).toBeCloseTo(0.025 ** (1 / 300), 12)
  })
})
