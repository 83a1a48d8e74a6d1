import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('shows how bursts raise p99 compared with a Poisson process of the same rate', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/real-trace.ts'])
  expect(stderr).toBe('')
  expect(stdout).toContain('8,819 requests')
  expect(stdout).toContain('coefficient of variation of 13.2')
  const times = [1, 2, 5, 10].map((speed) => {
    const line = stdout.split('\n').find((each) => new RegExp(`^ +${speed} `).test(each)) ?? ''
    return Number(
      line
        .trim()
        .split(/\s{2,}/)
        .at(-1),
    )
  })
  // always longer, and more so at a higher speed
  expect(times[0]).toBeGreaterThan(1.5)
  times.forEach((ratio, i) => {
    expect(ratio).toBeGreaterThan(times[i - 1] ?? 0)
  })
  expect(times[3]).toBeGreaterThan(10)
})
