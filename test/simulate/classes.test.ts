import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affine,
  checkBudget,
  exponential,
  type Result,
  replicate,
  type Scenario,
  type Summary,
  simulate,
  summarize,
} from '../../src/index.js'
import { checkResult } from '../../src/result/check.js'
import type { ClassResult } from '../../src/result/classes.js'
import { drawnClasses } from '../../src/scenario/request-classes.js'
import { atLength } from '../support/at-length.js'
import { type NaiveScenario, naive } from '../support/reference/naive-simulator.js'
import { simulateWithEvents } from '../support/reference/simulate-with-events.js'
import { seeded, smallScenario, withWarmup } from '../support/reference/small-scenarios.js'

const classesIn = (result: Result) => result.classes as Record<string, ClassResult>
const classIn = (result: Result, name: string) => classesIn(result)[name] as ClassResult
const figures = ({ intervals: _, stdDev: __, ...summary }: Summary) => summary

/** Times in a grid of 60 ms, so that the mean service of a batch of up to 6 requests is a whole number. */
function onGrid({ arrivals, batching, queue, stop, ...scenario }: NaiveScenario): NaiveScenario {
  return {
    ...scenario,
    arrivals:
      arrivals.process === 'replay'
        ? { ...arrivals, timestamps: arrivals.timestamps.map((at) => 12 * at) }
        : { ...arrivals, thinkTime: 12 * arrivals.thinkTime },
    batching: { maxBatchSize: batching.maxBatchSize ?? 6, maxWait: batching.maxWait && 12 * batching.maxWait },
    queue: { ...queue, timeout: queue.timeout && 12 * queue.timeout },
    stop: 'duration' in stop ? { duration: 12 * stop.duration } : stop,
  }
}
const law = fc.record({ base: fc.nat({ max: 3 }).map((k) => 60 * k), perItem: fc.nat({ max: 9 }) })
const laws = fc.record({ checkout: law, browse: law })

describe('classes of a simulation', () => {
  it('are those that a naive simulator finds, request by request', { tags: 'at-length' }, () => {
    let mixed = 0
    fc.assert(
      fc.property(withWarmup(smallScenario), laws, fc.boolean(), ({ warmup, ...given }, laws, judged) => {
        const scenario = onGrid(given)
        // a full batch that never fills, or clients that never wait, are refused
        const clients = scenario.arrivals.process === 'closed' ? scenario.arrivals.clients : 100
        const { maxBatchSize, maxWait } = scenario.batching
        const room = Math.min(clients, scenario.queue.capacity ?? 100)
        fc.pre(maxWait !== null || room >= (maxBatchSize as number))
        fc.pre(scenario.arrivals.process === 'replay' || 'requests' in scenario.stop)
        const classes = {
          checkout: { weight: 1, service: affine(laws.checkout) },
          browse: { weight: 2, service: affine(laws.browse) },
          search: { weight: 1 },
        }
        const names = Object.keys(classes)
        const { classOf } = drawnClasses(classes, 1)
        const nameOf = (number: number) => names[classOf(number)] as keyof typeof classes
        const serviceOf = (number: number) => {
          const name = nameOf(number)
          // the scenario's own service is on the grid too
          return name === 'search' ? { base: 60, perItem: scenario.service.perItem } : laws[name]
        }
        const service = { ...scenario.service, base: 60 }
        const good = judged ? { latency: 200 } : undefined
        const slow = naive({ ...scenario, service, serviceOf })
        const { events, result } = simulateWithEvents({ ...scenario, service, classes, warmup, good } as Scenario)
        expect(events).toEqual(slow.events)
        if (result === null) return
        const since = { requests: 0, duration: 0, ...(warmup as { requests: number } | { duration: number }) }
        const inWindow = slow.requests.filter(({ number, due }) => number >= since.requests && due >= since.duration)
        expect(Object.keys(classesIn(result))).toEqual(names)
        for (const name of names) {
          const own = inWindow.filter(({ number }) => nameOf(number) === name)
          const served = own.filter(({ fate }) => fate === 'served')
          const { counts, latencyMs, rates } = classIn(result, name)
          expect(counts).toEqual({
            offered: own.length,
            completed: served.length,
            ...(judged && { good: served.filter(({ due, end }) => end - due <= 200).length }),
            rejected: own.filter(({ fate }) => fate === 'rejected').length,
            timedOut: own.filter(({ fate }) => fate === 'timed out').length,
            failed: 0,
            aborted: 0,
            unfinished: 0,
          })
          expect(rates === null).toBe(own.length === 0)
          if (served.length === 0) {
            expect(latencyMs).toBeNull()
            continue
          }
          mixed++
          expect(figures(latencyMs as Summary)).toEqual(figures(summarize(served.map(({ due, end }) => end - due))))
        }
        expect(checkResult(JSON.parse(JSON.stringify(result)))).toEqual(result)
      }),
      seeded(atLength(150, 30)),
    )
    expect(mixed).toBeGreaterThan(atLength(100, 20))
  })

  const queue = {
    arrivals: '80/s',
    service: affine({ base: '5ms', variation: exponential() }),
    stop: { requests: 100_000 },
  } satisfies Scenario
  const classes = {
    checkout: { weight: 1, service: affine({ base: '20ms', variation: exponential() }) },
    browse: { weight: 4 },
  }

  it('have the latency that theory says of M/G/1: they wait alike, and are served each by its own law', () => {
    const result = simulate({ ...queue, classes, seed: 3 })
    // Pollaczek-Khinchine: E[W] = lambda E[S^2] / 2 (1 - rho), with E[S^2] = 2 m^2 of each exponential law
    const rho = 80 * (0.2 * 0.02 + 0.8 * 0.005)
    const wait = (1000 * 80 * (0.2 * 2 * 0.02 ** 2 + 0.8 * 2 * 0.005 ** 2)) / (2 * (1 - rho))
    for (const [name, service] of [
      ['checkout', 20],
      ['browse', 5],
    ] as const) {
      const { latencyMs } = classIn(result, name)
      const { low, high } = (latencyMs as Summary).intervals.mean
      expect(low).toBeLessThan(wait + service)
      expect(high).toBeGreaterThan(wait + service)
      expect(Math.abs((latencyMs as Summary).mean - wait - service)).toBeLessThan(0.05 * (wait + service))
    }
    expect(result.utilization).toBeCloseTo(rho, 1)
  })

  it('change nothing else, and are absent if there are none', () => {
    const limited = {
      ...queue,
      stop: { requests: 20_000 },
      queue: { capacity: 3 },
      batching: { maxBatchSize: 4, maxWait: '3ms' },
      good: { latency: 9 },
    }
    const {
      scenario: _,
      classes: own,
      segments,
      ...judged
    } = simulate({ ...limited, classes: { a: {}, b: { weight: 3 } } })
    const { scenario: __, segments: plain, ...without } = simulate(limited)
    expect(judged).toEqual(without)
    expect(segments).toEqual(plain)
    expect('classes' in without).toBe(false)
    expect(own?.a?.counts.rejected).toBeGreaterThan(0)
    expect(own?.a?.goodput?.fraction).toBeGreaterThan(0)
  })

  it('of replications are those of all their requests', async () => {
    const scenario = { ...queue, classes, stop: { requests: 20_000 } }
    const result = await replicate(scenario, { replications: 4, threads: 1 })
    const first = simulate(scenario)
    for (const name of ['checkout', 'browse']) {
      const { counts, segments, latencyMs } = classIn(result, name)
      expect(segments.map((segment) => segment.counts.completed)).toHaveLength(4)
      expect(segments[0]?.counts).toEqual(classIn(first, name).counts)
      expect(segments.reduce((sum, segment) => sum + segment.counts.completed, 0)).toBe(counts.completed)
      expect(latencyMs?.intervals.mean.low).not.toBeNull()
    }
    // every replication draws its classes anew
    expect(new Set(classIn(result, 'checkout').segments.map(({ counts }) => counts.offered)).size).toBeGreaterThan(1)
    expect(checkResult(JSON.parse(JSON.stringify(result)))).toEqual(result)
  })

  it('end a run as soon as the limit of one is clear', () => {
    const stop = { budget: { 'checkout.p99': '2s', 'browse.p50': '1s' } as const }
    const result = simulate({ ...queue, classes, stop })
    expect(checkBudget(result, stop.budget).verdict).toBe('pass')
    expect(result.counts.offered).toBeLessThan(100_000)
    expect(() => simulate({ ...queue, classes, stop: { budget: { 'chekout.p99': '2s' } } })).toThrow(
      "stop.budget.chekout.p99: limits the class 'chekout', which no request has (did you mean 'checkout.p99'?); classes: checkout, browse",
    )
    expect(() => simulate({ ...queue, stop: { budget: { 'checkout.p99': '2s' } } })).toThrow(
      "stop.budget.checkout.p99: limits the class 'checkout', but requests have no classes; add classes to the scenario, or to the recorder",
    )
  })

  it('count in what the servers can sustain', () => {
    const { validity } = simulate({ ...queue, classes, arrivals: '200/s', stop: { requests: 20_000 } })
    expect(validity.findings[0]?.code).toBe('saturated')
    // 0.2 * 20 + 0.8 * 5 = 8 ms a request
    expect(validity.findings[0]?.figures?.capacity).toBeCloseTo(125, 9)
  })

  it.each([
    [{}, 'classes: must have 1 to 64 classes, got 0'],
    [
      Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`c${i}`, {}])),
      'classes: must have 1 to 64 classes, got 65',
    ],
    [[], 'classes: must be an object of classes by name, such as { checkout: { weight: 1 }, browse: { weight: 4 } }'],
    [{ a: 1 }, 'classes.a: must be an object of weight, service'],
    [{ a: { weight: 0 } }, 'classes.a.weight: must be a number above 0: how often requests of this class come'],
    [
      { a: { weigth: 2 } },
      "classes.a: 'weigth' is not an option here (did you mean 'weight'?); accepted: weight, service",
    ],
    [
      { queueing: {} },
      "classes.queueing: must have a different name, because 'queueing.p99' in a budget limits all requests",
    ],
    [{ ' a': {} }, 'classes. a: must be a name without spaces around it'],
    [
      { toString: {} },
      'classes.toString: must have a different name, because every object has a property of this name',
    ],
    [{ ['x'.repeat(101)]: {} }, 'must be a name of at most 100 characters'],
    [{ a: { service: 'fast' } }, 'classes.a.service: must be a duration of 0 or more'],
    [
      { a: { service: { model: 'recorded', by: 'order', times: [1] } } },
      'classes.a.service: must not be recorded: recorded times are those of batches, not of a class',
    ],
    [
      { a: { service: affine({ base: 1, overhead: { wake: 1 } }) } },
      'classes.a.service: must have no overhead: dispatch times are those of batches',
    ],
    [
      { a: { service: { model: 'byBatchSize', points: { 1: 1 } } } },
      'classes.a.service.points: end at a batch of 1, but batches may hold 2',
    ],
  ])('refuses %j', (classes, message) => {
    const scenario = { arrivals: '10/s', service: '1ms', batching: { maxBatchSize: 2 }, classes }
    expect(() => simulate(scenario as Scenario)).toThrow(message)
  })
})
