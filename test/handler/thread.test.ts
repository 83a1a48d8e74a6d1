import { expect, it } from 'vitest'
import { withoutTsx } from '../../src/handler/thread.js'

it('threads are started without the tsx that the process runs under, however it was named, and with all else', () => {
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
