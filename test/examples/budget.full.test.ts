import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const module = (path: string) => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url))

/** Runs a test file of the examples as its own runner does. */
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, args, {
    cwd: 'examples/budget',
    // a runner must not take itself for a part of this one
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  })

describe('the examples of budgets', () => {
  it('run in vitest, those on a real clock after the others', async () => {
    const { stdout } = await run(module('vitest/vitest.mjs'), 'run', '--reporter=json', '--testTimeout=60000')
    expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: 3, numFailedTests: 0, numTotalTests: 3 })
  })

  it('run in node:test', async () => {
    const { stdout } = await run('--import', 'tsx', '--test', '--test-reporter=tap', 'checkout.node.test.ts')
    expect(stdout).toMatch(/# pass 1\n# fail 0/)
  })

  it('run in Jest', async () => {
    const { stderr } = await run(
      '--experimental-vm-modules',
      module('jest/bin/jest.js'),
      '--testMatch',
      '**/*.jest.test.mjs',
      '--rootDir',
      '.',
    )
    expect(stderr).toMatch(/Tests: +1 passed, 1 total/)
  })
})
