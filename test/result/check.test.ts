import { setTimeout as delay } from 'node:timers/promises'
import { constants, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decode } from '../../src/histogram/hdr.js'
import { affine, closed, exponential, measure, type Result, replay, replicate, simulate } from '../../src/index.js'
import { renderHtml, renderMarkdown, renderResult, renderResultsCsv, renderSweep } from '../../src/report/index.js'
import { checkResult } from '../../src/result/check.js'
import { createBatcher, createRecorder } from '../../src/serve/index.js'
import { ValidationError } from '../../src/validation/validation-error.js'
import { atLength } from '../support/at-length.js'

const service = affine({ base: '10ms', variation: exponential() })
const result = simulate({ arrivals: '50/s', service, stop: { requests: 20_000 } })
const other = simulate({ arrivals: '50/s', service, stop: { requests: 20_000 }, seed: 2 })
// biome-ignore lint/suspicious/noExplicitAny: it is to be spoilt
const copy = (of: Result = result): any => structuredClone(of)

describe('a result is taken of', () => {
  const few = { stop: { requests: 2000 } }
  it.each<[string, () => Result | null | Promise<Result | null>]>([
    ['a simulation', () => result],
    [
      'batches',
      () => simulate({ ...few, arrivals: 800, service: '20ms', batching: { maxBatchSize: 50, maxWait: '5ms' } }),
    ],
    ['goodput', () => simulate({ ...few, arrivals: 50, service, good: { latency: '20ms', queueing: 0 } })],
    [
      'goodput of live requests',
      () => {
        const recorder = createRecorder({ good: { latency: '1h' } })
        recorder.record(recorder.start())
        return recorder.snapshot()
      },
    ],
    ['drops', () => simulate({ ...few, arrivals: 150, service, queue: { capacity: 3, timeout: '20ms' } })],
    ['a saturated run', () => simulate({ ...few, arrivals: 150, service })],
    ['a long trace', () => simulate({ arrivals: replay(Array.from({ length: 1500 }, (_, i) => i)), service: 0.5 })],
    [
      'recorded times',
      () => simulate({ ...few, arrivals: 50, service: { model: 'recorded', by: 'order', times: Array(5000).fill(1) } }),
    ],
    [
      'recorded batches',
      () =>
        simulate({
          ...few,
          arrivals: 50,
          service: {
            model: 'recorded',
            by: 'time',
            times: Array.from({ length: 1500 }, (_, i) => ({ at: 100 * i, time: 1 })),
          },
        }),
    ],
    ['more than an hour', () => simulate({ arrivals: '1/h', service: '2h', servers: 9, stop: { requests: 100 } })],
    ['no time at all', () => simulate({ ...few, arrivals: 50, service: 0 })],
    [
      'one request',
      () => simulate({ arrivals: { process: 'replay', timestamps: [1] }, service: 1, warmup: { requests: 0 } }),
    ],
    [
      'a budget',
      () => simulate({ arrivals: 50, service, stop: { budget: { p99: '1s' }, atMost: { requests: 50_000 } } }),
    ],
    [
      'replications',
      () => replicate({ arrivals: 50, service, stop: { requests: 2000 } }, { replications: 3, threads: 1 }),
    ],
    ['a measurement', () => measure({ arrivals: 200, call: () => delay(1), stop: { duration: 300 } })],
    [
      'a failing measurement',
      () =>
        measure({
          // clients think for long enough that a stalled machine does not have all requests rejected
          arrivals: closed({ clients: 3, thinkTime: '20ms' }),
          call: (i) => (i % 3 === 0 ? Promise.reject(new Error('no')) : delay(1)),
          servers: 1,
          queue: { capacity: 1 },
          stop: { requests: 60 },
          warmup: { requests: 0 },
        }),
    ],
    ['a recorder', () => recorded()],
    ['a batcher', () => batched()],
  ])('%s, as it is and from a file', async (_, made) => {
    const given = (await made()) as Result
    expect(checkResult(given)).toBe(given)
    const read = JSON.parse(JSON.stringify(given))
    expect(checkResult(read)).toEqual(given)
  })
})

function recorded(): Result | null {
  let now = 0
  const recorder = createRecorder({ clock: () => now })
  for (let i = 0; i < 3000; i++) {
    const start = recorder.start()
    now += 1 + (i % 7) / 7
    recorder.record(start)
  }
  return recorder.snapshot()
}

async function batched(): Promise<Result | null> {
  const recorder = createRecorder()
  const batcher = createBatcher((batch: number[]) => delay(2, batch), {
    batching: { maxBatchSize: 4, maxWait: 1 },
    recorder,
  })
  for (let round = 0; round < 20; round++) await Promise.all([1, 2, 3, 4, 5].map((i) => batcher.run(i)))
  await batcher.close()
  return recorder.snapshot()
}

describe('a result is refused', () => {
  // biome-ignore lint/suspicious/noExplicitAny: it is to be spoilt
  it.each<[string, (given: any) => void, RegExp]>([
    [
      'with an interval that excludes its estimate',
      (r) => {
        r.latencyMs.intervals.p99 = { low: 0.1, high: 0.5, level: 0.95 }
      },
      /^result\.latencyMs: must have its p99 within/,
    ],
    [
      'with goodput that nobody asked for',
      (r) => {
        r.goodput = {
          limits: { latency: 20 },
          fraction: 1,
          perSecond: 50,
          interval: { low: 0.9, high: 1, level: 0.95 },
        }
      },
      /^result\.counts\.good: must be present exactly when the result has goodput/,
    ],
    [
      'with an interval of a mean that excludes it',
      (r) => {
        r.waitMs.intervals.mean = { low: 1e4, high: 1e5, level: 0.95 }
      },
      /^result\.waitMs: must have its mean within/,
    ],
    [
      'with an interval of a part that excludes it',
      (r) => {
        r.queueingMs.intervals.p95 = { low: 0, high: 0, level: 0.95 }
      },
      /^result\.queueingMs: must have its p95 within/,
    ],
    [
      'with another level',
      (r) => {
        r.latencyMs.intervals.p99.level = 0.01
      },
      /level: must be 0\.95/,
    ],
    [
      'with a max below its histogram',
      (r) => {
        r.latencyMs.max = r.latencyMs.p999 = r.latencyMs.p99
      },
      /^result\.latencyMs: must have the min and max/,
    ],
    [
      'with a min below its histogram',
      (r) => {
        r.latencyMs.min = 0
      },
      /^result\.latencyMs: must have the min and max/,
    ],
    [
      'with another deviation',
      (r) => {
        r.latencyMs.stdDev *= 1.1
      },
      /^result\.latencyMs: must have the stdDev/,
    ],
    [
      'with the latency of another run',
      (r) => {
        r.latencyMs = copy(other).latencyMs
        r.latencyMs.count = r.counts.completed
      },
      /^result\.(latencyMs|segments): must/,
    ],
    [
      'with the histogram of another run in a segment',
      (r) => {
        r.segments[3].latencyMs = copy(other).segments[3].latencyMs
      },
      /^result\.segments/,
    ],
    [
      'with garbage in a segment',
      (r) => {
        r.segments[2].latencyMs.histogram = 'garbage'
      },
      /^result\.segments\.2\.latencyMs: must have a histogram/,
    ],
    [
      'with another max in a segment',
      (r) => {
        r.segments[2].latencyMs.max *= 2
      },
      /^result\.segments\.2\.latencyMs: must have the min and max/,
    ],
    [
      'with other counts in a segment',
      (r) => {
        r.segments[0].counts.failed++
      },
      /^result\.segments: must add up to the counts/,
    ],
    [
      'with other batches in a segment',
      (r) => {
        r.segments[0].batches++
      },
      /^result\.segments: must add up to the batches/,
    ],
    [
      'with another wait',
      (r) => {
        r.waitMs = r.latencyMs
      },
      /^result\.waitMs\.mean: must be the mean latency/,
    ],
    [
      'with another part',
      (r) => {
        r.queueingMs = r.lagMs
      },
      /^result\.waitMs\.mean: must be the sum of lag/,
    ],
    [
      'with a window of no length',
      (r) => {
        r.window.endMs = r.window.startMs
      },
      /^result\.window\.endMs: must be after/,
    ],
    [
      'with a host without figures',
      (r) => {
        r.host = {}
      },
      /^result\.host\.speed/,
    ],
    [
      'with an invalid timeline',
      (r) => {
        r.host = { speed: { slowest: 1, fastest: 1, timeline: 'x' }, gc: null, eventLoopDelay: null, cpu: null }
      },
      /^result\.host\.speed\.timeline: must be a list/,
    ],
    [
      'with a handler of null',
      (r) => {
        r.scenario.handler = null
      },
      /^result\.scenario\.handler: /,
    ],
    [
      'with a service of no time',
      (r) => {
        r.scenario.service = { model: 'affine', base: 'x' }
      },
      /^result\.scenario\.service/,
    ],
    [
      'with an invalid batch size',
      (r) => {
        r.batches.sizes = { x: 3 }
      },
      /^result\.batches\.sizes/,
    ],
  ])('%s', (_, spoil, message) => {
    const spoilt = copy()
    spoil(spoilt)
    expect(() => checkResult(spoilt)).toThrow(message)
    expect(() => checkResult(spoilt)).toThrow(ValidationError)
  })

  it.each([
    ['a gigabyte of zeros', 1000],
    ['more than a histogram', 2],
  ])('soon, with a histogram that inflates to %s', (_, megabytes) => {
    const one = deflateSync(Buffer.alloc(1_000_000), { finishFlush: constants.Z_FULL_FLUSH })
    const deflated = Buffer.concat([one.subarray(0, 2), ...new Array(megabytes).fill(one.subarray(2))])
    const header = Buffer.alloc(8)
    header.writeInt32BE(0x1c849304 | 0x10, 0)
    header.writeInt32BE(deflated.length, 4)
    const bomb = Buffer.concat([header, deflated]).toString('base64')
    const since = performance.now()
    expect(() => decode(bomb)).toThrow('larger than 1000000 bytes')
    expect(performance.now() - since).toBeLessThan(500)
    const spoilt = copy()
    spoilt.segments[0].latencyMs.histogram = bomb
    expect(() => checkResult(spoilt)).toThrow('result.segments.0.latencyMs: must have a histogram')
  })
})

describe('a result with anything else in any place', () => {
  const host = {
    speed: { slowest: 0.9, fastest: 1.1, timeline: [{ atMs: 1, speed: 1 }] },
    gc: [
      { thread: 'main', count: 1, totalMs: 1, longestMs: 1, kinds: { minor: 1, major: 0, incremental: 0, weak: 0 } },
    ],
    eventLoopDelay: { thread: 'main', meanMs: 1, p50Ms: 1, p99Ms: 2, maxMs: 3 },
    cpu: {
      periodMs: 1,
      cores: 2,
      threads: [{ thread: 'main', busyMs: 1, fraction: 1, waitingMs: 0 }],
      processMs: 1,
      othersMs: 0,
      stealMs: 0,
    },
    reasons: {},
  }
  const environment = { node: '20.0.0', platform: 'linux', cpu: 'x', cores: 2, load: 0.1 }
  const whole = { ...simulate({ arrivals: 50, service, stop: { requests: 500 } }), host, environment }
  const other = { ...whole, scenario: { ...whole.scenario, handler: './h.js' }, segments: whole.segments.slice(0) }
  // all else are numbers, which the schema knows by kind
  const places = placesIn(other).filter(([first]) => /^(scenario|host|environment|validity)$/.test(first as string))

  const values = [null, {}, 'x', 1e300]
  it.each(values)('is refused or reported: %j', { tags: 'at-length' }, (value) => {
    // the quick suite puts each value into other places
    const step = Math.ceil(places.length / atLength(places.length, places.length / 10))
    for (const path of places.filter((_, i) => (i + values.indexOf(value)) % step === 0)) {
      const spoilt = copy(other as Result)
      put(spoilt, path, value)
      let read: Result
      try {
        read = checkResult(JSON.parse(JSON.stringify(spoilt)))
      } catch (error) {
        if (!(error instanceof ValidationError)) throw new Error(`${path.join('.')}: ${(error as Error).stack}`)
        continue
      }
      try {
        const swept = [{ point: { servers: 1 }, result: read }]
        for (const given of [read, { ...read, engine: 'measure' as const }]) {
          renderResult(given)
          renderMarkdown(given)
        }
        renderResultsCsv([{ name: 'x', result: read }])
        renderSweep(swept)
        renderHtml(read)
      } catch (error) {
        throw new Error(`${path.join('.')} = ${JSON.stringify(value)}: ${(error as Error).stack}`)
      }
    }
  })
})

function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  const below = Object.entries(value).flatMap(([key, each]) => placesIn(each, [...path, key]))
  return path.length === 0 ? below : [path, ...below]
}

function put(into: Record<string, unknown>, [key, ...rest]: string[], value: unknown): void {
  if (rest.length === 0) into[key as string] = value
  else put(into[key as string] as Record<string, unknown>, rest, value)
}

describe('goodput is refused', () => {
  const judged = simulate({ arrivals: '50/s', service, good: { latency: '20ms' }, stop: { requests: 20_000 } })
  // biome-ignore lint/suspicious/noExplicitAny: it is to be spoilt
  it.each<[string, (given: any) => void, RegExp]>([
    [
      'of another fraction',
      (r) => {
        r.goodput.fraction += 0.01
      },
      /^result\.goodput\.fraction: must be the fraction/,
    ],
    [
      'above 1',
      (r) => {
        r.goodput.fraction = 1.1
      },
      /^result\.goodput\.fraction: must be at most 1/,
    ],
    [
      'of another rate',
      (r) => {
        r.goodput.perSecond *= 2
      },
      /^result\.goodput\.perSecond: must be counts\.good divided/,
    ],
    [
      'outside its interval',
      (r) => {
        r.goodput.interval.low = 0.99
      },
      /^result\.goodput\.interval/,
    ],
    [
      'of other limits',
      (r) => {
        r.goodput.limits.latency = 30
      },
      /^result\.goodput\.limits: must be the limits of/,
    ],
    [
      'of no limits',
      (r) => {
        r.goodput.limits = {}
      },
      /^result\.goodput\.limits: must limit at least one time/,
    ],
    [
      'without its scenario',
      (r) => void delete r.scenario.good,
      /^result\.goodput: must be present exactly when the scenario/,
    ],
    ['without counts', (r) => void delete r.counts.good, /^result\.counts\.good: must be present/],
    ['without counts of a segment', (r) => void delete r.segments[3].counts.good, /^result\.segments\.3\.counts\.good/],
    ['of other segments', (r) => void r.segments[3].counts.good--, /^result\.segments: must add up/],
    [
      'of more than completed in a segment',
      (r) => {
        const [a, b] = r.segments
        const moved = a.counts.completed + 1 - a.counts.good
        a.counts.good += moved
        b.counts.good -= moved
      },
      /^result\.segments\.0\.counts\.good: must be at most counts.completed/,
    ],
    [
      'of more than completed',
      (r) => {
        r.counts.good = r.counts.completed + 1
      },
      /^result\.counts\.good: must be at most counts.completed/,
    ],
  ])('%s', (_, spoil, message) => {
    const given = copy(judged)
    spoil(given)
    expect(() => checkResult(given)).toThrow(message)
  })
})
