import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkTuned } from '../../src/explore/tune/check-tuned.js'
import { type Tuned, tune } from '../../src/index.js'
import { interrupted, throughline } from '../support/processes/command-line.js'

const candidates = [
  { name: 'slow', quality: 0.9, price: 1, service: '25ms' },
  { name: 'quick', quality: 0.8, price: 2, service: '8ms' },
]
const flags = '--arrivals 100/s --process constant --requests 2000 --max-batch-size 1 --max-wait 0'.split(' ')
let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-tune-'))
  file = join(folder, 'models.json')
  await writeFile(file, JSON.stringify(candidates))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('throughline tune', () => {
  it('prints what the library gives', async () => {
    const args = ['--candidates', file, '--budget', 'p99=30ms', '--wishes', 'cost=1', '--json']
    const { code, stdout, stderr } = await throughline('tune', ...flags, ...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const scenario = { arrivals: { process: 'constant' as const, rate: 100 }, stop: { requests: 2000 } }
    const options = { budget: { p99: '30ms' }, candidates, wishes: { cost: 1 }, maxBatchSize: [1], maxWait: [0] }
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(await tune(scenario, options))))
  })

  it('prints a recommendation, and draws the front with the budget and every setting', async () => {
    const page = join(folder, 'tuned.html')
    const { code, stdout } = await throughline(
      'tune',
      ...flags,
      '--candidates',
      file,
      '--budget',
      'p99=30ms',
      '-o',
      page,
    )
    expect(code).toBe(0)
    expect(stdout.replace(/\s+/g, ' ')).toContain('Run slow on 3 servers, one request at a time, for 3 an hour')
    expect(stdout).toMatch(/^ quick +0\.800 +1 +1 +0 +8\.00 +2\.00 +5\.5\d +2\d\.?\d* % +100$/m)
    const html = await readFile(page, 'utf8')
    expect(html).toContain('p99 at most 30 ms')
    expect(html).toContain('slow, 3 servers, one at a time: p99 25 ms, 3 an hour, on the front')
    expect(html).toContain('Recommendation')
  })

  it('ends with 1 if nothing keeps the budget, and says what comes nearest', async () => {
    const { code, stdout } = await throughline('tune', ...flags, '--service', '10ms', '--budget', 'p99=5ms')
    expect(code).toBe(1)
    expect(stdout).toContain('No setting keeps p99 within 5 ms')
    expect(stdout.replace(/\s+/g, ' ')).toContain('has a p99 of 10 ms without any waiting')
  })

  it('gives the best so far on Ctrl-C', { tags: 'full' }, async () => {
    const long = '--arrivals 150/s --base 9ms --per-item 0.8ms --cv 0.5 --requests 100000 --budget p99=60ms --json'
    const { code, stdout } = await interrupted('tune', ...long.split(' '), '--candidates', file)
    // the first candidate had been searched
    const { interrupted: by, best } = JSON.parse(stdout) as Tuned
    expect({ code, by, confirmed: best?.confirmed }).toEqual({ code: 130, by: 'onProgress', confirmed: false })
  })

  it('prints what it found if the file cannot be written', async () => {
    const args = [...flags, '--service', '5ms', '--budget', 'p99=1s', '--json', '-o', join(folder, 'none', 'x.json')]
    const { code, stdout, stderr } = await throughline('tune', ...args)
    expect({ code, best: JSON.parse(stdout).best.servers }).toEqual({ code: 2, best: 1 })
    expect(stderr).toContain('is in a folder that does not exist')
  })

  it('is shown again by report, which checks what it reads', async () => {
    const args = [...flags, '--candidates', file, '--budget', 'p99=30ms', '--json']
    const { stdout: found } = await throughline('tune', ...args)
    const stored = join(folder, 'tuned.json')
    await writeFile(stored, found)
    const shown = await throughline('report', stored)
    expect(shown.code).toBe(0)
    expect(shown.stdout.replace(/\s+/g, ' ')).toContain('Run slow on 3 servers, one request at a time, for 3 an hour')
    const page = join(folder, 'again.html')
    expect((await throughline('report', stored, '-o', page)).code).toBe(0)
    expect(await readFile(page, 'utf8')).toContain('p99 at most 30 ms')
    const edited = JSON.parse(found)
    edited.front[0].servers = 7
    await writeFile(stored, JSON.stringify(edited))
    const refused = await throughline('report', stored)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('tuned.json: front.0: must be one of the settings that keep the budget')
    await writeFile(stored, JSON.stringify({ ...edited, sentence: 5 }))
    expect((await throughline('report', stored)).stderr).toContain('tuned.json: sentence: must be a string, got 5')
  })

  it('is refused with the file and the field if it was edited', () => {
    const tuned = { schema: 'throughline/tuned@1', budget: { p99: '1s' }, best: null, sentence: '', nearest: null }
    const whole = { ...tuned, front: [], candidates: [], settings: [], runs: 1, grid: 1, unsearched: [] }
    const setting = { candidate: null, quality: null, servers: 1, p99Ms: null, goodput: null, keepsBudget: true }
    const faultOf = (edited: object) => {
      try {
        checkTuned({ ...whole, ...edited }, { file: 'tuned.json' })
        return null
      } catch (error) {
        return (error as Error).message.split('\n')[0]
      }
    }
    expect(faultOf({})).toBeNull()
    for (const [edited, message] of [
      [{ front: 'none' }, 'front: must be a list, got "none"'],
      [{ front: undefined }, 'front: must be a list, got nothing'],
      [{ settings: [5] }, 'settings.0: must be an object, got 5'],
      [{ settings: [{ ...setting, batching: null, cost: {} }] }, 'settings.0.batching: must be an object, got null'],
      [{ candidates: [null] }, 'candidates.0: must be an object, got null'],
      [{ best: [] }, 'best: must be an object, got []'],
      [{ nearest: 'x' }, 'nearest: must be an object, got "x"'],
      [{ budget: 7 }, 'budget: '],
      [{ runs: '3' }, 'runs: must be a whole number, got "3"'],
    ] as const) {
      expect(faultOf(edited)).toContain(`tuned.json: ${message}`)
      expect(faultOf(edited)).not.toMatch(/Invalid|expected/)
    }
  })

  it.each([
    [['--service', '1ms'], '--budget: is required'],
    [['--service', '1ms', '--budget', ''], '--budget: is required'],
    [['--service', '1ms', '--budget', 'p99=1s', '--servers', '2'], '--servers: cannot be set, because tune chooses it'],
    [['--service', '1ms', '--budget', 'p99=1s,'], "--budget: must be a list of name=value, got ''"],
    [['--service', '1ms', '--budget', 'p99=1s,p99=2s'], '--budget: must give each name once, got p99 twice'],
    [['--service', '1ms', '--budget', 'p99=1s', '--most-servers', 'x'], '--most-servers: must be a whole number'],
    [['--candidates', 'none.json', '--budget', 'p99=1s'], 'none.json: does not exist'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await throughline('tune', ...flags, ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
