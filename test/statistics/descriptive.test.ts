import { describe, expect, it } from 'vitest'
import { mean, median, sum, sumBy } from '../../src/statistics/descriptive.js'

describe('descriptive statistics', () => {
  it('add up and average values', () => {
    expect(sum([1, 2, 4])).toBe(7)
    expect(sum([])).toBe(0)
    expect(sumBy([{ ms: 1 }, { ms: 3 }], ({ ms }) => ms)).toBe(4)
    expect(mean([1, 2, 6])).toBe(3)
    expect(mean([])).toBeNaN()
  })

  it('take the median of an odd and an even number of values, in any order', () => {
    const values = [9, 1, 5]
    expect(median(values)).toBe(5)
    expect(median([10, 9, 1, 5])).toBe(7)
    expect(median([3])).toBe(3)
    expect(median([])).toBeNaN()
    // the values stay as they were
    expect(values).toEqual([9, 1, 5])
  })
})
