import jstat from 'jstat'
import { describe, expect, it } from 'vitest'
import { empirical, exponential, gamma, hyperexponential, lognormal, none, uniform } from '../../src/index.js'
import { drawExponential } from '../../src/random/exponential.js'
import { normal } from '../../src/random/normal.js'
import { stream } from '../../src/random/stream.js'
import { sampler } from '../../src/scenario/service/sampler.js'
import type { Variation } from '../../src/scenario/service/variation.js'
import { atLength } from '../support/at-length.js'
import {
  expectCounts,
  expectDistribution,
  expectUncorrelated,
  type Law,
  SEEDS,
} from '../support/expect/distribution-checks.js'

const DRAWS = atLength(150_000, 15_000)

/** A gamma distribution with mean 1. */
function gammaLaw(cv: number): Law {
  const shape = 1 / cv ** 2
  return { mean: 1, variance: cv ** 2, kurtosis: 3 + 6 / shape, cdf: (x) => jstat.gamma.cdf(x, shape, 1 / shape) }
}

/** A lognormal distribution with mean 1. */
function lognormalLaw(cv: number): Law {
  const variance = Math.log(1 + cv ** 2)
  const [e2, e3, e4] = [2, 3, 4].map((power) => Math.exp(power * variance)) as [number, number, number]
  return {
    mean: 1,
    variance: cv ** 2,
    kurtosis: e4 + 2 * e3 + 3 * e2 - 3,
    cdf: (x) => jstat.lognormal.cdf(x, -variance / 2, Math.sqrt(variance)),
  }
}

/** A mixture of exponentials, scaled to mean 1. */
function hyperexponentialLaw(probabilities: number[], means: number[]): Law {
  const sum = (of: (p: number, mean: number) => number) =>
    probabilities.reduce((total, p, i) => total + of(p, means[i] as number), 0)
  const scale = sum((p, mean) => p * mean)
  const [, m1, m2, m3, m4] = [0, 1, 2, 6, 24].map((factorial, k) =>
    sum((p, mean) => p * factorial * (mean / scale) ** k),
  ) as [number, number, number, number, number]
  const variance = m2 - m1 ** 2
  return {
    mean: 1,
    variance,
    kurtosis: (m4 - 4 * m3 + 6 * m2 - 3) / variance ** 2,
    cdf: (x) => sum((p, mean) => (mean === 0 ? p : p * jstat.exponential.cdf(x, scale / mean))),
  }
}

const laws: [name: string, variation: Variation, law: Law][] = [
  ['exponential', exponential(), { mean: 1, variance: 1, kurtosis: 9, cdf: (x) => -Math.expm1(-x) }],
  ['gamma, cv 2 (shape 0.25)', gamma({ cv: 2 }), gammaLaw(2)],
  ['gamma, cv 1.2 (shape 0.69)', gamma({ cv: 1.2 }), gammaLaw(1.2)],
  ['gamma, cv 1 (exponential)', gamma({ cv: 1 }), gammaLaw(1)],
  ['gamma, cv 0.7071 (Erlang of 2)', gamma({ cv: Math.SQRT1_2 }), gammaLaw(Math.SQRT1_2)],
  ['gamma, cv 0.2 (shape 25)', gamma({ cv: 0.2 }), gammaLaw(0.2)],
  ['lognormal, cv 0.3', lognormal({ cv: 0.3 }), lognormalLaw(0.3)],
  ['lognormal, cv 1', lognormal({ cv: 1 }), lognormalLaw(1)],
  [
    'uniform, spread 0.8',
    uniform({ spread: 0.8 }),
    { mean: 1, variance: 0.8 ** 2 / 3, kurtosis: 1.8, cdf: (x) => Math.min(1, Math.max(0, (x - 0.2) / 1.6)) },
  ],
  [
    'hyperexponential',
    hyperexponential({ probabilities: [0.9, 0.1], means: [5, 55] }),
    hyperexponentialLaw([0.9, 0.1], [5, 55]),
  ],
  [
    'hyperexponential of three',
    hyperexponential({ probabilities: [0.2, 0.5, 0.3], means: [1, 0.01, 4] }),
    hyperexponentialLaw([0.2, 0.5, 0.3], [1, 0.01, 4]),
  ],
]

for (const seed of SEEDS) {
  describe(`at seed ${seed}, a variation has its distribution`, { tags: 'at-length' }, () => {
    for (const [name, variation, law] of laws) {
      it(name, () => {
        const draw = sampler(variation, stream(seed, `test of ${name}`))
        expectDistribution(draw, DRAWS, law)
        // and no autocorrelation, which pairs of normals or the bits of a ziggurat word could cause
        const values = Float64Array.from({ length: atLength(50_000, 5000) }, draw)
        for (const lag of [1, 2]) expectUncorrelated(values.subarray(lag), values.subarray(0, -lag))
      })
    }

    it('empirical', () => {
      const samples = [2, 3, 3, 7, 0, 15]
      const draw = sampler(empirical(samples), stream(seed, 'test of empirical'))
      const seen = new Map<number, number>()
      for (let i = 0; i < DRAWS; i++) {
        const value = draw()
        seen.set(value, (seen.get(value) ?? 0) + 1)
      }
      // the mean is 5, so each value is a fifth of its sample
      const values = [2, 3, 7, 0, 15].map((sample) => sample / 5)
      expect([...seen.keys()].sort((a, b) => a - b)).toEqual([...values].sort((a, b) => a - b))
      expectCounts(
        values.map((value) => seen.get(value) as number),
        [1 / 6, 2 / 6, 1 / 6, 1 / 6, 1 / 6],
      )
    })

    it('none', () => {
      for (const variation of [none(), undefined]) {
        const draw = sampler(variation, stream(seed, 'test of none'))
        expect([draw(), draw(), draw()]).toEqual([1, 1, 1])
      }
    })

    it('the normal distribution under gamma and lognormal', () => {
      const law: Law = { mean: 0, variance: 1, kurtosis: 3, cdf: (x) => jstat.normal.cdf(x, 0, 1) }
      expectDistribution(normal(stream(seed, 'test of normal')), DRAWS, law)
    })

    it('the far tail of the exponential distribution, with one draw in 2,200', () => {
      const random = stream(seed, 'test of the tail')
      const TAIL = 7.697117470131049
      const beyond: number[] = []
      const draws = atLength(2_000_000, 200_000)
      for (let i = 0; i < draws; i++) {
        const value = drawExponential(random)
        if (value > TAIL) beyond.push(value - TAIL)
      }
      const fraction = Math.exp(-TAIL)
      expectCounts([beyond.length, draws - beyond.length], [fraction, 1 - fraction])
      // it is memoryless: the tail is exponential again
      let next = 0
      expectDistribution(() => beyond[next++] as number, beyond.length, {
        mean: 1,
        variance: 1,
        kurtosis: 9,
        cdf: (x) => -Math.expm1(-x),
      })
    })

    it('the exponential distribution in each of 1,000 equally likely intervals', () => {
      // each layer of the ziggurat is a few thousandths of the distribution, so a wrong one shows here
      const random = stream(seed, 'test of layers')
      const counts = new Array<number>(1000).fill(0)
      const draws = atLength(2_000_000, 200_000)
      for (let i = 0; i < draws; i++) {
        const interval = Math.floor(1000 * -Math.expm1(-drawExponential(random)))
        counts[interval] = (counts[interval] as number) + 1
      }
      expectCounts(
        counts,
        counts.map(() => 0.001),
      )
    })
  })
}
