import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitCodeOfCapacity } from '../../src/cli/capacity.js'
import type { MeasuredCapacity } from '../../src/index.js'
import { interruptedAt, throughline } from '../support/processes/command-line.js'
import { type Scripted, startServer } from '../support/processes/http-server.js'

describe('the exit code of a measured capacity', () => {
  it.each([
    [{ rate: 400, failed: null }, 400, 0],
    [{ rate: 400, failed: 500 }, 300, 0],
    [{ rate: 200, failed: 400 }, 400, 1],
    // between the load that passed and the one that failed, nothing is known
    [{ rate: 200, failed: 500 }, 400, 3],
    [{ rate: null, failed: 400 }, 400, 1],
    [{ rate: null, failed: null }, 400, 3],
    [{ rate: 5, failed: 10 }, null, 0],
    [{ rate: null, failed: 10 }, null, 1],
    [{ rate: null, failed: null }, null, 3],
  ])('of %j for a load of %s is %s', (found, wanted, code) => {
    expect(exitCodeOfCapacity(found, wanted)).toBe(code)
  })
})

describe('throughline capacity of a target', () => {
  let server: Scripted
  beforeAll(async () => {
    server = await startServer((_, response) => response.end('ok'))
  })
  afterAll(() => server.close())

  it('prints the loads, with an exit code that follows from them', async () => {
    // no response takes a microsecond: the search ends by itself, at the lowest load, long before its limit
    const flags = ['--url', server.url, '--arrivals', '1000/s', '--budget', 'p90=1us', '--at-most', '24s', '--json']
    const { code, stdout } = await throughline('capacity', ...flags)
    const { rate, failed, tried, result, ended }: MeasuredCapacity = JSON.parse(stdout)
    expect({ code, rate, result, ended }).toEqual({ code: 1, rate: null, result: null, ended: 'found' })
    expect(tried.map((each) => each.rate)).toEqual([1000, 500, 250, 125, 62.5, 31.25, 15.625])
    expect(failed).toBe(15.625)
    expect(server.received.length).toBeGreaterThan(10)
  })

  it('exits with 0 if the load of the arrivals keeps the budget', async () => {
    const flags = ['--url', server.url, '--arrivals', '100/s', '--budget', 'p50=1m', '--at-most', '800ms', '--json']
    const { code, stdout } = await throughline('capacity', ...flags)
    const found: MeasuredCapacity = JSON.parse(stdout)
    // a busy machine may send no load on time
    expect(code).toBe(exitCodeOfCapacity(found, 100))
    expect(found.result === null).toBe(found.rate === null)
    // a longer run may be inconclusive at a load that a short one passed: the last run at it counts
    const last = found.tried.findLast(({ rate }) => rate === 100)
    if (last?.verdict === 'pass' && found.failed === null) expect(code).toBe(0)
  })

  it('is inconclusive if there was too little time for a run', async () => {
    const flags = ['--url', server.url, '--arrivals', '1/s', '--p99', '2s', '--at-most', '1ms']
    const { code, stdout } = await throughline('capacity', ...flags)
    expect(code).toBe(3)
    expect(stdout).toContain('The time ran out before a load passed; allow more time.')
  })

  it('prints the best so far at Ctrl-C', async () => {
    const flags = ['--url', server.url, '--arrivals', '100/s', '--p99', '2s', '--at-most', '20s']
    // at the first progress no run may be complete, so that there is nothing to print
    const { code, stdout } = await interruptedAt(/, run ([2-9]|[1-9]\d)/, 'capacity', ...flags)
    expect(code).toBe(130)
    expect(stdout).toMatch(/The search was stopped before|Keeps the budget/)
  })

  it('refuses what does not apply', async () => {
    const url = ['--url', server.url, '--p99', '1s']
    const simulated = ['--arrivals', '10/s', '--service', '10ms', '--p99', '50ms', '--at-most', '10s']
    for (const [flags, message] of [
      [[...url, '--duration', '5s'], '--duration: must be omitted: a run is as long as its verdict needs'],
      [[...url, '--requests', '500'], '--requests: must be omitted: a run is as long as its verdict needs'],
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
