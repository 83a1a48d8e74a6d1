import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('the service keeps its budget over HTTP, unless this machine cannot tell', async () => {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [vitest, 'run', '--reporter=json'], {
    cwd: 'examples/service',
    // a runner must not take itself for a part of this one
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_OPTIONS: '' },
  })
  const { numTotalTests, numPassedTests, numPendingTests, numFailedTests } = JSON.parse(stdout)
  expect({ numTotalTests, numFailedTests }).toEqual({ numTotalTests: 1, numFailedTests: 0 })
  expect(numPassedTests + numPendingTests).toBe(1)
})
