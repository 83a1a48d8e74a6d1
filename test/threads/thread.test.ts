import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { withoutTsx } from '../../src/threads/thread.js'

it('threads start without the tsx of the process, and with all other flags', () => {
  const loader = 'file:///app/node_modules/tsx/dist/loader.mjs'
  for (const tsx of [
    ['--import', 'tsx'],
    ['--import=tsx'],
    ['--import', 'tsx/esm', '-r', 'tsx/cjs'],
    ['--require', '/app/node_modules/tsx/dist/preflight.cjs', '--import', loader],
  ]) {
    const own = ['--import', './tsx-like.js', '--require=./before.cjs', '--conditions', 'development', '-C', 'tests']
    expect(withoutTsx([...tsx, ...own])).toEqual(own)
    expect(withoutTsx([...own, ...tsx])).toEqual(own)
  }
})

it('starts threads from source, under tsx', { tags: 'full' }, async () => {
  const script = `
    import { startThread } from './src/threads/thread.ts'
    const thread = await startThread(new URL('./src/text/number.js', 'file://' + process.cwd() + '/'), 'count')
    console.log(await thread.run(1234))
    await thread.destroy()`
  const flags = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  expect(stdout).toBe('1,234\n')
})
