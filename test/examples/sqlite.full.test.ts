import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('prints a row for each policy, stores what it acknowledged, and removes its file', async ({ onTestFinished }) => {
  const temporary = mkdtempSync(join(tmpdir(), 'sqlite-example-'))
  onTestFinished(() => rmSync(temporary, { recursive: true }))
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'examples/sqlite/main.ts', '--duration', '1s'],
    { env: { ...process.env, TMPDIR: temporary } },
  )
  expect(stderr).toBe('')
  for (const policy of ['one by one', 'up to 8', 'up to 64', 'up to 64, within 10 ms']) {
    expect(stdout).toMatch(
      new RegExp(`^ +${policy} {2,}[\\d,.]+/s( +[\\d,.]+ \\S+){4} +([\\d,.]+/s|none|unclear)$`, 'm'),
    )
  }
  expect(stdout).toMatch(/pieces 1: stored as row \d+\n pieces 0: rejected, CHECK .*\n pieces 2: stored as row \d+\n/)
  const [, acknowledged, found] = /([\d,]+) callers were notified .* the file has ([\d,]+) rows\./.exec(stdout) ?? []
  expect(found).toBe(acknowledged)
  expect(Number(acknowledged?.replaceAll(',', ''))).toBeGreaterThan(10)
  // what tsx keeps of its own is not ours
  expect(readdirSync(temporary).filter((name) => name.startsWith('throughline'))).toEqual([])
})
