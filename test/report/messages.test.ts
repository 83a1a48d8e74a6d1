import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { locate } from '../../src/handler/module.js'
import { measure, percentile } from '../../src/index.js'
import { renderResult, renderResultsCsv } from '../../src/report/index.js'
import { messageOf, show } from '../../src/validation/validation-error.js'
import { result } from '../support/results/example-result.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('messages', () => {
  it.each([
    [new Error('no'), 'no'],
    ['no', 'no'],
    [null, 'null was thrown'],
    [undefined, 'undefined was thrown'],
    [{ a: 1 }, '{"a":1} was thrown'],
  ])('of a thrown value: %j', (thrown, said) => expect(messageOf(thrown)).toBe(said))

  it('of any value are short, and never throw', () => {
    const circle: unknown[] = []
    circle.push(circle)
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    for (const value of [circle, hostile, Object.create(null), { a: 1n }, Symbol('s'), 'x'.repeat(1e6)]) {
      expect(show(value).length).toBeLessThanOrEqual(60)
    }
  })

  it('of a missing module name a similar file next to it', () => {
    writeFileSync(join(folder, 'faster.ts'), '')
    expect(() => locate(join(folder, 'faster.js'))).toThrow('there is no such file; there is faster.ts')
  })

  it('of an invalid percentile name it', () => {
    expect(() => percentile(result.latencyMs, Symbol('p') as never)).toThrow(
      'percentile: must be above 0 and at most 100',
    )
  })

  it('in CSV hold no control characters', () => {
    expect(renderResultsCsv([{ name: 'a\u001b[31m', result }])).not.toContain('\u001b')
  })

  it('of a call name it once, and show the beginning of a long error', async () => {
    const call = async (i: number) => {
      if (i % 3 === 0) throw new Error('x'.repeat(1_000_000))
    }
    const measured = await measure({ arrivals: 200, call, stop: { duration: 200 } })
    expect(JSON.stringify(measured).length).toBeLessThan(100_000)
    const said = renderResult({ ...measured, validity: { valid: true, findings: [] } })
    expect(said).toContain('each on its own')
    expect(said).toContain('unlimited requests in flight: call\n')
  })
})
