import { mock } from 'node:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { advanceTo, isFaked, now } from '../../src/clock/clock.js'
import { hasRealTimers, real } from '../../src/clock/real.js'
import { setTimer } from '../../src/clock/timer.js'

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  mock.timers.reset()
})

const DAY_MS = 86_400_000

describe('the clock', () => {
  it('continues under the fake timers of vitest and after them, and never goes back', () => {
    const before = now()
    vi.useFakeTimers()
    const faked = now()
    expect(faked).toBeGreaterThanOrEqual(before)
    expect(now()).toBe(faked)
    vi.advanceTimersByTime(60)
    expect(now() - faked).toBeCloseTo(60, 6)
    expect(isFaked()).toBe(true)
    vi.useRealTimers()
    const after = now()
    expect(after - faked).toBeGreaterThanOrEqual(60 - 1e-6)
    expect(after - faked).toBeLessThan(60 + 30_000)
    expect(isFaked()).toBe(false)
  })

  it('reads Date under fake timers that do not fake `performance`', () => {
    mock.timers.enable()
    const faked = now()
    expect(now()).toBe(faked)
    mock.timers.tick(60)
    expect(now() - faked).toBeCloseTo(60, 6)
    expect(isFaked()).toBe(true)
  })

  it('does not stop if timers are wrapped', async () => {
    const { setTimeout: own } = globalThis
    // the process may be stopped between two of them
    const bracket = () => [real.now(), now(), real.now()] as const
    const start = bracket()
    await new Promise((resolve) => setTimeout(resolve, 20))
    globalThis.setTimeout = ((...args: Parameters<typeof own>) => own(...args)) as typeof own
    try {
      const end = bracket()
      expect(end[1] - start[1]).toBeGreaterThan(end[0] - start[2] - 0.5)
      expect(end[1] - start[1]).toBeLessThan(end[2] - start[0] + 0.5)
      expect(isFaked()).toBe(false)
    } finally {
      globalThis.setTimeout = own
    }
  })

  it.each([
    ['goes back', [1000, 400, 500], [0, 0, 100]],
    ['is no number', [1000, Number.NaN, 1010], [0, 0, 10]],
    ['is infinite', [1000, Number.POSITIVE_INFINITY, 1010], [0, 0, 10]],
  ])('never goes back if its source %s', (_, readings, expected) => {
    const read = vi.spyOn(performance, 'now')
    const shown = readings.map((reading) => {
      read.mockReturnValue(reading)
      return now()
    })
    shown.forEach((each, i) => {
      expect(each - (shown[0] as number)).toBeCloseTo(expected[i] as number, 6)
    })
  })

  it('is advanced by a timer that fires before its time', () => {
    vi.useFakeTimers()
    const from = now()
    advanceTo(from + 50)
    expect(now() - from).toBeCloseTo(50, 6)
    advanceTo(from + 10)
    expect(now() - from).toBeCloseTo(50, 6)
  })
})

describe('a timer', () => {
  it.each([720 / 24, 100, 104])('of %d days fires then, and not before', (days) => {
    vi.useFakeTimers()
    const ring = vi.fn()
    setTimer(ring, days * DAY_MS)
    vi.advanceTimersByTime(days * DAY_MS - 1)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that is cleared does not fire, in any piece of its delay', () => {
    vi.useFakeTimers()
    const ring = vi.fn()
    const timer = setTimer(ring, 60 * DAY_MS)
    vi.advanceTimersByTime(30 * DAY_MS)
    timer.clear()
    vi.advanceTimersByTime(60 * DAY_MS)
    expect(ring).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['vitest', () => vi.useFakeTimers(), () => vi.useRealTimers()],
    ['node:test', () => mock.timers.enable(), () => mock.timers.reset()],
  ])('that was set on the fake timers of %s continues as a real one after them', async (_, fake, restore) => {
    fake()
    const ring = vi.fn()
    const cleared = vi.fn()
    setTimer(ring, 20)
    const timer = setTimer(cleared, 20)
    restore()
    timer.clear()
    await vi.waitFor(() => expect(ring).toHaveBeenCalledTimes(1), { timeout: 10_000 })
    expect(cleared).not.toHaveBeenCalled()
  })

  it('that is real is not faked', async () => {
    vi.useFakeTimers()
    await new Promise<void>((resolve) => setTimer(resolve, 5, { real: true }))
    expect(hasRealTimers()).toBe(true)
  })
})
