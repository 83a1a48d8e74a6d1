import { describe, expect, it } from 'vitest'
import { comparePairs } from '../../src/budget/compare-pairs.js'
import type { Pair } from '../../src/budget/comparison.js'
import { detectableChanges } from '../../src/budget/detectable.js'
import { normal } from '../../src/random/normal.js'
import { stream } from '../../src/random/stream.js'
import { round } from '../support/comparison-pairs.js'

/** Pairs whose log ratios are normal, of a head that takes so many times as long. */
function pairsOf(count: number, change: number, deviation: number, seed: number): Pair[] {
  const draw = normal(stream(seed, `pairs ${count}`))
  return Array.from({ length: count }, (_, i) => ({
    ...{ seed: i, first: 'base' as const, base: round(10) },
    head: round(10 * change * Math.exp(deviation * draw())),
  }))
}
const asked = { of: 'p50', within: 0.05, rounds: 24 } as const

describe('what a comparison could have found', () => {
  it('is found in 95 of 100 comparisons of as many pairs, or more', () => {
    const runs = 400
    let found = 0
    for (let seed = 0; seed < runs; seed++) {
      const { changes } = detectableChanges(pairsOf(8, 1, 0.08, seed), asked)
      const pairs = pairsOf(24, 1 + (changes.p50 as number), 0.08, seed)
      const { metrics } = comparePairs(pairs, { within: 0.05, rounds: 24 })
      if (metrics.find(({ metric }) => metric === 'p50')?.verdict === 'slower') found++
    }
    // three standard errors of a fraction of 0.95
    expect(found / runs).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / runs))
  })

  it('is not many times more than that', () => {
    const theirs = Array.from({ length: 200 }, (_, seed) =>
      Math.log1p(detectableChanges(pairsOf(8, 1, 0.08, seed), asked).changes.p50 as number),
    )
    const mean = theirs.reduce((sum, each) => sum + each, 0) / theirs.length
    // of a test that knew the deviation: (2.91 + 1.64) x 0.08 / sqrt(24)
    expect(mean).toBeGreaterThan(0.074)
    expect(mean).toBeLessThan(2 * 0.074)
  })

  it('is never within what counts as the same', () => {
    expect(detectableChanges(pairsOf(8, 1, 0.0001, 1), asked).changes).toEqual({ p50: 0.05 })
  })

  it('is of the time of service too if mean latency is asked for', () => {
    const { pairs, changes } = detectableChanges(pairsOf(8, 1, 0.08, 1), { ...asked, of: 'mean' })
    expect(pairs).toBe(8)
    expect(Object.keys(changes)).toEqual(['mean', 'service.mean'])
  })

  it('is unknown by too few pairs', () => {
    expect(detectableChanges(pairsOf(7, 1, 0.08, 1), asked)).toEqual({ pairs: 7, changes: {} })
  })
})
