import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { simulate } from '../../../src/simulate/simulate.js'
import { throughline } from '../../support/processes/command-line.js'
import { makeRepositories, scenarioSource } from './repository.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const repository = makeRepositories()
const path = (name: string) => join(folder, name)
const result = (name: string, service: string, seed = 1) => {
  writeFileSync(path(name), JSON.stringify(simulate({ arrivals: '500/s', service, seed, stop: { requests: 20_000 } })))
  return path(name)
}
const [quick, slow] = [result('quick.json', '1ms'), result('slow.json', '1.2ms')]
const readLines = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe.concurrent('throughline history', () => {
  it('adds results, and shows their changes', async () => {
    const file = path('changed.jsonl')
    const add = (from: string, commit: string) =>
      throughline('history', 'add', from, '--file', file, '--name', 'order', '--commit', commit)
    expect(await add(quick, 'a0')).toEqual({ code: 0, signal: null, stdout: `Added 1 run to ${file}\n`, stderr: '' })
    for (let i = 1; i < 16; i++) await add(i < 8 ? quick : slow, `a${i}`)
    expect(readLines(file)).toHaveLength(16)
    const { code, stdout } = await throughline('history', 'show', '--file', file, '--of', 'service.mean')
    expect(code).toBe(0)
    expect(stdout).toMatch(/ order: service\.mean on virtual time\n/)
    expect(stdout).toMatch(/ a8 .* 1\.20 times \(1 ms to 1\.20 ms\)\n/)
    const json = await throughline('history', 'show', '--file', file, '--json', '--output', path('history.html'))
    expect(JSON.parse(json.stdout)).toMatchObject([
      { name: 'order', metric: 'mean', changes: [{ at: 8, commit: 'a8' }] },
    ])
    expect(readFileSync(path('history.html'), 'utf8')).toMatch(/Changed at a8/)
  })

  it('names results by their files, and shows one of them alone', async () => {
    const file = path('named.jsonl')
    const { code, stdout } = await throughline('history', 'add', quick, slow, '--file', file, '--commit', 'b', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'quick' }, { name: 'slow' }])
    const shown = await throughline('history', 'show', '--file', file, '--name', 'slow')
    expect(shown.stdout).toMatch(/slow: mean/)
    expect(shown.stdout).not.toMatch(/quick/)
  })

  it('adds the report of a gate, with the current commit', { tags: 'full' }, async () => {
    const at = repository({ 'a.throughline.mjs': scenarioSource('order', "'1ms'") })
    const gate = join(at.temporary, 'gate.json')
    expect(await at.gate('main', '-o', gate)).toMatchObject({ code: 0 })
    expect(await at.start(['history', 'add', gate, quick]).ended).toMatchObject({ code: 0 })
    const commit = at.git('rev-parse', 'HEAD')
    expect(readLines(join(at.root, '.throughline/history.jsonl'))).toMatchObject([
      { name: 'order', commit, engine: 'simulate', figures: { 'service.mean': 1 } },
      { name: 'quick', commit },
    ])
  })

  it('gives compare the noise of the machine', async () => {
    const file = path('noise.jsonl')
    const seeds = [1, 2, 3, 4, 5]
    const others = seeds.map((seed) => result(`seed-${seed}.json`, '1ms', seed))
    await throughline('history', 'add', ...others, '--file', file, '--commit', 'c')
    const stored = await throughline('compare', quick, slow, '--history', file, '--json')
    const results = await throughline('compare', quick, slow, '--history', ...others, '--json')
    expect(JSON.parse(stored.stdout)).toEqual(JSON.parse(results.stdout))
    writeFileSync(path('short.jsonl'), readFileSync(file, 'utf8').split('\n').slice(0, 4).join('\n'))
    const { code, stderr } = await throughline('compare', quick, slow, '--history', path('short.jsonl'))
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /short\.jsonl: must hold at least 5 valid runs with the load and machine of base \(virtual time\), got 4 of 4\n$/,
    )
  })

  it.each([
    ['another action', ['drop'], /'drop' is invalid for argument 'action'/],
    ['nothing to add', ['add'], /history add: needs JSON files of results or gates/],
    ['a missing result', ['add', path('none.json')], /none\.json: does not exist/],
    ['one name for several', ['add', quick, slow, '--name', 'x'], /--name: applies to one file, got 2/],
    ['an option that does not apply', ['add', quick, '--of', 'p99'], /--of: does not apply to history add/],
    ['files to show', ['show', quick], /history show: takes no files/],
    ['a missing history', ['show', '--file', path('none.jsonl')], /none\.jsonl: does not exist/],
    ['an unknown format', ['show', '-o', 'x.csv'], /x\.csv: must have one of these extensions: \.html, \.json/],
  ])('rejects %s', async (_, args, message) => {
    const { code, stdout, stderr } = await throughline('history', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})
