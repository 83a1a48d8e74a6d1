import { execFile } from 'node:child_process'
import { it, vi } from 'vitest'

/** What a command of the development dependencies says, and how it ended. */
const run = (command: string, ...args: string[]) =>
  new Promise<{ code: number | string; said: string }>((resolve) => {
    execFile(`node_modules/.bin/${command}`, args, { maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, said: error === null ? '' : stdout + stderr })
    })
  })

// what `npm run check` does; here beside tests that mostly wait
vi.setConfig({ testTimeout: 300_000 })

it.concurrent('types agree, in tests, benches and examples too', async ({ expect }) => {
  // TypeScript 7, several times as fast; typedoc and the tests of the package know 6
  expect(await run('../typescript-native/bin/tsc')).toEqual({ code: 0, said: '' })
})

it.concurrent('all is formatted and linted', async ({ expect }) => {
  expect(await run('biome', 'check')).toEqual({ code: 0, said: '' })
})

it.concurrent('rooms import from those that they may', async ({ expect }) => {
  expect(await run('depcruise', 'src')).toEqual({ code: 0, said: '' })
})

it.concurrent('nothing is there that nothing uses', async ({ expect }) => {
  expect(await run('knip')).toEqual({ code: 0, said: '' })
})
