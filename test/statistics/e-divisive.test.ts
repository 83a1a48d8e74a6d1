import { describe, expect, it } from 'vitest'
import { normal } from '../../src/random/normal.js'
import { stream } from '../../src/random/stream.js'
import { findChangePoints } from '../../src/statistics/e-divisive.js'

/** Makes normal values whose mean changes at some indices. */
function series(length: number, changes: Record<number, number>, seed: number): number[] {
  const draw = normal(stream(seed, 'values'))
  let mean = 0
  return Array.from({ length }, (_, i) => {
    mean = changes[i] ?? mean
    return mean + draw()
  })
}
const find = (values: readonly number[], seed = 1, permutations = 199) => {
  const random = stream(seed, 'orders')
  return findChangePoints(values, { level: 0.01, permutations, uniform: () => random.uniform() })
}

/** The split with the largest energy distance, straight from its definition. */
function slowestSplit(values: readonly number[]): number {
  const mean = (distances: number[]) => distances.reduce((sum, each) => sum + each, 0) / distances.length
  const within = (of: readonly number[]) => mean(of.flatMap((a, i) => of.slice(i + 1).map((b) => Math.abs(a - b))))
  const scores = values.map((_, at) => {
    const [left, right] = [values.slice(0, at), values.slice(at)]
    if (left.length < 3 || right.length < 3) return Number.NEGATIVE_INFINITY
    const between = mean(left.flatMap((a) => right.map((b) => Math.abs(a - b))))
    return ((left.length * right.length) / values.length) * (2 * between - within(left) - within(right))
  })
  return scores.indexOf(Math.max(...scores))
}

describe('change points', () => {
  it('split where the energy distance is largest, as found by a slower program', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const values = series(20, { [5 + (seed % 10)]: 6 }, seed)
      expect(find(values, seed).map(({ at }) => at)).toContain(slowestSplit(values))
    }
  })

  it('are found near their true places', () => {
    const found = find(series(60, { 20: 5, 40: 12 }, 3)).map(({ at }) => at)
    expect(found).toHaveLength(2)
    expect(Math.abs((found[0] as number) - 20)).toBeLessThanOrEqual(1)
    expect(Math.abs((found[1] as number) - 40)).toBeLessThanOrEqual(1)
  })

  it('are found in at most one of a hundred series without any', () => {
    const runs = 300
    let alarms = 0
    for (let seed = 1; seed <= runs; seed++) if (find(series(30, {}, seed), seed, 99).length > 0) alarms++
    // three standard errors above 1 %
    expect(alarms / runs).toBeLessThanOrEqual(0.01 + 3 * Math.sqrt((0.01 * 0.99) / runs))
  })

  it('need enough values, and differences', () => {
    expect(find([])).toEqual([])
    expect(find([1, 1, 9, 9])).toEqual([])
    expect(find(new Array(30).fill(7))).toEqual([])
  })
})
