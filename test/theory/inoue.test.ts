import { describe, expect, it } from 'vitest'
import { affine, type Result, simulate } from '../../src/index.js'
import { atLength } from '../support/at-length.js'

/*
 * One server that takes whatever is there: Poisson arrivals, `lambda` a millisecond, and a batch of b takes
 * `alpha * b + tau0` milliseconds.
 */

/** An upper bound of the mean latency: Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching" (2021). */
function bound(lambda: number, alpha: number, tau0: number): number {
  const load = lambda * alpha
  const phi0 = ((alpha + tau0) / (2 * (1 - load))) * (1 + 2 * lambda * tau0 + (1 - lambda * tau0) / (1 + load))
  const phi1 = (1.5 * tau0) / (1 - load) + ((alpha / 2) * (load + 2)) / (1 - load ** 2)
  return Math.min(phi0, phi1)
}

/**
 * The exact mean latency, from the Markov chain of batch sizes: the next batch is what arrives during this one, or one
 * request where none does. Over a batch of service time s, m = lambda * s requests arrive on average, each waiting s/2,
 * and a batch of A of them spends A * s(A) in service.
 */
function exactMean(lambda: number, alpha: number, tau0: number): number {
  const load = lambda * alpha
  const typical = (lambda * tau0) / (1 - load) + 1
  const largest = Math.ceil(typical + 12 * Math.sqrt(typical / (1 - load ** 2)) + 20)
  const service = (size: number) => alpha * size + tau0
  /** the chances of each size after this one */
  const next = (size: number) => {
    const m = lambda * service(size)
    const chances = new Float64Array(largest + 1)
    let chance = Math.exp(-m)
    for (let k = 0; k <= largest; k++) {
      chances[Math.max(k, 1)] = (chances[Math.max(k, 1)] as number) + chance
      chance *= m / (k + 1)
    }
    return chances
  }
  const nexts = Array.from({ length: largest + 1 }, (_, size) => next(size))
  let fraction = new Float64Array(largest + 1)
  fraction[Math.round(typical)] = 1
  for (let change = 1; change > 1e-9; ) {
    const after = new Float64Array(largest + 1)
    nexts.forEach((chances, size) => {
      const weight = fraction[size] as number
      if (weight < 1e-12) return
      for (let to = 1; to <= largest; to++) after[to] = (after[to] as number) + weight * (chances[to] as number)
    })
    change = Math.max(...after.map((each, size) => Math.abs(each - (fraction[size] as number))))
    fraction = after
  }
  let time = 0
  let requests = 0
  fraction.forEach((weight, size) => {
    const s = service(size)
    const m = lambda * s
    time += weight * ((m * s) / 2 + tau0 * m + alpha * (m * m + m) + Math.exp(-m) * service(1))
    requests += weight * (m + Math.exp(-m))
  })
  return time / requests
}

/** The standard error of the mean latency, from the means of the segments. */
function standardError({ segments }: Result): number {
  const means = segments.map(({ latencyMs }) => latencyMs?.mean as number)
  const mean = means.reduce((sum, each) => sum + each, 0) / means.length
  const squares = means.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return Math.sqrt(squares / (means.length - 1) / means.length)
}

describe('an unlimited batch has its exact mean latency, under the bound', { tags: 'at-length' }, () => {
  const services = [
    { alpha: 1, tau0: 5 },
    { alpha: 1, tau0: 1 },
    { alpha: 0.25, tau0: 7.5 },
  ]
  for (const load of [0.05, 0.2, 0.5, 0.8, 0.9]) {
    for (const { alpha, tau0 } of services) {
      // near the limit the tolerance of a short run would be wide
      const tags = load > 0.8 ? ['full'] : []
      it(`at ${load * 100} % of what is possible, ${alpha} ms a request and ${tau0} ms a batch`, { tags }, () => {
        const result = simulate({
          arrivals: (1000 * load) / alpha,
          service: affine({ base: tau0, perItem: alpha }),
          batching: { maxBatchSize: null },
          stop: { requests: load > 0.5 ? atLength(3_000_000) : atLength(400_000) },
        })
        const { mean } = result.latencyMs
        const exact = exactMean(load / alpha, alpha, tau0)
        const upper = bound(load / alpha, alpha, tau0)
        // the two formulas against each other: a bound within some 5 % (6 % at a fifth of the load)
        expect(exact).toBeLessThan(upper * (1 + 1e-6))
        expect(exact).toBeGreaterThan(0.94 * upper)
        // 4 standard errors, with 19 degrees of freedom: one false alarm in 1,300 runs
        const tolerance = 4 * standardError(result)
        expect(tolerance).toBeLessThan(0.03 * exact)
        expect(Math.abs(mean - exact)).toBeLessThan(tolerance)
        expect(mean).toBeLessThan(upper + tolerance)
      })
    }
  }
})
