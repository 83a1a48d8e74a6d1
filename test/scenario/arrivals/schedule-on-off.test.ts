import { describe, expect, it } from 'vitest'
import { affine, exponential, onOff, simulate } from '../../../src/index.js'
import { arrivalsSchema, meanRate, type OpenArrivals } from '../../../src/scenario/arrivals/arrivals.js'
import { schedule } from '../../../src/scenario/arrivals/schedule.js'
import { expectDistribution, SEEDS } from '../../support/expect/distribution-checks.js'

const process = { rate: 40, on: 250, off: 750 }
const arrivals = arrivalsSchema.parse(onOff(process)) as OpenArrivals

/**
 * The gaps of an interrupted Poisson process are independent, and one of two exponentials (Kuczura, "The interrupted
 * Poisson process as an overflow process", 1973): their rates a second, and the probability of the first.
 */
function gapsOf({ rate, on, off }: typeof process): { rates: [number, number]; first: number } {
  const [ending, beginning] = [1000 / on, 1000 / off]
  const sum = rate + ending + beginning
  const root = Math.sqrt(sum ** 2 - 4 * rate * beginning)
  const rates: [number, number] = [(sum + root) / 2, (sum - root) / 2]
  return { rates, first: (rate - rates[1]) / (rates[0] - rates[1]) }
}

const { rates, first } = gapsOf(process)
const [fast, slow] = rates
/** The k-th moment of the gaps, in seconds. */
const moment = (k: number) =>
  Array.from({ length: k }, (_, i) => i + 1).reduce((product, i) => product * i, 1) *
  (first / fast ** k + (1 - first) / slow ** k)
const meanGap = moment(1)
const variance = moment(2) - meanGap ** 2
const gaps = {
  mean: meanGap,
  variance,
  kurtosis: (moment(4) - 4 * meanGap * moment(3) + 6 * meanGap ** 2 * moment(2) - 3 * meanGap ** 4) / variance ** 2,
  cdf: (x: number) => 1 - first * Math.exp(-fast * x) - (1 - first) * Math.exp(-slow * x),
}
const squaredCv = variance / meanGap ** 2

describe('on and off', () => {
  it('has the mean rate times the fraction of time on', () => {
    expect(meanRate(arrivals)).toBe(10)
    expect(1 / meanGap).toBeCloseTo(10, 9)
  })

  it.each(SEEDS)('has gaps with the exact distribution, at seed %i', (seed) => {
    const next = schedule(arrivals, seed)
    // the first request's is not one between two
    let last = next()
    const gap = () => {
      const due = next()
      const since = (due - last) / 1e9
      last = due
      return since
    }
    expectDistribution(gap, 40_000, gaps)
  })

  it.each(SEEDS)('has the exact variance of counts over long times, at seed %i', (seed) => {
    // over intervals much longer than a period, the variance of the count over its mean nears the squared cv of the gaps
    const INTERVAL_S = 100
    const counts = new Array<number>(2000).fill(0)
    const next = schedule(arrivals, seed)
    for (let due = next(); due < INTERVAL_S * counts.length * 1e9; due = next()) {
      const interval = Math.floor(due / (INTERVAL_S * 1e9))
      counts[interval] = (counts[interval] as number) + 1
    }
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
    const spread = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (counts.length - 1)
    // a variance of n values varies by sqrt(2 / n), and an interval of 100 s is 1 % short of the limit
    expect(Math.abs(spread / mean / squaredCv - 1)).toBeLessThan(3.3 * Math.sqrt(2 / counts.length) + 0.01)
  })

  it('starts in the stationary state', () => {
    const RUNS = 4000
    // a request in the first millisecond: on then, and one due
    let within = 0
    for (let seed = 0; seed < RUNS; seed++) if (schedule(arrivals, seed)() < 25e6) within++
    // a stationary renewal process: the time to the first event has the density (1 - law) / mean
    const t = 0.025
    const expected =
      ((first / fast) * (1 - Math.exp(-fast * t)) + ((1 - first) / slow) * (1 - Math.exp(-slow * t))) / meanGap
    expect(Math.abs(within / RUNS - expected)).toBeLessThan(3.3 * Math.sqrt((expected * (1 - expected)) / RUNS))
  })

  it('has the same bursts at another rate', () => {
    const at = (rate: number) => schedule(arrivalsSchema.parse(onOff({ ...process, rate })) as OpenArrivals, 5)
    const dense = at(4000)
    const sparse = at(40)
    // the dense one sends every 0.25 ms while it is on: wherever the sparse one sends, it has just sent
    let [before, after] = [0, dense()]
    for (let due = sparse(); due < 60e9; due = sparse()) {
      while (after <= due) [before, after] = [after, dense()]
      expect(Math.min(due - before, after - due)).toBeLessThan(5e6)
    }
  })

  it('is Poisson if it is never off', () => {
    const always = arrivalsSchema.parse(onOff({ rate: 40, on: 250, off: 0 })) as OpenArrivals
    const poisson = schedule({ process: 'poisson', rate: 40 }, 7)
    const next = schedule(always, 7)
    for (let i = 0; i < 1000; i++) expect(next()).toBe(poisson())
  })

  it('makes a queue of the theoretical length', { tags: 'full' }, () => {
    // with exponential service this is GI/M/1: latency is exponential of rate mu (1 - s), where s = E[exp(-mu (1 - s) gap)]
    const mu = 20
    let s = 0.5
    for (let i = 0; i < 10_000; i++) {
      const z = mu * (1 - s)
      s = (first * fast) / (fast + z) + ((1 - first) * slow) / (slow + z)
    }
    const { latencyMs } = simulate({
      arrivals: onOff(process),
      service: affine({ base: 1000 / mu, variation: exponential() }),
      stop: { requests: 3_000_000 },
    })
    const exact = 1000 / (mu * (1 - s))
    // bursts make latencies hang together: over ten seeds the mean has a standard deviation of 0.7 %, p99 of 1.3 %
    expect(Math.abs(latencyMs.mean / exact - 1)).toBeLessThan(0.025)
    expect(Math.abs(latencyMs.p99 / (exact * Math.log(100)) - 1)).toBeLessThan(0.05)
  })
})
