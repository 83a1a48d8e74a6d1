import { describe, expect, it } from 'vitest'
import { nearestName } from '../../src/validation/nearest.js'

describe('the nearest name', () => {
  it.each([
    ['kitten', ['sitting', 'kitchen'], 'kitchen'],
    ['errorrate', ['throughput', 'errorRate'], 'errorRate'],
    ['p9', ['p99', 'p50'], 'p99'],
    ['something', ['throughput', 'p99'], null],
  ])('of %s', (word, names, nearest) => {
    expect(nearestName(word, names)).toBe(nearest)
  })
})
