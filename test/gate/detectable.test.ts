import { describe, expect, it } from 'vitest'
import { comparePairs } from '../../src/budget/comparison/compare-pairs.js'
import type { ComparedMetric, Pair } from '../../src/budget/comparison/comparison.js'
import { estimateDetectable } from '../../src/gate/detectable.js'
import { normal } from '../../src/random/normal.js'
import { stream } from '../../src/random/stream.js'
import { round } from '../support/results/comparison-pairs.js'

/** Makes pairs with normal log ratios, in which head takes `change` times as long as base. */
function makePairs(count: number, change: number, deviation: number, seed: number): Pair[] {
  const draw = normal(stream(seed, `pairs ${count}`))
  return Array.from({ length: count }, (_, i) => ({
    ...{ seed: i, first: 'base' as const, base: round(10) },
    head: round(10 * change * Math.exp(deviation * draw())),
  }))
}
const estimate = (pairs: Pair[], of: ComparedMetric = 'p50') =>
  estimateDetectable({ pairs, of, within: 0.05, rounds: 24 })

describe('the detectable change', () => {
  it('is detected in at least 95 of 100 comparisons', () => {
    const runs = 400
    let found = 0
    for (let seed = 0; seed < runs; seed++) {
      const { changes } = estimate(makePairs(24, 1, 0.08, seed))
      const pairs = makePairs(24, 1 + (changes.p50 as number), 0.08, runs + seed)
      const { metrics } = comparePairs(pairs, { within: 0.05, rounds: 24 })
      if (metrics.find(({ metric }) => metric === 'p50')?.verdict === 'slower') found++
    }
    // three standard errors of a fraction of 0.95
    expect(found / runs).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / runs))
  })

  it('is not much larger than necessary', () => {
    const theirs = Array.from({ length: 200 }, (_, seed) =>
      Math.log1p(estimate(makePairs(24, 1, 0.08, seed)).changes.p50 as number),
    )
    const mean = theirs.reduce((sum, each) => sum + each, 0) / theirs.length
    // a test that knows the deviation detects (2.91 + 1.64) x 0.08 / sqrt(24)
    expect(mean).toBeGreaterThan(0.074)
    expect(mean).toBeLessThan(2 * 0.074)
  })

  it('does not depend on the change that is compared', () => {
    const same = estimate(makePairs(24, 1, 0.08, 1)).changes.p50 as number
    expect(estimate(makePairs(24, 1.3, 0.08, 1)).changes.p50).toBeCloseTo(same, 9)
  })

  it('is scaled to the largest number of pairs', () => {
    const of = (rounds: number) =>
      Math.log1p(
        estimateDetectable({ pairs: makePairs(12, 1, 0.3, 1), of: 'p50', within: 0.05, rounds }).changes.p50 as number,
      )
    // twice the distance for a quarter of the pairs, but for the checkpoints' smaller tails
    expect(of(16) / of(64)).toBeGreaterThan(1.8)
    expect(of(16) / of(64)).toBeLessThan(2.2)
  })

  it('is never within what counts as the same', () => {
    expect(estimate(makePairs(8, 1, 0.0001, 1)).changes).toEqual({ p50: 0.05 })
  })

  it('covers service time too if the metric is mean latency', () => {
    const { pairs, changes } = estimate(makePairs(8, 1, 0.08, 1), 'mean')
    expect(pairs).toBe(8)
    expect(Object.keys(changes)).toEqual(['mean', 'service.mean'])
  })

  it('is unknown for too few pairs', () => {
    expect(estimate(makePairs(7, 1, 0.08, 1))).toEqual({ pairs: 7, changes: {} })
  })
})
