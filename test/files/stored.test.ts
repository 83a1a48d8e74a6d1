import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readBudget, readResult, readScenario, writeComparison, writeResult } from '../../src/files/stored.js'
import { simulate } from '../../src/simulate/simulate.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('files', () => {
  it('hold scenarios', async () => {
    expect(await readScenario(file('scenario.json', '{ "arrivals": "800/s" }'))).toEqual({ arrivals: '800/s' })
  })

  it('hold results, which read back as they were', async () => {
    const result = simulate({ arrivals: 50, service: '10ms', stop: { requests: 1000 } })
    const path = join(folder, 'result.json')
    await writeResult(path, result)
    expect(await readResult(path)).toEqual(result)
    await expect(readScenario(path)).rejects.toThrow(
      `${path}: must hold a scenario, but holds a result; use the value of its field 'scenario'`,
    )
  })

  it.each([
    ['the promise of one', () => Promise.resolve({}), /must be a result.*did you forget await/],
    ['undefined', () => undefined, /must be a result.*got nothing/],
    ['a budget', () => ({ p99: '1ms' }), /must be a result/],
  ])('are not written for %s', async (_, made, message) => {
    const path = join(folder, 'not-written.json')
    await expect(writeResult(path, made() as never)).rejects.toThrow(message)
    await expect(writeComparison(path, made() as never)).rejects.toThrow('must be a comparison')
    expect(existsSync(path)).toBe(false)
  })

  it('hold budgets', async () => {
    const budget = { p99: '100ms', errorRate: '< 1%' }
    expect(await readBudget(file('budget.json', JSON.stringify(budget)))).toEqual(budget)
    const path = file('wrong.json', '{ "p99": "5/s" }')
    await expect(readBudget(path)).rejects.toThrow(`${path}: p99: must be a time`)
  })

  it.each([
    ['that is missing', () => join(folder, 'none.json'), 'does not exist'],
    ['that is a folder', () => folder, 'is a folder'],
    ['cut short', () => file('cut.json', '{ "arrivals": '), 'is not JSON'],
    ['of something else', () => file('list.json', '[1]'), 'must hold a scenario'],
  ])('reject a file %s, naming it', async (_, path, message) => {
    await expect(readScenario(path())).rejects.toThrow(message)
    await expect(readScenario(path())).rejects.toThrow(path())
  })

  it('may begin with a byte order mark', async () => {
    const path = file('marked.json', '\uFEFF{ "p99": "100ms" }')
    expect(await readBudget(path)).toEqual({ p99: '100ms' })
  })

  it.each(['utf-16le', 'utf-16be'])('may be %s with a byte order mark, as some shells write', async (encoding) => {
    const bytes = Buffer.from('\uFEFF{ "p99": "100ms" }', 'utf16le')
    const path = join(folder, `${encoding}.json`)
    writeFileSync(path, encoding === 'utf-16be' ? bytes.swap16() : bytes)
    expect(await readBudget(path)).toEqual({ p99: '100ms' })
  })

  it('are rejected if not text, or nested too deep', async () => {
    const path = file('not-text.json', '')
    writeFileSync(path, Buffer.from('{"p99":"1ms"}', 'utf16le'))
    await expect(readBudget(path)).rejects.toThrow(`${path}: holds null bytes, so it is not a text file`)
    writeFileSync(path, Buffer.from([0x7b, 0xff]))
    await expect(readBudget(path)).rejects.toThrow(`${path}: is not valid UTF-8 text`)
    const deep = file('deep.json', `{"servers":${'['.repeat(6000)}${']'.repeat(6000)},"[\\"[":"["}`)
    await expect(readScenario(deep)).rejects.toThrow(`${deep}: is nested 6001 levels deep; the limit is 100`)
  })

  it('reject a result of another version', async () => {
    const path = file('newer.json', '{ "schema": "throughline/result@2" }')
    await expect(readResult(path)).rejects.toThrow(`${path}: must be a result with the schema "throughline/result@1"`)
  })
})
