import { describe, expect, it } from 'vitest'
import { assertNotSlower, ComparisonError } from '../../src/budget/comparison/assert-not-slower.js'
import { compare } from '../../src/explore/compare.js'

const given = { arrivals: '500/s', stop: { requests: 1000 } }
const of = (base: string, head: string, rounds = 8) =>
  compare({ ...given, base: { service: base }, head: { service: head } }, { rounds })

describe('assertNotSlower', () => {
  it('passes if head is the same or faster', async () => {
    assertNotSlower(await of('1ms', '1ms'))
    assertNotSlower(await of('1.2ms', '1ms'))
  })

  it('throws the table if head is slower', async () => {
    const comparison = await of('1ms', '1.2ms')
    let thrown: unknown
    try {
      assertNotSlower(comparison)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(ComparisonError)
    expect(thrown).toMatchObject({ name: 'ComparisonError', verdict: 'slower', comparison })
    expect((thrown as Error).message).toMatch(/^head is slower: mean .*\n\n metric {2}/)
  })

  it('rejects a value that is not a comparison', () => {
    expect(() => assertNotSlower({} as never)).toThrow('comparison: must be a comparison with the schema')
  })

  it('throws if inconclusive, unless that may pass', async () => {
    const comparison = await of('1ms', '1ms', 3)
    expect(() => assertNotSlower(comparison)).toThrow('a 99 % interval needs 4 pairs, got 3')
    assertNotSlower(comparison, { onInconclusive: 'pass' })
  })
})
