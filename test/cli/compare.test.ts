import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { simulate } from '../../src/simulate/simulate.js'
import { throughline } from '../support/processes/command-line.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, value: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(value))
  return path
}
const scenario = (service: string) => ({ arrivals: '500/s', service, stop: { requests: 1000 } })
const [ms1, ms12] = [file('1ms.json', scenario('1ms')), file('1.2ms.json', scenario('1.2ms'))]
const result = (service: string, requests = 100_000) => simulate({ ...scenario(service), stop: { requests } })
const [of1, of12] = [file('of-1ms.json', result('1ms')), file('of-1.2ms.json', result('1.2ms'))]
const ofFew = file('of-few.json', result('1ms', 500))

describe.concurrent('throughline compare', () => {
  it('runs two scenarios in turn, and exits with 1 if head is slower', async () => {
    const slower = await throughline('compare', ms1, ms12, '--rounds', '8')
    expect(slower).toMatchObject({ code: 1, stderr: '' })
    expect(slower.stdout).toMatch(/^\n head is slower: mean .* from 8 pairs\n\n metric /)
    expect(await throughline('compare', ms12, ms1, '--rounds', '8')).toMatchObject({ code: 0 })
    expect(await throughline('compare', ms1, ms1, '--rounds', '8')).toMatchObject({ code: 0 })
    expect(await throughline('compare', ms1, ms1, '--rounds', '7')).toMatchObject({ code: 3 })
  })

  it('compares two stored results, and prints only JSON with --json', async () => {
    const { code, stdout, stderr } = await throughline('compare', of1, of12, '--of', 'p99', '--within', '1%', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'throughline/comparison@1',
      design: 'unpaired',
      of: 'p99',
      within: 0.01,
      verdict: 'slower',
    })
    expect(await throughline('compare', of1, ofFew)).toMatchObject({ code: 3 })
  })

  it('measures scenarios if a side has a target', async () => {
    const handler = join(folder, 'handler.mjs')
    writeFileSync(handler, 'export default (batch) => batch\n')
    const measured = file('measured.json', { arrivals: '100/s', stop: { duration: '100ms' }, handler })
    const { code, stdout } = await throughline('compare', measured, measured, '--rounds', '2', '--json')
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({
      engine: 'measure',
      base: { environment: { platform: expect.any(String) } },
    })
  })

  it('accepts two handler modules, with scenario options', { tags: 'full' }, async () => {
    const handler = join(import.meta.dirname, 'scenarios', 'handler.ts')
    const flags = ['--arrivals', '100/s', '--duration', '100ms', '--rounds', '2', '--json']
    const { code, stdout } = await throughline('compare', handler, handler, ...flags)
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({
      engine: 'measure',
      base: { scenario: { handler: expect.stringMatching(/handler\.ts$/), stop: { duration: 100 } } },
    })
    expect(await throughline('compare', handler, handler)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /handler\.ts: is a handler module without arrivals; add an option such as --arrivals 200\/s/,
      ),
    })
  })

  it('compares base with itself', async () => {
    const { code, stdout } = await throughline('compare', ms1, '--null', '--rounds', '9')
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/base against itself is the same/),
    })
    expect(stdout).toMatch(/noise floor/)
  })

  it.each([
    ['base against itself with a second file', [ms1, ms12, '--null'], /--null: compares base with itself/],
    ['scenario options with results', [of1, of12, '--arrivals', '9/s'], /--arrivals: does not apply to two results/],
    ['a history with scenarios', [ms1, ms12, '--history', of1], /--history: does not apply to two scenarios/],
    ['a short history', [of1, of12, '--history', of1, of1], /--history: must be a list of at least 5 results/],
    ['one file', [ms1], /head: is missing: give a second file, or use --null to compare base with itself/],
    ['a missing file', [ms1, 'none.json'], /none\.json: does not exist/],
    ['a result and a scenario', [of1, ms1], /1ms\.json: must hold a result, because the other file does/],
    ['an unknown metric', [of1, of12, '--of', 'p98'], /'p98' is invalid/],
    ['an invalid fraction', [of1, of12, '--within', 'much'], /--within: must be a fraction .* got "much"/],
    ['one round', [ms1, ms12, '--rounds', '1'], /--rounds: .* got 1/],
    ['rounds with results', [of1, of12, '--rounds', '9'], /--rounds: does not apply to two results/],
    ['noise with scenarios', [ms1, ms12, '--machine-noise', '9%'], /--machine-noise: does not apply/],
    ['a scenario that cannot be run', [ms1, file('bad.json', { arrivals: 1 })], /head\.service: is required/],
  ])('rejects %s', async (_, args, message) => {
    const { code, stdout, stderr } = await throughline('compare', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})
