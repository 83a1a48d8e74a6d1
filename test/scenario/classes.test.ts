import { describe, expect, it } from 'vitest'
import { drawnClasses } from '../../src/scenario/request-classes.js'

const classes = { checkout: { weight: 1 }, browse: { weight: 4 }, search: { weight: 5 } }

describe('drawn classes', () => {
  it('come by their weights, and independently of each other', () => {
    const { names, classOf } = drawnClasses(classes, 1)
    expect(names).toEqual(['checkout', 'browse', 'search'])
    const n = 400_000
    const probabilities = [0.1, 0.4, 0.5]
    // pairs of requests at several distances: chi-squared with 8 degrees of freedom, 36.1 at one in 60,000
    for (const distance of [1, 2, 3, 256, 1024, 65_536]) {
      const seen = new Map<number, number>()
      for (let i = 0; i < n; i++) {
        const pair = 3 * classOf(i) + classOf(i + distance)
        seen.set(pair, (seen.get(pair) ?? 0) + 1)
      }
      let chiSquared = 0
      probabilities.forEach((a, i) => {
        probabilities.forEach((b, j) => {
          const expected = n * a * b
          chiSquared += ((seen.get(3 * i + j) ?? 0) - expected) ** 2 / expected
        })
      })
      // pairs overlap, which makes it vary slightly more than independent pairs would
      expect(chiSquared).toBeLessThan(45)
    }
  })

  it('depend on seed, replication and number, and on nothing else', () => {
    const of = (seed: number, replication: number) => {
      const { classOf } = drawnClasses(classes, seed, replication)
      return (from: number) => Array.from({ length: 1000 }, (_, i) => classOf(from + i)).join('')
    }
    const ahead = of(1, 0)(5000)
    const other = of(1, 0)
    other(0)
    expect(other(5000)).toBe(ahead)
    const all = [of(1, 0)(0), of(2, 0)(0), of(1, 1)(0), of(1, 0)(2 ** 32), of(1, 0)(2 ** 40)]
    expect(new Set(all).size).toBe(all.length)
  })

  it('of one class are all of that class', () => {
    const { classOf } = drawnClasses({ only: { weight: 1e-6 } }, 3)
    expect(Array.from({ length: 1000 }, (_, i) => classOf(i)).every((place) => place === 0)).toBe(true)
  })
})
