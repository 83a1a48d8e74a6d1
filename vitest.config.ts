import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const root = import.meta.dirname
/** Long tests: a browser, packed packages, other test runners, examples and commands in processes of their own. */
const full = ['test/**/*.full.test.ts']
/** Files of the quick suite with tests that the full suite runs at length: see `test/support/at-length.ts`. */
const atLength = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name}`)
  .filter((name) => name.endsWith('.test.ts') && !name.endsWith('.full.test.ts'))
  .filter((name) => /\btags: '(full|at-length)'/.test(readFileSync(join(root, name), 'utf8')))
/**
 * Tests import the source and run what is built from it, as Node loads it: it is loaded at once, runs as fast as for users,
 * and is the same module for threads and commands.
 */
const runWhatIsBuilt = {
  name: 'run what is built',
  enforce: 'pre' as const,
  resolveId(source: string, importer: string | undefined) {
    if (importer === undefined || !source.startsWith('.')) return
    const path = relative(root, fileURLToPath(new URL(source, `file://${importer}`)))
    if (!path.startsWith('src/')) return
    return { id: join(root, path.replace(/^src/, 'dist').replace(/\.ts$/, '.js')), external: true }
  },
}

const project = (test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration => ({
  plugins: [runWhatIsBuilt],
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    server: { deps: { external: [`${root}/dist/`] } },
    // to load the build once for all files takes half the time: they keep nothing outside themselves
    isolate: false,
    // two cores are busy while two files of four wait
    maxWorkers: 4,
    ...test,
  },
})

/** Parts of the paths of files that take long, the longest first. */
const LONG = [
  ...['/checks.', '/docs/code', '/agents', '/package/', '/gate/', '/docs/', '/examples/', '/theory/', '/tune'],
  ...['/cli/explore', '/usage', '/threads'],
]
/** Files that wait for the real clock or for processes for a part of their time. */
const WAITING = /^test\/(action|cli|examples|measure|serve)\//

/**
 * Long ones first, so that no worker is left alone with one at the end; then one that waits and one that computes in turn, so
 * that the cores always have work.
 */
class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return ['quick', 'full'].flatMap((name) => {
      const own = sorted.filter(({ project }) => project.name === name)
      const long = LONG.flatMap((part) => own.filter((each) => pathOf(each).includes(part)))
      const rest = own.filter((each) => !long.includes(each))
      const waiting = rest.filter((each) => WAITING.test(pathOf(each)))
      return [
        ...new Set(long),
        ...inTurn(
          waiting,
          rest.filter((each) => !waiting.includes(each)),
        ),
      ]
    })
  }
}

const pathOf = ({ moduleId }: TestSpecification) => relative(root, moduleId)

/** Merges two lists evenly. */
function inTurn<Value>(...lists: [Value[], Value[]]): Value[] {
  return lists
    .flatMap((list) => list.map((value, i) => ({ value, at: (i + 0.5) / list.length })))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/suites/fresh-build.ts', 'test/support/suites/report-missing-programs.ts'],
    sequence: { sequencer: LongOnesFirst },
    projects: [
      project({
        name: 'quick',
        include: ['test/**/*.test.ts'],
        exclude: full,
        setupFiles: 'test/support/suites/working-directory.ts',
        provide: { suite: 'quick' },
        tags: [{ name: 'full', skip: true }, { name: 'at-length' }],
      }),
      project({
        name: 'full',
        include: [...full, ...atLength],
        setupFiles: ['test/support/suites/working-directory.ts', 'test/support/suites/skip-quick-tests.ts'],
        provide: { suite: 'full' },
        tags: [{ name: 'full' }, { name: 'at-length' }],
        // long runs leave memory behind, and a process with much of it cannot start others
        isolate: true,
        maxWorkers: 3,
        sequence: { groupOrder: 1 },
      }),
    ],
  },
})
