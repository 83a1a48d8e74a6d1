import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from '../../src/histogram/hdr.js'
import {
  affine,
  closed,
  constant,
  exponential,
  poisson,
  type Result,
  replay,
  type Scenario,
  type SimulationEvent,
  simulate,
} from '../../src/index.js'
import { atLength } from '../support/at-length.js'
import { dueTimesOf, simulateWithEvents } from '../support/reference/simulate-with-events.js'
import { openScenario, seeded, smallScenario, withWarmup } from '../support/reference/small-scenarios.js'

/*
 * What is counted, and over which time: integrals and counts over the window are computed here again, from the times when
 * the requests were due and the events of a simulation.
 */

/** A larger run of each kind, in which segments hold many requests. */
const larger: Record<string, Scenario> = {
  'one at a time': { arrivals: poisson('80/s'), service: affine({ base: 10, variation: exponential() }) },
  'batches that fill': {
    arrivals: poisson('700/s'),
    service: affine({ base: 5, perItem: 1 }),
    batching: { maxBatchSize: 8, maxWait: 10 },
    servers: 2,
  },
  'limits on the queue': {
    arrivals: poisson('700/s'),
    service: affine({ base: 12, variation: exponential() }),
    batching: { maxBatchSize: 4, maxWait: 5 },
    queue: { capacity: 6, timeout: 20 },
    servers: 2,
  },
  'dispatch and stalls': {
    arrivals: poisson('700/s'),
    service: affine({
      base: 2,
      perItem: 0.5,
      stalls: { probability: 0.05, time: 30 },
      overhead: { wake: 1, filled: 2, deadline: 0.5, turnaround: { mean: 0.25, variation: exponential() } },
    }),
    batching: { maxBatchSize: 4, maxWait: 3 },
    servers: 2,
  },
  'a closed loop': {
    arrivals: closed({ clients: 20, thinkTime: { mean: 60, variation: exponential() } }),
    service: affine({ base: 4, perItem: 1 }),
    batching: { maxBatchSize: 6 },
  },
}
const stops: [name: string, Pick<Scenario, 'stop' | 'warmup'>][] = [
  ['by requests', { stop: { requests: 5000 }, warmup: { requests: 500 } }],
  ['by time', { stop: { duration: '10s' }, warmup: { duration: '1s' } }],
  ['by time after a warm-up by requests', { stop: { duration: '10s' }, warmup: { requests: 77 } }],
  ['by requests after a warm-up by time', { stop: { requests: 5000 }, warmup: { duration: '500ms' } }],
]

/** Checks a larger run of each kind, which is made once for all checks. */
function forEachLarger(check: (result: Result) => void): void {
  for (const [name, scenario] of Object.entries(larger)) {
    for (const [by, extents] of stops) {
      const title = `${name}, ${by}`
      it(title, () => {
        const result = largerRuns.get(title) ?? simulate({ ...scenario, ...extents })
        largerRuns.set(title, result)
        check(result)
      })
    }
  }
}
const largerRuns = new Map<string, Result>()

function expectCountsToAddUp({ counts, segments, latencyMs, window }: Result): void {
  for (const { offered, good: _, ...others } of [counts, ...segments.map((segment) => segment.counts)]) {
    expect(Object.values(others).reduce((sum, each) => sum + each, 0)).toBe(offered)
  }
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) {
    expect(segments.reduce((sum, segment) => sum + (segment.counts[key] ?? 0), 0)).toBe(counts[key])
  }

  // the segments are the window, without a gap
  expect(segments.length).toBeGreaterThan(0)
  expect(segments.length).toBeLessThanOrEqual(20)
  const ends = segments.map((segment) => segment.endMs)
  expect(segments.map((segment) => segment.startMs)).toEqual([window.startMs, ...ends.slice(0, -1)])
  expect(ends.at(-1)).toBe(window.endMs)

  // and their latencies are its latencies
  expect(segments.map((segment) => segment.latencyMs?.count ?? 0)).toEqual(
    segments.map(({ counts }) => counts.completed),
  )
  const inSegments = segments.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]))
  expect(bucketsOf(inSegments)).toEqual(bucketsOf([latencyMs]))
  const total = inSegments.reduce((sum, { count, mean }) => sum + count * mean, 0)
  expect(total / latencyMs.count).toBeCloseTo(latencyMs.mean, 9)
  expect(Math.min(...inSegments.map((each) => each.min))).toBe(latencyMs.min)
  expect(Math.max(...inSegments.map((each) => each.max))).toBe(latencyMs.max)
}

/** How many latencies of several histograms together are in each bucket. */
function bucketsOf(summaries: { histogram: string }[]): [bucket: number, count: number][] {
  const all = new Map<number, number>()
  for (const { buckets, counts } of summaries.map(({ histogram }) => decode(histogram))) {
    for (const [i, bucket] of buckets.entries()) all.set(bucket, (all.get(bucket) ?? 0) + (counts[i] as number))
  }
  return [...all].sort(([a], [b]) => a - b)
}

function expectPartsToAddUp(result: Result): void {
  const { latencyMs, waitMs, serviceMs, lagMs, queueingMs, batchingMs, dispatchMs } = result
  const parts = [lagMs, queueingMs, batchingMs, dispatchMs]
  for (const summary of [waitMs, serviceMs, ...parts]) expect(summary.count).toBe(latencyMs.count)
  expect(waitMs.mean + serviceMs.mean).toBeCloseTo(latencyMs.mean, 8)
  expect(parts.reduce((sum, part) => sum + part.mean, 0)).toBeCloseTo(waitMs.mean, 8)
}

describe('counts and segments add up to the whole', { timeout: 60_000 }, () => {
  it('on small scenarios', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(withWarmup(smallScenario), (scenario) => {
        const { result } = simulateWithEvents(scenario)
        if (result !== null) expectCountsToAddUp(result)
      }),
      seeded(atLength(120)),
    )
  })
  forEachLarger(expectCountsToAddUp)
})

describe('latency is wait plus service, and wait is the sum of its parts', () => {
  it('on small scenarios', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(withWarmup(smallScenario), (scenario) => {
        const { result } = simulateWithEvents(scenario)
        if (result !== null) expectPartsToAddUp(result)
      }),
      seeded(atLength(80)),
    )
  })
  forEachLarger(expectPartsToAddUp)
})

/** Each request of an open scenario: when it was in the system, and its outcome. */
function staysOf(dues: number[], events: SimulationEvent[]) {
  const stays = dues.map((due) => ({ due, out: due, fate: 'reject' as SimulationEvent['type'] }))
  for (const event of events) {
    const out = event.type === 'batch' ? event.endMs : event.atMs
    for (const request of event.type === 'batch' ? event.requests : [event.request]) {
      stays[request] = { due: dues[request] as number, out, fate: event.type }
    }
  }
  return stays
}

function expectIntegrals(scenario: Scenario): void {
  const { events, batches, result } = simulateWithEvents(scenario)
  if (result === null) return
  const { startMs: from, endMs: to } = result.window
  const length = to - from
  const dues = dueTimesOf(scenario)
  const stays = staysOf(dues, events)
  const clipped = (start: number, end: number) => Math.max(0, Math.min(end, to) - Math.max(start, from))

  // Little's law: the number in the system, integrated, is the stays, added up
  const inSystem = stays.reduce((sum, { due, out }) => sum + clipped(due, out), 0)
  expect(result.meanInSystem).toBeCloseTo(inSystem / length, 9)
  const serving = batches.reduce((sum, { startMs, endMs }) => sum + clipped(startMs, endMs), 0)
  // without dispatch, a batch starts at its event; with it, later: a waking server does not serve
  expect(result.utilization).toBeCloseTo(serving / length / (scenario.servers ?? 1), 9)

  // events exactly at the ends of the window may count or not
  const atLeast = (count: number, times: number[]) => {
    expect(count).toBeGreaterThanOrEqual(times.filter((at) => from < at && at < to).length)
    expect(count).toBeLessThanOrEqual(times.filter((at) => from <= at && at <= to).length)
  }
  const completions = stays.flatMap(({ out, fate }) => (fate === 'batch' ? [out] : []))
  atLeast(Math.round((result.throughput.completed * length) / 1000), completions)
  expect(result.throughput.offered).toBeCloseTo((1000 * result.counts.offered) / length, 6)
  const undispatched = result.dispatchMs.max === 0
  const starts = batches.map((batch) => batch.startMs)
  if (undispatched) atLeast(result.batches.count, starts)
  expect(Object.values(result.batches.sizes).reduce((sum, count) => sum + count, 0)).toBe(result.batches.count)

  for (const { endMs: at, inSystem } of result.segments) {
    expect(inSystem).toBeGreaterThanOrEqual(stays.filter(({ due, out }) => due < at && out > at).length)
    expect(inSystem).toBeLessThanOrEqual(stays.filter(({ due, out }) => due <= at && out >= at).length)
  }

  const { counts } = result
  expect(result.rates.rejection).toBe(counts.rejected / counts.offered)
  expect(result.rates.error).toBe((counts.rejected + counts.timedOut) / counts.offered)
}

describe('integrals over the window, computed again from the events', { timeout: 60_000 }, () => {
  it('on small scenarios', { tags: 'at-length' }, () => {
    fc.assert(fc.property(withWarmup(openScenario), expectIntegrals), seeded(atLength(120)))
  })
  for (const [name, scenario] of Object.entries(larger)) {
    if (name === 'a closed loop') continue
    for (const [by, extents] of stops) {
      it(`${name}, ${by}`, () => expectIntegrals({ ...scenario, ...extents }))
    }
  }
})

describe('the window', () => {
  const every10ms = { arrivals: constant('100/s'), service: 1 } as const

  it('is from the end of the warm-up to the stop, by time to the nanosecond', () => {
    const { window, counts } = simulate({
      ...every10ms,
      stop: { duration: '95.000001ms' },
      warmup: { duration: '20ms' },
    })
    expect(window).toEqual({ startMs: 20, endMs: 95.000001 })
    // due at 20, 30, … 90: at the warm-up's end it is in the window, and one due at the stop would not be
    expect(counts.offered).toBe(8)
    expect(simulate({ ...every10ms, stop: { duration: 90 }, warmup: { duration: 20 } }).counts.offered).toBe(7)
  })

  it('by requests, counts those of the warm-up in the stop', () => {
    const { window, counts, throughput } = simulate({ ...every10ms, stop: { requests: 50 }, warmup: { requests: 10 } })
    // until request number 50 would be due
    expect(window).toEqual({ startMs: 100, endMs: 500 })
    expect(counts.offered).toBe(40)
    expect(throughput).toEqual({ offered: 100, completed: 100 })
  })

  it('by default runs 2,000,000 requests', { tags: 'full' }, () => {
    expect(simulate(every10ms).counts.offered).toBe(1_800_000)
  })

  it('by default warms up for a tenth of the run, which is to be of 2,000,000 requests', () => {
    const { scenario } = simulate(
      { ...every10ms, warmup: undefined },
      { onProgress: ({ requests }) => requests < 250_000 },
    )
    expect(scenario).toMatchObject({ stop: { requests: 2_000_000 }, warmup: { requests: 200_000 } })
    expect(simulate({ ...every10ms, stop: { duration: 500 } }).scenario?.warmup).toEqual({ duration: 50 })
  })

  it('ends a replay with the last of its requests', () => {
    const replayed: Scenario = { arrivals: replay([0, 5, 7]), service: 10, warmup: { requests: 0 } }
    expect(simulate(replayed).window).toEqual({ startMs: 0, endMs: 30 })
    expect(simulate({ ...replayed, stop: { requests: 2 } }).window).toEqual({ startMs: 0, endMs: 7 })
    expect(simulate({ ...replayed, stop: { duration: 100 } }).window).toEqual({ startMs: 0, endMs: 100 })
  })

  it('drains: what was due before the stop is served after it, and counts', () => {
    const { latencyMs, counts, throughput } = simulate({
      arrivals: replay([0, 0, 0, 0]),
      service: 10,
      stop: { duration: 15 },
      warmup: { duration: 0 },
    })
    expect(counts).toMatchObject({ offered: 4, completed: 4, unfinished: 0 })
    expect(latencyMs.max).toBe(40)
    // inside the window only the first completes
    expect(throughput.completed).toBeCloseTo(1 / 0.015, 9)
  })
})
