import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affine, exponential, gamma, poisson, renewal, type Scenario, type SimulationEvent } from '../../src/index.js'
import { atLength } from '../support/at-length.js'
import { type BatchEvent, dueTimesOf, simulateWithEvents } from '../support/reference/simulate-with-events.js'
import { openScenario, seeded } from '../support/reference/small-scenarios.js'

/*
 * Tests the contract of the policy against the events of a simulation and the due times of its requests, without knowing
 * how either is computed. Times are compared exactly, in whole nanoseconds.
 */

const ns = (ms: number) => Math.round(ms * 1e6)
const inNs = (event: SimulationEvent): SimulationEvent =>
  event.type === 'batch'
    ? { ...event, startMs: ns(event.startMs), endMs: ns(event.endMs) }
    : { ...event, atMs: ns(event.atMs) }

/** `expect`, of many thousands: its message is made only if it fails. */
function hold(isSo: boolean, message: () => string): void {
  if (!isSo) expect.fail(message())
}

interface Rules {
  servers: number
  maxBatchSize: number
  maxWait: number
  capacity: number
  timeout: number
}

function rulesOf({ servers = 1, batching, queue }: Scenario): Rules {
  const limit = (value: unknown, absent: number) =>
    (value === null ? Number.POSITIVE_INFINITY : (value ?? absent)) as number
  return {
    servers: servers as number,
    maxBatchSize: limit(batching?.maxBatchSize, 1),
    maxWait: ns(limit(batching?.maxWait, 0)),
    capacity: limit(queue?.capacity, Number.POSITIVE_INFINITY),
    timeout: ns(limit(queue?.timeout, Number.POSITIVE_INFINITY)),
  }
}

/** When each request left the queue, and how. */
function leavings(events: SimulationEvent[]): Map<number, { at: number; type: SimulationEvent['type'] }> {
  const left = new Map<number, { at: number; type: SimulationEvent['type'] }>()
  for (const event of events) {
    const at = event.type === 'batch' ? event.startMs : event.atMs
    for (const request of event.type === 'batch' ? event.requests : [event.request]) {
      hold(!left.has(request), () => `request ${request} leaves once`)
      left.set(request, { at, type: event.type })
    }
  }
  return left
}

/** @param dueMs when each request was due */
function checkPolicy(dueMs: number[], scenario: Scenario): void {
  const dues = dueMs.map(ns)
  const events = simulateWithEvents(scenario).events.map(inNs)
  const { servers, maxBatchSize, maxWait, capacity, timeout } = rulesOf(scenario)
  const batches = events.filter((event): event is BatchEvent => event.type === 'batch')
  const left = leavings(events)
  expect(left.size).toBe(dues.length)
  const due = (request: number) => dues[request] as number
  const leaves = (request: number) => (left.get(request) as { at: number }).at
  const lastDue = Math.max(...dues)

  // first in, first out, and never larger than maxBatchSize
  const served = batches.flatMap((batch) => batch.requests)
  expect(served).toEqual([...served].sort((a, b) => a - b))
  for (const { requests } of batches) {
    expect(requests.length).toBeGreaterThan(0)
    expect(requests.length).toBeLessThanOrEqual(maxBatchSize)
  }

  // no batch leaves too early, or without a waiting request for which it has room
  for (const { requests, startMs } of batches) {
    if (requests.length === maxBatchSize) continue
    const waited = startMs >= due(requests[0] as number) + maxWait
    const ended = maxWait === Number.POSITIVE_INFINITY && startMs >= lastDue
    hold(waited || ended, () => `the batch of ${requests} leaves at ${startMs}, too early`)
    const leftBehind = dues.findIndex((due, request) => due < startMs && leaves(request) > startMs)
    hold(leftBehind === -1, () => `${leftBehind} waits and does not leave with ${requests} at ${startMs}`)
  }

  // requests time out exactly on time, and none stays longer; only a full queue rejects
  for (const [request, { at, type }] of left) {
    hold(at >= due(request) && at <= due(request) + timeout, () => `${request} leaves at ${at}`)
    if (type === 'timeout') expect(at).toBe(due(request) + timeout)
    if (type !== 'reject') continue
    expect(at).toBe(due(request))
    const waiting = dues.filter((_, other) => other < request && leaves(other) >= at).length
    expect(waiting).toBeGreaterThanOrEqual(capacity)
  }

  // at every instant, after all its events
  const deadlines = dues.map((due) => due + maxWait).filter((at) => at < Number.POSITIVE_INFINITY)
  const instants = new Set([...dues, ...deadlines, ...batches.flatMap(({ startMs, endMs }) => [startMs, endMs])])
  for (const now of instants) {
    const busy = batches.filter(({ startMs, endMs }) => startMs <= now && now < endMs).length
    const waiting = dues.flatMap((due, request) => (due <= now && now < leaves(request) ? [request] : []))
    hold(busy <= servers, () => `${busy} servers are busy at ${now}`)
    hold(waiting.length <= capacity, () => `${waiting} wait at ${now}`)
    if (busy === servers || waiting.length === 0) continue
    const must =
      waiting.length >= maxBatchSize ||
      now >= due(waiting[0] as number) + maxWait ||
      (maxWait === Number.POSITIVE_INFINITY && now >= lastDue)
    hold(!must, () => `a server is idle at ${now} while ${waiting} must leave`)
  }
}

describe('a simulation follows the policy', { timeout: 60_000 }, () => {
  it('on scripted arrivals with many ties', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(openScenario, (scenario) => {
        const { arrivals, stop } = scenario
        checkPolicy(dueTimesOf({ arrivals, stop }), { ...scenario, warmup: { requests: 0 } })
      }),
      seeded(atLength(300)),
    )
  })

  const random: Record<string, Scenario> = {
    'one at a time, at 90 % load': {
      arrivals: poisson('90/s'),
      service: affine({ base: 10, variation: exponential() }),
    },
    'what is there, on three servers': {
      arrivals: poisson('800/s'),
      service: affine({ base: 5, perItem: 1, variation: gamma({ cv: 0.5 }) }),
      batching: { maxBatchSize: 8 },
      servers: 3,
    },
    'a wait of 10 ms, in bursts': {
      arrivals: renewal({ rate: '300/s', variation: gamma({ cv: 2 }) }),
      service: affine({ base: 5, perItem: 1 }),
      batching: { maxBatchSize: 8, maxWait: 10 },
      servers: 2,
    },
    'full batches only': {
      arrivals: poisson('500/s'),
      service: affine({ base: 12, variation: exponential() }),
      batching: { maxBatchSize: 4, maxWait: null },
      servers: 2,
    },
    'too much for its queue': {
      arrivals: poisson('700/s'),
      service: affine({ base: 12, variation: exponential() }),
      batching: { maxBatchSize: 4, maxWait: 5 },
      queue: { capacity: 6, timeout: 20 },
      servers: 2,
    },
  }
  for (const [name, scenario] of Object.entries(random)) {
    it(name, () => {
      const stopped = { ...scenario, stop: { requests: 600 }, warmup: { requests: 0 } }
      checkPolicy(dueTimesOf(stopped), stopped)
    })
  }
})
