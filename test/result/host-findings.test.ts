import { describe, expect, it } from 'vitest'
import type { Cpu, Host, Speed } from '../../src/index.js'
import { hostFindings, widened } from '../../src/result/host-findings.js'
import { withheld } from '../../src/result/summary.js'

const quiet: Cpu = {
  periodMs: 1000,
  cores: 2,
  threads: [
    { thread: 'generator', busyMs: 200, share: 0.2, waitingMs: 4 },
    { thread: 'server 1', busyMs: 500, share: 0.5, waitingMs: 10 },
  ],
  processMs: 720,
  othersMs: 100,
  stealMs: 10,
}
const host = (cpu: Cpu | null, speed: Speed | null = null): Host => ({
  speed,
  gc: null,
  eventLoopDelay: null,
  cpu,
  reasons: {},
})
const speeds = (slowest: number, fastest: number): Speed => ({ slowest, fastest, timeline: [] })

describe('cpu-contention', () => {
  it('is not found where threads ran when they could, or nothing is known', () => {
    expect(hostFindings(host(quiet))).toEqual([])
    expect(hostFindings(host(null))).toEqual([])
  })

  it('is found where a thread found no core, and names it and who was busy', () => {
    const threads = [
      quiet.threads[0],
      { thread: 'server 1', busyMs: 500, share: 0.5, waitingMs: 125 },
    ] as Cpu['threads']
    const [finding] = hostFindings(host({ ...quiet, threads, othersMs: 1000 }))
    expect(finding).toMatchObject({
      code: 'cpu-contention',
      severity: 'warning',
      figures: { cores: 2, processShare: 0.36, othersShare: 0.5, stealShare: 0.005, waitingMs: 125, waitingShare: 0.2 },
    })
    expect(finding?.message).toMatch(/^server 1 could have run and found no core for 20 % of its time: of 2 cores, /)
    expect(finding?.message).toContain('this process used 36 % and other processes 50 %')
  })

  it('is not found where a thread that hardly ran waited as little', () => {
    const threads = [{ thread: 'generator', busyMs: 5, share: 0.005, waitingMs: 4 }]
    expect(hostFindings(host({ ...quiet, threads }))).toEqual([])
  })

  it('is found where a hypervisor took time, or no core was idle', () => {
    expect(hostFindings(host({ ...quiet, stealMs: 41 }))[0]?.message).toContain('a hypervisor gave 2.1 % to others')
    expect(hostFindings(host({ ...quiet, stealMs: 39 }))).toEqual([])
    const [finding] = hostFindings(host({ ...quiet, othersMs: 1200 }))
    expect(finding?.message).toMatch(/^the machine's 2 cores were busy 97 % of the time/)
  })
})

describe('machine-unsteady', () => {
  it('is found where the fastest tenth of the run was more than 1.2 times the slowest', () => {
    expect(hostFindings(host(null, speeds(0.95, 1.13)))).toEqual([])
    expect(hostFindings(host(null, speeds(0.8, 1.2)))).toMatchObject([
      { code: 'machine-unsteady', severity: 'warning', figures: { slowest: 0.8, fastest: 1.2, apart: 1.2 / 0.8 } },
    ])
  })

  it('widens intervals by what times may be at the slowest and at the fastest', () => {
    const given = { ...withheld('too few'), mean: { low: 9, high: 10, level: 0.95 as const } }
    const { mean, p99 } = widened(given, speeds(0.8, 1.25))
    expect(mean).toEqual({ low: 7.2, high: 12.5, level: 0.95 })
    expect(p99).toEqual(given.p99)
  })
})
