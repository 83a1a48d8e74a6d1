import { availableParallelism } from 'node:os'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** Tests of what computes and keeps nothing outside itself. */
const pure = ['test/{budget,explore,random,result,scenario,simulate,text,theory}/**/*.test.ts']
/** Tests that use threads, other processes or the real clock. */
const realClock = [
  'test/checks.test.ts',
  'test/{measure,cli,examples,docs,package}/**/*.test.ts',
  'test/explore/{calibrate,compare-measured}.test.ts',
  'test/serve/{batcher,threads}.test.ts',
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
  test: { testTimeout: 60_000, ...test },
})

export default defineConfig({
  test: {
    globalSetup: 'test/fresh-build.ts',
    projects: [
      // to load the source once for all of them takes half the time
      project({
        name: 'virtual',
        include: pure,
        exclude: realClock,
        maxWorkers: availableParallelism(),
        isolate: false,
      }),
      project({
        name: 'apart',
        include: ['test/**/*.test.ts'],
        exclude: [...pure, ...realClock],
        maxWorkers: availableParallelism(),
      }),
      // they mostly wait, and hold on a busy machine, so that two files at a time spare minutes
      project({
        name: 'real clock',
        include: realClock,
        maxWorkers: 2,
        sequence: { groupOrder: 1 },
      }),
    ],
  },
})
