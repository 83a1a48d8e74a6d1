import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closed } from '../../src/scenario/arrivals/arrivals.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { atLength } from '../support/at-length.js'
import { cycle } from '../support/virtual-time/cycle.js'
import { expectAsSimulated } from '../support/virtual-time/simulated-events.js'
import { runInVirtualTime } from '../support/virtual-time/virtual-threads.js'

const loops = fc.record({
  clients: fc.integer({ min: 1, max: 8 }),
  thinkNs: fc.integer({ min: 20, max: 60 }),
  varies: fc.boolean(),
  maxBatchSize: fc.constantFrom(1, 2, 3, null),
  maxWaitNs: fc.constantFrom<(number | null)[]>(0, 3, 8, 40, null),
  servers: fc.integer({ min: 1, max: 3 }),
  capacity: fc.constantFrom<(number | null)[]>(null, null, 0, 1, 3),
  timeoutNs: fc.constantFrom<(number | null)[]>(null, null, 1, 5, 17),
  base: fc.integer({ min: 1, max: 20 }),
  perItem: fc.nat(6),
  byTime: fc.boolean(),
  warmup: fc.nat(9),
})
type Given = typeof loops extends fc.Arbitrary<infer Value> ? Value : never

const ms = (ns: number | null) => (ns === null ? null : ns / 1e6)

function scenarioOf(given: Given): Scenario {
  const { clients, thinkNs, varies, maxBatchSize, maxWaitNs, servers, capacity, timeoutNs, warmup } = given
  // where no batch would ever leave is refused; by time, a simulation knows beforehand who will not send any more
  const most = Math.min(clients, capacity ?? clients)
  const stuck = maxWaitNs === null && (maxBatchSize === null || most < maxBatchSize || given.byTime)
  return {
    arrivals: closed({ clients, thinkTime: { mean: thinkNs / 1e6, ...(varies && { variation: exponential() }) } }),
    batching: { maxBatchSize, maxWait: stuck ? 0 : ms(maxWaitNs) },
    servers,
    queue: { capacity, timeout: ms(timeoutNs) },
    stop: given.byTime ? { duration: 900 / 1e6 } : { requests: 40 },
    warmup: { requests: warmup },
  }
}

describe('a closed loop in virtual time', () => {
  it('sends, forms batches, rejects and times out as a simulation does, if threads take no time', {
    tags: 'at-length',
  }, () => {
    fc.assert(
      fc.property(loops, (given) => {
        const scenario = scenarioOf(given)
        const { base, perItem } = given
        const { served, dropped, allEnded } = runInVirtualTime(scenario, {
          service: (size) => base + perItem * size,
          delay: () => 0,
          segments: 2,
        })
        expect(allEnded).toBe(true)
        expectAsSimulated({ served, dropped }, scenario, { base, perItem })
      }),
      { numRuns: atLength(500), seed: 11 },
    )
  })

  it('ends, and lets the batches go that the policy would have, however late threads wake and look', {
    tags: 'at-length',
  }, () => {
    const late = fc.array(fc.nat(7), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(loops, late, (given, delays) => {
        const run = runInVirtualTime(scenarioOf(given), {
          service: (size) => given.base + given.perItem * size,
          delay: cycle(delays),
          aheadNs: 1,
          segments: 2,
        })
        expect(run.allEnded).toBe(true)
        const requests = [
          ...run.served.flatMap((batch) =>
            batch.requests.map((number, i) => ({ number, queuedNs: batch.queued[i] as number, leftNs: batch.endNs })),
          ),
          ...run.dropped.map(({ number, dueNs, atNs }) => ({ number, queuedNs: dueNs, leftNs: atNs })),
        ].sort((a, b) => a.number - b.number)
        expect(requests.map(({ number }) => number)).toEqual(run.arrived.map((_, number) => number))
        if (!given.byTime) expect(requests.length).toBe(40)
        // a client awaits its response before it sends again
        for (const { queuedNs } of requests) {
          const inside = requests.filter((other) => other.queuedNs <= queuedNs && other.leftNs > queuedNs)
          expect(inside.length).toBeLessThanOrEqual(given.clients)
        }
      }),
      { numRuns: atLength(200), seed: 11 },
    )
  })
})
