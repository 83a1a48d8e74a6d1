import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkBudget, replicate, type Scenario, simulate } from '../../src/index.js'
import { SCENARIOS, throughline } from '../support/processes/command-line.js'

const flags = '--arrivals 50/s --service 10ms --requests 5000'.split(' ')
const scenario: Scenario = { arrivals: '50/s', service: '10ms', stop: { requests: 5000 } }

describe('throughline replicate', () => {
  it('prints the result of the library', async () => {
    const { code, stdout, stderr } = await throughline(
      'replicate',
      ...flags,
      '--replications',
      '3',
      '--threads',
      '1',
      '--json',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual(
      JSON.parse(JSON.stringify(await replicate(scenario, { replications: 3, threads: 1 }))),
    )
  })
})

describe('throughline capacity', () => {
  it('finds the highest load within a limit', async () => {
    const { code, stdout } = await throughline('capacity', ...flags, '--p99', '50ms', '--json')
    expect(code).toBe(0)
    const { rate, result } = JSON.parse(stdout)
    expect(result.latencyMs.p99).toBeLessThanOrEqual(50)
    // a load is sustained if its budget passes, which takes more than an observed p99 within the limit
    expect(checkBudget(result, { p99: '50ms' }).verdict).toBe('pass')
    const beyond = simulate({ ...scenario, arrivals: 1.02 * rate })
    expect(checkBudget(beyond, { p99: '50ms' }).verdict).not.toBe('pass')
  })

  it('reports that no load is sustained, with exit code 1', async () => {
    const { code, stdout } = await throughline('capacity', ...flags, '--p99', '9ms')
    expect(code).toBe(1)
    expect(stdout).toContain('No load is sustained')
    expect(await throughline('capacity', ...flags)).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('throughline calibrate', () => {
  it('prints a service for simulations', { tags: 'full' }, async () => {
    const handler = join(SCENARIOS, 'handler.ts')
    const args = [
      '--handler',
      handler,
      '--arrivals',
      '100/s',
      '--max-batch-size',
      '2',
      '--rate',
      '400/s',
      '--for',
      '500ms',
    ]
    const { code, stdout, stderr } = await throughline('calibrate', ...args, '--json')
    // a busy machine is no fault of the command
    const printed = stderr.split('\n').filter((line) => !/^throughline: (cpu-|machine-)/.test(line))
    expect({ code, printed }).toEqual({ code: 0, printed: [''] })
    const { service } = JSON.parse(stdout)
    // the handler takes 0.1 ms
    expect(simulate({ ...scenario, service }).serviceMs.min).toBeGreaterThanOrEqual(0.1)
  })
})
