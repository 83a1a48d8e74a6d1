import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('the example of the restaurant takes the fastest model that is good enough', async () => {
  const main = 'examples/restaurant/main.ts'
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main])
  expect(stderr).toBe('')
  const text = stdout.replace(/\s+/g, ' ')
  expect(text).toMatch(/^ Run distilled on 1 server, in batches of up to \d+/)
  expect(text).toContain('medium (quality 30.9) would keep p99 within 100 ms with 4 servers, at 10.7 times the cost.')
  expect(text).toMatch(/large has a p99 of 14\d ms without any waiting: no number of servers keeps p99 within 100 ms/)
})
