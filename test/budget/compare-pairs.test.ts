import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildEmptyRound, comparePairs } from '../../src/budget/comparison/compare-pairs.js'
import {
  COMPARED,
  type ComparedMetric,
  type ComparisonVerdict,
  isFraction,
  overallVerdict,
  type Pair,
  verdictOnRatio,
} from '../../src/budget/comparison/comparison.js'
import { atLength } from '../support/at-length.js'
import { type FullPair, pairs, round } from '../support/results/comparison-pairs.js'

const metricOf = (given: readonly Pair[], metric: ComparedMetric, within = 0.05) => {
  const found = comparePairs(given, { within, rounds: given.length }).metrics.find((each) => each.metric === metric)
  if (found === undefined) throw new Error(`${metric} was not compared`)
  return found
}
const unknown = { scenario: null, environment: null }
const verdictOf = (given: readonly Pair[], of: ComparedMetric = 'mean') => {
  const { metrics } = judged(given)
  const { by: _, ...verdict } = overallVerdict({ of, metrics, base: unknown, head: unknown })
  return verdict
}
const judged = (given: readonly Pair[]) => comparePairs(given, { within: 0.05, rounds: given.length })
const change = (given: readonly FullPair[], to: (pair: FullPair, i: number) => Partial<FullPair>) =>
  given.map((pair, i) => ({ ...pair, ...to(pair, i) }))

const TURNED: Record<ComparisonVerdict, ComparisonVerdict> = {
  slower: 'faster',
  faster: 'slower',
  same: 'same',
  inconclusive: 'inconclusive',
}

describe('comparePairs', () => {
  it.each([
    [1.2, 0.05, 'slower'],
    [1 / 1.2, 0.05, 'faster'],
    [1, 0.05, 'same'],
    [1, 0.6, 'inconclusive'],
  ])('head takes %d times as long, with noise of %d: %s', (times, noise, verdict) => {
    const found = metricOf(pairs(40, times, { noise }), 'mean')
    expect(found.verdict).toBe(verdict)
    expect(found.interval.low).toBeLessThanOrEqual(times)
    expect(found.interval.high).toBeGreaterThanOrEqual(times)
    expect(verdictOf(pairs(40, times, { noise })).verdict).toBe(verdict)
  })

  it('less throughput is slower', () => {
    const less = change(pairs(20, 1), ({ head }) => ({ head: round(head.figures.mean, { throughput: 150 }) }))
    expect(metricOf(less, 'throughput')).toMatchObject({ ratio: 0.75, verdict: 'slower' })
  })

  it('swapping the sides inverts ratio and verdict', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.double({ min: 0.7, max: 1.4, noNaN: true }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.integer({ min: 1, max: 1e6 }),
        (n, times, noise, seed) => {
          const there = pairs(n, times, { noise, seed })
          const back = there.map(({ base, head, ...pair }) => ({ ...pair, base: head, head: base }))
          const turned = judged(back).metrics
          const { metrics } = judged(there)
          const names = (of: typeof metrics) => of.map(({ metric }) => metric)
          expect(names(metrics)).toEqual(names(turned))
          expect(names(metrics)).toEqual(expect.arrayContaining([...COMPARED]))
          for (const [i, a] of metrics.entries()) {
            const { metric } = a
            const b = turned[i] as typeof a
            expect(b.verdict).toBe(TURNED[a.verdict])
            if (a.ratio !== null) expect(b.ratio).toBeCloseTo(1 / a.ratio, 9)
            if (a.interval.low !== null)
              expect(b.interval.high).toBeCloseTo(isFraction(metric) ? -a.interval.low : 1 / a.interval.low, 9)
          }
          expect(verdictOf(back).verdict).toBe(TURNED[verdictOf(there).verdict])
        },
      ),
      { seed: 3, numRuns: atLength(100, 40) },
    )
  })

  it('has the same ratio in another unit', () => {
    const given = pairs(20, 1.1)
    const times = ({ figures }: FullPair['base']) => round(1000 * figures.mean, { goodput: figures.goodput })
    const seconds = given.map((pair) => ({ ...pair, base: times(pair.base), head: times(pair.head) }))
    for (const metric of COMPARED) {
      const [ms, s] = [metricOf(given, metric), metricOf(seconds, metric)]
      expect(s.verdict).toBe(ms.verdict)
      if (ms.ratio !== null) expect(s.ratio).toBeCloseTo(ms.ratio, 12)
    }
  })

  it('neither hides nor invents a difference if the machine disturbs a few rounds', () => {
    const disturb = (given: FullPair[]) =>
      change(given, ({ head }, i) => (i % 10 === 0 ? { head: round(50 * head.figures.mean) } : {}))
    expect(metricOf(disturb(pairs(40, 1.2)), 'mean')).toMatchObject({ verdict: 'slower' })
    expect(metricOf(disturb(pairs(40, 1.2)), 'mean').ratio).toBeLessThan(1.4)
    expect(metricOf(disturb(pairs(40, 1)), 'mean').verdict).not.toBe('slower')
  })

  it('is inconclusive with fewer than 4 pairs, and gives the reason', () => {
    const { verdict, ratio, interval } = metricOf(pairs(3, 2), 'mean')
    expect({ verdict, interval }).toEqual({
      verdict: 'inconclusive',
      interval: { low: null, high: null, level: 0.99, reason: 'a 99 % interval needs 4 pairs, got 3' },
    })
    expect(ratio).toBeGreaterThan(1.8)
    expect(metricOf([], 'mean')).toMatchObject({ base: null, ratio: null, verdict: 'inconclusive' })
  })

  it('finds only very large ratios with 4 to 7 pairs, as rounds of the same code rarely differ by 3 times', () => {
    const found = metricOf(pairs(4, 50), 'mean')
    expect(found.verdict).toBe('slower')
    // the range of the ratios, 45 to 55, widened by 3 on each side
    expect(found.interval.low).toBeGreaterThan(45 / 3)
    expect(found.interval.low).toBeLessThan(50 / 3)
    expect(found.interval.high).toBeGreaterThan(50 * 3)
    expect(metricOf(pairs(7, 2), 'mean')).toMatchObject({
      verdict: 'inconclusive',
      reason: 'fewer than 10 pairs can only show ratios above 3, or below 1/3',
    })
    expect(metricOf(pairs(8, 2), 'mean').verdict).toBe('slower')
  })

  it('has wider intervals at earlier checkpoints', () => {
    const given = pairs(40, 1.2, { noise: 0.3 })
    const widths = [10, 14, 20, 28, 40].map((n) => {
      const { metrics } = comparePairs(given.slice(0, n), { within: 0.05, rounds: 40 })
      const { low, high } = metrics[0]?.interval ?? {}
      return Math.log((high as number) / (low as number))
    })
    expect(widths).toEqual([...widths].sort((a, b) => b - a))
    // the interval of the same pairs is narrower without earlier checkpoints
    const alone = metricOf(given.slice(0, 20), 'mean').interval
    const early = comparePairs(given.slice(0, 20), { within: 0.05, rounds: 40 }).metrics[0]?.interval
    expect(alone.low).toBeGreaterThan(early?.low as number)
  })
})

describe('invalid rounds', () => {
  it('are left out with their pairs, and reported', () => {
    const some = change(pairs(40, 1.2), ({ base }, i) =>
      i < 10 ? { base: { ...round(1000 * base.figures.mean), invalid: ['littles-law' as const] } } : {},
    )
    const { metrics, findings } = judged(some)
    expect(metrics).toEqual(judged(some.slice(10)).metrics)
    expect(findings).toEqual([
      {
        code: 'rounds-left-out',
        severity: 'warning',
        message: '10 of 40 pairs are left out, because they have invalid rounds: littles-law',
        figures: { leftOut: 10, pairs: 40 },
      },
    ])
  })

  it('make the comparison inconclusive if they are the majority', () => {
    const most = change(pairs(40, 1.5), ({ head }, i) =>
      i < 21 ? { head: { ...head, invalid: ['littles-law' as const] } } : {},
    )
    expect(metricOf(most, 'mean')).toMatchObject({
      verdict: 'inconclusive',
      reason: 'only 19 of 40 pairs are usable, which may be a biased selection',
    })
  })

  it('with a late event loop may show slower, but not same', () => {
    const late = (given: FullPair[], n: number) =>
      change(given, ({ head }, i) => (i < n ? { head: { ...head, invalid: ['event-loop-late' as const] } } : {}))
    expect(metricOf(late(pairs(40, 1.2), 20), 'mean').verdict).toBe('slower')
    expect(metricOf(late(pairs(40, 1), 20), 'mean')).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('a late event loop hides differences'),
    })
    // the server times service; a few late rounds do not move the median
    expect(metricOf(late(pairs(40, 1), 20), 'service.mean').verdict).toBe('same')
    expect(metricOf(late(pairs(40, 1), 4), 'mean').verdict).toBe('same')
    expect(judged(late(pairs(40, 1), 4)).findings).toMatchObject([
      { code: 'rounds-late', severity: 'warning', figures: { late: 4, pairs: 40 } },
    ])
  })

  it('a load that only base sustains makes head slower, by an unknown amount', () => {
    const over = change(pairs(20, 1), ({ head }) => ({ head: { ...head, invalid: ['saturated' as const] } }))
    expect(metricOf(over, 'p99')).toMatchObject({
      head: null,
      ratio: null,
      interval: { low: null, high: null },
      verdict: 'slower',
    })
    // service time is still known
    expect(metricOf(over, 'service.mean').verdict).toBe('same')
    expect(judged(over).findings).toMatchObject([{ code: 'load-not-sustained', figures: { head: 20, base: 0 } }])
    const both = change(over, ({ base }) => ({ base: { ...base, invalid: ['cut-off' as const] } }))
    expect(metricOf(both, 'p99').verdict).toBe('inconclusive')
  })
})

describe('errors', () => {
  const failing = (given: FullPair[], base: number, head: number) =>
    change(given, (pair, i) => ({
      base: round(pair.base.figures.mean, { errorRate: base * (1 + 0.1 * Math.sin(i)) }),
      head: round(pair.head.figures.mean, { errorRate: head * (1 + 0.1 * Math.cos(i)) }),
    }))

  it('make a head that fails more slower, however fast it is', () => {
    const found = metricOf(failing(pairs(20, 1), 0, 0.05), 'errorRate')
    expect(found).toMatchObject({ ratio: null, verdict: 'slower' })
    expect(found.difference).toBeCloseTo(0.05, 2)
    for (const times of [0.5, 1]) {
      expect(verdictOf(failing(pairs(20, times), 0, 0.05))).toEqual({ verdict: 'slower', reason: 'head fails more' })
    }
  })

  it('do not matter if both fail equally, by chance', () => {
    expect(verdictOf(failing(pairs(20, 0.8), 0.02, 0.02)).verdict).toBe('faster')
    expect(verdictOf(failing(pairs(20, 1.2), 0.02, 0.02)).verdict).toBe('slower')
  })

  it('in one round only leave open whether head fails more, and so whether it is faster', () => {
    const burst = change(pairs(20, 0.5), ({ head }, i) =>
      i === 3 ? { head: round(head.figures.mean, { errorRate: 0.9 }) } : {},
    )
    expect(verdictOf(burst)).toEqual({ verdict: 'inconclusive', reason: 'mean is faster, but head may fail more' })
  })

  it('may have made base faster if it fails more', () => {
    expect(verdictOf(failing(pairs(20, 1.2), 0.05, 0)).verdict).toBe('inconclusive')
    expect(verdictOf(failing(pairs(20, 0.8), 0.05, 0)).verdict).toBe('faster')
  })
})

describe('verdictOnRatio', () => {
  it('is same for an interval within the fraction, even if it excludes 1', () => {
    expect(verdictOnRatio('p99', 1.01, 1.03, 0.05)).toBe('same')
    expect(verdictOnRatio('p99', 1.01, 1.06, 0.05)).toBe('slower')
    expect(verdictOnRatio('p99', 0.97, 1.06, 0.05)).toBe('inconclusive')
    expect(verdictOnRatio('p99', 1 / 1.05, 1.05, 0.05)).toBe('same')
    expect(verdictOnRatio('p99', 0.9, 0.99, 0.05)).toBe('faster')
    expect(verdictOnRatio('throughput', 0.9, 0.99, 0.05)).toBe('slower')
    expect(verdictOnRatio('p99', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0.05)).toBe('inconclusive')
  })
})

describe('mean service time', () => {
  const side = (servers: number, scenario: Record<string, unknown> = {}) =>
    ({ scenario: { arrivals: { process: 'poisson', rate: 200 }, servers, ...scenario }, environment: null }) as never
  // the queue varies by 60 %, the time to serve a request by 2 %
  const noisy = (times: number) => {
    const waits = pairs(20, 1, { noise: 0.6, seed: 5 })
    const services = pairs(20, times, { noise: 0.02, seed: 6 })
    return waits.map((pair, i) => ({
      ...pair,
      base: round(pair.base.figures.mean, { 'service.mean': services[i]?.base.figures['service.mean'] as number }),
      head: round(pair.head.figures.mean, { 'service.mean': services[i]?.head.figures['service.mean'] as number }),
    }))
  }
  const verdict = (times: number, of: ComparedMetric, head = side(1)) =>
    overallVerdict({ of, ...judged(noisy(times)), base: side(1), head }).verdict

  it('decides if mean latency is inconclusive and the load is the same', () => {
    expect(verdict(1.1, 'mean')).toBe('slower')
    expect(verdict(1 / 1.1, 'mean')).toBe('faster')
    expect(verdict(1, 'mean')).toBe('inconclusive')
    expect(overallVerdict({ of: 'mean', ...judged(noisy(1.1)), base: side(1), head: side(1) })).toMatchObject({
      by: 'service.mean',
      reason: 'latency is inconclusive, but service time is longer',
    })
  })

  it('does not decide if more than the code differs, or for another metric', () => {
    expect(verdict(1.1, 'mean', side(2))).toBe('inconclusive')
    expect(verdict(1.1, 'p99')).toBe('inconclusive')
    expect(verdict(1.1, 'mean', { scenario: null, environment: null } as never)).toBe('inconclusive')
  })
})

describe('rounds in which nothing completed', () => {
  it('make their side slower from 4 pairs on, by errors and by an unbounded latency', () => {
    const none = change(pairs(4, 1), () => ({ head: buildEmptyRound(1, []) as FullPair['head'] }))
    expect(metricOf(none, 'mean')).toMatchObject({ head: null, ratio: null, verdict: 'slower' })
    expect(metricOf(none, 'errorRate')).toMatchObject({ difference: 1, verdict: 'slower' })
    expect(metricOf(none, 'service.mean')).toMatchObject({ base: null, verdict: 'inconclusive' })
    expect(verdictOf(none).verdict).toBe('slower')
  })
})
