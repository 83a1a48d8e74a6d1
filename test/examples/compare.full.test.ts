import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('the comparison example reports which is faster', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/compare.ts'])
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^ head is faster: mean 0\.\d+ times base's latency \(.*\), from \d+ pairs\n\n metric /)
  expect(stdout).toMatch(/^ service\.mean .* faster$/m)
})
