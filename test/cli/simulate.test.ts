import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Scenario } from '../../src/scenario/scenario.js'
import { affine } from '../../src/scenario/service/service.js'
import { gamma } from '../../src/scenario/service/variation.js'
import { simulate } from '../../src/simulate/simulate.js'
import { SCENARIOS, throughline } from '../support/processes/command-line.js'

const file: Scenario = JSON.parse(readFileSync(`${SCENARIOS}/trade-off.json`, 'utf8'))

/** Runs simulate and parses its JSON. */
async function simulated(...args: string[]) {
  const { stdout, stderr, code } = await throughline('simulate', '--json', ...args)
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  return JSON.parse(stdout)
}

/** Removes undefined fields, as JSON does. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

describe.concurrent('throughline simulate', () => {
  it('prints a table on stdout and nothing on stderr', async () => {
    const { stdout, stderr, code } = await throughline('simulate', 'trade-off.json')
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toContain('Simulated  800/s at random (Poisson)')
    expect(stdout).toContain('Where the time went')
    expect(stdout).not.toContain('\u001b')
  })

  it.each<[budget: string, exit: number, verdict: RegExp]>([
    ['p99=1s,throughput>=500/s', 0, /Budget kept: 3 rules/],
    ['p50=1ms', 1, /Budget broken: 1 of 2 rules fails/],
    ['first.p99=1s', 3, /it is unknown when responses began/],
  ])('checks the budget %s, and writes the report', async (budget, exit, verdict) => {
    const folder = mkdtempSync(join(tmpdir(), 'simulate-'))
    const [html, junit] = [join(folder, 'report.html'), join(folder, 'junit.xml')]
    const { stdout, code } = await throughline('simulate', 'trade-off.json', '--budget', budget, '--output', html)
    expect(code).toBe(exit)
    expect(stdout).toMatch(verdict)
    expect(readFileSync(html, 'utf8')).toMatch(verdict)
    await throughline('simulate', 'trade-off.json', '--budget', budget, '--output', junit)
    expect(readFileSync(junit, 'utf8')).toMatch(exit === 0 ? /failures="0"/ : /failures="1"/)
    rmSync(folder, { recursive: true })
  })

  it('prints only the result of the library with --json', async () => {
    expect(await simulated('trade-off.json')).toEqual(plain(simulate(file)))
  })

  it('accepts a scenario from flags only', async () => {
    const flags =
      '--arrivals 800/s --base 7.5ms --per-item 0.25ms --cv 0.5 --max-batch-size 16 --max-wait 20ms --servers 2 --requests 9000 --warmup 1s --seed 7 --queue-capacity 50 --queue-timeout 1s --good latency=40ms,queueing=20ms'
    const scenario: Scenario = {
      arrivals: 800,
      service: affine({ base: 7.5, perItem: 0.25, variation: gamma({ cv: 0.5 }) }),
      batching: { maxBatchSize: 16, maxWait: 20 },
      servers: 2,
      stop: { requests: 9000 },
      warmup: { duration: '1s' },
      seed: 7,
      queue: { capacity: 50, timeout: '1s' },
      good: { latency: '40ms', queueing: '20ms' },
    }
    expect(await simulated(...flags.split(' '))).toEqual(plain(simulate(scenario)))
  })

  it('changes the scenario of a file by flags, and keeps the rest', async () => {
    const changed: Scenario = {
      ...file,
      arrivals: { process: 'constant', rate: 800 },
      service: affine({ base: 7.5, perItem: 0.5 }),
      batching: { maxBatchSize: 32, maxWait: '20ms' },
    }
    const flags = ['--process', 'constant', '--per-item', '0.5ms', '--max-batch-size', '32']
    expect(await simulated('trade-off.json', ...flags)).toEqual(plain(simulate(changed)))
  })

  it('keeps the other fields of a service, think time or queue that a flag changes', async () => {
    const stalls = { probability: 0.1, time: '30ms' }
    const given: Scenario = {
      arrivals: {
        process: 'closed',
        clients: 4,
        thinkTime: { mean: '5ms', variation: { distribution: 'exponential' } },
      },
      service: affine({ base: '2ms', perItem: '1ms', variation: gamma({ cv: 2 }), stalls }),
      queue: { capacity: 3, timeout: '1s' },
      stop: { requests: 5000 },
    }
    const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
    const path = join(folder, 'given.json')
    writeFileSync(path, JSON.stringify(given))
    const { scenario } = await simulated(path, '--service', '3', '--think-time', '7', '--queue-capacity', 'none')
    rmSync(folder, { recursive: true })
    expect(scenario).toMatchObject({
      arrivals: { clients: 4, thinkTime: { mean: 7, variation: { distribution: 'exponential' } } },
      service: { model: 'affine', base: 3, perItem: 0, variation: { cv: 2 }, stalls: { probability: 0.1 } },
      queue: { capacity: null, timeout: 1000 },
    })
  })

  it('takes plain numbers for milliseconds in every flag', async () => {
    const { scenario } = await simulated(
      ...'--arrivals 100 --service 1 --max-batch-size 8 --max-wait 5 --duration 5000ms'.split(' '),
    )
    expect(scenario).toMatchObject({ service: { base: 1 }, batching: { maxWait: 5 }, stop: { duration: 5000 } })
  })

  it('prints an invalid run and exits with 2 with --fail-if-invalid', async () => {
    const flags = 'simulate --arrivals 2000/s --service 1ms --requests 20000'.split(' ')
    const printed = await throughline(...flags)
    expect(printed).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('saturated') })
    const failed = await throughline(...flags, '--fail-if-invalid')
    expect(failed).toEqual({ ...printed, code: 2, stderr: 'throughline: the run is invalid: saturated\n' })
    expect(await throughline('simulate', 'trade-off.json', '--fail-if-invalid')).toMatchObject({ code: 0, stderr: '' })
  })

  it('accepts closed clients and no limits', async () => {
    const flags = '--clients 5 --think-time 10ms --service 2ms --max-batch-size none --requests 5000 --warmup 500'
    const scenario: Scenario = {
      arrivals: { process: 'closed', clients: 5, thinkTime: '10ms' },
      service: '2ms',
      batching: { maxBatchSize: null },
      stop: { requests: 5000 },
      warmup: { requests: 500 },
    }
    expect(await simulated(...flags.split(' '))).toEqual(plain(simulate(scenario)))
  })

  it('accepts a TypeScript module', async () => {
    const { scenario } = await simulated('measured.ts', '--requests', '1000')
    expect(scenario).toMatchObject({ arrivals: { process: 'poisson', rate: 500 }, stop: { requests: 1000 } })
  })
})
