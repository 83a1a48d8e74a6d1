import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Result, type Scenario, type Summary, summarize } from '../../src/index.js'
import { atLength } from '../support/at-length.js'
import { type NaiveRequest, type NaiveScenario, naive } from '../support/reference/naive-simulator.js'
import { simulateWithEvents } from '../support/reference/simulate-with-events.js'
import {
  closedScenario,
  openScenario,
  seeded,
  smallScenario,
  withWarmup,
} from '../support/reference/small-scenarios.js'

/**
 * A summary without its intervals, which depend on more than the values, and its deviation: the sum of thousands of
 * squares depends on their order.
 */
function distribution({ intervals: _, stdDev: __, ...summary }: Summary): Omit<Summary, 'intervals' | 'stdDev'> {
  return summary
}

function expectSameParts(result: Result, served: NaiveRequest[]): void {
  const parts = {
    latencyMs: served.map((request) => request.end - request.due),
    waitMs: served.map((request) => request.start - request.due),
    serviceMs: served.map((request) => request.end - request.start),
    lagMs: served.map(() => 0),
    queueingMs: served.map((request) => request.queueing),
    batchingMs: served.map((request) => request.batching),
    dispatchMs: served.map((request) => request.dispatch),
  }
  for (const [part, values] of Object.entries(parts)) {
    const summary = result[part as keyof typeof parts]
    // to the last bit: count, extremes, mean, and every bucket of the histogram
    const expected = summarize(values)
    expect({ part, ...distribution(summary) }).toEqual({ part, ...distribution(expected) })
    expect(summary.stdDev).toBeCloseTo(expected.stdDev, 6)
  }
}

function expectSameRun(scenario: NaiveScenario, warmup: Scenario['warmup'] = { requests: 0 }): void {
  const slow = naive(scenario)
  const { events, result } = simulateWithEvents({ ...scenario, warmup })
  expect(events).toEqual(slow.events)
  if (result === null) return

  const since = { requests: 0, duration: 0, ...(warmup as { requests: number } | { duration: number }) }
  const inWindow = slow.requests.filter(({ number, due }) => number >= since.requests && due >= since.duration)
  const served = inWindow.filter(({ fate }) => fate === 'served')
  expect(result.counts).toEqual({
    offered: inWindow.length,
    completed: served.length,
    rejected: inWindow.filter(({ fate }) => fate === 'rejected').length,
    timedOut: inWindow.filter(({ fate }) => fate === 'timed out').length,
    failed: 0,
    aborted: 0,
    unfinished: 0,
  })
  expectSameParts(result, served)
}

describe('the simulator agrees request by request with a naive one', { timeout: 60_000 }, () => {
  it('on scripted arrivals', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(openScenario, (scenario) => expectSameRun(scenario)),
      seeded(atLength(200)),
    )
  })

  it('on closed loops', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(closedScenario, (scenario) => expectSameRun(scenario)),
      seeded(atLength(200)),
    )
  })

  it('after a warm-up, of requests or of time', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(withWarmup(smallScenario), ({ warmup, ...scenario }) => expectSameRun(scenario, warmup)),
      seeded(atLength(200)),
    )
  })

  it('with thousands of requests waiting, some of which arrived while a server was idle', { tags: 'at-length' }, () => {
    // of those in the queue when it outgrows any room made for it, the first came before their server was busy
    const timestamps = [
      0,
      3,
      4,
      20,
      21,
      ...Array.from({ length: atLength(2500, 1500) }, (_, i) => 22 + (i % 9)).sort((a, b) => a - b),
    ]
    const scenario: NaiveScenario = {
      arrivals: { process: 'replay', timestamps },
      service: { model: 'affine', base: 40, perItem: 1 },
      servers: 2,
      batching: { maxBatchSize: null, maxWait: 9 },
      queue: { capacity: null, timeout: null },
      stop: { requests: 10_000 },
    }
    const scenarios: NaiveScenario[] = [
      { ...scenario, batching: { maxBatchSize: 2000, maxWait: 50 } },
      scenario,
      { ...scenario, batching: { maxBatchSize: 7, maxWait: 9 }, queue: { capacity: 1500, timeout: 300 } },
    ]
    for (const each of scenarios.slice(0, atLength(scenarios.length))) expectSameRun(each)
  })

  it('on the dispatch time of servers', { tags: 'at-length' }, () => {
    // arrivals on even milliseconds and deadlines on odd ones: whether one that arrives at the very deadline of a
    // batch lets it leave as it arrives, or as its deadline comes, is of no account
    const even = ({ arrivals, batching, ...scenario }: NaiveScenario): NaiveScenario => ({
      ...scenario,
      arrivals:
        arrivals.process === 'replay'
          ? { ...arrivals, timestamps: arrivals.timestamps.map((at) => 2 * at) }
          : { ...arrivals, thinkTime: 2 * arrivals.thinkTime },
      batching: { ...batching, maxWait: batching.maxWait && 2 * batching.maxWait + 1 },
    })
    const time = fc.nat({ max: 4 })
    const overhead = fc.record({ wake: time, filled: time, deadline: time, turnaround: time })
    fc.assert(
      fc.property(fc.tuple(openScenario, overhead), ([scenario, overhead]) => {
        const { service } = scenario
        expectSameRun({ ...even(scenario), service: { ...service, overhead } })
      }),
      seeded(atLength(100)),
    )
  })
})
