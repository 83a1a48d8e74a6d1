import { describe, expect, it } from 'vitest'
import { createAxis } from '../../../src/report/terminal/axis.js'

describe('a logarithmic axis', () => {
  it('starts and ends at round numbers around its values', () => {
    expect(createAxis([0.23, 11.9], 41).labels).toMatch(/^0\.2 .* 20$/)
    expect(createAxis([1, 1], 20).labels).toMatch(/^1 +2$/)
    expect(createAxis([200, 5000], 40).labels).toMatch(/^200 .* 5,000$/)
  })

  it('places equal ratios at equal distances', () => {
    const { at } = createAxis([1, 100], 101)
    expect([1, 10, 100].map(at)).toEqual([0, 50, 100])
    expect(at(0)).toBe(0)
  })

  it('writes each label at its value, if there is room', () => {
    const { labels, at } = createAxis([0.2, 90], 60)
    for (const label of ['0.2', '0.5', '1', '2', '5', '10', '20', '50']) {
      expect(labels.slice(at(Number(label))).startsWith(label)).toBe(true)
    }
    expect(createAxis([0.001, 10_000], 24).labels).not.toMatch(/\d{5}/)
    expect(createAxis([0.001, 10_000], 24).labels.length).toBeLessThanOrEqual(24)
  })
})
