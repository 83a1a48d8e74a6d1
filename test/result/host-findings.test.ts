import { describe, expect, it } from 'vitest'
import type { Cpu, Host, Speed } from '../../src/index.js'
import { hostFindings } from '../../src/result/host-findings.js'

const findIn = (of: Host, servedOutside = false) => hostFindings(of, 1000, servedOutside)

const quiet: Cpu = {
  periodMs: 1000,
  cores: 2,
  threads: [
    { thread: 'server 1', busyMs: 200, fraction: 0.2, waitingMs: 4 },
    { thread: 'server 2', busyMs: 500, fraction: 0.5, waitingMs: 10 },
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
    expect(findIn(host(quiet))).toEqual([])
    expect(findIn(host(null))).toEqual([])
  })

  it('is found if a thread had no core to run on, and names it and who was busy', () => {
    const threads = [
      quiet.threads[0],
      { thread: 'server 2', busyMs: 500, fraction: 0.5, waitingMs: 125 },
    ] as Cpu['threads']
    const cpu = { ...quiet, threads, othersMs: 1000, busiestOther: 'stress (pid 7)' }
    const [finding] = findIn(host(cpu))
    expect(finding).toMatchObject({
      code: 'cpu-contention',
      severity: 'warning',
      figures: {
        cores: 2,
        processFraction: 0.36,
        othersFraction: 0.5,
        stealFraction: 0.005,
        waitingMs: 125,
        waitingFraction: 0.2,
      },
    })
    expect(finding?.message).toBe(
      'server 2 was runnable but had no CPU for 20 % of its time; other processes used 50 % of 2 cores, most of it by stress (pid 7), a hypervisor took 0.5 % for others, and this process 36 %. Stop them, or expect longer latencies',
    )
  })

  it('is found if other processes used a quarter of a core, although no thread waited, of two', () => {
    expect(findIn(host({ ...quiet, othersMs: 240 }))).toEqual([])
    const [finding] = findIn(host({ ...quiet, othersMs: 260 }))
    expect(finding?.message).toMatch(/^other processes used 13 % of 2 cores, .*this process 36 %\. Stop them/)
  })

  it('does not ask to stop a server that is measured from outside', () => {
    expect(findIn(host({ ...quiet, othersMs: 1200 }), true)).toEqual([])
    const threads = [{ thread: 'main', busyMs: 500, fraction: 0.5, waitingMs: 125 }]
    const [finding] = findIn(host({ ...quiet, threads, othersMs: 1200 }), true)
    expect(finding?.message).toContain('the server under test included if it runs here')
    expect(finding?.message).not.toContain('Stop them')
  })

  it('is not found if a thread that hardly ran waited as little', () => {
    const threads = [{ thread: 'server 1', busyMs: 5, fraction: 0.005, waitingMs: 4 }]
    expect(findIn(host({ ...quiet, threads }))).toEqual([])
  })

  it('is found if a hypervisor took time, or this process kept all cores busy', () => {
    expect(findIn(host({ ...quiet, stealMs: 41 }))[0]?.message).toContain('a hypervisor took 2.1 % for others')
    expect(findIn(host({ ...quiet, stealMs: 39 }))).toEqual([])
    const [finding] = findIn(host({ ...quiet, processMs: 1900 }))
    expect(finding?.message).toMatch(/this process 95 %\. Use fewer servers than cores$/)
  })
})

describe('cpu-throttled', () => {
  it('is found if the quota of a container stopped its threads', () => {
    const throttled = { quotaCores: 1.5, periods: 12, ms: 340 }
    expect(findIn(host({ ...quiet, throttled }))).toMatchObject([
      {
        code: 'cpu-throttled',
        message:
          "the container's CPU quota of 1.5 cores throttled this process 12 times, for 340 ms of 1 s. Raise the quota, or use fewer servers",
        figures: { quotaCores: 1.5, periods: 12, throttledMs: 340 },
      },
    ])
    expect(findIn(host({ ...quiet, throttled: { ...throttled, periods: 0 } }))).toEqual([])
  })
})

describe('machine-unsteady', () => {
  it('is found if the fastest tenth of the run was more than 1.75 times the slowest', () => {
    expect(findIn(host(null, speeds(0.8, 1.39)))).toEqual([])
    expect(findIn(host(null, speeds(0.7, 1.3)))).toMatchObject([
      { code: 'machine-unsteady', severity: 'warning', figures: { slowest: 0.7, fastest: 1.3, apart: 1.3 / 0.7 } },
    ])
  })
})

describe('event-loop-stalled', () => {
  const stalled = (maxMs: number, windowMs: number) =>
    hostFindings(
      { ...host(quiet), eventLoopDelay: { thread: 'main', meanMs: 0.1, p50Ms: 0, p99Ms: 1, maxMs } },
      windowMs,
    )

  it('is found after a stall of 0.2 s or longer that p99 shows', () => {
    expect(stalled(199, 1000)).toEqual([])
    expect(stalled(290, 30_000)).toEqual([])
    expect(stalled(300, 30_000)).toMatchObject([
      { code: 'event-loop-stalled', severity: 'warning', figures: { stalledMs: 300, fraction: 0.01 } },
    ])
  })

  it('is an error if it took more than half of the window', () => {
    expect(stalled(500, 1000)).toMatchObject([{ severity: 'warning' }])
    const [finding] = stalled(3000, 5000)
    expect(finding).toMatchObject({ severity: 'error', figures: { fraction: 0.6 } })
    expect(finding?.message).toMatch(/^the event loop of this process was blocked for 3,?000 ms, 60 % of the window: /)
  })
})
