import { describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import { runMeasurement } from '../../src/measure/run.js'
import { closed } from '../../src/scenario/arrivals/arrivals.js'
import { buildPolicy } from '../../src/scenario/batching-policy.js'
import { resolveScenario, type Scenario } from '../../src/scenario/scenario.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { expectToAddUp } from '../support/expect/adds-up.js'
import { referencePolicy } from '../support/reference/reference-policy.js'

// On the real clock, these assertions hold on a slow or busy machine, which may delay anything for long.

const handler = (name: string) => new URL(`./handlers/${name}`, import.meta.url)

describe('in this process', () => {
  it('a closed loop of calls waits for each response before it sends again', async () => {
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

  it('many clients are ready before time 0, however long it takes to create them', { tags: 'full' }, async () => {
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

  it('a queue with limits rejects and times out requests while the in-flight limit is reached', async () => {
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

  it('clients send again after being dropped, although all servers are busy', async () => {
    const result = await measure({
      arrivals: closed({ clients: 6, thinkTime: 2 }),
      call: () => new Promise((resolve) => setTimeout(resolve, 30)),
      servers: 1,
      queue: { capacity: 1, timeout: 8 },
      // in a shorter run, one stall of the machine outlasts all of them
      stop: { requests: 1200 },
    })
    expectToAddUp(result)
    expect(result.counts.offered).toBe(1080)
    expect(result.counts.rejected).toBeGreaterThan(result.counts.completed)
    expect(result.counts.timedOut).toBeGreaterThan(0)
  })
})

describe('a closed loop on threads', () => {
  it('waits for each response before it sends again, and never exceeds what its clients can send', async () => {
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

  it('stops after the given number of requests, the warm-up included', async () => {
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
      buildPolicy(scenario.batching),
      seen,
      observations.map(({ freeNs }) => freeNs),
    ).batches
    const left = observations.map(({ requests, size, leaveNs }) => ({ requests, size, leaveNs }))
    const numbered = replayed.map((each) => ({ ...each, requests: each.requests.map((number) => number + skipped) }))
    expect(left).toEqual(numbered.slice(0, left.length))
  })

  it('continues if requests fail, are rejected or time out: each of these is a response', async () => {
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
      // long enough for the server's thread to run on a busy machine
      stop: { requests: 3000 },
    })
    expectToAddUp(limited)
    expect(limited.counts.offered).toBe(2700)
    // one is served, two wait
    expect(limited.counts.rejected).toBeGreaterThan(0)
    expect(limited.counts.timedOut).toBeGreaterThan(0)
    expect(limited.counts.completed).toBeGreaterThan(0)
  })
})
