import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('measures, predicts and concludes', async () => {
  const main = ['--import', 'tsx', 'examples/real-model/main.ts', '--sizes', '1,8', '--rounds', '1']
  const { stdout } = await promisify(execFile)(process.execPath, main, {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
  })

  // a row for each size with its capacity and the figures of both engines
  for (const size of [1, 8]) expect(stdout).toMatch(new RegExp(`^ +${size} +[\\d,]+ +measured +\\S`, 'm'))
  expect(stdout.match(/^ +simulated +\S/gm)).toHaveLength(2)
  expect(stdout).toMatch(/^ +1 +█+\S* [\d,]+/m)
  // a conclusion that is computed and then measured, or the message that there is no such size
  expect(stdout).toMatch(
    /Within a p99 of 10 ms, ([\s\S]*?predicted[\s\S]*?\n (Confirmed|Not confirmed|Neither confirmed)|no batch size sustains any load)/,
  )
  // the textbook figures
  expect(stdout).toMatch(/in batches of 10 +10 ms +1,000\/s/)
  expect(stdout).toMatch(/in batches of 50 +20 ms +2,500\/s/)
  expect(stdout).toContain('a mean of 390 ms')
  expect(stdout).toContain('a p50 of 100 ms')
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110)
}, 60_000)
