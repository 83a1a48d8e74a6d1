import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** What an example prints, as somebody runs it. */
async function run(example: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${example}`])
  expect(stderr).toBe('')
  return stdout
}

it('the example of a call shows what it measured', async () => {
  const stdout = await run('call.ts')
  expect(stdout).toContain('no limit in flight: call saveOrder')
  expect(stdout).toContain('latency')
})

it('the example of an HTTP server shows the stall to those who were due while it lasted', async () => {
  const stdout = await run('http.ts')
  const figures = /p90 +([\d.,]+) ms +([\d.,]+) ms/.exec(stdout)?.slice(1)
  const [fromDue, alone] = figures?.map((each) => Number(each.replace(',', ''))) ?? []
  // a tenth of the run is over 200 ms late or more: 50 of 270 requests were due in the stall
  expect(fromDue).toBeGreaterThan(100)
  expect(alone).toBeLessThan(fromDue as number)
})

it('the example of a recorder shows what it recorded, as a result, as metrics and as a scenario', async () => {
  const stdout = await run('recorder.ts')
  expect(stdout).toContain('Recorded  live requests')
  expect(stdout).toMatch(/were the same requests to come at random, p95 would be [\d.]+ ms/)
  expect(stdout).toContain('throughline_requests_total{name="saveOrder",outcome="completed"} 300')
})
