import { execFile } from 'node:child_process'
import { it } from 'vitest'

/** Runs a command of the development dependencies; returns its exit code, and its output if it failed. */
const run = (command: string, ...args: string[]) =>
  new Promise<{ code: number | string; output: string }>((resolve) => {
    execFile(`node_modules/.bin/${command}`, args, { maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: error === null ? '' : stdout + stderr })
    })
  })

// the parts of `npm run check`, concurrent with tests that mostly wait
const SLOW = { timeout: 300_000 }

it.concurrent('the project type-checks, with tests, benches and examples', SLOW, async ({ expect }) => {
  // TypeScript 7 is several times faster, and with one thread needs half the CPU time; typedoc and the package tests need 6
  expect(await run('../typescript-native/bin/tsc', '--singleThreaded')).toEqual({ code: 0, output: '' })
})

it.concurrent('all files are formatted and pass the linter', SLOW, async ({ expect }) => {
  expect(await run('biome', 'check')).toEqual({ code: 0, output: '' })
})

it.concurrent('layers import only from lower layers', SLOW, async ({ expect }) => {
  expect(await run('depcruise', 'src')).toEqual({ code: 0, output: '' })
})

it.concurrent('there are no unused files, exports or dependencies', { ...SLOW, tags: 'full' }, async ({ expect }) => {
  expect(await run('knip')).toEqual({ code: 0, output: '' })
})
