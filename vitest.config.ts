import { relative } from 'node:path'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Long tests: a browser, packed packages, other test runners, examples and commands in processes of their own. */
const full = ['test/**/*.full.test.ts']
/** Quick tests that the full suite runs again at length: see `test/support/at-length.ts`. */
const atLength = [
  'test/action/{comment,run}.test.ts',
  'test/budget/check.test.ts',
  'test/cli/gate/history.test.ts',
  'test/measure/{closed-loop,local-servers,queue}.test.ts',
  'test/result/{intervals,unsteady}.test.ts',
  'test/theory/cases.test.ts',
]
/** Tests that start other programs. */
const processes = ['test/checks.test.ts', 'test/{action,docs,examples}/**/*.test.ts']
/** Tests of commands, which have a working directory of their own. */
const commands = ['test/cli/**/*.test.ts']
/** Tests that use threads or the real clock. */
const realClock = [
  'test/measure/!(build-recording|closed-loop|dispatch-replay|local-servers|queue).test.ts',
  'test/explore/calibrate.test.ts',
  'test/serve/**/{batcher,threads}.test.ts',
]

/** Threads load what is built: to load the source takes each of them a quarter of a second for tsx alone. */
const threadsLoadWhatIsBuilt = {
  name: 'threads load what is built',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    const [, path] = /\/src\/(.*)\.ts$/.exec(id) ?? []
    if (path === undefined || !code.includes('import.meta.url')) return
    const built = new URL(`dist/${path}.js`, import.meta.url)
    return { code: code.replaceAll('import.meta.url', JSON.stringify(built.href)), map: null }
  },
}

const project = (test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration => ({
  plugins: [threadsLoadWhatIsBuilt],
  test: { testTimeout: 60_000, hookTimeout: 60_000, provide: { fraction: 0.2 }, ...test },
})

/** Long ones first, so that no worker is left alone with one at the end. */
class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const long = ['/checks.', '/package/', '/docs/', '/examples/', '/theory/', '/cli/'].findIndex((part) =>
        relative(import.meta.dirname, moduleId).includes(part),
      )
      return long < 0 ? Number.POSITIVE_INFINITY : long
    }
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
  }
}

export default defineConfig({
  test: {
    globalSetup: 'test/support/fresh-build.ts',
    sequence: { sequencer: LongOnesFirst },
    // to load the source once for all files takes half the time: they keep nothing outside themselves
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
        provide: { fraction: 1 },
        maxWorkers: 2,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
})
