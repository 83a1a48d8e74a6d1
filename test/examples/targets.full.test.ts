import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** Runs an example as a user does. */
async function run(example: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${example}`])
  expect(stderr).toBe('')
  return stdout
}

it('the call example shows its measurement', async () => {
  const stdout = await run('call.ts')
  expect(stdout).toContain('unlimited requests in flight: call saveOrder')
  expect(stdout).toContain('latency')
})

it('the HTTP example shows the stall in the latency from when requests were due', async () => {
  const stdout = await run('http.ts')
  const figures = /p90 +([\d.,]+) ms +([\d.,]+) ms/.exec(stdout)?.slice(1)
  const [fromDue, alone] = figures?.map((each) => Number(each.replace(',', ''))) ?? []
  // a tenth of the run is over 200 ms late or more: 50 of 270 requests were due in the stall
  expect(fromDue).toBeGreaterThan(100)
  expect(alone).toBeLessThan(fromDue as number)
})

it('the recorder example shows its recording as a result, as metrics and as a scenario', async () => {
  const stdout = await run('recorder.ts')
  expect(stdout).toContain('Recorded  live requests')
  expect(stdout).toMatch(/were the same requests to come at random, p95 would be [\d.]+ ms/)
  expect(stdout).toContain('throughline_requests_total{name="saveOrder",outcome="completed"} 300')
})

it('the example of classes shows both, and that a third server keeps the budget', async () => {
  const stdout = await run('classes.ts')
  expect(stdout).toContain('classes: 90 % browse, 10 % checkout (40 ms a batch (exponential))')
  expect(stdout.match(/browse.p99 +<= 100 ms .* (pass|fail)/g)?.map((line) => line.split(' ').at(-1))).toEqual([
    'fail',
    'pass',
  ])
})

it('the example of stages shows each, and the latency before and after the peak', async () => {
  const stdout = await run('stages.ts')
  expect(stdout.match(/180 to 240 +600 to 150 /g)).toHaveLength(2)
  expect(stdout.match(/p99 at 150\/s: [\d.]+ ms before the peak, [\d,.]+ ms after it/g)).toHaveLength(2)
})
