import { describe, expect, it } from 'vitest'
import { atLength } from '../../support/at-length.js'
import { scripted } from './bench-files.js'
import { makeRepositories, readReport } from './repository.js'

// One case of each kind, with scripted times; bench.full.test.ts has the others, and runs tinybench and vitest.

const repository = makeRepositories()

describe.concurrent('throughline compare --base-ref --runner', () => {
  it('compares each task of the files of both sides, and leaves nothing behind', { tags: 'at-length' }, async () => {
    // four pairs show four times the time, ten that nothing changed
    const rounds = atLength(10, 4)
    const at = repository(scripted({ parse: 1, print: 2, gone: 3 }))
    at.write(scripted({ parse: 4, print: 2, added: 1 }))
    const { code, stdout, stderr } = await at.gate('main', '--runner', 'tinybench', '--rounds', `${rounds}`, '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const { verdict, runner, scenarios } = readReport(stdout)
    expect({ verdict, runner }).toEqual({ verdict: 'fail', runner: 'tinybench' })
    const file = 'a.bench.js'
    expect(scenarios).toMatchObject([
      { name: 'parse', file, in: 'both', verdict: 'fail', confirmation: { verdict: 'slower' } },
      { name: 'print', file, in: 'both', verdict: rounds === 10 ? 'pass' : 'inconclusive', confirmation: null },
      { name: 'added', file, in: 'head', verdict: 'pass', reason: 'only in head: nothing to compare with' },
      { name: 'gone', file, in: 'base', verdict: 'pass', reason: 'only in base: removed or renamed' },
    ])
    const [parse, print] = scenarios.map(({ comparison }) => comparison)
    expect(parse).toMatchObject({ engine: 'bench', of: 'p50', verdict: 'slower', design: 'alternating' })
    expect(parse?.metrics.find(({ metric }) => metric === 'p50')).toMatchObject({ base: 1, head: 4, ratio: 4 })
    expect([parse?.pairs.length, print?.pairs.length]).toEqual([4, rounds])
    expect(print).toMatchObject({ verdict: rounds === 10 ? 'same' : 'inconclusive' })
    expect(at.leftovers()).toEqual([])
  })

  it('reports a task that fails, and compares the others of its file, and the other files', {
    tags: 'full',
  }, async () => {
    const at = repository(scripted({ parse: 4 }), scripted({ print: 1, fold: 1 }, 'b.bench.js'))
    // four pairs show each of these
    at.write(scripted({ parse: 1 }))
    at.write(scripted({ print: 'no paper', fold: 4 }, 'b.bench.js'))
    const { code, stdout } = await at.gate('main', '--runner', 'tinybench')
    expect(code).toBe(2)
    expect(stdout).toMatch(/ Slower than main: fold; cannot be run: print\n/)
    expect(stdout).toMatch(/ parse +p50 .* faster\n print +cannot be run\n fold +p50 .* slower\n/)
    expect(stdout).toMatch(/ print: head: failed: no paper\n/)
    expect(at.leftovers()).toEqual([])
  })
})
