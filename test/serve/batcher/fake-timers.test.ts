import { mock } from 'node:test'
import { type Batcher, type BatcherOptions, createBatcher, createRecorder } from 'throughline/serve'
import { afterEach, describe, expect, it, vi } from 'vitest'

type Faked = NonNullable<Parameters<typeof vi.useFakeTimers>[0]>['toFake']
type Made = { batcher: Batcher<number, number>; sizes: number[] }

/** Ways to fake timers, and to advance them. */
const FAKES = [
  ['vitest', () => void vi.useFakeTimers(), (ms: number) => vi.advanceTimersByTimeAsync(ms)],
  ['vitest, setTimeout and Date alone', only('setTimeout', 'clearTimeout', 'Date'), vi.advanceTimersByTimeAsync],
  ['vitest, setTimeout alone', only('setTimeout', 'clearTimeout'), vi.advanceTimersByTimeAsync],
  ['node:test', () => mock.timers.enable(), tick],
  ['node:test, setTimeout alone', () => mock.timers.enable({ apis: ['setTimeout'] }), tick],
] as const

function only(...toFake: NonNullable<Faked>) {
  return () => void vi.useFakeTimers({ toFake })
}

async function tick(ms: number): Promise<void> {
  mock.timers.tick(ms)
  await new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)))
}

function make(options: BatcherOptions = { batching: { maxBatchSize: 10, maxWait: '50ms' } }): Made {
  const sizes: number[] = []
  const handler = async (batch: number[]) => {
    sizes.push(batch.length)
    return batch
  }
  return { sizes, batcher: createBatcher(handler, options) }
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  mock.timers.reset()
})

describe.each(FAKES)('under the fake timers of %s', (name, fake, advance) => {
  it.each([
    ['before', {}],
    ['after', {}],
    ['after', { recorder: false }],
  ] as const)('a batcher made %s they are switched on, with %j, waits by them', async (when, more) => {
    const options = { batching: { maxBatchSize: 10, maxWait: '50ms' }, ...more } as const
    const before = when === 'before' ? make(options) : null
    fake()
    const { batcher, sizes } = before ?? make(options)
    const answers = Promise.all([batcher.run(1), batcher.run(2)])
    await advance(49)
    // if only timers are faked, the real clock continues as well
    if (!name.endsWith('setTimeout alone')) expect(sizes).toEqual([])
    await advance(1)
    expect(await answers).toEqual([1, 2])
    expect(sizes).toEqual([2])
    // and again
    const another = batcher.run(3)
    await advance(50)
    expect(await another).toBe(3)
    await batcher.close()
  })

  it('a call that does not wait is answered without advancing them', async () => {
    fake()
    const { batcher } = make({})
    expect(await batcher.run(1)).toBe(1)
    await batcher.close()
  })

  it('a call times out by them', async () => {
    fake()
    const answers: (() => void)[] = []
    const batcher = createBatcher(
      (batch: number[]) => new Promise<number[]>((resolve) => answers.push(() => resolve(batch))),
      { batching: { maxBatchSize: 1 }, queue: { timeout: '80ms' } },
    )
    const first = batcher.run(1)
    const refused = expect(batcher.run(2)).rejects.toThrow('timed out after waiting 80 ms for a server')
    await advance(81)
    await refused
    answers[0]?.()
    expect(await first).toBe(1)
    await batcher.close()
  })

  it('a batch times out by them', async () => {
    fake()
    const batcher = createBatcher(() => new Promise<number[]>(() => {}), { batchTimeout: '720h' })
    const refused = expect(batcher.run(1)).rejects.toMatchObject({ code: 'BATCH_TIMEOUT' })
    await advance(0)
    for (let day = 1; day < 30; day++) await advance(86_400_000)
    expect(batcher.inService).toBe(1)
    await advance(86_400_000)
    // `node:test` counts a timer that is set while it advances from the end of the advance
    await advance(86_400_000)
    await refused
    await batcher.close()
  })

  it('a wait below a millisecond takes one, and does not turn the event loop', async () => {
    fake()
    const { batcher } = make({ batching: { maxBatchSize: 10, maxWait: '0.5ms' } })
    const answer = batcher.run(1)
    await advance(2)
    expect(await answer).toBe(1)
    await batcher.close()
  })

  it('a call that still waits when they are switched off is answered', async () => {
    fake()
    const { batcher } = make()
    const answer = batcher.run(1)
    await advance(10)
    vi.useRealTimers()
    mock.timers.reset()
    expect(await answer).toBe(1)
    // nothing of them is left
    const { batcher: another } = make()
    expect(await another.run(2)).toBe(2)
    await Promise.all([batcher.close(), another.close()])
  })
})

describe.each([FAKES[0], FAKES[1], FAKES[3]])('with a clock faked by %s', (_, fake, advance) => {
  it('the recorder shows fake time', async () => {
    fake()
    const batcher = createBatcher(
      async (batch: number[]) => {
        await new Promise((resolve) => setTimeout(resolve, 30))
        return batch
      },
      { batching: { maxBatchSize: 10, maxWait: '50ms' } },
    )
    const answers = [batcher.run(1), batcher.run(2)]
    await advance(50)
    await advance(30)
    await Promise.all(answers)
    const snapshot = batcher.recorder?.snapshot()
    const shown = (ms: number | undefined) => Math.round(ms ?? -1)
    expect([snapshot?.latencyMs.min, snapshot?.waitMs.max, snapshot?.serviceMs.max].map(shown)).toEqual([80, 50, 30])
    await batcher.close()
  })

  it('no call waits longer on a slow machine', async () => {
    fake()
    const { batcher, sizes } = make({ batching: { maxBatchSize: 2, maxWait: '20ms' }, queue: { timeout: '25ms' } })
    const first = batcher.run(1)
    const until = process.hrtime.bigint() + 40_000_000n
    while (process.hrtime.bigint() < until && !('clock' in process.hrtime)) await Promise.resolve()
    expect(await Promise.all([first, batcher.run(2)])).toEqual([1, 2])
    expect(sizes).toEqual([2])
    await batcher.close()
  })
})

it('a batcher that waits in real time continues by fake timers once they are switched on', async () => {
  const { batcher, sizes } = make()
  const answer = batcher.run(1)
  vi.useFakeTimers()
  await vi.advanceTimersByTimeAsync(60)
  // its timer was real and fires soon; it is then set again on fake timers
  await vi.waitFor(() => expect(vi.getTimerCount() + sizes.length).toBeGreaterThan(0), { timeout: 10_000 })
  await vi.advanceTimersByTimeAsync(60)
  expect(await answer).toBe(1)
  await batcher.close()
})

it.each([
  ['stands still', () => 5],
  [
    'goes back',
    (
      (ms) => () =>
        ms--
    )(1000),
  ],
  ['is not a number', () => Number.NaN],
])('a performance.now() that %s keeps no call waiting', async (_, now) => {
  const { batcher } = make({ batching: { maxBatchSize: 10, maxWait: '3ms' }, queue: { timeout: '1s' } })
  vi.spyOn(performance, 'now').mockImplementation(now)
  expect(await Promise.all([batcher.run(1), batcher.run(2)])).toEqual([1, 2])
  expect(await batcher.run(3)).toBe(3)
  expect(batcher.recorder?.snapshot()?.latencyMs.min).toBeGreaterThanOrEqual(0)
  await batcher.close()
})

it('a recorder without a batcher follows fake timers', () => {
  vi.useFakeTimers()
  const recorder = createRecorder()
  const start = recorder.start()
  vi.advanceTimersByTime(7)
  recorder.record(start)
  expect(recorder.snapshot()?.latencyMs.max).toBeCloseTo(7, 1)
})

it('docs/guides/service.md: answers a lone call after maxWait', async () => {
  vi.useFakeTimers()
  const batcher = createBatcher(async (batch: number[]) => batch, { batching: { maxBatchSize: 10, maxWait: '50ms' } })
  const answer = batcher.run(1)
  await vi.advanceTimersByTimeAsync(50)
  expect(await answer).toBe(1)
  expect(batcher.recorder?.snapshot()?.waitMs.max).toBeCloseTo(50, 1)
  await batcher.close()
  vi.useRealTimers()
})
