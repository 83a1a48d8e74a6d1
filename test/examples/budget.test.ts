import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/** Runs a test file of the examples with its own runner. */
const run = (command: string, ...args: string[]) =>
  promisify(execFile)(command, args, {
    cwd: 'examples/budget',
    // removes variables by which the runner would take itself for a worker of this one
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_OPTIONS: command === 'npx' ? '' : undefined },
  })

describe('the budget examples', () => {
  it('run in vitest, those on the real clock last', async () => {
    const { stdout } = await run('npx', 'vitest', 'run', '--reporter=json')
    expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: 3, numFailedTests: 0, numTotalTests: 3 })
  })

  it('run in node:test', async () => {
    const { stdout } = await run(process.execPath, '--import', 'tsx', '--test', 'checkout.node.test.ts')
    expect(stdout).toMatch(/# pass 1\n# fail 0/)
  })

  it('run in Jest', async () => {
    const jest = new URL('../../node_modules/jest/bin/jest.js', import.meta.url).pathname
    const { stderr } = await run(
      process.execPath,
      '--experimental-vm-modules',
      jest,
      '--testMatch',
      '**/*.jest.test.mjs',
      '--rootDir',
      '.',
    )
    expect(stderr).toMatch(/Tests: +1 passed, 1 total/)
  })
})
