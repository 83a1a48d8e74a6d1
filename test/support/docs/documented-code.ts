import { execFile, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { simulate } from '../../../src/index.js'
import { throughline } from '../processes/command-line.js'
import { type Block, blocksOf, commandsOf, missingIn, moduleOf } from './markdown-blocks.js'

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../../..')
const modules = join(repository, 'node_modules')
/** The README and all docs. */
export const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(repository, 'docs'), { recursive: true }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'))
/** What a newcomer reads first: the quick suite runs these. */
export const FIRST_DOCUMENTS = ['README.md']
const { FORCE_COLOR: _, ...plain }: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' }
interface Ran {
  code: number
  stdout: string
  stderr: string
}

const BUILT = 'built'
/** Printed before each block, to separate their outputs. */
const RUNS = '--- '

/** A short run shows as well that the code runs; in a shorter one nothing may complete on a busy machine. */
const SHORT_RUN = "stop: { duration: '600ms' }"
const shortened = (text: string) =>
  shortMeasurements(text)
    .replace(/\bstop: \{ duration: '\d+s' \}/g, SHORT_RUN)
    .replace(/\brequests: (\d+_000|\d{3}000)\b/g, 'requests: 5000')
    .replace(/\btune\((.*), \{/g, 'tune($1, { threads: 1, maxBatchSize: [1, 8], maxWait: [0], mostServers: 2,')
    .replace(/\bcalibrate\((.*?) \}\)/g, "calibrate($1 }, { duration: '600ms' })")
    .replace(/\bcompare\(\{([\s\S]*?)\n\}\)/g, "compare({ stop: { duration: '300ms' },$1 }, { rounds: 2 })")
    // a busy machine may exceed the budget of a gate
    .replace(
      /\bbudget: \{ p99: '50ms' \},\n\} satisfies GateScenario/g,
      "budget: { p99: '1m' },\n} satisfies GateScenario",
    )
    .replace(/\bassertNotSlower\((\w+)\)/g, 'console.assert($1.verdict !== undefined)')

/** The end of the call that begins there. */
function endOfCall(text: string, from: number): number {
  let depth = 0
  for (let at = text.indexOf('(', from); at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')' && --depth === 0) return at
  }
  return text.length
}

/** A measurement that has no stop of its own takes 10 s. */
const shortMeasurements = (text: string) =>
  text.replace(/\bmeasure\(\s*\{/g, (start, at: number) => {
    const call = text.slice(at, endOfCall(text, at))
    return call.includes('stop:') ? start : `${start} ${SHORT_RUN},`
  })

/** A block that begins with a comment of a file's name is that file; one of tests is a test. */
function fileOf(block: Block): string {
  const named = /^\/\/ (\S+\.ts)\n/.exec(block.code)?.[1]
  if (named !== undefined) return named
  const name = block.at.replace(/[^a-z0-9]+/gi, '-')
  return /\bit\(/.test(block.code + block.given) ? `${name}.test.ts` : `${name}.ts`
}

/** A short run shows as well that it runs, if its output is not shown. */
const SHORT: Record<string, string[]> = {
  simulate: ['--requests', '20000'],
  sweep: ['--requests', '5000'],
  measure: ['--duration', '600ms'],
  compare: ['--rounds', '2'],
  gate: ['--rounds', '2', '--duration', '300ms'],
  measureCapacity: ['--at-most', '8s'],
}

/** Adds flags with a value to a command, in place of those that it has. */
function withFlags(args: readonly string[], flags: readonly string[]): string[] {
  return [...args.filter((word, i) => !flags.includes(word) && !flags.includes(args[i - 1] as string)), ...flags]
}

/** Makes a folder a repository whose only commit is `origin/main` too. */
function commitAll(folder: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' })
  writeFileSync(join(folder, '.gitignore'), 'node_modules\nbuilt\n')
  git('init')
  git('add', '--all')
  git('-c', 'user.name=docs', '-c', 'user.email=docs@localhost', 'commit', '--message', 'docs')
  git('update-ref', 'refs/remotes/origin/main', 'HEAD')
}

/**
 * Runs the code of documents as their readers see it, with what the comment before each block adds: compiles and runs
 * their blocks of TypeScript, and runs their commands.
 *
 * @param tested documents of which to run the blocks that are tests, in a vitest of their own
 */
export function testCodeOf(documents: string[], tested: string[]): void {
  const blocks = DOCUMENTS.flatMap((name) => blocksOf(join(repository, name), name))
  const isIn = (names: string[]) => (block: Block) => names.some((name) => block.at.startsWith(`${name}:`))
  // all are written, since one may import another; those of these documents are compiled and run
  const code = blocks.filter(({ language }) => language === 'ts')
  const ours = code.filter(isIn(documents))
  const commands = blocks
    .filter(({ language }) => language === 'sh')
    .filter(isIn(documents))
    .flatMap((block) => commandsOf(block).map((line) => [block.at, line, block.prints] as const))

  let project: string
  let address: string
  /** What the compiler says of all, which it leaves as JavaScript in a folder of its own. */
  let compiled: ReturnType<typeof inProject>
  const server = createServer((_, response) => response.end('ok'))
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    project = mkdtempSync(join(tmpdir(), 'throughline-docs-'))
    cpSync(join(repository, 'test/docs/given'), project, { recursive: true })
    mkdirSync(join(project, 'node_modules'))
    for (const name of readdirSync(modules)) symlinkSync(join(modules, name), join(project, 'node_modules', name))
    symlinkSync(repository, join(project, 'node_modules/throughline'))
    const given = readdirSync(project).filter((name) => name.endsWith('.ts'))
    for (const block of code) writeFileSync(join(project, fileOf(block)), shortened(moduleOf(block)))
    commitAll(project)
    compiled = compile([...new Set([...given, ...ours.map(fileOf)])])
    const stored = simulate({ arrivals: '800/s', service: '1ms' })
    for (const name of ['result', 'base', 'head']) writeFileSync(join(project, `${name}.json`), JSON.stringify(stored))
  })
  afterAll(() => {
    server.close()
    process.chdir(repository)
    rmSync(project, { recursive: true, force: true })
  })

  const isTest = (block: Block) => fileOf(block).endsWith('.test.ts')
  const tests = code.filter(isIn(tested)).filter(isTest)
  // the same twice need not be run twice
  const others = [
    ...new Map(ours.map((block) => [shortened(moduleOf(block)).replace(/\s+/g, ' '), block])).values(),
  ].filter((block) => !isTest(block))
  const inProject = (file: string, ...args: string[]): Promise<Ran> =>
    run(process.execPath, [file, ...args], { cwd: project, env: plain }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    )

  async function compile(files: string[]): ReturnType<typeof inProject> {
    const options = [
      '--strict',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--skipLibCheck',
      '--singleThreaded',
    ]
    const lib = ['--lib', 'es2023,esnext.disposable', '--rewriteRelativeImportExtensions', '--outDir', BUILT]
    const said = await inProject(join(modules, 'typescript-native/bin/tsc'), ...options, ...lib, ...files)
    // the handlers that threads load too: to load TypeScript takes each thread half a second
    for (const name of readdirSync(join(project, BUILT))) {
      const path = join(project, BUILT, name)
      writeFileSync(
        path,
        readFileSync(path, 'utf8').replace(/(new URL\('\S+\.)ts', import\.meta\.url\)/g, "$1js', import.meta.url)"),
      )
    }
    return said
  }

  describe('the code in the docs', () => {
    it('is there', () => {
      expect(ours.length).toBeGreaterThan(0)
    })

    it('compiles', async () => {
      expect(await compiled).toMatchObject({ stdout: '' })
    }, 180_000)

    it('runs', async () => {
      await compiled
      const each = others.map((block) => {
        const file = fileOf(block).replace(/ts$/, 'js')
        return `console.log('${RUNS}${block.at}')
        await import('./${file}').catch((error) => failed.push('${block.at}: ' + error.stack))`
      })
      writeFileSync(
        join(project, BUILT, 'all.js'),
        // findings, such as a busy machine, are warnings
        `console.warn = console.log\nconst failed = []\n${each.join('\n')}\nif (failed.length > 0) throw new Error(failed.join('\\n'))\n`,
      )
      const ran: Ran = await inProject(join(BUILT, 'all.js'))
      // failures of `node:test` are in its output
      expect(ran, ran.stderr + ran.stdout.slice(-3000)).toMatchObject({ code: 0, stderr: '' })
      const printed = new Map(
        ran.stdout.split(RUNS).map((text) => [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n') + 1)]),
      )
      const missing = others.flatMap(({ at, prints }) =>
        prints === null ? [] : missingIn(printed.get(at) ?? '', prints).map((line) => `${at}: ${line}`),
      )
      expect(missing, ran.stdout).toEqual([])
    }, 180_000)

    it.runIf(tests.length > 0)(
      'runs: what is a test itself',
      async () => {
        const files = tests.map(fileOf)
        const vitest = join(modules, 'vitest/vitest.mjs')
        expect(await inProject(vitest, 'run', '--testTimeout=60000', ...files)).toMatchObject({ code: 0 })
      },
      180_000,
    )
  })

  describe('the commands in the docs', () => {
    // the same twice need not be run twice
    const ours = [
      ...new Map(commands.map(([at, line, prints]) => [`${line} ${prints}`, { at, line, prints }])).values(),
    ]
      .filter(
        ({ line, prints }, _, all) => prints !== null || !all.some((other) => other.line === line && other.prints),
      )
      .filter(({ line }) => line.startsWith('npx throughline '))
    it.each(ours)(
      '$at: $line',
      async ({ line, prints }) => {
        const words = line.replace('npx throughline ', '').replace('127.0.0.1:8080', address)
        const args = (words.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'))
        const [first] = args as [string]
        const command = args.includes('--base-ref')
          ? 'gate'
          : first === 'capacity' && args.includes('--url')
            ? 'measureCapacity'
            : first
        const short = prints === null ? (SHORT[command] ?? []) : []
        process.chdir(project)
        const { code, stdout, stderr } = await throughline(...withFlags(args, short))
        // 3: so short a run is inconclusive; 1: a busy machine may break the budget
        expect(['measureCapacity', 'gate'].includes(command) ? [0, 1, 3] : [0, 3], stderr + stdout).toContain(code)
        expect(missingIn(stdout, prints ?? ''), stdout).toEqual([])
      },
      60_000,
    )

    it.each(commands.filter(([, line]) => /^npx tsx /.test(line)))('%s: %s is there', (_at, line) => {
      expect(existsSync(join(repository, line.split(' ')[2] as string))).toBe(true)
    })
  })
}
