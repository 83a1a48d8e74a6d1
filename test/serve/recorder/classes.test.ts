import { checkBudget, createRecorder, mergeResults, type Recorder, type Result } from 'throughline'
import { renderHtml, renderResult } from 'throughline/report'
import { describe, expect, it } from 'vitest'
import { checkResult } from '../../../src/result/check.js'
import { poissonTimes, recordSimulation } from '../record-simulation.js'
import { VirtualClock } from '../virtual-clock.js'

const written = (result: Result | null): Result => JSON.parse(JSON.stringify(result))

/** Two checkouts of 20 ms each, and eight browses of 2 ms, in turn. */
function serveShop(clock: VirtualClock, recorder: Recorder, rounds: number): void {
  const [checkouts, browses] = [recorder.class('checkout'), recorder.class('browse')]
  for (let i = 0; i < 10 * rounds; i++) {
    const isCheckout = i % 5 === 0
    const requests = isCheckout ? checkouts : browses
    const start = requests.start()
    clock.pass(isCheckout ? 20 : 2)
    requests.record(start)
    clock.pass(5)
  }
}

describe('the classes of a recorder', () => {
  it('have the counts, latencies and goodput of a simulation that it was notified of', () => {
    const scenario = {
      arrivals: { process: 'replay', timestamps: poissonTimes(20_000, 2) },
      service: { model: 'affine', base: '2ms', perItem: '0.2ms', variation: { distribution: 'gamma', cv: 1 } },
      batching: { maxBatchSize: 8, maxWait: '1.5ms' },
      queue: { capacity: 24, timeout: '30ms' },
      good: { latency: '15ms', queueing: '8ms' },
      classes: { checkout: { weight: 1, service: '8ms' }, browse: { weight: 4 } },
      warmup: { requests: 0 },
    } as const
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, good: scenario.good, classes: ['checkout', 'browse'] })
    const timestamps = poissonTimes(20_000, 2)
    const { result: simulated } = recordSimulation(recorder, clock, {
      ...scenario,
      arrivals: { process: 'replay', timestamps },
    })
    const live = recorder.snapshot() as Result

    expect(Object.keys(live.classes ?? {})).toEqual(['checkout', 'browse'])
    for (const name of ['checkout', 'browse']) {
      const [own, expected] = [live, simulated].map((result) => result.classes?.[name])
      expect(own?.counts).toEqual(expected?.counts)
      expect(own?.counts.rejected).toBeGreaterThan(0)
      expect(own?.goodput?.fraction).toBe(expected?.goodput?.fraction)
      const { intervals: _, stdDev, ...exact } = own?.latencyMs ?? {}
      const { intervals: __, stdDev: stdDevOf, ...of } = expected?.latencyMs ?? {}
      expect(exact).toEqual(of)
      expect(stdDev).toBeCloseTo(stdDevOf as number, 9)
    }
    expect(checkResult(written(live))).toEqual(written(live))
  })

  it('have budgets, intervals, and rows in reports', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, classes: ['checkout', 'browse'] })
    serveShop(clock, recorder, 500)
    const result = recorder.snapshot() as Result
    expect(result.classes?.checkout?.latencyMs).toMatchObject({ count: 1000, p50: 20, p99: 20 })
    expect(result.classes?.browse?.latencyMs).toMatchObject({ count: 4000, p50: 2, p99: 2 })
    expect(result.classes?.browse?.latencyMs?.intervals.p99).toMatchObject({ low: 2, high: 2 })
    expect(checkBudget(result, { 'checkout.p99': '30ms', 'browse.p99': '5ms' }).verdict).toBe('pass')
    expect(checkBudget(result, { 'checkout.p99': '10ms' }).verdict).toBe('fail')
    expect(() => checkBudget(result, { 'chekout.p99': '10ms' })).toThrow(/did you mean 'checkout.p99'/)
    expect(renderResult(result)).toMatch(/checkout .* 20/)
    expect(renderHtml({ name: 'live', result })).toContain('checkout')
    // as of the newest window: ten requests take 106 ms
    const { counts } = recorder.snapshot({ last: '10s' }) as Result
    const last = recorder.snapshot({ last: '10s' })?.classes
    expect(last?.checkout?.counts.completed).toBeCloseTo(counts.completed / 5, -1)
  })

  it('count requests without a class as other, which is shown only if there are any', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, classes: ['checkout', 'browse'] })
    serveShop(clock, recorder, 1)
    expect(Object.keys(recorder.snapshot()?.classes ?? {})).toEqual(['checkout', 'browse'])
    const start = recorder.start()
    clock.pass(7)
    recorder.record(start)
    const classes = recorder.snapshot()?.classes ?? {}
    expect(Object.keys(classes)).toEqual(['checkout', 'browse', 'other'])
    expect(classes.other?.latencyMs).toMatchObject({ count: 1, max: 7 })
    expect(createRecorder().snapshot()?.classes).toBeUndefined()
  })

  it('have other as one of them if it is declared', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, classes: ['other', 'checkout'] })
    const others = recorder.class('other')
    others.record(others.start())
    recorder.record(recorder.start())
    expect(recorder.totals().classes?.other?.completed).toBe(2)
  })

  it('count a request in the class that records its end', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, drain: '1s', classes: ['checkout', 'browse'] })
    // the route is known at the end only
    for (let i = 0; i < 10; i++) {
      const start = recorder.start()
      clock.pass(3)
      recorder.class('browse').record(start)
    }
    recorder.start()
    recorder.class('checkout').start()
    clock.pass(60_000)
    const result = recorder.snapshot() as Result
    expect(result.counts).toMatchObject({ offered: 12, completed: 10, unfinished: 2 })
    expect(result.classes?.browse?.counts).toMatchObject({ offered: 10, completed: 10, unfinished: 0 })
    expect(result.classes?.checkout?.counts).toMatchObject({ offered: 1, completed: 0, unfinished: 1 })
    expect(result.classes?.checkout?.latencyMs).toBeNull()
    expect(result.classes?.other?.counts).toMatchObject({ offered: 1, completed: 0, unfinished: 1 })
    expect(checkResult(written(result)).counts.offered).toBe(12)
  })

  it('add up to the whole even if requests end in another class than they began in, or twice', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, classes: ['checkout', 'browse'] })
    const [checkouts, browses] = [recorder.class('checkout'), recorder.class('browse')]
    for (let i = 0; i < 10; i++) {
      const start = checkouts.start()
      clock.pass(1)
      browses.record(start)
    }
    browses.record(clock.now)
    const result = recorder.snapshot() as Result
    expect(result.classes?.browse?.counts).toMatchObject({ offered: 11, completed: 11 })
    expect(result.classes?.checkout?.counts.offered).toBe(0)
    expect(checkResult(written(result)).counts.completed).toBe(11)
  })

  it('outlast the merging of old segments', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, classes: ['checkout', 'browse'] })
    for (let hour = 0; hour < 30; hour++) {
      serveShop(clock, recorder, 3)
      clock.pass(3_600_000)
    }
    const result = recorder.snapshot() as Result
    expect(result.classes?.checkout?.latencyMs).toMatchObject({ count: 180, min: 20, max: 20 })
    expect(result.classes?.browse?.latencyMs).toMatchObject({ count: 720, min: 2, max: 2 })
    expect(checkResult(written(result)).counts.completed).toBe(900)
  })

  it('of several processes are merged, other too if only one has it', () => {
    const results = [1, 2].map((process) => {
      const clock = new VirtualClock()
      const recorder = createRecorder({ clock: clock.read, classes: ['checkout', 'browse'] })
      serveShop(clock, recorder, 200)
      if (process === 2) recorder.record(recorder.start())
      const failing = recorder.class('checkout').start()
      recorder.class('checkout').fail(failing, Object.assign(new Error('full'), { code: 'ENOSPC' }))
      return written(recorder.snapshot())
    })
    for (const as of ['shards', 'replications'] as const) {
      const merged = mergeResults(results, { as })
      expect(merged.classes?.checkout?.latencyMs).toMatchObject({ count: 800, max: 20 })
      expect(merged.classes?.other?.counts.completed).toBe(1)
      expect(merged.failures).toEqual({ ENOSPC: 2 })
      expect(checkResult(written(merged)).counts.failed).toBe(2)
    }
    const clock = new VirtualClock(10)
    const others = createRecorder({ clock: clock.read, classes: ['checkout'] })
    const start = others.class('checkout').start()
    clock.pass(1)
    others.class('checkout').record(start)
    expect(() => mergeResults([results[0] as Result, written(others.snapshot())], { as: 'shards' })).toThrow(
      /classes: must be/,
    )
  })

  it('take less than 0.5 MB each', () => {
    const bytes = (classes?: string[]) => createRecorder({ classes }).bytes
    expect(bytes(['a', 'b', 'c']) - bytes()).toBeLessThan(1_500_000)
  })

  it.each([
    [[], 'recorder.classes: must have 1 to 64 classes, got 0'],
    [Array.from({ length: 65 }, (_, i) => `c${i}`), 'recorder.classes: must have 1 to 64 classes, got 65'],
    // at once, however many there are
    [Array.from({ length: 200_000 }, (_, i) => `c${i}`), 'recorder.classes: must have 1 to 64 classes, got 200000'],
    [[7], 'recorder.classes.0: must be the name of a class, got 7'],
    [['a', 'b', 'a'], 'recorder.classes.2: must be listed once, got "a"'],
    [[' a'], 'recorder.classes.0: must be a name without spaces around it, got " a"'],
    [['wait'], "recorder.classes.0: must have a different name, because 'wait.p99' in a budget limits all requests"],
    ['checkout', "recorder.classes: must be a list of names, such as ['checkout', 'browse'], got \"checkout\""],
  ])('are refused if they are %j', (classes, message) => {
    expect(() => createRecorder({ classes: classes as string[] })).toThrow(message)
  })

  it('refuse an unknown class, and record nothing', () => {
    const clock = new VirtualClock(10)
    const recorder = createRecorder({ clock: clock.read, classes: ['checkout', 'browse'] })
    const message =
      'class: must be a class of the recorder, got "chekout" (did you mean \'checkout\'?); classes: checkout, browse'
    expect(() => recorder.class('chekout')).toThrow(message)
    expect(() => recorder.arrived(5, 'chekout')).toThrow(message)
    recorder.batch(1, 5, 5, 5, 6)
    for (const outcome of ['served', 'rejected', 'timedOut', 'aborted'] as const) {
      expect(() => recorder[outcome](5, 'chekout')).toThrow(message)
    }
    expect(() => recorder.failed(5, new Error('x'), 'chekout')).toThrow(message)
    expect(recorder.totals()).toMatchObject({ offered: 0, completed: 0, failed: 0, rejected: 0 })
    expect(() => createRecorder().class('checkout')).toThrow(
      "class: must be omitted, since the recorder has no classes, got \"checkout\"; name them when you create it: { classes: ['checkout', 'browse'] }",
    )
  })
})
