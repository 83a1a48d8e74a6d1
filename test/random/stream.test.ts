import { describe, expect, it } from 'vitest'
import { stream } from '../../src/random/stream.js'
import { atLength } from '../support/at-length.js'
import { expectCounts, expectDistribution, expectUncorrelated, SEEDS } from '../support/expect/distribution-checks.js'

const DRAWS = atLength(100_000, 10_000)

function draws(seed: number, purpose: string, replication?: number, length = DRAWS): Float64Array {
  const random = stream(seed, purpose, replication)
  return Float64Array.from({ length }, () => random.uniform())
}

function count(cells: Uint32Array, cell: number): void {
  cells[cell] = (cells[cell] as number) + 1
}

describe('a stream', () => {
  it('gives the same numbers for the same seed, purpose and replication', () => {
    for (const seed of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(draws(seed, 'arrivals', 3, 1000)).toEqual(draws(seed, 'arrivals', 3, 1000))
    }
    expect(draws(7, 'service', undefined, 1000)).toEqual(draws(7, 'service', 0, 1000))
  })

  it('gives independent numbers for another seed, purpose or replication', { tags: 'at-length' }, () => {
    const of = (seed: number, purpose = 'arrivals', replication = 0) => draws(seed, purpose, replication)
    const pairs: [Float64Array, Float64Array][] = [
      [of(1), of(2)],
      [of(1), of(1 + 2 ** 32)],
      [of(0), of(2 ** 32)],
      [of(Number.MAX_SAFE_INTEGER), of(Number.MAX_SAFE_INTEGER - 1)],
      [of(1, 'arrivals'), of(1, 'service')],
      [of(1, 'client 1'), of(1, 'client 2')],
      [of(1, 'client 12'), of(1, 'client 21')],
      [of(1, 'ab'), of(1, 'ba')],
      [of(1, 'arrivals', 0), of(1, 'arrivals', 1)],
      [of(1, 'arrivals', 1), of(2, 'arrivals', 0)],
      [of(2, 'arrivals', 1), of(1, 'arrivals', 2)],
    ]
    for (const [a, b] of pairs) {
      expectUncorrelated(a, b)
      // nor is one a shifted copy of the other
      for (const lag of [1, 2, 3, 4]) {
        expectUncorrelated(a.subarray(lag), b.subarray(0, -lag))
        expectUncorrelated(b.subarray(lag), a.subarray(0, -lag))
      }
    }
  })

  it('has uniform first numbers over many seeds, replications or clients', { tags: 'at-length' }, () => {
    const uniform = { mean: 1 / 2, variance: 1 / 12, kurtosis: 1.8, cdf: (x: number) => x }
    for (const skipped of [0, 1, 10]) {
      const first = (seed: number, purpose: string, replication: number) => {
        const random = stream(seed, purpose, replication)
        for (let i = 0; i < skipped; i++) random.uniform()
        return random.uniform()
      }
      let number = 0
      expectDistribution(() => first(number++, 'arrivals', 0), atLength(20_000, 2000), uniform)
      number = 0
      expectDistribution(() => first(1, 'arrivals', number++), atLength(20_000, 2000), uniform)
      number = 0
      expectDistribution(() => first(1, `client ${number++}`, 0), atLength(20_000, 2000), uniform)
    }
  })

  it('starts differently for each of 100,000 seeds, replications or clients', { tags: 'full' }, () => {
    const words = (random: ReturnType<typeof stream>) => `${random.word()} ${random.word()}`
    const many = 100_000
    expect(new Set(Array.from({ length: many }, (_, seed) => words(stream(seed, 'arrivals')))).size).toBe(many)
    expect(new Set(Array.from({ length: many }, (_, each) => words(stream(1, 'arrivals', each)))).size).toBe(many)
    // names are hashed to 32 bits, in which 100,000 of them have 1.2 collisions on average
    const clients = new Set(Array.from({ length: many }, (_, client) => words(stream(1, `client ${client}`)))).size
    expect(clients).toBeGreaterThan(many - 8)
  })
})

for (const seed of SEEDS) {
  describe(`at seed ${seed}, uniform numbers`, { tags: 'at-length' }, () => {
    const many = atLength(1_000_000, 100_000)
    const values = draws(seed, 'test of uniform', 0, many)

    it('are in [0, 1), and positive ones in (0, 1]', () => {
      const random = stream(seed, 'test of positive')
      expect(values.findIndex((value) => !(value >= 0 && value < 1))).toBe(-1)
      const positive = Float64Array.from({ length: many }, () => random.positive())
      expect(positive.findIndex((value) => !(value > 0 && value <= 1))).toBe(-1)
    })

    it('are uniform over 1,000 cells, and in pairs over 32 times 32', () => {
      const fractions = (cells: number) => Array.from({ length: cells }, () => 1 / cells)
      const cells = new Uint32Array(1000)
      for (const value of values) count(cells, Math.floor(value * 1000))
      expectCounts([...cells], fractions(1000))
      const pairs = new Uint32Array(1024)
      for (let i = 0; i < values.length; i += 2) {
        count(pairs, 32 * Math.floor((values[i] as number) * 32) + Math.floor((values[i + 1] as number) * 32))
      }
      expectCounts([...pairs], fractions(1024))
    })

    it('have their distribution, and no autocorrelation', () => {
      let next = 0
      expectDistribution(() => values[next++] as number, values.length, {
        mean: 1 / 2,
        variance: 1 / 12,
        kurtosis: 1.8,
        cdf: (x) => x,
      })
      for (const lag of [1, 2, 3, 255, 256]) expectUncorrelated(values.subarray(lag), values.subarray(0, -lag))
    })

    it('come from words in which each bit is equally often 1 and 0', () => {
      const random = stream(seed, 'test of bits')
      const ones = new Uint32Array(32)
      const words = 100_000
      for (let i = 0; i < words; i++) {
        const word = random.word()
        for (let bit = 0; bit < 32; bit++) if ((word >>> bit) & 1) count(ones, bit)
      }
      for (const each of ones) expectCounts([each, words - each], [0.5, 0.5])
    })
  })
}
