import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MeasuredCapacity } from '../../src/index.js'
import { interrupted, throughline } from '../support/processes/command-line.js'
import { type Scripted, startServer } from '../support/processes/http-server.js'

describe('throughline capacity of a target', () => {
  let server: Scripted
  beforeAll(async () => {
    server = await startServer((_, response) => response.end('ok'))
  })
  afterAll(() => server.close())

  it('prints the loads, with an exit code that follows from them', async () => {
    const flags = ['--url', server.url, '--arrivals', '400/s', '--budget', 'p90=2s', '--at-most', '2s', '--json']
    const { code, stdout } = await throughline('capacity', ...flags)
    const { rate, failed, tried, result }: MeasuredCapacity = JSON.parse(stdout)
    // a busy machine may complete no run in this time
    expect(tried[0]?.rate ?? 400).toBe(400)
    expect(code).toBe(rate !== null && rate >= 400 ? 0 : failed !== null && failed <= 400 ? 1 : 3)
    expect(result === null).toBe(rate === null)
    expect(server.received.length).toBeGreaterThan(10)
  })

  it('is inconclusive if there was too little time for a run', async () => {
    const flags = ['--url', server.url, '--arrivals', '10/s', '--p99', '2s', '--at-most', '10ms']
    const { code, stdout } = await throughline('capacity', ...flags)
    expect(code).toBe(3)
    expect(stdout).toContain('The time was over before a load passed; allow more time.')
  })

  it('prints the best so far at Ctrl-C', async () => {
    const flags = ['--url', server.url, '--arrivals', '100/s', '--p99', '2s', '--at-most', '20s']
    const { code, stdout, stderr } = await interrupted('capacity', ...flags)
    expect(code).toBe(130)
    // a busy machine may have completed no run
    expect(stdout === '' ? stderr : stdout).toMatch(/The search was stopped before|Keeps the budget|: interrupted/)
  })

  it('refuses what does not apply', async () => {
    const url = ['--url', server.url, '--p99', '1s']
    const simulated = ['--arrivals', '10/s', '--service', '10ms', '--p99', '50ms', '--at-most', '10s']
    for (const [flags, message] of [
      [[...url, '--duration', '5s'], '--duration: must be left out: a run is as long as its verdict needs'],
      [[...url, '--requests', '500'], '--requests: must be left out: a run is as long as its verdict needs'],
      [[...url, '--clients', '5'], 'must be a process with a rate to search'],
      [[...url, '--at-most', '0'], '--at-most: must be a duration'],
      [
        ['--url', server.url, '--budget', 'throughput>=5/s'],
        '--budget: throughput: must be a limit that a higher load breaks',
      ],
      [simulated, '--at-most: applies to a target only'],
    ] as const) {
      const { code, stderr } = await throughline('capacity', ...flags)
      expect(stderr).toContain(message)
      expect(code).toBe(2)
    }
  })
})
