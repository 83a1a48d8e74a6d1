import { describe, expect, it } from 'vitest'
import { measure } from '../../src/measure/measure.js'
import type { MeasureOptions } from '../../src/measure/options.js'
import { buildRecording } from '../../src/measure/recording/build-recording.js'
import { mergeResults } from '../../src/result/merge/merge-results.js'
import { type Result, resultOf } from '../../src/result/result.js'
import type { StageResult } from '../../src/result/stages.js'
import { closed, onOff, replay, stages } from '../../src/scenario/arrivals/arrivals.js'
import { numberInAll, type Shard } from '../../src/scenario/arrivals/shard.js'
import type { ScenarioParts } from '../../src/scenario/scenario.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { ValidationError } from '../../src/validation/validation-error.js'
import { runInVirtualTime, type Threads } from '../support/virtual-time/virtual-threads.js'

const COUNT = 3
const shards = Array.from({ length: COUNT }, (_, i): Shard => ({ index: i + 1, count: COUNT }))
const times = Array.from({ length: 1009 }, (_, i) => Math.floor(i / 3) * 1.7)

/** Service times from 0.1 to 0.2 ms that depend on the request alone. */
const byRequest: Threads = {
  service: (_, numbers) => 100_000 + (((numbers[0] as number) * 7919) % 100_003),
  delay: () => 0,
  segments: 4,
}

interface Sent {
  number: number
  dueNs: number
  serviceNs: number
}

/** The requests that were served, by their numbers in the whole stream. */
function sentBy({ served }: ReturnType<typeof runInVirtualTime>, shard: Shard | null): Sent[] {
  return served.flatMap(({ requests, due, startNs, endNs }) =>
    requests.map((own, i) => ({
      number: numberInAll(own, shard),
      dueNs: due[i] as number,
      serviceNs: endNs - startNs,
    })),
  )
}

const resultOfRun = (run: ReturnType<typeof runInVirtualTime>, shard: Shard | null): Result => {
  const sent = shard === null ? {} : { shard: { ...shard, startedAt: '2026-01-01T00:00:00.000Z' } }
  return resultOf({ ...buildRecording(run.scenario, run.state, run.nowNs), ...sent })
}

describe('shards of a run, in virtual time', () => {
  const scenarios: [string, ScenarioParts][] = [
    ['a number of requests', { arrivals: '2000/s', stop: { requests: 2003 } }],
    ['a duration', { arrivals: '2000/s', stop: { duration: '1s' }, warmup: { duration: '150ms' } }],
    [
      'a duration after a number of requests',
      { arrivals: '2000/s', stop: { duration: '1s' }, warmup: { requests: 101 } },
    ],
    ['bursts', { arrivals: onOff({ rate: '3000/s', on: '20ms', off: '50ms' }), stop: { requests: 1500 } }],
    [
      'stages',
      {
        arrivals: stages([
          { rate: '100/s', duration: '0.5s' },
          { rate: '4000/s', duration: '0.5s' },
        ]),
      },
    ],
    ['a trace with requests at one instant', { arrivals: replay(times) }],
    ['a part of a trace', { arrivals: replay(times, { speed: 2 }), stop: { requests: 700 } }],
  ]

  it.each([300, 1000])('are the one stream together if there are %i of them', (count) => {
    const scenario: ScenarioParts = {
      arrivals: '20000/s',
      servers: 5,
      stop: { requests: 5003 },
      warmup: { requests: 0 },
    }
    const threads = { ...byRequest, segments: 1 }
    const whole = sentBy(runInVirtualTime(scenario, threads), null)
    for (const index of [1, 4, count]) {
      const shard = { index, count }
      const own = sentBy(runInVirtualTime(scenario, threads, shard), shard)
      const expected = whole.filter(({ number }) => number % count === index - 1)
      expect(own.sort((a, b) => a.number - b.number)).toEqual(expected.sort((a, b) => a.number - b.number))
    }
  })

  it.each(scenarios)('are the one stream together, request for request: %s', (_, given) => {
    // enough servers for every request at once
    const scenario = { ...given, servers: 5, seed: 7 }
    const whole = runInVirtualTime(scenario, byRequest)
    const parts = shards.map((shard) => runInVirtualTime(scenario, byRequest, shard))
    const sent = parts.flatMap((part, i) => sentBy(part, shards[i] as Shard))
    const inOrder = (requests: Sent[]) => requests.sort((a, b) => a.number - b.number)
    expect(sent.length).toBeGreaterThan(500)
    expect(inOrder(sent)).toEqual(inOrder(sentBy(whole, null)))
    for (const part of parts) expect(Math.abs(part.served.length - sent.length / COUNT)).toBeLessThan(1)

    // the merged result is that of one machine
    const one = resultOfRun(whole, null)
    const merged = mergeResults(
      parts.map((part, i) => resultOfRun(part, shards[i] as Shard)),
      { as: 'shards' },
    )
    expect(merged.counts).toEqual(one.counts)
    expect(merged.window).toEqual(one.window)
    const { intervals: _one, ...ofOne } = one.latencyMs
    const { intervals: _merged, ...ofMerged } = merged.latencyMs
    expect(ofMerged).toEqual({ ...ofOne, stdDev: expect.closeTo(ofOne.stdDev, 9) })
    expect(merged.segments.map(({ startMs, counts }) => ({ startMs, counts }))).toEqual(
      one.segments.map(({ startMs, counts }) => ({ startMs, counts })),
    )
    // each stage too, of which a standard deviation may differ in its last digit
    const exact = ({ latencyMs, throughput, ...stage }: StageResult) => ({
      ...stage,
      latencyMs: latencyMs && { ...latencyMs, stdDev: latencyMs.stdDev.toFixed(9) },
      completed: throughput?.completed.toFixed(6),
    })
    expect(merged.stages?.map(exact)).toEqual(one.stages?.map(exact))
    expect(merged.throughput.offered).toBeCloseTo(one.throughput.offered, 6)
    expect(merged.throughput.completed).toBeCloseTo(one.throughput.completed, 6)
    expect(merged.meanInSystem).toBeCloseTo(one.meanInSystem, 6)
  })

  it('divide the clients of a closed loop, each with its own think times', () => {
    const arrivals = closed({ clients: 13, thinkTime: { mean: '10ms', variation: exponential() } })
    const scenario: ScenarioParts = { arrivals, servers: 8, stop: { duration: '400ms' }, warmup: { duration: 0 } }
    const fixed: Threads = { service: () => 1_000_000, delay: () => 0 }
    const due = (run: ReturnType<typeof runInVirtualTime>) => run.served.flatMap(({ due }) => due)
    const whole = due(runInVirtualTime(scenario, fixed))
    const parts = shards.flatMap((shard) => due(runInVirtualTime(scenario, fixed, shard)))
    const inOrder = (times: number[]) => times.sort((a, b) => a - b)
    expect(whole.length).toBeGreaterThan(400)
    expect(inOrder(parts)).toEqual(inOrder(whole))
  })

  it('divide the requests of a closed loop', () => {
    const scenario: ScenarioParts = { arrivals: closed({ clients: 5, thinkTime: '1ms' }), stop: { requests: 503 } }
    const sent = shards.map((shard) => runInVirtualTime(scenario, byRequest, shard).served.length)
    expect(sent).toEqual([168, 168, 167])
  })

  it('take every request of a stream that is far longer than a block', () => {
    const last = { index: 3, count: 4099 }
    const scenario: ScenarioParts = { arrivals: '100000/s', stop: { requests: 50_000 }, warmup: { requests: 0 } }
    const fixed: Threads = { service: () => 0, delay: () => 0, segments: 1 }
    const { served } = runInVirtualTime(scenario, fixed, last)
    const numbers = served.flatMap(({ requests }) => requests.map((own) => numberInAll(own, last)))
    expect(numbers).toEqual([2, 4101, 8200, 12299, 16398, 20497, 24596, 28695, 32794, 36893, 40992, 45091, 49190])
  })
})

describe('measuring a shard', () => {
  it('sends requests with their numbers in the whole stream, and says which shard it is', async () => {
    const run = async (index: number) => {
      const numbers: number[] = []
      const call = (number: number) => numbers.push(number)
      const scenario = { arrivals: '2000/s', call, stop: { requests: 400 }, warmup: { requests: 0 } }
      const result = await measure(scenario, { shard: { index, count: 2 } })
      return { numbers, result }
    }
    const begun = Date.now()
    const [first, second] = [await run(1), await run(2)]
    expect(first.numbers).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i))
    expect(second.numbers).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i + 1))
    expect(second.result.shard).toMatchObject({ index: 2, count: 2 })
    const startedAt = Date.parse(second.result.shard?.startedAt as string)
    expect(startedAt).toBeGreaterThanOrEqual(begun)
    expect(startedAt).toBeLessThanOrEqual(Date.now())
    expect(second.result.window).toEqual(first.result.window)
    const merged = mergeResults([first.result, second.result], { as: 'shards' })
    expect(merged.counts.offered).toBe(400)
    expect(merged.merged?.machines.map(({ name }) => name)).toEqual(['shard 1', 'shard 2'])
  })

  const call = () => {}
  it.each<[string, Partial<ScenarioParts>, unknown, string, string]>([
    ['0/5', {}, { index: 0, count: 5 }, 'options.shard.index', 'must be a whole number of at least 1'],
    ['6/5', {}, { index: 6, count: 5 }, 'options.shard.index', 'must be at most the count of shards, got 6'],
    ['2/0', {}, { index: 2, count: 0 }, 'options.shard.count', 'must be a whole number of at least 1'],
    ['no object', {}, '2/5', 'options.shard', 'must be an object of index, count'],
    ['no count', {}, { index: 2 }, 'options.shard.count', 'got nothing'],
    [
      'more shards than requests',
      { stop: { requests: 4 } },
      { index: 1, count: 5 },
      'options.shard.count',
      'must be at most 4, the number of requests, got 5',
    ],
    [
      'more shards than requests of a trace',
      { arrivals: replay([1, 2, 3]) },
      { index: 1, count: 5 },
      'options.shard.count',
      'must be at most 3, the number of requests, got 5',
    ],
    [
      'more shards than clients',
      { arrivals: closed({ clients: 4 }) },
      { index: 5, count: 5 },
      'options.shard.count',
      'must be at most 4, the number of clients, got 5',
    ],
    [
      'a run to a precision',
      { stop: { precision: '5%' } },
      { index: 1, count: 5 },
      'stop',
      'each shard would stop at a different time',
    ],
  ])('refuses %s', async (_, scenario, shard, path, said) => {
    const options = { shard } as MeasureOptions
    const error = await measure({ arrivals: '100/s', ...scenario, call }, options).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ValidationError)
    expect((error as ValidationError).path).toBe(path)
    expect((error as ValidationError).message).toContain(said)
  })

  it('refuses batches that the clients of a shard never fill', async () => {
    const scenario = {
      arrivals: closed({ clients: 10 }),
      batching: { maxBatchSize: 3, maxWait: null },
      handler: (batch: number[]) => batch,
    }
    const error = await measure(scenario, { shard: { index: 1, count: 5 } }).catch((thrown: unknown) => thrown)
    expect((error as ValidationError).path).toBe('batching.maxWait')
    expect((error as ValidationError).message).toContain('which 2 clients never fill')
  })
})
