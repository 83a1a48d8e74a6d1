import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyOf } from '../../src/scenario/batching.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { simulate } from '../../src/simulate/simulate.js'
import { policyAsItIs } from './policy-as-it-is.js'
import { runInVirtualTime, type Served, type Threads } from './virtual-run.js'

/** Numbers in a fixed order, one a call, round and round. */
const cycle = (values: number[]) => {
  let i = 0
  return () => values[i++ % values.length] as number
}
const instant: Threads = { service: () => 0, delay: () => 0, publishing: () => 0 }

const left = ({ requests, size, leaveNs }: Served) => ({ requests, size, leaveNs })

const scenarios = fc.record({
  gaps: fc.array(fc.nat(6), { minLength: 1, maxLength: 60 }),
  maxBatchSize: fc.constantFrom(1, 2, 3, 5, null),
  maxWait: fc.constantFrom<(number | null)[]>(0, 3, 8, 40, null),
  servers: fc.integer({ min: 1, max: 3 }),
  services: fc.array(fc.nat(20), { minLength: 1, maxLength: 10 }),
  delays: fc.array(fc.nat(7), { minLength: 1, maxLength: 10 }),
  publishing: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }),
})
type Given = typeof scenarios extends fc.Arbitrary<infer Value> ? Value : never

/** Times in whole nanoseconds. */
function scenarioOf({ gaps, maxBatchSize, maxWait, servers }: Given): Scenario {
  let due = 0
  const timestamps = gaps.map((gap) => {
    due += gap
    return due / 1e6
  })
  // both without a limit is refused
  const wait = maxBatchSize === null && maxWait === null ? 0 : maxWait
  return {
    arrivals: { process: 'replay', timestamps },
    batching: { maxBatchSize, maxWait: wait === null ? null : wait / 1e6 },
    servers,
    warmup: { requests: 0 },
  }
}

describe('a queue that threads share, in virtual time', () => {
  it('lets the batches go that the policy would have, however late threads wake and look', () => {
    fc.assert(
      fc.property(scenarios, (given) => {
        const run = runInVirtualTime(scenarioOf(given), {
          // a batch that ended as it left would free its server before it had taken it
          service: cycle(given.services.map((ns) => ns + 1)),
          delay: cycle(given.delays),
          publishing: cycle(given.publishing),
        })
        expect(run.allEnded).toBe(true)
        const requests = run.served.flatMap(({ due, queued }) =>
          due.map((dueNs, i) => ({ dueNs, queuedNs: queued[i] as number })),
        )
        // a server is free when it looks, and again when it looks after its batch
        const frees = Array.from({ length: given.servers }, () => -1)
        frees.push(...run.served.map(({ backNs }) => backNs).sort((a, b) => a - b))
        expect(run.served.map(left)).toEqual(policyAsItIs(policyOf(run.scenario.batching), requests, frees))
      }),
      { numRuns: 2000 },
    )
  })

  it('serves every request once, in order, each batch by one server that was free', () => {
    fc.assert(
      fc.property(scenarios, (given) => {
        const { served } = runInVirtualTime(scenarioOf(given), {
          service: cycle(given.services),
          delay: cycle(given.delays),
          publishing: cycle(given.publishing),
        })
        let next = 0
        for (const { requests, startNs, leaveNs, freeNs, queued } of served) {
          for (const number of requests) expect(number).toBe(next++)
          expect(leaveNs).toBeGreaterThanOrEqual(freeNs)
          expect(startNs).toBeGreaterThanOrEqual(leaveNs)
          for (const queuedNs of queued) expect(queuedNs).toBeLessThanOrEqual(leaveNs)
        }
        expect(next).toBe(given.gaps.length)
      }),
    )
  })

  it('forms the batches that a simulation forms, where threads take no time of their own', () => {
    fc.assert(
      fc.property(scenarios, fc.integer({ min: 1, max: 9 }), fc.nat(4), (given, base, perItem) => {
        const scenario = scenarioOf(given)
        const { served } = runInVirtualTime(scenario, { ...instant, service: (size) => base + perItem * size })
        const simulated: unknown[] = []
        simulate(
          { ...scenario, service: { model: 'affine', base: base / 1e6, perItem: perItem / 1e6 } },
          {
            onEvent: (event) => {
              if (event.type === 'batch') simulated.push([event.startMs, event.endMs, event.requests])
            },
          },
        )
        const measured = served.map(({ requests, startNs, endNs }) => [startNs / 1e6, endNs / 1e6, requests])
        expect(measured).toEqual(simulated)
      }),
      { numRuns: 1000 },
    )
  })
})
