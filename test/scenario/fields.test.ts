import { describe, expect, it } from 'vitest'
import { fieldIn, fieldOf, scenarioFields, withField } from '../../src/scenario/fields.js'
import { type Scenario, scenarioSchema } from '../../src/scenario/scenario.js'

const scenario: Scenario = { arrivals: '800/s', service: '10ms' }

describe('the fields of a scenario', () => {
  it('are those of its schema', () => {
    const fields = scenarioFields()
    expect(fields.filter((field) => !field.includes('.'))).toEqual(Object.keys(scenarioSchema.shape))
    expect(fields).toEqual(expect.arrayContaining(['batching.maxWait', 'arrivals.thinkTime.mean', 'service.points.*']))
  })

  it.each([
    ['batching.maxWait', 'batching.maxWait'],
    ['maxWait', 'batching.maxWait'],
    ['rate', 'arrivals.rate'],
    ['service.points.8.mean', 'service.points.8.mean'],
    ['arrivals.stages.0.rate', 'arrivals.stages.0.rate'],
  ])('%s expands to %s', (given, field) => expect(fieldOf(given)).toBe(field))

  it.each([
    ['servres', "servres: is not a field of a scenario (did you mean 'servers'?)"],
    ['batching.maxwiat', "batching.maxwiat: is not a field of a scenario (did you mean 'batching.maxWait'?)"],
    ['service.points.__proto__', 'is not a field'],
    ['constructor', 'is not a field'],
    ['', 'is not a field'],
  ])('%j is refused', (given, message) => expect(() => fieldOf(given)).toThrow(message))
})

describe('a scenario with another value of a field', () => {
  it.each<[string, Scenario, string, unknown, object]>([
    [
      'keeps the rest',
      { ...scenario, batching: { maxBatchSize: 8 } },
      'batching.maxWait',
      5,
      { batching: { maxBatchSize: 8, maxWait: 5 } },
    ],
    ['makes what the field is in', scenario, 'queue.capacity', 3, { queue: { capacity: 3 } }],
    ['opens a rate alone', scenario, 'arrivals.rate', 5, { arrivals: { process: 'poisson', rate: 5 } }],
    [
      'opens a duration alone',
      scenario,
      'service.perItem',
      1,
      { service: { model: 'affine', base: '10ms', perItem: 1 } },
    ],
    [
      'reaches into lists',
      {
        ...scenario,
        arrivals: {
          process: 'stages',
          stages: [
            { rate: 1, duration: 2 },
            { rate: 3, duration: 4 },
          ],
        },
      },
      'arrivals.stages.1.rate',
      9,
      {
        arrivals: {
          process: 'stages',
          stages: [
            { rate: 1, duration: 2 },
            { rate: 9, duration: 4 },
          ],
        },
      },
    ],
  ])('%s', (_, from, field, value, expected) => {
    const before = structuredClone(from)
    const made = withField(from, field, value)
    expect(made).toEqual({ ...from, ...expected })
    expect(fieldIn(made, field)).toBe(value)
    expect(from).toEqual(before)
  })

  it('refuses an index out of range, and a parent without fields', () => {
    const staged: Scenario = { ...scenario, arrivals: { process: 'stages', stages: [{ rate: 1, duration: 2 }] } }
    expect(() => withField(staged, 'arrivals.stages.1.rate', 9)).toThrow('is out of range; the list has 1 entry')
    const odd = { ...scenario, queue: 5 } as unknown as Scenario
    expect(() => withField(odd, 'queue.capacity', 9)).toThrow('queue: has no fields to change, got 5')
  })
})
