import { afterEach, describe, expect, it, vi } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { expectToAddUp } from '../support/expect/adds-up.js'

afterEach(() => {
  vi.useRealTimers()
})

describe('a measurement runs on the real clock even under fake timers', () => {
  it.each([
    ['those that vitest fakes by default', undefined],
    ['dates', ['Date'] as const],
    ['performance', ['performance'] as const],
    ['hrtime', ['hrtime'] as const],
    ['timeouts', ['setTimeout', 'clearTimeout'] as const],
    ['immediates', ['setImmediate', 'clearImmediate'] as const],
    ['microtasks', ['queueMicrotask'] as const],
  ])('%s', async (_, toFake) => {
    vi.useFakeTimers(toFake === undefined ? {} : { toFake: [...toFake] })
    const result = await measure({ arrivals: '500/s', call: () => 1, stop: { duration: '200ms' } })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(result.counts.offered)
    expect(result.latencyMs.min).toBeGreaterThanOrEqual(0)
    expect(result.window).toEqual({ startMs: 20, endMs: 200 })
  })

  it('a handler module', async () => {
    vi.useFakeTimers()
    const handler = new URL('./handlers/numbers.js', import.meta.url)
    const result = await measure({ arrivals: '500/s', handler, stop: { duration: '200ms' } })
    expectToAddUp(result)
    expect(result.counts.completed).toBe(result.counts.offered)
  })
})

it('a timeout longer than the maximum delay of a timer does not end the run at once', async () => {
  const result = await measure(
    {
      arrivals: '500/s',
      handler: { setup: async () => 1, run: (batch: unknown[]) => batch },
      stop: { duration: '200ms' },
    },
    { setupTimeout: '720h', batchTimeout: '2400h' },
  )
  expect(result.counts.completed).toBe(result.counts.offered)
})
