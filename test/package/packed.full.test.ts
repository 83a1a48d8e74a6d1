import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// What npm would publish, unpacked into an empty project, as its users have it.

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../..')
const modules = join(repository, 'node_modules')
const { dependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))

const { FORCE_COLOR: _, ...plain }: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' }

let project: string
let packed: string
const node = (...args: string[]) => run(process.execPath, args, { cwd: project, env: plain })

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'throughline-packed-'))
  const installed = join(project, 'node_modules')
  const link = (name: string) => {
    mkdirSync(dirname(join(installed, name)), { recursive: true })
    symlinkSync(join(modules, name), join(installed, name), 'junction')
  }
  packed = join(installed, 'throughline')
  mkdirSync(packed, { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: repository,
  })
  const [{ filename }] = JSON.parse(stdout)
  await run('tar', ['-xzf', join(project, filename), '-C', packed, '--strip-components=1'])
  // its dependencies, and packages that users install themselves
  for (const name of [...Object.keys(dependencies), 'typescript', 'vitest', '@types/node']) link(name)
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
}, 60_000)
afterAll(() => rmSync(project, { recursive: true, force: true }))

const SCENARIO = `{ arrivals: '800/s', service: '1ms', stop: { requests: 100_000 } }`

describe('the packed package in an empty project', () => {
  it('is imported, and simulates', async () => {
    writeFileSync(
      join(project, 'import.mjs'),
      `import { simulate } from 'throughline'
       import { renderResult } from 'throughline/report'
       const result = simulate(${SCENARIO})
       console.log(result.counts.offered, typeof renderResult(result))`,
    )
    expect((await node('import.mjs')).stdout).toBe('90000 string\n')
  })

  it('type-checks under either resolution, with and without exactOptionalPropertyTypes, declarations included', async () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { type Budget, checkBudget, compare, defineHandler, measure, type Result, simulate } from 'throughline'
       import { renderResult } from 'throughline/report'
       import { realClock } from 'throughline/vitest/config'
       import 'throughline/vitest'
       import { expect } from 'vitest'

       const budget: Budget = { p99: '100ms', 'queueing.p95': '20ms', throughput: '>= 500/s' }
       const result: Result = simulate(${SCENARIO})
       const verdict: 'pass' | 'fail' | 'inconclusive' = checkBudget(result, budget).verdict
       expect(result).toMeetBudget(budget)
       // @ts-expect-error: no such metric
       expect(result).toMeetBudget({ latency: '100ms' })
       export default defineHandler({ setup: () => 2, run: (batch: number[], { state }) => batch.map((each) => each * state) })
       export const measured: Promise<Result> = measure({ arrivals: 1, call: async () => 1 })
       measure({ arrivals: 1, http: { url: 'http://a', body: (index) => index.toFixed() } })
       measure({ arrivals: 1, http: { url: 'http://a', batch: true, body: (indices) => indices.map(String) } })
       measure({ arrivals: 1, handler: (batch) => batch.map((index) => index.toFixed()) })
       compare({ arrivals: 1, base: { http: { url: 'http://a', body: (index) => index.toFixed() } } }, { null: true })
       // @ts-expect-error: two targets
       measure({ arrivals: 1, call: () => 1, http: { url: 'http://a' } })
       // @ts-expect-error: two targets
       measure({ arrivals: 1, handler: (batch) => batch, http: { url: 'http://a' } })
       export const text: string = verdict + renderResult(result)
       export const project: object = realClock()`,
    )
    // reports errors of this package and of typed.ts only; declarations of dependencies would take most of the time
    writeFileSync(
      join(project, 'compile.mjs'),
      `import ts from 'typescript'
       for (const [module, moduleResolution, exact] of [['Node16', 'Node16', true], ['ESNext', 'Bundler', false]]) {
         const program = ts.createProgram(['typed.ts'], {
           noEmit: true, strict: true, exactOptionalPropertyTypes: exact, skipLibCheck: false, types: ['node'],
           target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
           module: ts.ModuleKind[module], moduleResolution: ts.ModuleResolutionKind[moduleResolution],
         })
         const ours = program.getSourceFiles().filter(({ fileName }) => /^typed|node_modules.throughline/.test(fileName))
         const wrong = [
           ...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(),
           ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
         ]
         const errors = wrong.map(({ file, messageText }) => [file?.fileName, ts.flattenDiagnosticMessageText(messageText, ' ')])
         console.log(module, ours.length > 50, JSON.stringify(errors))
       }`,
    )
    expect((await node('compile.mjs')).stdout).toBe('Node16 true []\nESNext true []\n')
  }, 180_000)

  it('is executable after a build, for users who link it', () => {
    expect(statSync(join(repository, 'dist/cli/main.js')).mode & 0o111).toBe(0o111)
  })

  it('has its command line', async () => {
    writeFileSync(
      join(project, 'scenario.json'),
      JSON.stringify({ arrivals: 800, service: 1, stop: { requests: 2000 } }),
    )
    const { bin } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8'))
    const { stdout } = await node(join(packed, bin.throughline), 'simulate', 'scenario.json', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'throughline/result@1', counts: { offered: 1800 } })
  })

  it('has its matchers', async () => {
    writeFileSync(
      join(project, 'budget.test.mjs'),
      `import { simulate } from 'throughline'
       import 'throughline/vitest'
       import { expect, it } from 'vitest'
       it('keeps', () => { expect(simulate(${SCENARIO})).toMeetBudget({ p50: '100ms' }) })
       it('breaks', () => { expect(simulate(${SCENARIO})).toMeetBudget({ p50: '0.1ms' }) })`,
    )
    const failed = await node(join(modules, 'vitest/vitest.mjs'), 'run', '--root', project).catch((error) => error)
    expect(failed.stdout).toContain('1 failed | 1 passed')
    expect(failed.stderr).toContain('p50')
  }, 180_000)
})

describe('what npm installs', () => {
  it('is published as publint and are-the-types-wrong want it', async () => {
    const [tarball] = readdirSync(project).filter((name) => name.endsWith('.tgz'))
    const attw = join(modules, '@arethetypeswrong/cli/dist/index.js')
    const [lint] = await Promise.all([
      run(process.execPath, [join(modules, 'publint/src/cli.js'), join(project, tarball as string), '--strict']),
      // ends with 1 where it finds a fault; there is no CommonJS to find
      run(process.execPath, [attw, join(project, tarball as string), '--profile', 'esm-only', '--no-color']),
    ])
    expect(lint.stdout).toContain('All good!')
  }, 180_000)

  it('holds nothing that runs at install, and stays small', () => {
    const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')).packages
    const all = reached(lock)
    expect(all.filter((path) => lock[path].hasInstallScript)).toEqual([])

    const kb = Object.fromEntries(
      all.map((path) => [path.replace(/.*node_modules\//, ''), sizeOf(join(repository, path)) / 1000]),
    )
    const own = sizeOf(packed) / 1000
    const total = own + Object.values(kb).reduce((sum, each) => sum + each, 0)
    // zod is 6 MB of it (three copies of itself, of which one is loaded), undici 2 MB, hdr-histogram-js with its pako 1.5 MB;
    // the rest is under 5 MB, of which this package is 2.9, its docs and types included
    expect({ total, own, ...kb }).toSatisfy(() => total < 15_000 && own < 3000)
  })
})

/** The packages that come with this one, peers left out, as paths of the lock file. */
function reached(lock: Record<string, { dependencies?: object; optionalDependencies?: object }>): string[] {
  const found = new Set<string>()
  const follow = (from: string) => {
    const { dependencies = {}, optionalDependencies = {} } = lock[from] as (typeof lock)[string]
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = [from === '' ? '' : `${from}/`, ''].map((at) => `${at}node_modules/${name}`).find((at) => at in lock)
      // what is for another platform is in the lock file, and not on the disk
      if (path === undefined || found.has(path) || !existsSync(join(repository, path))) continue
      found.add(path)
      follow(path)
    }
  }
  follow('')
  return [...found]
}

function sizeOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  return names
    .filter((each) => each.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
