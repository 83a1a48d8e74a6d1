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
/** Tests that start other programs. */
const processes = ['test/checks.test.ts', 'test/{action,docs,examples}/**/*.test.ts']
/** Tests of commands, which have a working directory of their own. */
const commands = ['test/cli/**/*.test.ts']
/** Tests that use threads or the real clock. */
const realClock = [
  'test/measure/!(between-times|build-recording|closed-loop-as-simulated|dispatch-replay|first-times|http-events|idle-servers|local-servers|queue).test.ts',
  'test/explore/calibrate.test.ts',
  'test/serve/**/{batcher,threads}.test.ts',
]

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
    provide: { suite: 'quick' },
    tags: [{ name: 'full', skip: true }, { name: 'at-length' }],
    ...test,
  },
})

/** Long ones first, so that no worker is left alone with one at the end. */
class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const long = ['/checks.', '/package/', '/docs/', '/examples/', '/theory/', '/cli/'].findIndex((part) =>
        relative(root, moduleId).includes(part),
      )
      return long < 0 ? Number.POSITIVE_INFINITY : long
    }
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
  }
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/suites/fresh-build.ts', 'test/support/suites/report-missing-programs.ts'],
    sequence: { sequencer: LongOnesFirst },
    // to load the build once for all files takes half the time: they keep nothing outside themselves
    projects: [
      project({
        name: 'virtual',
        include: ['test/**/*.test.ts'],
        exclude: [...full, ...processes, ...commands, ...realClock],
        maxWorkers: 2,
        isolate: false,
      }),
      // these mostly wait, and hold on a busy machine, so that three files at a time save minutes
      project({
        name: 'processes',
        include: processes,
        exclude: full,
        maxWorkers: 3,
        sequence: { groupOrder: 1 },
      }),
      project({
        name: 'commands',
        include: commands,
        exclude: full,
        maxWorkers: 3,
        isolate: false,
        sequence: { groupOrder: 1 },
      }),
      project({
        name: 'real clock',
        include: realClock,
        exclude: full,
        maxWorkers: 3,
        isolate: false,
        sequence: { groupOrder: 1 },
      }),
      project({
        name: 'full',
        include: [...full, ...atLength],
        setupFiles: 'test/support/suites/skip-quick-tests.ts',
        provide: { suite: 'full' },
        tags: [{ name: 'full' }, { name: 'at-length' }],
        maxWorkers: 2,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
})
