import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { runMeasurement } from '../../src/measure/run.js'
import { closed } from '../../src/scenario/arrivals/arrivals.js'
import { policyOf } from '../../src/scenario/batching.js'
import { resolveScenario, type Scenario } from '../../src/scenario/scenario.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { expectToAddUp } from '../support/adds-up.js'
import { cycle } from '../support/cycle.js'
import { referencePolicy } from '../support/reference-policy.js'
import { simulatedEvents } from '../support/simulated-events.js'
import { runInVirtualTime } from '../support/virtual-threads.js'

// On a real clock a slow or busy machine may delay anything for long: what is asserted here holds on any.

const handler = (name: string) => new URL(`./handlers/${name}`, import.meta.url)

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
  it('sends, forms batches, rejects and times out as a simulation does, if threads take no time', () => {
    fc.assert(
      fc.property(loops, (given) => {
        const scenario = scenarioOf(given)
        const { base, perItem } = given
        const { served, dropped, allEnded } = runInVirtualTime(scenario, {
          service: (size) => base + perItem * size,
          delay: () => 0,
        })
        expect(allEnded).toBe(true)
        const batches: unknown[] = []
        const gone: unknown[] = []
        const service = { model: 'affine', base: base / 1e6, perItem: perItem / 1e6 } as const
        for (const event of simulatedEvents({ ...scenario, service })) {
          if (event.type === 'batch') batches.push([event.startMs, event.endMs, event.requests])
          else gone.push([event.type, event.atMs, event.request])
        }
        expect(served.map(({ requests, startNs, endNs }) => [startNs / 1e6, endNs / 1e6, requests])).toEqual(batches)
        const types = { rejected: 'reject', timedOut: 'timeout' }
        expect(dropped.map(({ reason, atNs, number }) => [types[reason], atNs / 1e6, number])).toEqual(gone)
      }),
      { numRuns: 500, seed: 11 },
    )
  })

  it('ends, and lets the batches go that the policy would have, however late threads wake and look', () => {
    const late = fc.array(fc.nat(7), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(loops, late, (given, delays) => {
        const run = runInVirtualTime(scenarioOf(given), {
          service: (size) => given.base + given.perItem * size,
          delay: cycle(delays),
          aheadNs: 1,
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
      { numRuns: 200, seed: 11 },
    )
  })
})

describe('in this process', () => {
  it('a closed loop of calls is answered before it sends again', async () => {
    let inside = 0
    let most = 0
    const call = async (index: number) => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 3))
      inside--
      if (index % 10 === 9) throw new Error('not this one')
    }
    const result = await measure({ arrivals: closed({ clients: 5, thinkTime: 1 }), call, stop: { requests: 200 } })
    expectToAddUp(result)
    expect(result.counts).toMatchObject({ offered: 180, completed: 162, failed: 18 })
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(5)
  })

  it('many clients are there before time 0, however long it takes to make them', async () => {
    const result = await measure({
      arrivals: closed({ clients: 200_000, thinkTime: '100ms' }),
      call: () => 1,
      stop: { duration: '300ms' },
      warmup: { requests: 0 },
    })
    expectToAddUp(result)
    expect(result.counts.offered).toBeGreaterThanOrEqual(200_000)
    // to make them takes a second or more
    expect(result.lagMs.min).toBeLessThan(500)
  })

  it('a queue with limits turns away and times out, while all that may be in flight are', async () => {
    const result = await measure({
      arrivals: '2000/s',
      handler: async (batch: number[]) => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        return batch
      },
      servers: 2,
      batching: { maxBatchSize: 2, maxWait: 0 },
      queue: { capacity: 20, timeout: '15ms' },
      stop: { requests: 1000 },
    })
    expectToAddUp(result)
    expect(result.counts.offered).toBe(900)
    expect(result.counts.completed).toBeGreaterThan(0)
    expect(result.counts.rejected + result.counts.timedOut).toBeGreaterThan(300)
    expect(result.counts.unfinished).toBe(0)
    expect(result.validity.findings.map(({ code }) => code)).not.toContain('saturated')
  })

  it('clients of a queue with limits go on when they are turned away, though all servers are busy', async () => {
    const result = await measure({
      arrivals: closed({ clients: 6, thinkTime: 2 }),
      call: () => new Promise((resolve) => setTimeout(resolve, 30)),
      servers: 1,
      queue: { capacity: 1, timeout: 8 },
      stop: { requests: 400 },
    })
    expectToAddUp(result)
    expect(result.counts.offered).toBe(360)
    expect(result.counts.rejected).toBeGreaterThan(result.counts.completed)
    expect(result.counts.timedOut).toBeGreaterThan(0)
  })
})

describe('a closed loop on threads', () => {
  it('is answered before it sends again, and never carries more than its clients can', async () => {
    const clients = 4
    const scenario: Scenario = {
      arrivals: closed({ clients, thinkTime: '10ms' }),
      handler: handler('delay.js'),
      servers: 2,
      stop: { duration: '700ms' },
    }
    const result = await measure(scenario)
    expectToAddUp(result)
    expect(result.counts.completed).toBe(result.counts.offered)
    expect(result.counts.offered).toBeGreaterThan(0)
    // each takes 10 ms to think and 5 to be served
    expect(result.throughput.completed).toBeLessThanOrEqual((1.02 * clients * 1000) / 15 + clients)
    expect(result.window).toEqual({ startMs: 70, endMs: 700 })
    expect(result.validity.findings.map(({ code }) => code)).not.toContain('saturated')
  })

  it('stops by requests: as many as were asked for, of which the first are a warm-up', async () => {
    const scenario = resolveScenario(
      {
        arrivals: closed({ clients: 6, thinkTime: { mean: '1ms', variation: exponential() } }),
        handler: handler('numbers.js'),
        batching: { maxBatchSize: 3, maxWait: '1ms' },
        stop: { requests: 900 },
        warmup: { requests: 100 },
      },
      'measure',
    )
    const { recording, observations } = await runMeasurement(scenario, {}, 2000)
    expect(recording.counts).toMatchObject({ offered: 800, completed: 800 })
    expect(recording.segments.map(({ counts }) => counts.offered)).toEqual(new Array(20).fill(40))
    expect(Math.abs(recording.inSystemNs - recording.staysNs)).toBeLessThanOrEqual(1e-9 * recording.staysNs + 1)
    for (const { inSystem } of recording.segments) {
      expect(inSystem).toBeGreaterThanOrEqual(0)
      expect(inSystem).toBeLessThanOrEqual(6)
    }
    // what was recorded of requests and servers, replayed through the policy, gives the batches that left
    const skipped = observations[0]?.requests[0] as number
    const seen = observations.flatMap(({ dueNs, queuedNs }) =>
      dueNs.map((due, i) => ({ dueNs: due, queuedNs: queuedNs[i] as number })),
    )
    const replayed = referencePolicy(
      policyOf(scenario.batching),
      seen,
      observations.map(({ freeNs }) => freeNs),
    ).batches
    const left = observations.map(({ requests, size, leaveNs }) => ({ requests, size, leaveNs }))
    const numbered = replayed.map((each) => ({ ...each, requests: each.requests.map((number) => number + skipped) }))
    expect(left).toEqual(numbered.slice(0, left.length))
  })

  it('goes on where requests fail, are turned away or time out: all of these are answers', async () => {
    const failing = await measure({
      arrivals: closed({ clients: 3, thinkTime: 1 }),
      handler: handler('throws-every-third.js'),
      stop: { requests: 200 },
      warmup: { requests: 20 },
    })
    expectToAddUp(failing)
    expect(failing.counts).toMatchObject({ offered: 180, completed: 120, failed: 60 })

    const limited = await measure({
      arrivals: closed({ clients: 8, thinkTime: 2 }),
      handler: handler('delay.js'),
      queue: { capacity: 2, timeout: 4 },
      stop: { requests: 500 },
    })
    expectToAddUp(limited)
    expect(limited.counts.offered).toBe(450)
    // one is served, two wait
    expect(limited.counts.rejected).toBeGreaterThan(0)
    expect(limited.counts.timedOut).toBeGreaterThan(0)
    expect(limited.counts.completed).toBeGreaterThan(0)
  })
})
