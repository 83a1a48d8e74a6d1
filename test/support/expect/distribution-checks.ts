import jstat from 'jstat'
import { expect } from 'vitest'

/** The seeds at which distributions are tested, chosen once, before the first run. */
export const SEEDS = [1, 20, 300]

/**
 * The probability that a correct program fails one of these tests. There are about 400 of them, so that one of all would
 * fail by chance with a probability of 4 % (and, the seeds being fixed, either always or never).
 */
export const SIGNIFICANCE = 1e-4
/** The two-sided critical value of a standard normal variable at that probability. */
const NORMAL_QUANTILE = 3.891

export interface Law {
  mean: number
  variance: number
  /** the fourth central moment over the squared variance: 3 for a normal distribution */
  kurtosis: number
  /** the cumulative distribution function; omitted if it is not continuous */
  cdf?: (x: number) => number
}

/** Tests draws against their distribution: mean and variance within their standard errors, and Kolmogorov-Smirnov. */
export function expectDistribution(draw: () => number, draws: number, law: Law): void {
  const values = Float64Array.from({ length: draws }, draw)
  let sum = 0
  for (const value of values) sum += value
  const mean = sum / draws
  let squares = 0
  for (const value of values) squares += (value - law.mean) ** 2
  const variance = squares / draws

  const meanError = Math.sqrt(law.variance / draws)
  expect(Math.abs(mean - law.mean), `a mean of ${mean}`).toBeLessThan(NORMAL_QUANTILE * meanError)
  const varianceError = law.variance * Math.sqrt((law.kurtosis - 1) / draws)
  expect(Math.abs(variance - law.variance), `a variance of ${variance}`).toBeLessThan(NORMAL_QUANTILE * varianceError)

  if (law.cdf === undefined) return
  values.sort()
  let distance = 0
  for (let i = 0; i < draws; i++) {
    const below = law.cdf(values[i] as number)
    distance = Math.max(distance, below - i / draws, (i + 1) / draws - below)
  }
  expect(distance, 'the distance of Kolmogorov and Smirnov').toBeLessThan(
    Math.sqrt(-Math.log(SIGNIFICANCE / 2) / 2 / draws),
  )
}

/** Tests counts against their expectation by the chi-square test. */
export function expectCounts(counts: readonly number[], fractions: readonly number[]): void {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const distance = counts.reduce((sum, count, i) => {
    const expected = total * (fractions[i] as number)
    return sum + (count - expected) ** 2 / expected
  }, 0)
  const chance = 1 - jstat.chisquare.cdf(distance, counts.length - 1)
  expect(chance, `a chi-square of ${distance} for ${counts.length} counts`).toBeGreaterThan(SIGNIFICANCE)
}

/** Tests that two sequences are uncorrelated. */
export function expectUncorrelated(a: Float64Array, b: Float64Array): void {
  const n = a.length
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / n
  const [meanA, meanB] = [mean(a), mean(b)]
  let covariance = 0
  let varianceA = 0
  let varianceB = 0
  for (let i = 0; i < n; i++) {
    const fromA = (a[i] as number) - meanA
    const fromB = (b[i] as number) - meanB
    covariance += fromA * fromB
    varianceA += fromA ** 2
    varianceB += fromB ** 2
  }
  const correlation = covariance / Math.sqrt(varianceA * varianceB)
  expect(Math.abs(correlation), `a correlation of ${correlation}`).toBeLessThan(NORMAL_QUANTILE / Math.sqrt(n))
}
