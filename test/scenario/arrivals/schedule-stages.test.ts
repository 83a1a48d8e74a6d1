import { describe, expect, it } from 'vitest'
import { simulate, stages } from '../../../src/index.js'
import { arrivalsSchema, meanRate, type OpenArrivals } from '../../../src/scenario/arrivals/arrivals.js'
import { schedule } from '../../../src/scenario/arrivals/schedule.js'
import { expectDistribution, SEEDS } from '../../support/expect/distribution-checks.js'

/** A ramp from 0 to 1,000/s, a plateau, a jump down to 200/s, and a slow ramp to 0. */
const arrivals = arrivalsSchema.parse(
  stages(
    [
      { rate: '1000/s', duration: '10s' },
      { rate: '1000/s', duration: '5s' },
      { rate: '200/s', duration: 0 },
      { rate: 0, duration: '20s' },
    ],
    { from: 0 },
  ),
) as OpenArrivals

/** The rate at a time in seconds, calculated by hand. */
function rateAt(t: number): number {
  if (t < 10) return 100 * t
  if (t < 15) return 1000
  return t < 35 ? 200 - 10 * (t - 15) : 0
}
/** The expected number of requests by a time: areas of a triangle, a rectangle and a trapezoid. */
function expectedBy(t: number): number {
  if (t < 10) return 50 * t * t
  if (t < 15) return 5000 + 1000 * (t - 10)
  return 10_000 + 2000 - 5 * (35 - Math.min(t, 35)) ** 2
}

function times(seed: number): number[] {
  const next = schedule(arrivals, seed)
  const due: number[] = []
  for (let ns = next(); ns < Number.POSITIVE_INFINITY; ns = next()) due.push(ns / 1e9)
  expect(next()).toBe(Number.POSITIVE_INFINITY)
  return due
}

describe('stages', () => {
  it('have the mean rate of the area under them', () => {
    expect(meanRate(arrivals)).toBeCloseTo(12_000 / 35, 9)
  })

  it.each(SEEDS)('are Poisson with rate 1 in the time of expected requests, at seed %i', (seed) => {
    const counted = times(seed).map(expectedBy)
    let i = 0
    const gap = () => (counted[i] as number) - (counted[i++ - 1] ?? 0)
    expectDistribution(gap, counted.length, { mean: 1, variance: 1, kurtosis: 9, cdf: (x) => 1 - Math.exp(-x) })
  })

  it.each(SEEDS)('send the expected number of requests in each second, at seed %i', (seed) => {
    const due = times(seed)
    expect(due.every((t, i) => t >= (due[i - 1] ?? 0) && t <= 35)).toBe(true)
    let squares = 0
    for (let second = 0; second < 35; second++) {
      const sent = due.filter((t) => t >= second && t < second + 1).length
      const expected = expectedBy(second + 1) - expectedBy(second)
      // half a second's rate, by Simpson's rule: the area is what the rate says
      expect(expected).toBeCloseTo((rateAt(second) + 4 * rateAt(second + 0.5) + rateAt(second + 1 - 1e-12)) / 6, 6)
      squares += (sent - expected) ** 2 / expected
    }
    // chi squared of 35 degrees of freedom is below 66.6 in 99.9 % of cases
    expect(squares).toBeLessThan(66.6)
  })

  it('start at the first rate by default', () => {
    const even = arrivalsSchema.parse(stages([{ rate: 100, duration: '1h' }])) as OpenArrivals
    const poisson = schedule({ process: 'poisson', rate: 100 }, 3)
    const next = schedule(even, 3)
    for (let i = 0; i < 1000; i++) expect(Math.abs(next() - poisson())).toBeLessThan(1000)
  })

  it('run from their beginning to their end', () => {
    const result = simulate({ arrivals, service: '0.5ms', warmup: { requests: 0 } })
    expect(result.window).toEqual({ startMs: 0, endMs: 35_000 })
    expect(result.counts.offered).toBe(times(1).length)
  })
})
