import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineHandler, type Scenario } from '../../src/index.js'
import { withoutSecrets } from '../../src/scenario/http/secrets.js'
import { outcomeByStatus } from '../../src/scenario/http.js'
import { targetName } from '../../src/scenario/target.js'

describe('the types of a scenario', () => {
  it('allow one target, and infer the parameters of its functions', () => {
    const call: Scenario = {
      arrivals: 1,
      call: (index, { signal }) => {
        expectTypeOf(index).toEqualTypeOf<number>()
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      },
    }
    const handler: Scenario = {
      arrivals: 1,
      handler: (batch) => {
        expectTypeOf(batch).toEqualTypeOf<number[]>()
        return batch
      },
    }
    const parts: Scenario = {
      arrivals: 1,
      handler: defineHandler({
        setup: () => ({ rate: 3 }),
        input: String,
        run: (batch, { state }) => {
          expectTypeOf(batch).toEqualTypeOf<string[]>()
          expectTypeOf(state).toEqualTypeOf<{ rate: number }>()
          return batch
        },
      }),
    }
    const one: Scenario = { arrivals: 1, http: { url: 'http://a', body: (index) => `${index.toFixed()}` } }
    const batch: Scenario = {
      arrivals: 1,
      http: { url: 'http://a', batch: true, body: (indices) => indices.map(String) },
    }
    // @ts-expect-error: two targets
    const two: Scenario = { arrivals: 1, call: () => 1, http: { url: 'http://a' } }
    // @ts-expect-error: two targets
    const other: Scenario = { arrivals: 1, call: () => 1, handler: './model.ts' }
    expect([call, handler, parts, one, batch, two, other]).toHaveLength(7)
  })
})

it.each([
  [
    ['4xx', '5xx'],
    [400, 404, 503, 599, 600],
    [100, 200, 304, 399],
  ],
  [
    ['5xx', 429],
    [429, 500, 700],
    [400, 428, 200],
  ],
  [[], [600], [200, 500]],
] as [string[], number[], number[]][])('the statuses that %j make failures', (failures, failing, fine) => {
  const outcomeOf = outcomeByStatus({ failures })
  const fails = (status: number) => outcomeOf(status) === 'failed'
  expect(failing.map(fails)).toEqual(failing.map(() => true))
  expect(fine.map(fails)).toEqual(fine.map(() => false))
})

it('a URL is shown without its secrets', () => {
  expect(withoutSecrets('http://me:hush@a.example/p?token=hush&page=2')).toBe(
    'http://__redacted__:__redacted__@a.example/p?token=__redacted__&page=2',
  )
  expect(withoutSecrets('https://a.example/p?keyboard=us')).toBe('https://a.example/p?keyboard=us')
})

it('a target has a name', () => {
  expect(targetName({ call: function pay() {} })).toBe('call pay')
  expect(targetName({ call: () => 1 })).toBe('call')
  expect(targetName({ handler: { function: 'run', rerunnable: false } })).toBe('handler run')
  expect(targetName({ handler: '/a/model.ts' })).toBe('handler /a/model.ts')
})
