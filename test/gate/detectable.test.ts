import { describe, expect, it } from 'vitest'
import { comparePairs } from '../../src/budget/compare-pairs.js'
import type { Pair } from '../../src/budget/comparison.js'
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
const options = { of: 'p50', within: 0.05, rounds: 24 } as const

describe('the detectable change', () => {
  it('is detected in at least 95 of 100 comparisons', () => {
    const runs = 400
    let found = 0
    for (let seed = 0; seed < runs; seed++) {
      const { changes } = estimateDetectable(makePairs(8, 1, 0.08, seed), options)
      const pairs = makePairs(24, 1 + (changes.p50 as number), 0.08, seed)
      const { metrics } = comparePairs(pairs, { within: 0.05, rounds: 24 })
      if (metrics.find(({ metric }) => metric === 'p50')?.verdict === 'slower') found++
    }
    // three standard errors of a fraction of 0.95
    expect(found / runs).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / runs))
  })

  it('is not much larger than necessary', () => {
    const theirs = Array.from({ length: 200 }, (_, seed) =>
      Math.log1p(estimateDetectable(makePairs(8, 1, 0.08, seed), options).changes.p50 as number),
    )
    const mean = theirs.reduce((sum, each) => sum + each, 0) / theirs.length
    // a test that knows the deviation detects (2.91 + 1.64) x 0.08 / sqrt(24)
    expect(mean).toBeGreaterThan(0.074)
    expect(mean).toBeLessThan(2 * 0.074)
  })

  it('is never within what counts as the same', () => {
    expect(estimateDetectable(makePairs(8, 1, 0.0001, 1), options).changes).toEqual({ p50: 0.05 })
  })

  it('covers service time too if the metric is mean latency', () => {
    const { pairs, changes } = estimateDetectable(makePairs(8, 1, 0.08, 1), { ...options, of: 'mean' })
    expect(pairs).toBe(8)
    expect(Object.keys(changes)).toEqual(['mean', 'service.mean'])
  })

  it('is unknown for too few pairs', () => {
    expect(estimateDetectable(makePairs(7, 1, 0.08, 1), options)).toEqual({ pairs: 7, changes: {} })
  })
})
