import { createRecorder, type Recorder, type Result } from 'throughline'
import { renderResult } from 'throughline/report'
import { describe, expect, it } from 'vitest'
import { checkResult } from '../../../src/result/check.js'
import { VirtualClock } from '../virtual-clock.js'

const written = (result: Result | null): Result => JSON.parse(JSON.stringify(result))

/** Fails a request after so long, and completes another, since a snapshot needs one. */
function failAfter(clock: VirtualClock, recorder: Recorder, ms: number, error?: unknown): void {
  const start = recorder.start()
  clock.pass(ms)
  recorder.fail(start, error)
  recorder.record(recorder.start())
}

describe('the failures of a recorder', () => {
  it('are counted by kind, as in a measurement, with their latency', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    failAfter(clock, recorder, 10, Object.assign(new Error('no more'), { kind: 'out of stock' }))
    failAfter(clock, recorder, 20, Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    failAfter(clock, recorder, 30, new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } }))
    failAfter(clock, recorder, 40, new RangeError('too far'))
    failAfter(clock, recorder, 50, 'a string')
    failAfter(clock, recorder, 60)
    // in batches
    for (const due of [clock.now, clock.now]) recorder.arrived(due)
    const due = clock.now
    clock.pass(70)
    recorder.batch(2, due, due, due, clock.now)
    recorder.failed(due, new RangeError('too far'))
    recorder.failed(due)
    const result = recorder.snapshot() as Result
    expect(result.failures).toEqual({
      ECONNRESET: 2,
      RangeError: 2,
      unknown: 2,
      'out of stock': 1,
      'thrown string': 1,
    })
    expect(result.counts.failed).toBe(8)
    expect(result.failedMs).toMatchObject({ count: 8, min: 10, max: 70 })
    expect(checkResult(written(result))).toEqual(written(result))
    expect(renderResult(result)).toMatch(/failures .*2 ECONNRESET, 2 RangeError/)
    expect(recorder.totals().failures).toEqual(result.failures)
  })

  it('are absent if none failed', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    const start = recorder.start()
    clock.pass(1)
    recorder.record(start)
    const result = recorder.snapshot() as Result
    expect(result.failures).toBeUndefined()
    expect(result.failedMs).toBeUndefined()
    expect(recorder.totals().failures).toEqual({})
  })

  it('are bounded in number, and add up, over windows and all time', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    for (let i = 0; i < 400; i++) {
      failAfter(clock, recorder, 5, Object.assign(new Error('x'), { code: `E${i % 100}` }))
      failAfter(clock, recorder, 5, i % 2 === 0 ? undefined : new TypeError('y'))
      clock.pass(200)
    }
    for (const last of [undefined, '10s', '1m'] as const) {
      const { failures = {}, counts } = recorder.snapshot({ last }) as Result
      expect(Object.keys(failures).length).toBeLessThanOrEqual(30)
      expect(Object.values(failures).reduce((a, b) => a + b, 0)).toBe(counts.failed)
      expect(failures.other).toBeGreaterThan(0)
      expect(failures.TypeError).toBeCloseTo(counts.failed / 4, -1.5)
      expect(failures.unknown).toBeCloseTo(counts.failed / 4, -1.5)
    }
    expect(Object.keys(recorder.totals().failures).length).toBeLessThanOrEqual(30)
  })

  it('of a new kind are shown, however many kinds there were long ago', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    for (let i = 0; i < 100; i++) failAfter(clock, recorder, 1, Object.assign(new Error('x'), { code: `E${i}` }))
    clock.pass(600_000)
    for (let i = 0; i < 5; i++) failAfter(clock, recorder, 1, Object.assign(new Error('x'), { code: 'ENEW' }))
    expect(recorder.snapshot({ last: '1m' })?.failures).toEqual({ ENEW: 5 })
  })

  it('never fall in totals', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    let before: Record<string, number> = {}
    for (let i = 0; i < 60; i++) {
      failAfter(clock, recorder, 1, Object.assign(new Error('x'), { code: `E${i}` }))
      failAfter(clock, recorder, 1)
      clock.pass(60_000)
      const { failures } = recorder.totals()
      for (const [kind, count] of Object.entries(before)) expect(failures[kind]).toBeGreaterThanOrEqual(count)
      before = failures
    }
    expect(Object.keys(before)).toHaveLength(30)
    expect(before).toMatchObject({ unknown: 60, E0: 1, other: 32 })
  })

  it('of any value are counted, even if it throws when it is looked at', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('do not look')
      },
    })
    failAfter(clock, recorder, 1, hostile)
    failAfter(clock, recorder, 1, null)
    failAfter(clock, recorder, 1, Object.assign(new Error('x'), { code: '__proto__' }))
    expect(Object.entries(recorder.snapshot()?.failures ?? {}).sort()).toEqual([
      ['Error', 1],
      ['__proto__', 1],
      ['thrown null', 1],
    ])
  })
})
