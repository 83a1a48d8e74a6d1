import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareResults, simulate, sweep } from '../../src/index.js'
import { throughline } from '../support/processes/command-line.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string) => join(folder, name)
function file(name: string, value: unknown): string {
  writeFileSync(path(name), typeof value === 'string' ? value : JSON.stringify(value))
  return path(name)
}

function madeFolder(name: string): string {
  mkdirSync(path(name), { recursive: true })
  return path(name)
}

const scenario = { arrivals: '500/s', service: '1ms', stop: { requests: 20_000 } }
const result = simulate(scenario)
const [one, two] = [file('one.json', result), file('two.json', result)]
const swept = file(
  'sweep.json',
  (await sweep(scenario, { 'queue.capacity': [5, null] })).map(({ point, result }) => ({ ...point, result })),
)
const comparison = file('comparison.json', compareResults(result, result))

describe('throughline report', () => {
  it.each([
    ['a result', [one], /Simulated {2}500\/s[\s\S]*Where the time went/],
    ['several results', [one, two], / one\n\n Simulated[\s\S]* two\n\n Simulated/],
    ['a sweep', [swept], /capacity[\s\S]*○ simulated/],
    ['a comparison', [comparison], /from\s+two results/],
  ])('shows %s', async (_, files, shown) => {
    const { code, stdout, stderr } = await throughline('report', ...files)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(shown)
  })

  it.each([
    ['result.html', [one], /^<!doctype html>[\s\S]*500\/s/i],
    ['results.html', [one, two], /<html[\s\S]*one[\s\S]*two/],
    ['sweep.html', [swept], /<svg/],
    ['comparison.html', [comparison], /<html/],
    ['result.md', [one], /^### Simulated: latency p99/],
    ['results.csv', [one, two], /^name,engine,[\s\S]*\none,simulate[\s\S]*\ntwo,simulate/],
    ['result.hgrm', [one], /^ +Value +Percentile TotalCount/],
    ['results.hlog', [one, two], /\nTag=two\.latency,/],
    ['result.json', [one], /^{\n {2}"schema": "throughline\/result@1"/],
    ['sweep.svg', [swept], /^<svg /],
    ['sweep.csv', [swept], /^queue\.capacity,engine/],
    ['sweep.md', [swept], /\| queue capacity \|/],
    ['comparison.md', [comparison], /^### /],
  ])('writes %s', async (name, files, content) => {
    const { code, stdout, stderr } = await throughline('report', ...files, '--output', path(name))
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(path(name), 'utf8')).toMatch(content)
  })

  it('prints the format of --format', async () => {
    expect((await throughline('report', one, '--format', 'csv')).stdout).toMatch(/^name,/)
  })

  const newer = JSON.stringify({ ...result, schema: 'throughline/result@2' })
  const polluted = JSON.stringify(result).replace('{', '{"__proto__":{"polluted":true},')
  it.each<[string, () => string[], RegExp]>([
    [
      'a file that is cut short',
      () => [file('cut.json', JSON.stringify(result).slice(0, 500))],
      /cut\.json: is not JSON/,
    ],
    [
      'a file of something else',
      () => [one, file('else.json', { hello: 1 })],
      /else\.json: must hold a result, a sweep, a comparison, a gate or a tune result, as printed by --json, got {"hello":1}/,
    ],
    ['a list of something else', () => [file('list.json', [1])], /list\.json: \[0\]: must be a point of a sweep/],
    [
      'a result of a newer version',
      () => [file('newer.json', newer)],
      /newer\.json: must be a result.*got "throughline\/result@2"/,
    ],
    [
      'a result with a figure changed',
      () => [file('edited.json', { ...result, utilization: 7 })],
      /edited\.json: utilization: must be at most 1/,
    ],
    [
      'a sweep of an unknown field',
      () => [file('odd.json', [{ constructor: 1, result }])],
      /odd\.json: \[0\]\.constructor: is not a field of a scenario/,
    ],
    ['a sweep and a result', () => [swept, one], /sweep\.json: is a sweep, which must be the only file/],
    [
      'the extension of a JUnit report',
      () => [one, '-o', path('junit.xml')],
      /junit\.xml: is a JUnit report; write it with throughline check <result> --budget <limits> --output /,
    ],
    [
      'a name without an extension',
      () => [one, '-o', path('result')],
      /result: must have one of these extensions: \.html/,
    ],
    ['a comparison as a histogram', () => [comparison, '-o', path('x.hgrm')], /cannot write a comparison as \.hgrm/],
    ['a folder to write to', () => [one, '-o', madeFolder('made.csv')], /made\.csv: is a folder/],
    ['a missing folder', () => [one, '-o', path('none/x.csv')], /x\.csv: is in a folder that does not exist/],
    ...(existsSync('/dev/full')
      ? [
          [
            'a device that is full',
            () => [one, '--format', 'csv', '-o', '/dev/full'],
            /\/dev\/full: cannot be written \(ENOSPC\)/,
          ] as [string, () => string[], RegExp],
        ]
      : []),
    ['an unknown format', () => [one, '--format', 'pdf'], /'pdf' is invalid/],
  ])('rejects %s in one line, with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await throughline('report', ...args())
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^throughline: /)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it('treats __proto__ like any other key', async () => {
    const { code } = await throughline('report', file('polluted.json', polluted))
    expect(code).toBe(0)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('escapes control characters in labels', async () => {
    const evil = { ...result, scenario: { ...result.scenario, handler: '\u001b]0;owned\u0007\u001b[2J<b>' } }
    const args = [file('evil.json', { ...evil, engine: 'measure' })]
    for (const format of [[], ['--format', 'md'], ['--format', 'csv']]) {
      const { code, stdout } = await throughline('report', ...args, ...format)
      expect(code).toBe(0)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the output must not have any
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
    }
    const { stderr } = await throughline('report', path('\u001b[31mnone.json'))
    expect(stderr).toContain('␛[31mnone.json: does not exist')
    const { stdout } = await throughline('report', file('\u001b[2Jevil.json', result), one)
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain('[2Jevil')
  })
})

describe('throughline check --output', () => {
  it.each([
    ['junit.xml', /<testsuites name="throughline" tests="2" failures="1"/],
    ['verdict.md', /^### ❌ Budget broken/],
    ['verdict.json', /^{\n {2}"verdict": "fail"/],
  ])('writes %s', async (name, content) => {
    const budget = file('budget.json', { p99: '1us' })
    expect(await throughline('check', one, '--budget', budget, '-o', path(name))).toMatchObject({ code: 1, stderr: '' })
    expect(readFileSync(path(name), 'utf8')).toMatch(content)
  })

  it('treats an inconclusive result by --on-inconclusive', async () => {
    // the true p99 is as likely above as below its estimate
    const { latencyMs } = JSON.parse(readFileSync(one, 'utf8'))
    const budget = file('inconclusive.json', { p99: latencyMs.p99 })
    expect(await throughline('check', one, '--budget', budget)).toMatchObject({ code: 3 })
    const args = ['--budget', budget, '--on-inconclusive', 'pass', '-o', path('inconclusive.xml')]
    expect(await throughline('check', one, ...args)).toMatchObject({ code: 0 })
    expect(readFileSync(path('inconclusive.xml'), 'utf8')).toContain('<skipped message=')
    expect(existsSync(path('budget.xml'))).toBe(false)
  })
})
