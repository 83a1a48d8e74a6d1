import { describe, expect, it } from 'vitest'
import { checkComparison } from '../../src/budget/comparison/check-comparison.js'
import { renderComparison } from '../../src/budget/comparison/render-comparison.js'
import { type Compared, type CompareOptions, type CompareProgress, compare } from '../../src/explore/compare.js'
import { affine } from '../../src/scenario/service/service.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { simulate } from '../../src/simulate/simulate.js'
import { ValidationError } from '../../src/validation/validation-error.js'

const service = (base: number) => affine({ base, variation: exponential() })
const both = { arrivals: '500/s', stop: { requests: 2000 } }

describe('compare, in virtual time', () => {
  it('finds a head that is a fifth slower, and one that is not', async () => {
    const slower = await compare(
      { ...both, base: { service: service(1) }, head: { service: service(1.2) } },
      { rounds: 12 },
    )
    expect(slower).toMatchObject({
      verdict: 'slower',
      engine: 'simulate',
      design: 'alternating',
      rounds: 12,
      of: 'mean',
      within: 0.05,
    })
    // every service takes a fifth longer, of the very same requests
    const served = slower.metrics.find(({ metric }) => metric === 'service.mean')
    expect(served?.ratio).toBeCloseTo(1.2, 4)
    expect(served?.interval.low).toBeCloseTo(1.2, 4)
    expect(served?.interval.high).toBeCloseTo(1.2, 4)
    const same = await compare({ ...both, base: { service: service(1) }, head: { service: service(1) } }, { rounds: 8 })
    expect(same.verdict).toBe('same')
    for (const { ratio, difference } of same.metrics) expect(difference ?? ratio).toBe(difference === null ? 1 : 0)
  })

  it('compares goodput pair by pair, as a difference of fractions', async () => {
    const judged = { ...both, good: { latency: '3ms' } }
    const sides = { base: { service: service(1) }, head: { service: service(1.2) } }
    const comparison = await compare({ ...judged, ...sides }, { rounds: 12, of: 'goodput' })
    const found = comparison.metrics.find(({ metric }) => metric === 'goodput')
    // M/M/1: latency is exponential of rate mu - lambda
    const good = (mean: number) => 1 - Math.exp(-3 * (1 / mean - 0.5))
    expect(found?.base).toBeCloseTo(good(1), 1)
    expect(found?.head).toBeCloseTo(good(1.2), 1)
    expect(found?.difference).toBeCloseTo((found?.head as number) - (found?.base as number), 9)
    expect(comparison).toMatchObject({ verdict: 'slower', of: 'goodput' })
    expect(renderComparison(comparison, { width: 120 })).toMatch(/goodput .* fewer good/)
    expect(checkComparison(JSON.parse(JSON.stringify(comparison)))).toEqual(JSON.parse(JSON.stringify(comparison)))
    await expect(compare({ ...both, ...sides }, { of: 'goodput' })).rejects.toThrow('options.of: is goodput, so both')
    const other = { ...judged, base: sides.base, head: { ...sides.head, good: { latency: '4ms' } } }
    await expect(compare(other as Compared)).rejects.toThrow('head.good: must be that of base')
  })

  it('runs each pair with its own seed, in random order, and reports each round', async () => {
    const { pairs } = await compare(
      { ...both, seed: 40, base: { service: service(1) }, head: { service: service(1) } },
      { rounds: 20, null: true },
    )
    expect(pairs.map(({ seed }) => seed)).toEqual(Array.from({ length: 20 }, (_, i) => 40 + i))
    const first = pairs.filter((pair) => pair.first === 'base').length
    expect(first).toBeGreaterThan(3)
    expect(first).toBeLessThan(17)
    const { latencyMs } = simulate({ ...both, service: service(1), seed: 43 })
    expect(pairs[3]?.head.figures).toMatchObject({ mean: latencyMs.mean, p99: latencyMs.p99 })
    expect(pairs[3]?.head.invalid).toEqual([])
  })

  it('is reproducible, and survives JSON', async () => {
    const once = () =>
      compare({ ...both, base: { service: service(1) }, head: { service: service(2.5) } }, { rounds: 9 })
    const comparison = await once()
    expect(await once()).toEqual(comparison)
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison)
    // 500/s of 2.5 ms overload one server
    expect(comparison).toMatchObject({ verdict: 'slower', findings: [{ code: 'load-not-sustained' }] })
  })

  it("a side's own field overrides the common one", async () => {
    const { base, head, findings } = await compare(
      { ...both, service: service(1), servers: 2, base: {}, head: { servers: 3 } },
      { rounds: 2 },
    )
    expect([base.scenario?.servers, head.scenario?.servers]).toEqual([2, 3])
    expect([base.scenario?.seed, head.scenario?.seed]).toEqual([1, 1])
    expect(findings).toEqual([])
  })

  it('compares scenarios with different loads, and reports that their requests differ', async () => {
    const base = { arrivals: '500/s', service: service(1), stop: { requests: 1000 } }
    const { findings } = await compare({ base, head: { ...base, arrivals: '600/s' } }, { rounds: 2 })
    expect(findings).toMatchObject([{ code: 'requests-differ', severity: 'warning' }])
  })

  const same: Compared = { ...both, base: { service: service(1) }, head: { service: service(1) } }

  it('returns the completed pairs if it is stopped early, with a finding', async () => {
    const given = { rounds: 12, of: 'p50', within: '1%' } as const
    const ending = (last: number) => {
      let reports = 0
      return compare(same, { ...given, onProgress: () => ++reports < last })
    }
    const whole = await compare(same, given)
    // progress is reported before each round: a pair without its second round does not count
    for (const last of [19, 20]) {
      const ended = await ending(last)
      expect(ended.pairs).toEqual(whole.pairs.slice(0, 9))
      expect(ended.findings).toEqual([
        {
          code: 'interrupted',
          severity: 'warning',
          message: 'the comparison was interrupted after 9 of 12 pairs',
          figures: { pairs: 9, rounds: 12 },
        },
      ])
      expect(checkComparison(ended).verdict).toBe('inconclusive')
    }
    expect((await ending(5)).reason).toMatch(/needs 4 pairs, got 2/)
    for (const last of [1, 2]) {
      await expect(ending(last)).rejects.toThrow('compare: was stopped before its first pair of rounds completed')
    }
  })

  it('ends as soon as the verdict is clear', async () => {
    const times = async (head: string) =>
      (await compare({ ...both, base: { service: '1ms' }, head: { service: head } })).pairs.length
    // at 500/s, 50 ms overload one server by far
    expect(await times('50ms')).toBe(4)
    expect(await times('1.2ms')).toBe(10)
    expect(await times('1ms')).toBe(10)
  })

  it('compares base with itself in all rounds, and reports the smallest difference that it can find', async () => {
    const comparison = await compare(
      { ...both, base: { service: service(1) }, head: { service: service(9) } },
      { null: true, rounds: 9 },
    )
    expect(comparison).toMatchObject({ null: true, verdict: 'same', head: { scenario: { service: { base: 1 } } } })
    expect(comparison.pairs).toHaveLength(9)
    // in virtual time there is no noise at all
    expect(comparison.findings).toMatchObject([{ code: 'noise-floor', figures: { mean: 0, 'service.mean': 0 } }])
    expect(renderComparison(comparison)).toMatch(/^ base against itself is the same within 5 %/)
    const short = await compare({ ...both, base: { service: service(1) } }, { null: true, rounds: 4 })
    expect(short.findings[0]?.message).toMatch(/too few pairs to estimate the noise floor/)
  })

  it('reports progress, and stops if it is aborted', async () => {
    const reports: CompareProgress[] = []
    const abort = new AbortController()
    const comparing = compare(
      { ...both, base: { service: '1ms' }, head: { service: '1ms' } },
      {
        rounds: 10,
        signal: abort.signal,
        onProgress: (progress) => {
          reports.push(progress)
          if (reports.length === 5) abort.abort(new Error('enough'))
        },
      },
    )
    await expect(comparing).rejects.toThrow('enough')
    expect(reports.map(({ fraction }) => fraction)).toEqual([0, 0.05, 0.1, 0.15, 0.2])
    expect(reports[4]).toMatchObject({ done: 2, total: 10 })
    expect(
      reports
        .slice(0, 2)
        .map(({ side }) => side)
        .sort(),
    ).toEqual(['base', 'head'])
  })
})

describe('compare refuses', () => {
  const given = { ...both, base: { service: '1ms' }, head: { service: '1ms' } }
  it.each<[string, unknown, unknown, string, RegExp]>([
    ['nothing', undefined, {}, 'compare', /must be two scenarios, \{ base, head \}/],
    ['no base', { ...both, head: {} }, {}, 'base', /must be a scenario, .* got nothing/],
    ['no head', { ...both, base: {} }, {}, 'head', /must be a scenario, .* got nothing/],
    ['a head that cannot be run', { ...given, head: {} }, {}, 'head.service', /is required to simulate/],
    ['a fault within a side', { ...given, head: { service: '1ms', servers: 0 } }, {}, 'head.servers', /got 0/],
    ['an invalid spin', given, { spin: -3 }, 'options.spin', /must be a duration of 0 or more/],
    ['a target on one side alone', { ...given, head: { call: () => 1 } }, {}, 'base.handler', /is required to measure/],
    ['a duet in virtual time', given, { design: 'duet' }, 'options.design', /must be 'alternating' to simulate/],
    [
      'other seeds for each',
      { ...given, head: { service: '1ms', seed: 2 } },
      {},
      'head.seed',
      /must be that of base, 1/,
    ],
    [
      'a stop that depends on what is seen',
      { ...given, stop: { precision: '5%' } },
      {},
      'base.stop',
      /must be \{ requests \} or \{ duration \}/,
    ],
    ['one round', given, { rounds: 1 }, 'options.rounds', /at least 2 .*got 1/],
    ['an unknown metric', given, { of: 'latency' }, 'options.of', /must be a compared metric: mean, p50/],
    [
      'an unknown option',
      given,
      { round: 4 },
      'options',
      /'round' is not an option here \(did you mean 'rounds'\?\); accepted: of, within, rounds, design, null/,
    ],
    [
      'an option among the fields',
      { ...given, rounds: 4 },
      {},
      'rounds',
      /second argument: compare\(\{ base, head \}, \{ rounds \}\)/,
    ],
    ['an unknown engine', given, { engine: 'guess' }, 'options.engine', /must be 'simulate' or 'measure'/],
  ])('%s', async (_, compared, options, path, message) => {
    const refused = await compare(compared as Compared, options as CompareOptions).catch((error) => error)
    expect(refused).toBeInstanceOf(ValidationError)
    expect(refused.path).toBe(path)
    expect(refused.message).toMatch(message)
  })
})
