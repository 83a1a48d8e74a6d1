import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { cpuBetween, parseStat, readCpu, threadId } from '../../src/measure/host/cpu.js'
import { GC_LENGTH, recordPause, summarizePauses, watchGc } from '../../src/measure/host/gc.js'
import { speedIn } from '../../src/measure/host/speed.js'
import { measure } from '../../src/measure/measure.js'
import { Window } from '../../src/measure/recording/window.js'

const MS = 1_000_000
const windowOf = (startNs: number, endNs: number) =>
  Window.of({
    shard: null,
    stop: { requests: 1, ns: endNs },
    startNs,
    endNs,
    lastNs: endNs,
    segments: [{ startNs, first: 0 }],
  })

const linux = process.platform === 'linux'

describe('the pauses of garbage collection', () => {
  it('are clipped to the window, and counted by kind', () => {
    const values = new Float64Array(GC_LENGTH)
    const window = windowOf(100 * MS, 200 * MS)
    recordPause(values, window, 1, 90 * MS, 99 * MS)
    recordPause(values, window, 1, 98 * MS, 101 * MS)
    recordPause(values, window, 4, 150 * MS, 155 * MS)
    recordPause(values, window, 1, 199 * MS, 250 * MS)
    recordPause(values, window, 1, 200 * MS, 250 * MS)
    expect(summarizePauses('server 1', values)).toEqual({
      thread: 'server 1',
      count: 3,
      totalMs: 7,
      longestMs: 5,
      kinds: { minor: 2, major: 1, incremental: 0, weak: 0 },
    })
  })

  it('are recorded for a thread that allocates without yielding to its event loop, at their own time', async () => {
    const originNs = process.hrtime.bigint()
    const values = new Float64Array(GC_LENGTH)
    const stop = watchGc(values, windowOf(0, 3_600_000 * MS), originNs)
    const none = new Float64Array(GC_LENGTH)
    const stopNone = watchGc(none, windowOf(0, 1), originNs)
    let kept: unknown[] = []
    for (let i = 0; i < 3_000_000; i++) {
      kept.push({ i })
      if (kept.length > 100_000) kept = []
    }
    await stop()
    await stopNone()
    const pauses = summarizePauses('main', values)
    const elapsedMs = Number(process.hrtime.bigint() - originNs) / MS
    expect(pauses.count).toBeGreaterThan(0)
    expect(pauses.longestMs).toBeGreaterThan(0)
    expect(pauses.totalMs).toBeGreaterThanOrEqual(pauses.longestMs)
    expect(pauses.totalMs).toBeLessThan(elapsedMs)
    expect(Object.values(pauses.kinds).reduce((sum, each) => sum + each, 0)).toBe(pauses.count)
    expect(summarizePauses('main', none).count).toBe(0)
  })
})

describe('the CPU time of threads', () => {
  it('is read from the lines of /proc/stat', () => {
    const stat =
      'cpu  100 20 30 1000 5 1 2 7 50 0\ncpu0 50 10 15 500 2 0 1 3 0 0\ncpu1 50 10 15 500 3 1 1 4 0 0\nintr 1 2\n'
    expect(parseStat(stat)).toEqual({ busy: 153, steal: 7, cores: 2 })
  })

  it('is what passed between two readings', () => {
    const before = {
      atNs: 0,
      threads: [{ ranNs: 5 * MS, waitedNs: MS }, null],
      processMs: 10,
      busy: 1000,
      steal: 1,
      cores: 2,
    }
    const after = {
      atNs: 1000 * MS,
      threads: [{ ranNs: 255 * MS, waitedNs: 3 * MS }, null],
      processMs: 310,
      busy: 1100,
      steal: 3,
      cores: 2,
    }
    expect(cpuBetween(before, after, ['server 1', 'server 2'])).toEqual({
      periodMs: 1000,
      cores: 2,
      threads: [{ thread: 'server 1', busyMs: 250, fraction: 0.25, waitingMs: 2 }],
      processMs: 300,
      othersMs: 700,
      stealMs: 20,
    })
  })

  it.runIf(linux)('grows by at most the elapsed time, and with the work of a thread', async () => {
    const ids = [threadId()]
    const startNs = process.hrtime.bigint()
    const nowNs = () => Number(process.hrtime.bigint() - startNs)
    const first = readCpu(ids, nowNs())
    await sleep(50)
    const second = readCpu(ids, nowNs())
    // by its own CPU time, since another machine may take the core
    const before = process.cpuUsage()
    for (let usedMs = 0; usedMs < 200; ) {
      const { user, system } = process.cpuUsage(before)
      usedMs = (user + system) / 1000
    }
    const third = readCpu(ids, nowNs())
    if (typeof first === 'string' || typeof second === 'string' || typeof third === 'string')
      throw new Error('no /proc')
    const [rest] = cpuBetween(first, second, ['main']).threads
    const [work] = cpuBetween(second, third, ['main']).threads
    expect(work?.busyMs).toBeGreaterThan(100)
    expect(work?.fraction).toBeLessThanOrEqual(1.1)
    expect(rest?.busyMs).toBeLessThan(work?.busyMs ?? 0)
  })

  it('is not reported for unknown threads', () => {
    expect(readCpu([0], 0)).toEqual(expect.any(String))
  })
})

describe('the speed of the machine', () => {
  const every = (ms: number, rates: number[]) => rates.map((rate, i) => ({ atNs: i * ms * MS, rate }))

  it('has a timeline of points relative to their mean', () => {
    const readings = every(1, [...Array(200).fill(20), ...Array(200).fill(12)])
    const speed = speedIn(windowOf(0, 400 * MS), readings)
    if (typeof speed === 'string') throw new Error(speed)
    expect(speed.timeline).toHaveLength(40)
    expect(speed.timeline[0]).toEqual({ atMs: 4.5, speed: expect.closeTo(1.25, 9) })
    expect(speed.slowest).toBeCloseTo(0.75, 9)
    expect(speed.fastest).toBeCloseTo(1.25, 9)
  })

  it('ignores a loop that was interrupted', () => {
    const readings = every(
      1,
      Array.from({ length: 400 }, (_, i) => (i % 5 === 2 ? 1 : 20)),
    )
    expect(speedIn(windowOf(0, 400 * MS), readings)).toMatchObject({ slowest: 1, fastest: 1 })
  })

  it('has fewer points if there are few readings, and none outside the window', () => {
    const readings = every(1, [...Array(10).fill(40), ...Array(20).fill(20), ...Array(10).fill(40)])
    const speed = speedIn(windowOf(10 * MS, 30 * MS), readings)
    if (typeof speed === 'string') throw new Error(speed)
    expect(speed.timeline.map((each) => each.speed)).toEqual([1, 1, 1, 1])
  })

  it('is unknown for a window in which the loop was timed too rarely', () => {
    expect(speedIn(windowOf(0, 400 * MS), every(1, Array(9).fill(20)))).toMatch(/^the window was too short/)
  })
})

describe('a measurement', () => {
  it('reports what the machine did during the run', async () => {
    const handler = new URL('./handlers/numbers.js', import.meta.url)
    const { host, window } = await measure({ arrivals: '1000/s', stop: { duration: '0.6s' }, servers: 2, handler })
    const names = ['server 1', 'server 2']
    expect(host?.gc?.map(({ thread }) => thread)).toEqual(names)
    expect(host?.eventLoopDelay).toBeNull()
    expect(host?.reasons.eventLoopDelay).toMatch(/sleep/)
    if (!linux) return
    // on a busy machine a server may have ended before it is read
    const threads = host?.cpu?.threads.map(({ thread }) => thread) ?? []
    expect(names).toEqual(expect.arrayContaining(threads))
    for (const { fraction } of host?.cpu?.threads ?? []) expect(fraction).toBeLessThanOrEqual(1.1)
    expect(host?.cpu?.periodMs).toBeGreaterThan(0.2 * (window.endMs - window.startMs))
  })
})

it('a measurement in this process reports its thread and the delay of its event loop', async () => {
  // by CPU time, so that a busy machine does not shorten it
  const call = () => {
    const begun = process.cpuUsage()
    for (let us = 0; us < 8000; ) {
      const { user, system } = process.cpuUsage(begun)
      us = user + system
    }
  }
  const { host } = await measure({ arrivals: '20/s', stop: { duration: '0.6s' }, call })
  expect(host?.gc?.map(({ thread }) => thread)).toEqual(['main'])
  expect(host?.reasons.eventLoopDelay).toBeUndefined()
  // a timer that falls due while a call has the thread waits for its end
  expect(host?.eventLoopDelay?.maxMs).toBeGreaterThan(3)
  expect(host?.eventLoopDelay?.p50Ms).toBeLessThanOrEqual(host?.eventLoopDelay?.p99Ms ?? 0)
  if (linux) expect(host?.cpu?.threads[0]?.busyMs).toBeGreaterThan(30)
})
