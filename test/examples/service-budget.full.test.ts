import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('the service keeps its budget over HTTP, unless this machine cannot tell', async () => {
  const { stdout } = await promisify(execFile)('npx', ['vitest', 'run', '--reporter=json'], {
    cwd: 'examples/service',
    // a runner must not take itself for a part of this one
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_OPTIONS: '' },
  })
  const { numTotalTests, numPassedTests, numPendingTests, numFailedTests } = JSON.parse(stdout)
  expect({ numTotalTests, numFailedTests }).toEqual({ numTotalTests: 1, numFailedTests: 0 })
  expect(numPassedTests + numPendingTests).toBe(1)
})
