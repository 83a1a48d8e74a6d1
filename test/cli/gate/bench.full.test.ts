import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { linkPackages, scripted } from './bench-files.js'
import { type Files, IGNORED, makeRepositories, type Repository, readReport, until } from './repository.js'

// processes of vitest take seconds each
const TIMEOUT = 400_000
const repository = makeRepositories()
/** Enough pairs to find four times the time. */
const FEW = ['--rounds', '4', '--duration', '20ms']

/** A module whose function takes a time that grows with `steps`. */
const work = (steps: number): Files => ({
  'work.js': `export function work() { let sum = 0; for (let i = 0; i < ${steps}; i++) sum = (sum * 31 + i) | 0; return sum }\n`,
})

describe('real micro-benchmarks', { timeout: TIMEOUT }, () => {
  it('of vitest bench', async () => {
    const at = repository({
      ...IGNORED,
      ...work(20_000),
      'a.bench.js': `import { bench, describe } from 'vitest'
import { work } from './work.js'
describe('sums', () => {
  bench('all', () => { work() }, { warmupTime: 20 })
  bench.skip('none', () => {})
})
bench('all', () => { work() }, { warmupTime: 20 })
bench('all', () => {}, { warmupTime: 20 })
describe('faults', () => {
  let runs = 0
  bench('at once', () => { throw new Error('no paper') }, { warmupTime: 20 })
  bench('later', () => { if (++runs > 1000) throw new Error('no more paper') }, { warmupTime: 1, iterations: 2000 })
})
`,
    })
    linkPackages(at, 'vitest')
    at.write(work(200_000))
    const { code, stdout, stderr } = await at.gate('main', '--runner', 'vitest', ...FEW, '--json')
    // a task that fails does not keep the others from being compared
    expect({ code, stderr: stderr.replace(/^throughline: .*\n/gm, '') }).toEqual({ code: 2, stderr: '' })
    const { scenarios, base } = readReport(stdout)
    const reasons = scenarios.filter(({ verdict }) => verdict === 'failed').map(({ name, reason }) => [name, reason])
    expect(reasons.sort()).toEqual([
      ['faults > at once', 'head: failed: no paper'],
      ['faults > later', 'head: failed: no more paper'],
    ])
    expect(base).toMatchObject({ dependencies: 'linked' })
    const verdicts = Object.fromEntries(scenarios.map(({ name, verdict }) => [name, verdict]))
    expect(verdicts).toMatchObject({ 'sums > all': 'fail', all: 'fail' })
    expect(Object.keys(verdicts).sort()).toEqual(['all', 'all (2)', 'faults > at once', 'faults > later', 'sums > all'])
    expect(verdicts['all (2)']).not.toBe('fail')
    expect(at.leftovers()).toEqual([])
  })

  it('of tinybench', async () => {
    const at = repository({
      ...IGNORED,
      ...work(20_000),
      'a.bench.js': `import { Bench } from 'tinybench'
import { work } from './work.js'
export default new Bench({ warmupTime: 10, throws: true })
  .add('none', () => { throw new Error('no paper') })
  .add('one', () => work())
export const second = new Bench({ warmupTime: 10 }).add('two', async () => work())
await second.run()
`,
    })
    linkPackages(at, 'tinybench')
    // with few pairs, the compiler of some processes makes the faster one several times slower
    at.write(work(600_000))
    const { code, stdout } = await at.gate('main', '--runner', 'tinybench', ...FEW, '--json')
    expect(code).toBe(2)
    const { scenarios } = readReport(stdout)
    expect(scenarios).toMatchObject([
      { name: 'none', verdict: 'failed', reason: 'head: failed: no paper' },
      { name: 'one', verdict: 'fail' },
      { name: 'second > two', verdict: 'fail' },
    ])
    const median = scenarios[1]?.comparison?.metrics.find(({ metric }) => metric === 'p50')
    expect(median?.ratio).toBeGreaterThan(3)
    expect(at.leftovers()).toEqual([])
  })
})

describe.concurrent('micro-benchmarks', { timeout: TIMEOUT }, () => {
  it('estimate the detectable change, and write every format', async () => {
    const at = repository(scripted({ parse: 1, fast: 0.0001 }))
    const outputs = ['md', 'xml', 'html', 'json'].flatMap((format) => ['-o', `../tmp/gate.${format}`])
    const { code, stdout } = await at.gate('main', '--runner', 'tinybench', ...outputs)
    expect(code).toBe(0)
    expect(stdout).toMatch(/ None of 2 tasks is slower than main\n\n task +metric/)
    expect(stdout).toMatch(/Can detect changes of 5 % or more in each/)
    expect(stdout).toMatch(/fast: takes less than 1 us, much of it reading the clock/)
    const again = await at.start(['report', '../tmp/gate.json']).ended
    expect(again).toMatchObject({ code: 0, stdout })
    const added = await at.start(['history', 'add', '../tmp/gate.json', '--file', '../tmp/history.jsonl']).ended
    expect(added).toMatchObject({ code: 0, stdout: 'Added 2 runs to ../tmp/history.jsonl\n' })
    const shown = await at.start(['history', 'show', '--of', 'p50', '--file', '../tmp/history.jsonl']).ended
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/parse/) })
  })

  it('that one side lacks are reported', async () => {
    const at = repository(scripted({ kept: 1 }), scripted({ left: 1 }, 'b.bench.js'))
    at.write({ ...scripted({ added: 1 }, 'c.bench.js'), 'b.bench.js': null })
    const { code, stdout } = await at.gate('main', '--runner', 'tinybench', '--json')
    expect(code).toBe(0)
    const where = readReport(stdout).scenarios.map(({ name, file, in: side }) => [name, file, side])
    expect(where).toEqual([
      ['kept', 'a.bench.js', 'both'],
      ['added', 'c.bench.js', 'head'],
      ['left', 'b.bench.js', 'base'],
    ])
  })

  it('of the same name get the names of their files', async () => {
    const at = repository(scripted({ parse: 1 }), scripted({ parse: 1 }, 'sub/b.bench.js'), {
      'sub/scripted.js': scripted({})['scripted.js'] as string,
    })
    const { stdout } = await at.gate('main', '--runner', 'tinybench', '--json')
    const names = readReport(stdout).scenarios.map(({ name }) => name)
    expect(names).toEqual(['parse (a.bench.js)', 'parse (sub/b.bench.js)'])
  })

  it.each([
    ['cannot be loaded', 'a.bench.js', 'throw new Error("no engine")\n', /a\.bench\.js: head: failed: no engine\n/],
    ['export no Bench', 'a.bench.js', 'export const a = 1\n', /head: failed: exports no Bench of tinybench; export it/],
    ['have no task', 'a.bench.js', scripted({})['a.bench.js'] as string, /a\.bench\.js: head: has no benchmark\n/],
    ['end the process', 'a.bench.js', 'process.exit(3)\n', /head: exited early; it printed nothing\n/],
  ])('that %s are reported', async (_, file, source, message) => {
    const at = repository({ ...scripted({ parse: 1 }), [file]: source })
    const { code, stdout } = await at.gate('main', '--runner', 'tinybench')
    expect(code).toBe(2)
    expect(stdout).toMatch(message)
    expect(at.leftovers()).toEqual([])
  })

  it('may leave processes, which are ended', async () => {
    const at = repository(scripted({ parse: 1 }))
    const source = `import { spawn } from 'node:child_process'\nspawn('sleep', ['614'], { stdio: 'inherit' })\n`
    at.write({ 'a.bench.js': source + scripted({ parse: 4 })['a.bench.js'] })
    const { code } = await at.gate('main', '--runner', 'tinybench')
    expect(code).toBe(1)
    expect(spawnSync('pgrep', ['-f', '^sleep 614$'], { encoding: 'utf8' }).stdout).toBe('')
  })

  it('of base that cannot be loaded are reported', async () => {
    const at = repository({ ...scripted({ parse: 1 }), 'a.bench.js': 'throw new Error("no engine")\n' })
    at.write(scripted({ parse: 1 }))
    const { code, stdout } = await at.gate('main', '--runner', 'tinybench')
    expect(code).toBe(2)
    expect(stdout).toMatch(/a\.bench\.js: base \(main\): failed: no engine\n/)
  })

  const expectError = async (at: Repository, args: string[], message: RegExp) => {
    const { code, stdout, stderr } = await at.gate('main', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(at.leftovers()).toEqual([])
  }

  it.each([
    ['an unknown runner', ['--runner', 'jest'], /Allowed choices are vitest, tinybench/],
    ['an option of scenarios', ['--runner', 'vitest', '--arrivals', '9/s'], /--arrivals: does not apply to micro-/],
    ['a missing file', ['--runner', 'vitest', 'none.bench.js'], /none\.bench\.js: does not exist\n$/],
    [
      'no file',
      ['--runner', 'vitest'],
      /compare: found no micro-benchmark; name a file, or add a file \*\.bench\.ts\n$/,
    ],
    [
      'a metric that tasks lack',
      ['--runner', 'vitest', '--of', 'p95'],
      /of: must be one of p50, mean, p99, throughput/,
    ],
    [
      'an invalid option',
      ['--runner', 'tinybench', '--rounds', '1'],
      /rounds: must be a whole number of at least 2 and at most 1,000, got 1/,
    ],
  ])('report %s', async (_, args, message) => {
    await expectError(repository({}), args, message)
  })

  it('report that vitest is missing', async () => {
    const at = repository(scripted({ parse: 1 }))
    const { code, stdout } = await at.gate('main', '--runner', 'vitest')
    expect(code).toBe(2)
    expect(stdout).toMatch(/head: failed: vitest is not installed here; run npm install/)
  })

  it('report a version of vitest that has another bench', async () => {
    const at = repository({ ...scripted({ parse: 1 }), ...IGNORED })
    at.install('vitest', '')
    at.write({
      'node_modules/vitest/package.json': '{ "version": "5.0.0", "exports": { "./package.json": "./package.json" } }',
    })
    const { code, stdout } = await at.gate('main', '--runner', 'vitest')
    expect(code).toBe(2)
    expect(stdout).toMatch(/head: failed: needs vitest 4, got 5\.0\.0;\s+run\s+npm\s+install\s+--save-dev\s+vitest@4\n/)
  })

  it('are ended by Ctrl-C with what they have, and leave no process behind', async () => {
    const hangs = `${scripted({ later: 1 }, 'b.bench.js')['b.bench.js']}await new Promise((resolve) => setTimeout(resolve, process.env.HANG ?? 0))\n`
    const at = repository(scripted({ parse: 1 }), { 'b.bench.js': hangs })
    // every run of the second file takes a second
    at.write({ 'b.bench.js': hangs.replace('process.env.HANG ?? 0', '1000') })
    const { child, printed, ended } = at.start([
      ...['compare', '--base-ref', 'main', '--runner', 'tinybench', '--rounds', '10'],
    ])
    await until(() => /b\.bench\.js: base and head/.test(printed.stderr))
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/ parse +p50 .* same\n/)
    // on a busy machine the signal arrives when some of its pairs are complete
    expect(stdout).toMatch(/later: (not run: the gate was interrupted|a 99 % interval needs 4 pairs, got [123])\n/)
    expect(at.leftovers()).toEqual([])
  })

  it('are ended by a second signal at once, with their processes', async () => {
    const at = repository({
      ...scripted({ parse: 1 }),
      'a.bench.js': `import { writeFileSync } from 'node:fs'\nwriteFileSync(process.env.TMPDIR + '/../pid', String(process.pid))\nawait new Promise((resolve) => setTimeout(resolve, 60_000))\n`,
    })
    const { child, ended } = at.start(['compare', '--base-ref', 'main', '--runner', 'tinybench'])
    const pidFile = `${at.temporary}/../pid`
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '')
    child.kill('SIGINT')
    await sleep(50)
    child.kill('SIGINT')
    await ended
    expect(at.leftovers()).toEqual([])
    await until(() => {
      try {
        process.kill(Number(readFileSync(pidFile, 'utf8')), 0)
        return false
      } catch {
        return true
      }
    })
  })
})
