import { describe, expect, it } from 'vitest'
import { axisOf } from '../../../src/report/terminal/axis.js'

describe('a scale of equal ratios', () => {
  it('begins and ends at round figures about its values', () => {
    expect(axisOf([0.23, 11.9], 41).labels).toMatch(/^0\.2 .* 20$/)
    expect(axisOf([1, 1], 20).labels).toMatch(/^1 +2$/)
    expect(axisOf([200, 5000], 40).labels).toMatch(/^200 .* 5,000$/)
  })

  it('gives equal ratios equal lengths', () => {
    const { at } = axisOf([1, 100], 101)
    expect([1, 10, 100].map(at)).toEqual([0, 50, 100])
    expect(at(0)).toBe(0)
  })

  it('writes each label where its value is, as far as there is room', () => {
    const { labels, at } = axisOf([0.2, 90], 60)
    for (const label of ['0.2', '0.5', '1', '2', '5', '10', '20', '50']) {
      expect(labels.slice(at(Number(label))).startsWith(label)).toBe(true)
    }
    expect(axisOf([0.001, 10_000], 24).labels).not.toMatch(/\d{5}/)
    expect(axisOf([0.001, 10_000], 24).labels.length).toBeLessThanOrEqual(24)
  })
})
