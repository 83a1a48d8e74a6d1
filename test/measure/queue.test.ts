import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deadline, decide, policyOf } from '../../src/scenario/batching.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { simulate } from '../../src/simulate/simulate.js'
import { runInVirtualTime, type Served, type Threads } from './virtual-run.js'

/** Numbers in a fixed order, one a call, round and round. */
const cycle = (values: number[]) => {
  let i = 0
  return () => values[i++ % values.length] as number
}
const instant: Threads = { service: () => 0, delay: () => 0, publishing: () => 0 }

/**
 * The slow definition: events one by one, completions before arrivals before timers, each handled fully. Requests
 * are queued when the run says they were, and a server is free again when the run says that it looked again.
 */
function policyAsItIs(run: ReturnType<typeof runInVirtualTime>, servers: number) {
  const policy = policyOf(run.scenario.batching)
  const requests = run.served.flatMap(({ due, queued }) =>
    due.map((dueNs, i) => ({ due: dueNs, queued: queued[i] as number })),
  )
  const back = run.served.map(({ backNs }) => backNs)
  const batches: { first: number; size: number; leaveNs: number }[] = []
  const free = Array.from({ length: servers }, () => 0)
  const busy: number[] = []
  let arrived = 0
  let head = 0
  for (;;) {
    const done = Math.min(...busy)
    const arrival = requests[arrived]?.queued ?? Number.POSITIVE_INFINITY
    const oldest = requests[head]
    const timer = free.length > 0 && head < arrived && oldest ? deadline(policy, oldest.due) : Number.POSITIVE_INFINITY
    const at = Math.min(done, arrival, timer)
    if (at === Number.POSITIVE_INFINITY) return batches
    if (at === done) {
      busy.splice(busy.indexOf(done), 1)
      free.push(done)
    } else if (at === arrival) arrived++
    while (free.length > 0) {
      const size = decide(policy, arrived - head, requests[head]?.due ?? 0, at, arrived === requests.length)
      if (size === 0) break
      free.shift()
      busy.push(back[batches.length] ?? Number.POSITIVE_INFINITY)
      batches.push({ first: head, size, leaveNs: at })
      head += size
    }
  }
}

const left = ({ first, size, leaveNs }: Served) => ({ first, size, leaveNs })

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
          service: cycle(given.services),
          delay: cycle(given.delays),
          publishing: cycle(given.publishing),
        })
        expect(run.allEnded).toBe(true)
        expect(run.served.map(left)).toEqual(policyAsItIs(run, given.servers))
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
        for (const { first, size, startNs, leaveNs, freeNs, queued } of served) {
          expect(first).toBe(next)
          next += size
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
        const measured = served.map(({ first, size, startNs, endNs }) => [
          startNs / 1e6,
          endNs / 1e6,
          Array.from({ length: size }, (_, i) => first + i),
        ])
        expect(measured).toEqual(simulated)
      }),
      { numRuns: 1000 },
    )
  })
})
