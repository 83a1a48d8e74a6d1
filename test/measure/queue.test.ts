import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildPolicy } from '../../src/scenario/batching-policy.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { atLength } from '../support/at-length.js'
import { referencePolicy } from '../support/reference/reference-policy.js'
import { cycle } from '../support/virtual-time/cycle.js'
import { expectAsSimulated } from '../support/virtual-time/simulated-events.js'
import { runInVirtualTime, type Served, type Threads } from '../support/virtual-time/virtual-threads.js'

const instant: Threads = { service: () => 0, delay: () => 0, segments: 1 }

const left = ({ requests, size, leaveNs }: Served) => ({ requests, size, leaveNs })

const scenarios = fc.record({
  gaps: fc.array(fc.nat(6), { minLength: 1, maxLength: 60 }),
  maxBatchSize: fc.constantFrom(1, 2, 3, 5, null),
  maxWait: fc.constantFrom<(number | null)[]>(0, 3, 8, 40, null),
  servers: fc.integer({ min: 1, max: 3 }),
  services: fc.array(fc.nat(20), { minLength: 1, maxLength: 10 }),
  delays: fc.array(fc.nat(7), { minLength: 1, maxLength: 10 }),
  capacity: fc.constantFrom<(number | null)[]>(null, null, 0, 1, 3, 6),
  timeout: fc.constantFrom<(number | null)[]>(null, null, 1, 5, 17),
})
type Given = typeof scenarios extends fc.Arbitrary<infer Value> ? Value : never

/** Since when servers are free: from completions on, or from when they looked again if others had looked before. */
function expectFreeFromCompletion(served: Served[], { servers }: Given) {
  const inOrder = (times: number[]) => [...new Array(servers).fill(-1), ...times].sort((a, b) => a - b)
  const free = served.map(({ freeNs }) => freeNs).sort((a, b) => a - b)
  const ends = inOrder(served.map(({ endNs }) => endNs))
  const backs = inOrder(served.map(({ backNs }) => backNs))
  free.forEach((ns, i) => {
    if (servers === 1) expect(ns).toBe(ends[i])
    expect(ns).toBeLessThanOrEqual(backs[i] as number)
    expect(ns).toBeGreaterThanOrEqual(ends[i] as number)
  })
}

/** Times in whole nanoseconds. */
function scenarioOf({ gaps, maxBatchSize, maxWait, servers, capacity, timeout }: Given): Scenario {
  let due = 0
  const timestamps = gaps.map((gap) => {
    due += gap
    return due / 1e6
  })
  // a scenario in which no batch would ever leave is refused
  const stuck = maxWait === null && (maxBatchSize === null || (capacity ?? maxBatchSize) < maxBatchSize)
  const wait = stuck ? 0 : maxWait
  return {
    arrivals: { process: 'replay', timestamps },
    batching: { maxBatchSize, maxWait: wait === null ? null : wait / 1e6 },
    servers,
    queue: { capacity, timeout: timeout === null ? null : timeout / 1e6 },
    warmup: { requests: 0 },
  }
}

describe('a queue that threads share, in virtual time', () => {
  it('releases the batches of the policy, however late threads wake and check', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(scenarios, (given) => {
        const run = runInVirtualTime(scenarioOf(given), {
          // a batch that ended as it left would free its server before it had taken it
          service: cycle(given.services.map((ns) => ns + 1)),
          delay: cycle(given.delays),
          segments: 1,
        })
        expect(run.allEnded).toBe(true)
        // no request is late: it is queued when it is due
        expect(run.served.map(({ queued }) => queued)).toEqual(run.served.map(({ due }) => due))
        const frees = run.served.map(({ freeNs }) => freeNs).sort((a, b) => a - b)
        expectFreeFromCompletion(run.served, given)
        const requests = run.arrived.map((dueNs) => ({ dueNs, queuedNs: dueNs }))
        const { batches, dropped } = referencePolicy(buildPolicy(run.scenario.batching), requests, frees, {
          capacity: given.capacity ?? Number.POSITIVE_INFINITY,
          timeoutNs: given.timeout ?? Number.POSITIVE_INFINITY,
        })
        expect(run.served.map(left)).toEqual(batches)
        run.state.queue.settle(Number.MAX_SAFE_INTEGER)
        expect(run.dropped.map(({ reason, number, atNs }) => ({ reason, number, atNs }))).toEqual(dropped)
      }),
      { numRuns: atLength(1000), seed: 11 },
    )
  })

  it('serves every request that it does not drop once, in order, each batch by one free server', {
    tags: 'at-length',
  }, () => {
    fc.assert(
      fc.property(scenarios, (given) => {
        const { served, dropped, allEnded } = runInVirtualTime(scenarioOf(given), {
          service: cycle(given.services),
          delay: cycle(given.delays),
          segments: 1,
        })
        expect(allEnded).toBe(true)
        let last = -1
        for (const { requests, startNs, leaveNs, freeNs, queued } of served) {
          for (const number of requests) {
            expect(number).toBeGreaterThan(last)
            last = number
          }
          expect(leaveNs).toBeGreaterThanOrEqual(freeNs)
          expect(startNs).toBeGreaterThanOrEqual(leaveNs)
          for (const queuedNs of queued) expect(queuedNs).toBeLessThanOrEqual(leaveNs)
        }
        const all = [...served.flatMap(({ requests }) => requests), ...dropped.map(({ number }) => number)]
        expect(all.sort((a, b) => a - b)).toEqual(given.gaps.map((_, number) => number))
      }),
      { numRuns: atLength(500), seed: 11 },
    )
  })

  it('wakes a server for every batch without delay, if threads take no time', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(scenarios, (given) => {
        const { served } = runInVirtualTime(scenarioOf(given), { ...instant, service: cycle(given.services) })
        for (const { startNs, leaveNs } of served) expect(startNs).toBe(leaveNs)
      }),
      { numRuns: atLength(500), seed: 11 },
    )
  })

  it('forms the batches that a simulation forms, if threads take no time', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(scenarios, fc.integer({ min: 1, max: 9 }), fc.nat(4), (given, base, perItem) => {
        const scenario = scenarioOf(given)
        const { served, dropped } = runInVirtualTime(scenario, { ...instant, service: (size) => base + perItem * size })
        expectAsSimulated({ served, dropped }, scenario, { base, perItem })
      }),
      { numRuns: atLength(500), seed: 11 },
    )
  })
})
