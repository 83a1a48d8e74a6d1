import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { GateReport } from '../../src/gate/gate-report.js'
import { type Files, Repository, simulated } from './repository.js'

const repositories: Repository[] = []
afterAll(() => {
  for (const each of repositories) each.remove()
})
function repository(...commits: Files[]): Repository {
  const made = new Repository({ 'package.json': '{ "type": "module" }' }, ...commits)
  repositories.push(made)
  return made
}

const shop = (ms: number, more = '') => ({
  'cost.js': `export const cost = '${ms}ms'\n`,
  'shop.throughline.js': `import { cost } from './cost.js'\n${simulated('order', 'cost', more)}`,
})
const reportOf = (stdout: string): GateReport => JSON.parse(stdout)

describe.concurrent('throughline compare --base-ref', () => {
  it('finds a scenario that is slower than in another commit, and leaves nothing behind', async () => {
    const at = repository(shop(1), { 'cost.js': "export const cost = '1.2ms'\n" })
    const { code, stdout, stderr } = await at.gate('HEAD~1', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(reportOf(stdout)).toMatchObject({
      schema: 'throughline/gate@1',
      verdict: 'fail',
      base: { ref: 'HEAD~1', commit: at.git('rev-parse', 'HEAD~1') },
      head: { commit: at.git('rev-parse', 'HEAD'), branch: 'main', changes: 0 },
      scenarios: [
        { name: 'order', file: 'shop.throughline.js', in: 'both', verdict: 'fail', comparison: { verdict: 'slower' } },
      ],
      notes: [],
    })
    // both sides ran their own code
    const { comparison } = reportOf(stdout).scenarios[0] as GateReport['scenarios'][number]
    expect(comparison?.base.scenario?.service).toMatchObject({ base: 1 })
    expect(comparison?.head.scenario?.service).toMatchObject({ base: 1.2 })
    expect(at.left()).toEqual([])
  })

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
    expect(reportOf(json as string)).toMatchObject({ verdict: 'pass' })
    // the same again from what is stored
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
      stderr: expect.stringMatching(/verdict: must be what its scenarios say/),
    })
  })

  it('compares the working tree, and says what is not committed', async () => {
    const at = repository(shop(1))
    at.write({ 'cost.js': "export const cost = '2ms'\n", 'new.txt': '' })
    const { code, stdout } = await at.gate('main')
    expect(code).toBe(1)
    expect(stdout).toMatch(/head is the working tree, with 2 files that are not committed/)
    expect(readFileSync(join(at.root, 'cost.js'), 'utf8')).toMatch(/2ms/)
  })

  it('compares each of several again if it comes out slower', async () => {
    const at = repository({ 'a.throughline.js': simulated('one', "'1ms'") + simulated('two', "'1ms'") })
    at.write({ 'a.throughline.js': simulated('one', "'1ms'") + simulated('two', "'1.5ms'") })
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(1)
    const { scenarios } = reportOf(stdout)
    expect(scenarios).toMatchObject([
      { name: 'one', verdict: 'pass', confirmation: null },
      { name: 'two', verdict: 'fail', confirmation: { verdict: 'slower' } },
    ])
    // by other requests
    const seeds = (name: 'comparison' | 'confirmation') => scenarios[1]?.[name]?.pairs.map(({ seed }) => seed) ?? []
    expect(seeds('confirmation').filter((seed) => seeds('comparison').includes(seed))).toEqual([])
  })

  it('judges the budget of head', async () => {
    const at = repository(shop(1, ", budget: { p99: '1ms' }"))
    const { code, stdout } = await at.gate('main')
    expect(code).toBe(1)
    expect(stdout).toMatch(/Over budget: order/)
    expect(await repository(shop(1, ", budget: { p99: '100ms' }")).gate('main')).toMatchObject({ code: 0 })
  })

  it('takes scenarios that are only on one side for what they are', async () => {
    const at = repository({
      'a.throughline.js': simulated('kept', "'1ms'") + simulated('gone', "'1ms'"),
      'b.throughline.js': simulated('left', "'1ms'"),
    })
    at.write({
      'a.throughline.js': simulated('kept', "'1ms'") + simulated('added', "'1ms'"),
      'b.throughline.js': null,
    })
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(0)
    const { scenarios, verdict } = reportOf(stdout)
    expect(verdict).toBe('pass')
    expect(Object.fromEntries(scenarios.map(({ name, in: where, reason }) => [name, [where, reason]]))).toEqual({
      kept: ['both', undefined],
      added: ['head', 'only in head: there is nothing to compare it with'],
      gone: ['base', 'only in base: it was removed, or renamed'],
      left: ['base', 'only in base: it was removed, or renamed'],
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

  it('takes files that are named: of any kind, with the flags of a scenario', async () => {
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
    expect(reportOf(stdout).scenarios).toMatchObject([
      { name: 'one', file: 'one.json', comparison: { head: { scenario: { seed: 9 } } } },
      { name: 'two', file: '../two.js' },
    ])
  })

  it('looks for files below the working directory, and not in node_modules', async () => {
    const at = repository({
      'one/a.throughline.js': simulated('a', "'1ms'"),
      'two/b.throughline.js': simulated('b', "'1ms'"),
      'two/node_modules/c.throughline.js': simulated('c', "'1ms'"),
    })
    const { stdout } = await at.start(['compare', '--base-ref', 'main', '--json'], { folder: 'two' }).ended
    expect(reportOf(stdout).scenarios).toMatchObject([{ name: 'b', file: 'b.throughline.js', in: 'both' }])
  })

  it('measures, and says what it could have found', async () => {
    const measured = `export const call = {
      arrivals: '200/s', stop: { duration: '60ms' }, call: () => new Promise((resolve) => setTimeout(resolve, 1)),
    }\n`
    const at = repository({ 'a.throughline.js': measured })
    const { stdout } = await at.gate('main', '--rounds', '4', '--json')
    const [scenario] = reportOf(stdout).scenarios
    expect(scenario).toMatchObject({ comparison: { engine: 'measure', rounds: 4 }, detectable: { pairs: 8 } })
    expect(scenario?.detectable?.changes.mean).toBeGreaterThanOrEqual(0.05)
    const without = reportOf((await at.gate('main', '--rounds', '4', '--null-pairs', '0', '--json')).stdout)
    expect(without.scenarios[0]?.detectable).toBeNull()
  })

  it('goes on with the others if one cannot be run, and ends with 2', async () => {
    const throws = "export const broken = { arrivals: '500/s', service: '1ms', servers: -1 }\n"
    const at = repository({ 'a.throughline.js': throws + simulated('fine', "'1ms'") })
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(2)
    expect(reportOf(stdout)).toMatchObject({
      verdict: 'failed',
      scenarios: [
        { name: 'broken', verdict: 'failed', reason: expect.stringMatching(/servers: must be/) },
        { name: 'fine', verdict: 'pass' },
      ],
    })
  })
})

describe.concurrent('what base runs with', () => {
  const uses = { 'a.throughline.js': `import { cost } from 'pricing'\n${simulated('order', 'cost')}` }
  const ignored = { '.gitignore': 'node_modules\n' }

  /** Installs a package, as a package manager would. */
  function install(at: Repository, name: string, text: string) {
    mkdirSync(join(at.root, 'node_modules', name), { recursive: true })
    writeFileSync(join(at.root, 'node_modules', name, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
    writeFileSync(join(at.root, 'node_modules', name, 'index.js'), text)
  }

  it('is what head has installed, if their lockfiles are the same', async () => {
    const at = repository({ ...uses, ...ignored, 'package-lock.json': '{}' })
    install(at, 'pricing', "export const cost = '1ms'")
    install(at, '@scope/other', '')
    const { code, stdout } = await at.gate('main', '--json')
    expect(code).toBe(0)
    expect(reportOf(stdout)).toMatchObject({ base: { dependencies: 'linked' } })
    expect(existsSync(join(at.root, 'node_modules/@scope/other/index.js'))).toBe(true)
    expect(at.left()).toEqual([])
  })

  it('is its own workspace packages, and not those of head', async () => {
    const at = repository({
      ...uses,
      ...ignored,
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
  ])('is installed if they differ, by what wrote it: %s %j', async (lockfile, text, manager, command) => {
    const at = repository({ ...uses, ...ignored, [lockfile]: text })
    install(at, 'pricing', "export const cost = '1ms'")
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
      stderr: `throughline: ${lockfile} differs from base's: ${manager} ${command}\n`,
    })
    expect(reportOf(stdout)).toMatchObject({ base: { dependencies: 'installed' } })
    expect(readFileSync(join(at.root, 'node_modules/pricing/index.js'), 'utf8')).toMatch(/1ms/)
  })

  it('is built by --prepare, in the folder of base that the command is run in', async () => {
    const at = repository({ 'sub/a.throughline.js': `import { cost } from './built.js'\n${simulated('a', 'cost')}` })
    at.write({ 'sub/built.js': "export const cost = '2ms'\n" })
    const prepare = `echo "export const cost = '1ms'" > built.js`
    const args = ['compare', '--base-ref', 'main', '--prepare', prepare]
    const { code, stderr } = await at.start(args, { folder: 'sub' }).ended
    expect({ code, stderr }).toEqual({ code: 1, stderr: `throughline: --prepare: ${prepare}\n` })
  })
})

describe.concurrent('a gate that cannot be run', () => {
  const refused = async (at: Repository, args: string[], message: RegExp) => {
    const { code, stdout, stderr } = await at.gate(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(at.left()).toEqual([])
  }

  it.each([
    [
      'a ref that there is not',
      ['nope'],
      /--base-ref: there is no commit, branch or tag 'nope' here; .* there are main/,
    ],
    [
      'a ref that looks like an option',
      ['main', '--base-ref=-x'],
      /--base-ref: there is no commit, branch or tag '-x' here/,
    ],
    ['a file that there is not', ['main', 'none.js'], /none\.js: there is no such file\n$/],
    ['a file of elsewhere', ['main', '/etc/hostname'], /\/etc\/hostname: must be in the repository/],
    [
      'a command that fails',
      ['main', '--prepare', 'echo bad news; exit 7'],
      /--prepare: 'echo .*': failed with exit code 7; it printed\n {2}bad news\n$/,
    ],
    ['too few pairs', ['main', '--null-pairs', '3'], /--null-pairs: must be 0, or a whole number from 8/],
    ['a format that there is not', ['main', '-o', 'gate.csv'], /gate\.csv: must end in \.md, \.xml, \.html, \.json/],
    ['what means nothing', ['main', '--null'], /--null: means nothing where commits are compared/],
  ])('says why: %s', async (_, args, message) => {
    await refused(repository(shop(1)), args, message)
  })

  it('says why: there is no scenario', async () => {
    await refused(repository(), ['main'], /compare: there is no scenario: name a file, or export scenarios/)
    const exportsNone = repository({ 'a.throughline.js': 'export const a = 1\n' })
    await refused(exportsNone, ['main'], /a\.throughline\.js: exports no scenario/)
  })

  it('says why: the files of base cannot be loaded', async () => {
    const at = repository({ 'a.throughline.js': `import './built.js'\n${simulated('a', "'1ms'")}` })
    at.write({ 'built.js': '' })
    await refused(
      at,
      ['main'],
      /a\.throughline\.js of base \(main\): cannot be loaded: [\s\S]*--prepare 'npm run build'\n$/,
    )
  })

  it('says why: there is no package manager', async () => {
    const at = repository({ ...shop(1), 'bun.lock': 'a' })
    at.write({ 'bun.lock': 'b' })
    await refused(
      at,
      ['main'],
      /bun install --frozen-lockfile in base: cannot be run: there is no 'bun' on the PATH\n$/,
    )
  })

  it('says why: the clone is shallow', async () => {
    const from = repository(shop(1), shop(2))
    const at = repository()
    at.git('clone', '--quiet', '--depth=1', `file://${from.root}`, 'clone')
    const { code, stderr } = await at.start(['compare', '--base-ref', 'origin/release'], { folder: 'clone' }).ended
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /--base-ref: there is no 'origin\/release' in this clone, which is shallow; fetch it first: git fetch --depth=1 origin release:/,
    )
  })

  it('says why: there is no repository', async () => {
    const at = repository(shop(1))
    const { code, stderr } = await at.start(['compare', '--base-ref', 'main'], { folder: '../tmp' }).ended
    expect(code).toBe(2)
    expect(stderr).toMatch(/--base-ref: needs a git repository, and .* is in none\n$/)
  })

  it('names the branch of the remote if the local one is missing, and says what head lacks', async () => {
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

describe.concurrent('a gate that is interrupted leaves nothing behind', () => {
  /** Waits until what a process has printed says so. */
  async function until(holds: () => boolean): Promise<void> {
    for (let waited = 0; !holds(); waited += 20) {
      if (waited > 30_000) throw new Error('it never came to that')
      await sleep(20)
    }
  }

  it.each(['SIGINT', 'SIGTERM'] as const)('while base is prepared: %s', async (signal) => {
    const at = repository(shop(1))
    const running = join(at.temporary, '../running')
    const { child, ended } = at.start(['compare', '--base-ref', 'main', '--prepare', `echo $$ > ${running}; sleep 60`])
    await until(() => existsSync(running) && readFileSync(running, 'utf8') !== '')
    child.kill(signal)
    const { code, stdout, stderr } = await ended
    expect({ code, stdout }).toEqual({ code: signal === 'SIGINT' ? 130 : 143, stdout: '' })
    expect(stderr).toMatch(/throughline: interrupted\n$/)
    expect(at.left()).toEqual([])
    const shell = Number(readFileSync(running, 'utf8'))
    expect(() => process.kill(shell, 0)).toThrow('ESRCH')
  })

  const slow = {
    'a.throughline.js': `export const call = { arrivals: '100/s', stop: { duration: '300ms' }, call: async () => {} }\n`,
  }

  it('while it runs: it reports what it has', async () => {
    const at = repository({ ...slow, 'b.throughline.js': simulated('later', "'1ms'") })
    const { child, printed, ended } = at.start([
      'compare',
      '--base-ref',
      'main',
      '--rounds',
      '200',
      '--null-pairs',
      '0',
    ])
    await until(() => /[1-9]\d* % /.test(printed.stderr))
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/later: not run: the gate was interrupted/)
    expect(at.left()).toEqual([])
  })

  it('while it runs, by a second signal: at once', async () => {
    const at = repository({ 'a.throughline.js': slow['a.throughline.js'].replace('300ms', '30s') })
    const { child, ended } = at.start(['compare', '--base-ref', 'main'])
    await until(() => at.left().length > 1)
    await sleep(1000)
    child.kill('SIGINT')
    await sleep(200)
    child.kill('SIGINT')
    const { code, signal } = await ended
    expect([code, signal]).toEqual([null, 'SIGINT'])
    expect(at.left()).toEqual([])
  })

  it('by a module that ends the process', async () => {
    const at = repository({ 'a.throughline.js': 'process.exit(0)\n' })
    expect(await at.gate('main')).toMatchObject({ code: 2, stdout: '' })
    expect(at.left()).toEqual([])
  })
})
