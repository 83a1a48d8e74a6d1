import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  IGNORED,
  makeRepositories,
  PRICED,
  type Repository,
  readReport,
  scenarioSource,
  shop,
  until,
} from './repository.js'

// up to eight commands in one test
const TIMEOUT = 180_000
const repository = makeRepositories()

describe.concurrent('throughline compare --base-ref', { timeout: TIMEOUT }, () => {
  it('passes if nothing has changed, and writes its report in every format', async () => {
    const at = repository(shop(1))
    const files = ['gate.md', 'gate.xml', 'gate.html', 'gate.json']
    const { code, stdout } = await at.gate('main', ...files.flatMap((file) => ['-o', join(at.temporary, file)]))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\n Not slower than main\n/)
    expect(stdout).toMatch(/head and base are the same commit/)
    const [md, xml, html, json] = files.map((file) => readFileSync(join(at.temporary, file), 'utf8'))
    expect(md).toMatch(/^### ✅ Not slower than main\n/)
    expect(xml).toMatch(/<testcase name="order" classname="shop\.throughline\.js" time="0"\/>/)
    expect(html).toMatch(/^<!doctype html>[\s\S]*Not slower than main/)
    expect(readReport(json as string)).toMatchObject({ verdict: 'pass' })
    // the stored report gives the same again
    const again = (...args: string[]) => at.start(['report', join(at.temporary, 'gate.json'), ...args]).ended
    expect(await again()).toMatchObject({ code: 0, stdout })
    expect(await again('--format', 'md')).toMatchObject({ code: 0, stdout: md })
    expect(await again('--format', 'xml')).toMatchObject({ code: 0, stdout: xml })
    expect(await again('--format', 'html')).toMatchObject({ code: 0, stdout: html })
    expect(await again('--format', 'csv')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot write a gate as \.csv/),
    })
    const forged = join(at.temporary, 'forged.json')
    writeFileSync(forged, (json as string).replace(/"verdict": "pass"/, '"verdict": "fail"'))
    const { code: refused, stderr } = await at.start(['report', forged]).ended
    expect({ refused, stderr }).toMatchObject({
      refused: 2,
      stderr: expect.stringMatching(/verdict: must follow from the scenarios: pass, got "fail"/),
    })
  })

  it('compares the working tree, and reports uncommitted files', async () => {
    const at = repository(shop(1))
    at.write({ 'cost.js': "export const cost = '2ms'\n", 'new.txt': '' })
    const { code, stdout } = await at.gate('main')
    expect(code).toBe(1)
    expect(stdout).toMatch(/head is the working tree, with 2 uncommitted files/)
    expect(readFileSync(join(at.root, 'cost.js'), 'utf8')).toMatch(/2ms/)
  })

  it('confirms a slower scenario with a second comparison if there are several', async () => {
    const at = repository({ 'a.throughline.js': scenarioSource('one', "'1ms'") + scenarioSource('two', "'1ms'") })
    at.write({ 'a.throughline.js': scenarioSource('one', "'1ms'") + scenarioSource('two', "'1.5ms'") })
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(1)
    const { scenarios } = readReport(stdout)
    expect(scenarios).toMatchObject([
      { name: 'one', verdict: 'pass', confirmation: null },
      { name: 'two', verdict: 'fail', confirmation: { verdict: 'slower' } },
    ])
    // with other requests
    const seeds = (name: 'comparison' | 'confirmation') => scenarios[1]?.[name]?.pairs.map(({ seed }) => seed) ?? []
    expect(seeds('confirmation').filter((seed) => seeds('comparison').includes(seed))).toEqual([])
  })

  it('checks the budget of head', async () => {
    const at = repository(shop(1, ", budget: { p99: '1ms' }"))
    const { code, stdout } = await at.gate('main')
    expect(code).toBe(1)
    expect(stdout).toMatch(/Over budget: order/)
    expect(await repository(shop(1, ", budget: { p99: '100ms' }")).gate('main')).toMatchObject({ code: 0 })
  })

  it('reports scenarios that only one side has', async () => {
    const at = repository({
      'a.throughline.js': scenarioSource('kept', "'1ms'") + scenarioSource('gone', "'1ms'"),
      'b.throughline.js': scenarioSource('left', "'1ms'"),
    })
    at.write({
      'a.throughline.js': scenarioSource('kept', "'1ms'") + scenarioSource('added', "'1ms'"),
      'b.throughline.js': null,
    })
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(0)
    const { scenarios, verdict } = readReport(stdout)
    expect(verdict).toBe('pass')
    expect(Object.fromEntries(scenarios.map(({ name, in: where, reason }) => [name, [where, reason]]))).toEqual({
      kept: ['both', undefined],
      added: ['head', 'only in head: nothing to compare with'],
      gone: ['base', 'only in base: removed or renamed'],
      left: ['base', 'only in base: removed or renamed'],
    })
  })

  it('is inconclusive if nothing could be compared', async () => {
    const at = repository()
    at.write(shop(1))
    const { code, stdout } = await at.gate('main')
    expect(code).toBe(3)
    expect(stdout).toMatch(/Nothing was compared with main/)
    expect(await at.gate('main', '--on-inconclusive', 'pass')).toMatchObject({ code: 0 })
  })

  it('accepts files of any kind, with the options of a scenario', async () => {
    const plain = { arrivals: '500/s', service: '1ms', stop: { requests: 1000 } }
    const at = repository({
      'load/one.json': JSON.stringify(plain),
      'two.js': `export default ${JSON.stringify(plain)}`,
    })
    const started = at.start(['compare', '--base-ref', 'main', 'one.json', '../two.js', '--seed', '9', '--json'], {
      folder: 'load',
    })
    const { code, stdout } = await started.ended
    expect(code).toBe(0)
    expect(readReport(stdout).scenarios).toMatchObject([
      { name: 'one', file: 'one.json', comparison: { head: { scenario: { seed: 9 } } } },
      { name: 'two', file: '../two.js' },
    ])
  })

  it('finds files below the working directory, but not in node_modules', async () => {
    const at = repository({
      'one/a.throughline.js': scenarioSource('a', "'1ms'"),
      'two/b.throughline.js': scenarioSource('b', "'1ms'"),
      'two/node_modules/c.throughline.js': scenarioSource('c', "'1ms'"),
    })
    const { stdout } = await at.start(['compare', '--base-ref', 'main', '--json'], { folder: 'two' }).ended
    expect(readReport(stdout).scenarios).toMatchObject([{ name: 'b', file: 'b.throughline.js', in: 'both' }])
  })

  it('measures, and reports the detectable changes', async () => {
    const measured = `export const call = {
      arrivals: '200/s', stop: { duration: '60ms' }, call: () => new Promise((resolve) => setTimeout(resolve, 1)),
    }\n`
    const at = repository({ 'a.throughline.js': measured })
    const { stdout } = await at.gate('main', '--rounds', '8', '--within', '0.1%', '--json')
    const [scenario] = readReport(stdout).scenarios
    expect(scenario).toMatchObject({ comparison: { engine: 'measure', rounds: 8 }, detectable: { pairs: 8 } })
    expect(scenario?.detectable?.changes.mean).toBeGreaterThanOrEqual(0.001)
  })

  it('continues with the others if one cannot run, and exits with 2', async () => {
    const throws = "export const broken = { arrivals: '500/s', service: '1ms', servers: -1 }\n"
    const at = repository({ 'a.throughline.js': throws + scenarioSource('fine', "'1ms'") })
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(2)
    expect(readReport(stdout)).toMatchObject({
      verdict: 'failed',
      scenarios: [
        { name: 'broken', verdict: 'failed', reason: expect.stringMatching(/servers: must be/) },
        { name: 'fine', verdict: 'pass' },
      ],
    })
  })
})

describe.concurrent('the dependencies of base', { timeout: TIMEOUT }, () => {
  it('include its own workspace packages, not those of head', async () => {
    const at = repository({
      ...PRICED,
      ...IGNORED,
      'package-lock.json': '{}',
      'packages/pricing/package.json': '{ "type": "module", "exports": "./index.js" }',
      'packages/pricing/index.js': "export const cost = '1ms'\n",
    })
    mkdirSync(join(at.root, 'node_modules'))
    symlinkSync('../packages/pricing', join(at.root, 'node_modules/pricing'))
    at.write({ 'packages/pricing/index.js': "export const cost = '1.3ms'\n" })
    expect(await at.gate('main')).toMatchObject({ code: 1 })
  })

  it.each([
    ['package-lock.json', '{}', 'npm', 'ci'],
    ['pnpm-lock.yaml', 'a: 1', 'pnpm', 'install --frozen-lockfile'],
    ['yarn.lock', '# yarn lockfile v1', 'yarn', 'install --frozen-lockfile'],
    ['yarn.lock', '__metadata:\n  version: 8', 'yarn', 'install --immutable'],
    ['bun.lock', '{}', 'bun', 'install --frozen-lockfile'],
  ])(
    'are installed if the lockfiles differ, by the package manager of the lockfile: %s %j',
    async (lockfile, text, manager, command) => {
      const at = repository({ ...PRICED, ...IGNORED, [lockfile]: text })
      at.install('pricing', "export const cost = '1ms'")
      at.write({ [lockfile]: `${text}\n` })
      const bin = join(at.temporary, '../bin')
      mkdirSync(bin)
      writeFileSync(
        join(bin, manager),
        `#!/bin/sh
       [ "$*" = '${command}' ] || exit 9
       mkdir -p node_modules/pricing
       echo '{ "type": "module", "exports": "./index.js" }' > node_modules/pricing/package.json
       echo "export const cost = '0.8ms'" > node_modules/pricing/index.js\n`,
      )
      chmodSync(join(bin, manager), 0o755)
      const { code, stdout, stderr } = await at.start(['compare', '--base-ref', 'main', '--json'], { path: bin }).ended
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `throughline: ${lockfile} differs from that of base; running ${manager} ${command}\n`,
      })
      expect(readReport(stdout)).toMatchObject({ base: { dependencies: 'installed' } })
      expect(readFileSync(join(at.root, 'node_modules/pricing/index.js'), 'utf8')).toMatch(/1ms/)
    },
  )

  it('are built by --prepare, in the same folder of base', async () => {
    const at = repository({
      'sub/a.throughline.js': `import { cost } from './built.js'\n${scenarioSource('a', 'cost')}`,
    })
    at.write({ 'sub/built.js': "export const cost = '2ms'\n" })
    const prepare = `echo "export const cost = '1ms'" > built.js`
    const args = ['compare', '--base-ref', 'main', '--prepare', prepare]
    const { code, stderr } = await at.start(args, { folder: 'sub' }).ended
    expect({ code, stderr }).toEqual({ code: 1, stderr: `throughline: running --prepare: ${prepare}\n` })
  })
})

describe.concurrent('a gate that cannot run', { timeout: TIMEOUT }, () => {
  const expectError = async (at: Repository, args: string[], message: RegExp) => {
    const { code, stdout, stderr } = await at.gate(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(at.leftovers()).toEqual([])
  }

  it.each([
    ['an unknown ref', ['nope'], /--base-ref: unknown commit, branch or tag 'nope'; .* known: main/],
    ['a ref that looks like an option', ['-x'], /--base-ref: unknown commit, branch or tag '-x'/],
    ['a missing file', ['main', 'none.js'], /none\.js: does not exist\n$/],
    ['a file outside the repository', ['main', '/etc/hostname'], /\/etc\/hostname: must be in the repository/],
    [
      'a command that fails',
      ['main', '--prepare', 'echo bad news; exit 7'],
      /--prepare: 'echo .*': failed with exit code 7; the end of its output:\n {2}bad news\n$/,
    ],
    [
      'an unknown format',
      ['main', '-o', 'gate.csv'],
      /gate\.csv: must have one of these extensions: \.md, \.xml, \.html, \.json/,
    ],
    ['an option that does not apply', ['main', '--null'], /--null: does not apply to commits/],
  ])('reports %s', async (_, args, message) => {
    await expectError(repository(shop(1)), args, message)
  })

  it('reports that there is no scenario', async () => {
    await expectError(repository(), ['main'], /compare: found no scenario; name a file, or export scenarios/)
    const exportsNone = repository({ 'a.throughline.js': 'export const a = 1\n' })
    await expectError(exportsNone, ['main'], /a\.throughline\.js: exports no scenario/)
  })

  it('reports that the files of base cannot be loaded', async () => {
    const at = repository({ 'a.throughline.js': `import './built.js'\n${scenarioSource('a', "'1ms'")}` })
    at.write({ 'built.js': '' })
    await expectError(
      at,
      ['main'],
      /a\.throughline\.js of base \(main\): cannot be loaded: [\s\S]*--prepare 'npm run build'\n$/,
    )
  })

  it('reports a missing package manager', async () => {
    const at = repository({ ...shop(1), 'bun.lock': 'a' })
    at.write({ 'bun.lock': 'b' })
    await expectError(at, ['main'], /bun install --frozen-lockfile in base: cannot run: 'bun' is not on the PATH\n$/)
  })

  it('reports a shallow clone', async () => {
    const from = repository(shop(1), shop(2))
    const at = repository()
    at.git('clone', '--quiet', '--depth=1', `file://${from.root}`, 'clone')
    const { code, stderr } = await at.start(['compare', '--base-ref', 'origin/release'], { folder: 'clone' }).ended
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /--base-ref: 'origin\/release' is missing from this shallow clone; fetch it first: git fetch --depth=1 origin release:/,
    )
  })

  it('suggests the remote branch if the local one is missing, and counts the commits that head lacks', async () => {
    const from = repository(shop(1))
    const at = repository()
    at.git('clone', '--quiet', `file://${from.root}`, 'clone')
    from.git('switch', '--quiet', '--create', 'release')
    from.commit({ 'more.txt': '' })
    at.git('-C', 'clone', 'fetch', '--quiet')
    const run = (ref: string) => at.start(['compare', '--base-ref', ref], { folder: 'clone' }).ended
    expect((await run('release')).stderr).toMatch(/did you mean 'origin\/release'\?\n$/)
    const { code, stdout } = await run('origin/release')
    expect(code).toBe(0)
    expect(stdout).toMatch(/head lacks 1 commit of origin\/release/)
  })
})

describe.concurrent('an interrupted gate leaves nothing behind', { timeout: TIMEOUT }, () => {
  const slow = {
    'a.throughline.js': `export const call = { arrivals: '100/s', stop: { duration: '300ms' }, call: async () => {} }\n`,
  }

  it('during a comparison, and reports what it has', async () => {
    const at = repository({ ...slow, 'b.throughline.js': scenarioSource('later', "'1ms'") })
    const { child, printed, ended } = at.start(['compare', '--base-ref', 'main', '--rounds', '200'])
    await until(() => /[1-9]\d* % /.test(printed.stderr))
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/later: not run: the gate was interrupted/)
    expect(at.leftovers()).toEqual([])
  })

  it('by a second signal, at once', async () => {
    const at = repository({ 'a.throughline.js': slow['a.throughline.js'].replace('300ms', '30s') })
    const { child, ended } = at.start(['compare', '--base-ref', 'main'])
    await until(() => at.leftovers().length > 1)
    await sleep(1000)
    child.kill('SIGINT')
    await sleep(200)
    child.kill('SIGINT')
    const { code, signal } = await ended
    expect([code, signal]).toEqual([null, 'SIGINT'])
    expect(at.leftovers()).toEqual([])
  })

  it('by a module that calls process.exit', async () => {
    const at = repository({ 'a.throughline.js': 'process.exit(0)\n' })
    expect(await at.gate('main')).toMatchObject({ code: 2, stdout: '' })
    expect(at.leftovers()).toEqual([])
  })
})
