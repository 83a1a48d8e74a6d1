import { describe, expect, it } from 'vitest'
import { constant, gamma, lognormal, poisson, renewal, replay, type Scenario } from '../../../src/index.js'
import { arrivalsSchema, type OpenArrivals } from '../../../src/scenario/arrivals/arrivals.js'
import { schedule } from '../../../src/scenario/arrivals/schedule.js'
import { expectDistribution, SEEDS } from '../../support/expect/distribution-checks.js'

/** The first due times of an arrival process, in nanoseconds. */
function dues(arrivals: Scenario['arrivals'], length: number, seed = 1, replication = 0): Float64Array {
  const next = schedule(arrivalsSchema.parse(arrivals) as OpenArrivals, seed, replication)
  return Float64Array.from({ length }, next)
}

const gaps = (times: Float64Array) => times.map((time, i) => time - (i === 0 ? 0 : (times[i - 1] as number)))

describe('constant arrivals', () => {
  it('begin at 0 and never drift', () => {
    expect([...dues(constant('100/s'), 4)]).toEqual([0, 1e7, 2e7, 3e7])
    // at a rate whose gap is not a whole number of nanoseconds, each time is rounded to the nearest
    const times = dues(constant('3/s'), 3_000_001)
    for (const i of [1, 2, 3, 1023, 1024, 1025, 65_536, 1_000_000, 2_999_999, 3_000_000]) {
      expect(times[i]).toBe(Number((BigInt(i) * 2_000_000_000n + 3n) / 6n))
    }
    expect(times[3_000_000]).toBe(1e15)
  })

  it('are at distinct times up to a rate of one per nanosecond', () => {
    expect([...dues(constant(1e9), 4)]).toEqual([0, 1, 2, 3])
  })
})

describe('replayed arrivals', () => {
  it('are at their timestamps, ties included, and then end', () => {
    expect([...dues(replay(['5ms', 7, '7ms', '1s']), 6)]).toEqual([
      5e6,
      7e6,
      7e6,
      1e9,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ])
  })

  it('can be longer than a block', () => {
    const times = Array.from({ length: 5000 }, (_, i) => i * i)
    expect([...dues(replay(times), 5001)]).toEqual([...times.map((ms) => ms * 1e6), Number.POSITIVE_INFINITY])
  })
})

describe('random arrivals', () => {
  it('never go back in time', () => {
    for (const arrivals of [poisson(1e9), renewal({ rate: 1e8, variation: gamma({ cv: 5 }) })]) {
      expect(gaps(dues(arrivals, 100_000)).every((gap) => gap >= 0 && Number.isInteger(gap))).toBe(true)
    }
  })

  for (const seed of SEEDS) {
    it(`have gaps with their distribution and rate, at seed ${seed}`, () => {
      const check = (arrivals: Scenario['arrivals'], law: Parameters<typeof expectDistribution>[2]) => {
        const relative = gaps(dues(arrivals, 200_000, seed)).map((gap) => gap / 1e6)
        let next = 0
        expectDistribution(() => relative[next++] as number, relative.length, law)
      }
      check(poisson('1000/s'), { mean: 1, variance: 1, kurtosis: 9, cdf: (x) => -Math.expm1(-x) })
      check(renewal({ rate: '1000/s', variation: gamma({ cv: 0.5 }) }), { mean: 1, variance: 0.25, kurtosis: 4.5 })
      const e = 1.25
      check(renewal({ rate: '1000/s', variation: lognormal({ cv: 0.5 }) }), {
        mean: 1,
        variance: 0.25,
        kurtosis: e ** 4 + 2 * e ** 3 + 3 * e ** 2 - 3,
      })
    })
  }

  it('depend only on seed and replication', () => {
    const first = dues(poisson('800/s'), 5000, 7)
    expect(dues(poisson('800/s'), 5000, 7)).toEqual(first)
    expect(dues(poisson('800/s'), 100, 7)).toEqual(first.slice(0, 100))
    expect(dues(poisson('800/s'), 5000, 8)).not.toEqual(first)
    expect(dues(poisson('800/s'), 5000, 7, 1)).not.toEqual(first)
  })

  it('keep their pattern at another rate', () => {
    const [slow, fast] = [dues(poisson('100/s'), 5000), dues(poisson('400/s'), 5000)]
    for (const [i, time] of slow.entries()) expect(Math.abs(time - 4 * (fast[i] as number))).toBeLessThanOrEqual(3)
  })
})
