import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { simulate } from '../../src/index.js'
import { checkResult } from '../../src/result/check.js'
import { throughline } from '../support/processes/command-line.js'

const scenario = { arrivals: '100/s', service: '2ms', stop: { requests: 2000 } } as const
let folder: string
const file = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-merge-'))
  const results = [1, 2].map((seed) => simulate({ ...scenario, seed }))
  await Promise.all(results.map((result, i) => writeFile(file(`run-${i + 1}.json`), JSON.stringify(result))))
  const startedAt = '2026-01-01T00:00:00.000Z'
  const shards = [1, 2].map((index) => ({ ...results[0], shard: { index, count: 2, startedAt } }))
  await Promise.all(shards.map((result, i) => writeFile(file(`shard-${i + 1}.json`), JSON.stringify(result))))
})
afterAll(() => rm(folder, { recursive: true }))

describe('throughline merge', () => {
  it('merges files, prints the result and writes it', async () => {
    const files = [file('run-1.json'), file('run-2.json')]
    const output = file('merged.json')
    const { stdout, stderr, code } = await throughline('merge', ...files, '--as', 'replications', '-o', output)
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toContain('2 machines as replications')
    expect(stdout).toContain('run-1')
    const merged = checkResult(JSON.parse(await readFile(output, 'utf8')))
    expect(merged.counts.offered).toBe(3600)
    expect(merged.merged?.machines.map(({ name }) => name)).toEqual(files.map((each) => each.replace('.json', '')))
  })

  it('takes results of --shard as shards', async () => {
    const { stdout, code } = await throughline('merge', file('shard-1.json'), file('shard-2.json'), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout).merged.as).toBe('shards')
  })

  it.each([
    [['run-1.json', 'run-2.json'], 'throughline: --as: is required: shards if the machines ran at the same time'],
    [['run-1.json'], 'throughline: merge: needs the files of two or more results'],
    [
      ['run-1.json', 'run-2.json', '-o', 'merged.html'],
      'throughline: merged.html: must have one of these extensions: .json',
    ],
    [['run-1.json', 'shard-2.json', '--as', 'shards'], 'shard-2.shard: must be nothing, as in '],
  ])('refuses %j', async (args, said) => {
    const { stderr, code } = await throughline('merge', ...args.map((arg) => (arg.endsWith('.json') ? file(arg) : arg)))
    expect(code).toBe(2)
    expect(stderr).toContain(said)
  })
})
