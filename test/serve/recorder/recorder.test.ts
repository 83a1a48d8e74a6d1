import { type HeapProfiler, Session } from 'node:inspector/promises'
import fc from 'fast-check'
import { checkBudget, compareResults, createRecorder, type Recorder, type Result } from 'throughline'
import { renderResult } from 'throughline/report'
import { prometheusText } from 'throughline/serve'
import { describe, expect, it } from 'vitest'
import { checkResult } from '../../../src/result/check.js'
import { sumBy } from '../../../src/statistics/descriptive.js'
import { atLength } from '../../support/at-length.js'
import { poissonTimes, recordSimulation } from '../record-simulation.js'
import { VirtualClock } from '../virtual-clock.js'

const written = (result: Result | null): Result => JSON.parse(JSON.stringify(result))

/** A service of one server: each request takes `serviceMs`, one after another, from now on. */
function serve(
  clock: VirtualClock,
  recorder: Recorder,
  requests: number,
  gapMs: number,
  serviceMs: (i: number) => number,
) {
  for (let i = 0; i < requests; i++) {
    const start = recorder.start()
    clock.pass(serviceMs(i))
    recorder.record(start)
    clock.pass(gapMs)
  }
}

describe('a recorder', () => {
  it('notified of a simulation has its counts, sums and percentiles', () => {
    const scenario = {
      arrivals: { process: 'replay', timestamps: poissonTimes(20_000, 1) },
      service: { model: 'affine', base: '2ms', perItem: '0.2ms', variation: { distribution: 'gamma', cv: 1 } },
      batching: { maxBatchSize: 8, maxWait: '1.5ms' },
      queue: { capacity: 24, timeout: '30ms' },
      good: { latency: '15ms', service: '5ms', queueing: '8ms', batching: 1 },
      warmup: { requests: 0 },
    } as const
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, servers: 1, good: scenario.good })
    const { result: simulated, servingMs } = recordSimulation(recorder, clock, {
      ...scenario,
      arrivals: { process: 'replay', timestamps: poissonTimes(20_000, 1) },
    })
    const live = recorder.snapshot() as Result

    expect(simulated.counts.rejected * simulated.counts.timedOut).toBeGreaterThan(0)
    expect(live.counts).toEqual(simulated.counts)
    expect(live.batches).toEqual(simulated.batches)
    expect(live.rates).toEqual(simulated.rates)
    expect(live.goodput?.fraction).toBe(simulated.goodput?.fraction)
    expect(live.goodput?.fraction).toBeGreaterThan(0.1)
    expect(live.goodput?.fraction).toBeLessThan(0.9)
    expect(live.goodput?.limits).toEqual({ latency: 15, service: 5, queueing: 8, batching: 1 })
    for (const metric of [
      'latencyMs',
      'waitMs',
      'serviceMs',
      'lagMs',
      'queueingMs',
      'batchingMs',
      'dispatchMs',
    ] as const) {
      const { intervals: _, stdDev, ...exact } = live[metric]
      const { intervals: __, stdDev: stdDevOf, ...of } = simulated[metric]
      expect(exact).toEqual(of)
      expect(stdDev).toBeCloseTo(stdDevOf, 9)
    }
    const { startMs, endMs } = live.window
    expect((live.utilization as number) * (endMs - startMs)).toBeCloseTo(servingMs, 6)
    expect(live.validity.valid).toBe(true)
  })

  it('gives a Result that budgets, comparisons, reports and files accept', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, servers: 1 })
    serve(clock, recorder, 20_000, 3, (i) => 1 + ((i * 7919) % 100) / 100)
    const result = recorder.snapshot() as Result
    expect(result).toMatchObject({ engine: 'record', scenario: null, servers: 1, environment: null })
    expect(checkResult(written(result))).toEqual(written(result))
    expect(checkBudget(result, { p99: '2ms', throughput: '>= 200/s', utilization: '<= 50%' }).verdict).toBe('pass')
    expect(checkBudget(result, { p99: '1.5ms' }).verdict).toBe('fail')
    const last = recorder.snapshot({ last: '1m' }) as Result
    expect(compareResults(result, last, { machineNoise: 0 }).verdict).toBe('same')
    expect(renderResult(result)).toMatch(/Recorded {2}live requests/)
  })

  it('returns null before a request completed, and for a window without one', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    expect(recorder.snapshot()).toBeNull()
    clock.pass(100)
    expect(recorder.snapshot()).toBeNull()
    serve(clock, recorder, 1, 0, () => 5)
    expect(recorder.snapshot()?.latencyMs.max).toBe(5)
    clock.pass(60_000)
    expect(recorder.snapshot({ last: '10s' })).toBeNull()
    expect(recorder.snapshot({ last: '5m' })?.counts.completed).toBe(1)
    // idle for far longer than any window
    clock.pass(100 * 3_600_000)
    expect(recorder.snapshot({ last: '5m' })).toBeNull()
    expect(recorder.snapshot()?.counts.completed).toBe(1)
    serve(clock, recorder, 10, 1, () => 2)
    expect(recorder.snapshot({ last: '10s' })?.counts.completed).toBe(10)
    expect(recorder.snapshot()?.counts.completed).toBe(11)
  })

  it('has a rolling window: the requests due in it, within a twentieth of its length', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    // 100 a second for 20 minutes; the latency tells when
    serve(clock, recorder, 120_000, 9, () => 1)
    for (const [last, seconds] of [
      ['10s', 10],
      ['1m', 60],
      ['5m', 300],
    ] as const) {
      const { window, counts, segments } = recorder.snapshot({ last }) as Result
      const length = (window.endMs - window.startMs) / 1000
      expect(length).toBeGreaterThanOrEqual(seconds)
      expect(length).toBeLessThanOrEqual(seconds * 1.055)
      expect(counts.completed).toBeCloseTo(100 * length, -1)
      expect(segments.length).toBeGreaterThanOrEqual(18)
      expect(segments.length).toBeLessThanOrEqual(23)
    }
    const all = recorder.snapshot() as Result
    expect(all.counts.completed).toBe(120_000)
    expect(all.segments.length).toBeGreaterThanOrEqual(15)
    expect(all.validity.findings.filter(({ code }) => code === 'littles-law')).toEqual([])
  })

  it('ends a window before the oldest request in flight, so that slow ones are not cut off', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    serve(clock, recorder, 1000, 9, () => 1)
    const slow = recorder.start()
    serve(clock, recorder, 300, 9, () => 1)
    const before = recorder.snapshot() as Result
    expect(before.counts).toMatchObject({ completed: 1000, unfinished: 0 })
    expect(before.window.endMs).toBe(10_000)
    recorder.record(slow)
    const after = recorder.snapshot() as Result
    expect(after.counts).toMatchObject({ completed: 1301, unfinished: 0 })
    expect(after.latencyMs.max).toBe(3000)
    expect(after.validity.valid).toBe(true)
  })

  it('counts a request in flight for longer than the drain as unfinished, until it completes', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, drain: '2s' })
    const hangs = recorder.start()
    serve(clock, recorder, 1000, 9, () => 1)
    const cut = recorder.snapshot() as Result
    expect(cut.counts).toMatchObject({ offered: 1001, completed: 1000, unfinished: 1 })
    expect(cut.validity.findings.map(({ code }) => code)).toContain('cut-off')
    expect(cut.validity.findings.map(({ code }) => code)).not.toContain('littles-law')
    expect(checkBudget(cut, { p99: '10ms' }).verdict).not.toBe('pass')
    recorder.fail(hangs)
    expect(recorder.snapshot()?.counts).toMatchObject({ completed: 1000, failed: 1, unfinished: 0 })
  })

  it('shows the requests that completed while another is in flight', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    recorder.start()
    serve(clock, recorder, 10, 1, () => 2)
    expect(recorder.snapshot()?.counts).toMatchObject({ completed: 10, unfinished: 1 })
  })

  it('finds that a service has become slower, and that its backlog grew', () => {
    const clock = new VirtualClock()
    const slower = createRecorder({ clock: clock.read })
    for (let i = 0; i < 12_000; i++) {
      const start = slower.start()
      clock.pass((i < 6000 ? 1 : 2) + (i % 10) / 10)
      slower.record(start)
      clock.set(10 * (i + 1))
    }
    expect(slower.snapshot()?.validity.findings.map(({ code }) => code)).toContain('unsteady')

    const grows = createRecorder({ clock: clock.read, servers: 1 })
    let doneMs = clock.now
    const waiting: number[] = []
    for (let i = 0; i < 20_000; i++) {
      clock.pass(1)
      grows.arrived(clock.now)
      waiting.push(clock.now)
      while (doneMs + 2 <= clock.now) {
        const due = waiting.shift() as number
        const start = Math.max(doneMs, due)
        doneMs = start + 2
        grows.batch(1, start, start, start, doneMs)
        grows.served(due)
      }
    }
    expect(grows.snapshot()?.validity.findings.map(({ code }) => code)).toContain('saturated')
  })

  it('records latencies above an hour', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    const start = recorder.start()
    clock.pass(2 * 3_600_000)
    recorder.record(start)
    const result = recorder.snapshot() as Result
    expect(result.latencyMs.max).toBe(7_200_000)
    expect(result.validity.findings.map(({ code }) => code)).toContain('over-an-hour')
    expect(checkResult(written(result)).counts.completed).toBe(1)
  })

  it.each([
    ['record', [Number.NaN], /startMs: must be a time of the recorder's clock/],
    ['record', [null], /startMs: must be a time of the recorder's clock.* got null/],
    ['record', [5, '7'], /endMs: must be .* got "7"/],
    ['record', [-1], /startMs: must be .* no earlier than 0 ms/],
    ['record', [5, 4], /endMs: must be .* no earlier than 5 ms and no later than now, 10 ms, got 4/],
    ['record', [5, Number.NaN], /endMs: must be/],
    ['record', [5, 1.7e12], /endMs: must be .* no later than now/],
    ['fail', [Number.POSITIVE_INFINITY], /startMs: must be/],
    ['arrived', [1.7e12], /dueMs: must be/],
    ['arrived', [undefined], /dueMs: must be/],
    ['rejected', [Number.NaN], /dueMs: must be/],
    ['timedOut', [-5], /dueMs: must be/],
    ['batch', [0, 1, 2, 3, 4], /size: must be a whole number of at least 1 and at most 4,294,967,295, got 0/],
    ['batch', [1.5, 1, 2, 3, 4], /size: must be a whole number of at least 1 and at most 4,294,967,295, got 1.5/],
    ['batch', [1, null, 2, 3, 4], /idleMs: must be a time/],
    ['batch', [1, 3, 2, 3, 4], /idleMs: must be a time no later than the batch left, at 2 ms, got 3/],
    ['batch', [1, 1, 2, 1, 4], /startMs: must be .* no earlier than 2 ms/],
    ['batch', [1, 1, 2, 3, 2.5], /endMs: must be .* no earlier than 3 ms/],
    ['served', [7], /dueMs: must be the due time of a request of the current batch/],
    ['served', [null], /dueMs: must be the due time of a request of the current batch/],
    ['failed', [Number.NaN], /dueMs: must be the due time of a request of the current batch/],
    ['fail', [5, new Error('x'), 4], /endMs: must be .* no earlier than 5 ms/],
  ] as const)('refuses %s(%j)', (method, given, message) => {
    const clock = new VirtualClock(10)
    const recorder = createRecorder({ clock: clock.read })
    expect(() => (recorder[method] as (...times: unknown[]) => void)(...given)).toThrow(message)
    expect(recorder.snapshot()).toBeNull()
  })

  it.each([
    [{ servers: 0 }, /recorder.servers: must be a whole number of at least 1/],
    [{ name: '' }, /recorder.name: must be a string of 1 to 100 characters, got ""/],
    [{ drain: -1 }, /recorder.drain: must be a duration/],
    [{ keep: 1.5 }, /recorder.keep: must be a whole number/],
    [{ clock: 5 }, /recorder.clock: must be a function that returns milliseconds/],
    [{ window: '1m' }, /'window' is not an option here; accepted: name, servers/],
  ])('refuses the option %j', (options, message) => {
    expect(() => createRecorder(options as object)).toThrow(message)
  })

  it.each([
    [{ last: '6m' }, /snapshot.last: must be at most 5m/],
    [{ last: 'soon' }, /snapshot.last: must be a duration/],
    [{ since: 5 }, /'since' is not an option here/],
  ])('refuses a snapshot of %j', (options, message) => {
    expect(() => createRecorder().snapshot(options as object)).toThrow(message)
  })

  it('never has fewer than 0 requests in flight, even if one is recorded twice', () => {
    const clock = new VirtualClock(10)
    const recorder = createRecorder({ clock: clock.read })
    for (let i = 0; i < 3; i++) recorder.record(5)
    expect(recorder.totals().inFlight).toBe(0)
    recorder.start()
    expect(prometheusText(recorder)).toMatch(/^throughline_requests_in_flight\{name="default"\} 0$/m)
  })

  it('refuses a batch of more requests than have arrived', () => {
    const recorder = createRecorder({ clock: () => 10 })
    expect(() => recorder.batch(2 ** 53, 1, 2, 3, 4)).toThrow('size: must be a whole number of at least 1 and at most')
  })

  it.each([
    ['goes back', [10, 20, 5, 8, 30]],
    ['is infinite', [10, 20, Number.POSITIVE_INFINITY, 25, 30]],
    ['is no number', [10, 20, Number.NaN, 25, 30]],
    ['is beyond all time', [10, 20, 1e300, 25, 30]],
  ])('with a clock that %s has no latency below 0, and ends', (_, readings) => {
    const clock = new VirtualClock(0)
    const recorder = createRecorder({ clock: clock.read })
    const starts = readings.map((ms) => {
      clock.now = ms
      return recorder.start()
    })
    for (const start of starts) recorder.record(start)
    const { latencyMs, counts } = recorder.snapshot() as Result
    expect(counts).toMatchObject({ offered: 5, completed: 5 })
    expect(latencyMs.min).toBeGreaterThanOrEqual(0)
    expect(latencyMs.max).toBeCloseTo(20, 1)
  })

  it.each([[Number.POSITIVE_INFINITY], [Number.NaN], [-1], ['5']])('refuses a clock that begins at %s', (ms) => {
    expect(() => createRecorder({ clock: (() => ms) as () => number })).toThrow(
      'recorder.clock: must return milliseconds, of 0 or more, got',
    )
  })

  it('reports a request that is recorded twice', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read })
    serve(clock, recorder, 100, 9, () => 1)
    const start = recorder.start()
    clock.pass(5)
    recorder.record(start)
    recorder.record(start)
    clock.pass(1000)
    expect(recorder.snapshot()?.validity.findings.map(({ code }) => code)).toContain('littles-law')
  })

  it('measures real time by its own clock', async () => {
    const recorder = createRecorder()
    const start = recorder.start()
    await new Promise((resolve) => setTimeout(resolve, 20))
    recorder.record(start)
    const result = recorder.snapshot() as Result
    expect(result.latencyMs.min).toBeGreaterThanOrEqual(19)
    expect(result.environment).toMatchObject({ node: process.versions.node })
  })
})

describe('recording, compared with a list of everything recorded', () => {
  const outcome = fc.constantFrom('served', 'failed', 'rejected', 'timedOut', 'aborted', 'alone', 'under way')
  const event = fc.record({
    gapMs: fc.oneof(fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: 0, max: 40_000, noNaN: true })),
    takesMs: fc.oneof(fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: 0, max: 90_000, noNaN: true })),
    outcome,
    className: fc.constantFrom('a', 'b', undefined),
    error: fc.constantFrom(undefined, new RangeError('too far'), Object.assign(new Error('gone'), { code: 'EGONE' })),
  })

  it('counts every request once, for any order of times', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 300 }), (events) => {
        const clock = new VirtualClock()
        const recorder = createRecorder({ clock: clock.read, drain: '1h', classes: ['a', 'b'] })
        let now = 0
        const requests = events.map(({ gapMs, takesMs, outcome, ...rest }) => {
          now += gapMs
          return { due: now, at: outcome === 'rejected' ? now : now + takesMs, outcome, ...rest }
        })
        const happenings = [
          ...requests.map(({ due, className }) => ({ at: due, tell: () => recorder.arrived(due, className) })),
          ...requests.map(({ due, at, outcome, className, error }) => ({
            at,
            tell: () => {
              if (outcome === 'under way') return
              if (outcome === 'alone') {
                if (className === undefined) recorder.record(due, at)
                else recorder.class(className).record(due, at)
                return
              }
              if (outcome === 'served' || outcome === 'failed') recorder.batch(1, due, due, due, at)
              if (outcome === 'failed') recorder.failed(due, error, className)
              else recorder[outcome](due, className)
            },
          })),
        ].sort((a, b) => a.at - b.at)
        for (const { at, tell } of happenings) {
          clock.set(at)
          tell()
        }
        clock.pass(7_200_000)
        const count = (which: string) => requests.filter(({ outcome }) => outcome === which).length
        const served = requests.filter(({ outcome }) => outcome === 'served' || outcome === 'alone')
        const result = recorder.snapshot()
        if (served.length === 0) return result === null
        // which refuses classes and failures that do not add up
        const checked = checkResult(written(result))
        const { counts, latencyMs, meanInSystem, window, validity, classes, failures = {}, failedMs } = checked
        const failed = requests.filter(({ outcome }) => outcome === 'failed')
        const kindOf = (error: Error | undefined) =>
          error === undefined ? 'unknown' : error instanceof RangeError ? 'RangeError' : 'EGONE'
        for (const kind of ['unknown', 'RangeError', 'EGONE']) {
          expect(failures[kind] ?? 0).toBe(failed.filter(({ error }) => kindOf(error) === kind).length)
        }
        expect(failedMs?.max ?? 0).toBeCloseTo(Math.max(0, ...failed.map(({ due, at }) => at - due)), 5)
        for (const name of ['a', 'b', 'other']) {
          const own = requests.filter(({ className = 'other' }) => className === name)
          expect(classes?.[name]?.counts.offered ?? 0).toBe(own.length)
          expect(classes?.[name]?.counts.failed ?? 0).toBe(own.filter(({ outcome }) => outcome === 'failed').length)
          const times = own.filter((each) => served.includes(each)).map(({ due, at }) => at - due)
          expect(classes?.[name]?.latencyMs?.max ?? 0).toBeCloseTo(Math.max(0, ...times), 5)
        }
        expect(counts).toEqual({
          offered: requests.length,
          completed: served.length,
          failed: count('failed'),
          rejected: count('rejected'),
          timedOut: count('timedOut'),
          aborted: count('aborted'),
          unfinished: count('under way'),
        })
        const sum = served.reduce((total, { due, at }) => total + at - due, 0)
        expect(latencyMs.mean * latencyMs.count).toBeCloseTo(sum, 2)
        const stays = requests.reduce((total, { due, at, outcome }) => {
          return total + (outcome === 'under way' ? window.endMs : at) - due
        }, 0)
        expect(meanInSystem * (window.endMs - window.startMs)).toBeCloseTo(stays, 1)
        expect(validity.findings.map(({ code }) => code)).not.toContain('littles-law')
        return true
      }),
      { seed: 1, numRuns: atLength(60) },
    )
  })
})

describe('memory', () => {
  it('is not allocated by recording', async () => {
    let now = 1
    const recorder = createRecorder({ clock: () => now })
    const dues = new Float64Array(100_000)
    const record = () => {
      for (let i = 0; i < dues.length; i++) dues[i] = now + i / 1000
      now += 1000
      for (let i = 0; i < dues.length; i++) {
        const due = dues[i] as number
        recorder.arrived(due)
        recorder.record(due, due + 0.01)
        if (i % 8 > 0) continue
        recorder.arrived(due)
        recorder.batch(1, due, due, due, due + 0.01)
        recorder.served(due)
      }
    }
    // the compiler takes its time to see that no number needs a box
    for (let round = 0; round < 10; round++) record()
    const buffers = process.memoryUsage().arrayBuffers
    const session = new Session()
    session.connect()
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 512,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    })
    for (let round = 0; round < 5; round++) record()
    const { profile } = await session.post('HeapProfiler.stopSampling')
    session.disconnect()
    // whether the caller boxes what it passes is its own affair
    const sizeOf = ({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number =>
      (callFrame.url.includes('/serve/recorder/') && !callFrame.url.includes('.test.') ? selfSize : 0) +
      sumBy(children, sizeOf)
    // a boxed double for each would be 16
    expect(sizeOf(profile.head) / (5 * 112_500)).toBeLessThan(7)
    expect(process.memoryUsage().arrayBuffers - buffers).toBeLessThanOrEqual(0)
  })

  it('is bounded for any spread of latencies: older ones are kept more coarsely', () => {
    const clock = new VirtualClock(10_000_000)
    const recorder = createRecorder({ clock: clock.read })
    let state = 1
    const random = () => {
      state = (Math.imul(state, 48271) >>> 0) % 2147483647
      return state / 2147483647
    }
    const requests = 120_000
    for (let i = 0; i < requests; i++) {
      clock.pass(600_000 / requests)
      // from a nanosecond to an hour, which takes every bucket that there is
      const start = Math.max(10_000_000, clock.now - 10 ** (12.5 * random() - 6))
      recorder.arrived(start)
      recorder.arrived(start)
      recorder.record(start, clock.now)
      recorder.batch(1, start, start, start, clock.now)
      recorder.served(start)
    }
    expect(recorder.bytes).toBeGreaterThan(15_000_000)
    expect(recorder.bytes).toBeLessThan(22_000_000)
    const all = recorder.snapshot() as Result
    expect(all.counts.completed).toBe(2 * requests)
    expect(all.validity.findings.map(({ code }) => code)).not.toContain('littles-law')
    const { window } = recorder.snapshot({ last: '1m' }) as Result
    expect(window.endMs - window.startMs).toBeGreaterThanOrEqual(60_000)
    expect(window.endMs - window.startMs).toBeLessThan(75_000)
  })
})
