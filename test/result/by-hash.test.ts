import { describe, expect, it } from 'vitest'
import {
  affine,
  empirical,
  recorded,
  renewal,
  replay,
  type Scenario,
  simulate,
  ValidationError,
} from '../../src/index.js'
import { describeScenario } from '../../src/report/terminal/scenario-line.js'
import { hashOf } from '../../src/scenario/by-hash.js'
import type { StoredScenario } from '../../src/scenario/scenario.js'

const long = Array.from({ length: 1001 }, (_, i) => 10 * i)
const some = long.slice(0, 1000)

/** The list that a Result keeps where the scenario had this one, and what becomes of the scenario run again. */
const lists: [string, (list: number[]) => Scenario, (scenario: StoredScenario) => unknown][] = [
  [
    'timestamps',
    (list) => ({ arrivals: replay(list), service: 1 }),
    ({ arrivals }) => arrivals.process === 'replay' && arrivals.timestamps,
  ],
  [
    'samples',
    (list) => ({ arrivals: renewal({ rate: 1, variation: empirical(list) }), service: 1, stop: { requests: 1000 } }),
    ({ arrivals }) =>
      arrivals.process === 'renewal' && arrivals.variation.distribution === 'empirical' && arrivals.variation.samples,
  ],
  [
    'samples of a service time',
    (list) => ({
      arrivals: 1,
      service: affine({ base: 1, variation: empirical(list) }),
      stop: { requests: 1000 },
    }),
    ({ service }) =>
      service?.model === 'affine' && service.variation?.distribution === 'empirical' && service.variation.samples,
  ],
  [
    'recorded times in order',
    (times) => ({ arrivals: 1, service: recorded({ by: 'order', times }), stop: { requests: 100 } }),
    ({ service }) => service?.model === 'recorded' && service.times,
  ],
  [
    'recorded times by time',
    (list) => ({
      arrivals: 100,
      service: recorded({ by: 'time', times: list.map((at) => ({ at, size: 1, time: 5 })) }),
      stop: { requests: 100 },
    }),
    ({ service }) => service?.model === 'recorded' && service.times,
  ],
]

describe('a long list in a Result', () => {
  it.each(lists)('of %s is kept by hash, and refused when it is run again', (_, scenarioOf, listOf) => {
    const { scenario } = simulate(scenarioOf(long))
    expect(listOf(scenario as StoredScenario)).toEqual({ count: 1001, hash: expect.stringMatching(/^[\da-f]{16}$/) })
    const again = () => simulate(JSON.parse(JSON.stringify(scenario)))
    expect(again).toThrow(ValidationError)
    expect(again).toThrow(/(timestamps|samples|times): is only a hash, .*, got {"count":1001.*; give the list itself/)
  })

  it.each(lists)('of %s is kept as it is up to 1,000 values, and run again', (_, scenarioOf, listOf) => {
    const result = simulate(scenarioOf(some))
    expect(listOf(result.scenario as StoredScenario)).toHaveLength(1000)
    expect(simulate(JSON.parse(JSON.stringify(result.scenario)))).toEqual(result)
  })

  it('keeps the number of its values', () => {
    const { scenario } = simulate({ arrivals: replay(long, { speed: 2 }), service: 1 })
    expect(describeScenario(scenario as StoredScenario, 'simulate')[0]).toBe(
      '1,001 replayed requests at 2 times their speed',
    )
  })
})

describe('the hash', () => {
  it('is of the values and their order', () => {
    expect(hashOf(long)).toBe(hashOf([...long]))
    const hashes = new Set([hashOf(long), hashOf(some), hashOf([...long].reverse()), hashOf([0, ...long]), hashOf([])])
    for (let i = 0; i < long.length; i++) {
      const other = [...long]
      other[i] = (long[i] as number) + 1e-9
      hashes.add(hashOf(other))
    }
    // one, or none, of 10 * 0 + 1e-9 and its like
    expect(hashes.size).toBe(5 + long.filter((value) => value + 1e-9 !== value).length)
  })
})
