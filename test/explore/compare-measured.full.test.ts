import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { checkComparison } from '../../src/budget/comparison/check-comparison.js'
import { type Comparison, DESIGNS } from '../../src/budget/comparison/comparison.js'
import { type CompareProgress, compare } from '../../src/explore/compare.js'
import { MeasureError } from '../../src/measure/error.js'

/** Where the machine is so busy that most rounds are invalid, there is no telling, and it says so. */
function slowerIfTold({ pairs, findings }: Comparison): 'slower' | 'inconclusive' {
  const lost = findings.find(({ code }) => code === 'rounds-left-out')?.figures.leftOut ?? 0
  return pairs.length - lost >= 4 ? 'slower' : 'inconclusive'
}

const both = { arrivals: '100/s', stop: { duration: '200ms' } }

describe('compare, on a real clock', () => {
  it('finds a call that takes many times longer', async () => {
    const comparison = await compare(
      { ...both, base: { call: () => delay(1) }, head: { call: () => delay(60) } },
      { rounds: 8 },
    )
    expect(comparison.verdict).toBe(slowerIfTold(comparison))
    expect(comparison).toMatchObject({ engine: 'measure', base: { scenario: { call: { function: 'call' } } } })
    // sixty times as long is clear at once
    if (comparison.verdict === 'slower') expect(comparison.pairs.length).toBeLessThan(8)
    for (const { base, head } of comparison.pairs) expect(head.figures.p50).toBeGreaterThan(base.figures.p50 as number)
  })

  it('takes targets of different kinds', async () => {
    const { base, head } = await compare(
      { ...both, base: { call: () => delay(1) }, head: { handler: (batch: number[]) => batch } },
      { rounds: 2 },
    )
    expect(base.scenario).toHaveProperty('call')
    expect(head.scenario).toHaveProperty('handler')
  })

  it('counts the failures of each side, in each round', async () => {
    const fails = (index: number) => (index % 2 === 0 ? Promise.reject(new Error('no')) : delay(1))
    const { pairs } = await compare({ ...both, base: { call: () => delay(1) }, head: { call: fails } }, { rounds: 2 })
    expect(pairs).toHaveLength(2)
    for (const { base, head } of pairs) {
      expect(base.figures.errorRate).toBe(0)
      expect(head.figures.errorRate).toBeGreaterThan(0.2)
    }
  })

  it('fails with the error of a base that never works, or of a side that cannot load, naming the side', async () => {
    const never = () => Promise.reject(new Error('never'))
    const failed = await compare(
      { ...both, base: { call: never }, head: { call: () => delay(1) } },
      { rounds: 2 },
    ).catch((error) => error)
    expect(failed).toBeInstanceOf(MeasureError)
    expect(failed.message).toMatch(/^base: call never: no request .* the first failure: never/)
    for (const design of DESIGNS) {
      await expect(
        compare({ ...both, base: { call: () => delay(1) }, head: { handler: './nowhere.js' } }, { rounds: 2, design }),
      ).rejects.toThrow(/^head: handler .*nowhere\.js/)
    }
  })

  it('calls a head whose requests all fail slower, in all rounds or in one', async () => {
    const never = () => Promise.reject(new Error('never'))
    const comparison = await compare({ ...both, base: { call: () => delay(1) }, head: { call: never } }, { rounds: 12 })
    expect(comparison).toMatchObject({ verdict: slowerIfTold(comparison) })
    for (const { head } of comparison.pairs) {
      expect(head.figures).toMatchObject({ mean: null, p99: null, throughput: 0, errorRate: 1 })
    }
    expect(checkComparison(JSON.parse(JSON.stringify(comparison)))).toBeTruthy()
    let rounds = 0
    const failsOnce = (index: number) => {
      if (index === 0) rounds++
      return rounds === 2 ? never() : delay(1)
    }
    const once = {
      ...both,
      base: { call: () => delay(1) },
      head: { call: failsOnce },
    }
    const { pairs } = await compare(once, { rounds: 3 })
    expect(pairs.map(({ head }) => head.figures.errorRate === 1)).toEqual([false, true, false])
  })

  it('runs both at the same time in a duet, each on its own threads', async () => {
    const module = { handler: new URL('../measure/handlers/delay.js', import.meta.url) }
    const seen: string[] = []
    const given = { ...both, base: module, head: module }
    const { design, pairs } = await compare(given, {
      rounds: 2,
      design: availableParallelism() > 1 ? 'duet' : 'alternating',
      onProgress: ({ side }) => seen.push(side),
    })
    expect(pairs).toHaveLength(2)
    if (design === 'duet') expect(new Set(seen)).toEqual(new Set(['both']))
  })

  it('refuses a duet of two targets in this process', async () => {
    const call = () => delay(1)
    const duet = compare({ ...both, base: { call }, head: { call } }, { design: 'duet' })
    await expect(duet).rejects.toThrow(/^options\.design: must be 'alternating' if both targets run in this process/)
  })

  it('completes the current round if it is stopped early', async () => {
    let said = false
    const onProgress = ({ fraction }: CompareProgress) => {
      // within the second round of the first pair of two
      said ||= fraction > 0.25
      return !said
    }
    const call = () => delay(1)
    const { pairs, verdict, findings } = await compare(
      { ...both, stop: { duration: '400ms' }, base: { call }, head: { call } },
      { rounds: 2, onProgress },
    )
    expect(pairs).toHaveLength(1)
    expect(pairs[0]?.base.invalid.concat(pairs[0].head.invalid)).not.toContain('interrupted')
    expect(verdict).toBe('inconclusive')
    expect(findings.map(({ code }) => code)).toContain('interrupted')
  })

  it('stops within a round if it is aborted', async () => {
    const abort = new AbortController()
    const comparing = compare(
      { arrivals: '100/s', stop: { duration: '60s' }, base: { call: () => delay(1) }, head: { call: () => delay(1) } },
      { signal: abort.signal, onProgress: ({ fraction }) => fraction <= 0.0001 || abort.abort(new Error('enough')) },
    )
    await expect(comparing).rejects.toThrow('enough')
  })
})
