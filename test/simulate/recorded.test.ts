import { describe, expect, it } from 'vitest'
import {
  affine,
  constant,
  gamma,
  poisson,
  type RecordedBatch,
  recorded,
  replay,
  type Scenario,
  type SimulationEvent,
  simulate,
  ValidationError,
} from '../../src/index.js'
import { refusal } from '../support/expect/refusal.js'

const scenario: Scenario = {
  arrivals: poisson('400/s'),
  service: affine({ base: '2ms', perItem: '1ms', variation: gamma({ cv: 1 }) }),
  batching: { maxBatchSize: 8, maxWait: '3ms' },
  stop: { requests: 5000 },
}

/** A run with the batches that it served. */
function run(given: Scenario) {
  const batches: Extract<SimulationEvent, { type: 'batch' }>[] = []
  const result = simulate(given, { onEvent: (event) => event.type === 'batch' && batches.push(event) })
  return { result, batches }
}

const durations = (given: Scenario) => run(given).batches.map(({ startMs, endMs }) => endMs - startMs)

describe('recorded service times', () => {
  it.each([1, 3])('repeat the same run, in order and by time, with %i servers', (servers) => {
    const { result, batches } = run({ ...scenario, servers })
    const times = batches.map(({ startMs, endMs }) => endMs - startMs)
    const inTime = batches.map(({ startMs, endMs, requests }) => ({
      at: startMs,
      size: requests.length,
      time: endMs - startMs,
    }))
    for (const service of [recorded({ by: 'order', times }), recorded({ by: 'time', times: inTime })]) {
      const again = simulate({ ...scenario, servers, service })
      expect({ ...again, scenario: null }).toEqual({ ...result, scenario: null })
    }
  })

  it('are taken in the order in which batches start, whatever their sizes', () => {
    const service = recorded({ by: 'order', times: [1, '7ms', 2] })
    const given = { arrivals: replay([0, 10, 11, 12]), service, batching: { maxBatchSize: 2 } }
    expect(durations(given)).toEqual([1, 7, 2])
  })

  it('are taken from the batch that started nearest in time, the earlier of two', () => {
    const times: RecordedBatch[] = [
      { at: '100ms', time: 3 },
      { at: 0, time: 1 },
      { at: 50, time: 2 },
    ]
    const arrivals = replay([0, 20, 25, 30, 72, 75, 78, 110])
    expect(durations({ arrivals, service: recorded({ by: 'time', times }) })).toEqual([1, 1, 1, 2, 2, 2, 3, 3])
  })

  it('keep a slow period where it was', () => {
    // 1 ms, and 5 ms for the second second of three
    const times = Array.from({ length: 300 }, (_, i) => ({ at: 10 * i, time: i >= 100 && i < 200 ? 5 : 1 }))
    const service = recorded({ by: 'time', times })
    const { batches } = run({ arrivals: constant('77/s'), service, stop: { duration: '3s' } })
    for (const { startMs, endMs } of batches) {
      expect(endMs - startMs).toBe(startMs > 995 && startMs <= 1995 ? 5 : 1)
    }
  })

  it('are scaled to the size of the batch by the line through all recorded batches', () => {
    // 2 ms and 1 ms a request, twice as slow at the end
    const times = [
      { at: 0, size: 1, time: 3 },
      { at: 10, size: 3, time: 5 },
      { at: 20, size: 5, time: 7 },
      { at: 1000, size: 3, time: 10 },
      { at: 1010, size: 1, time: 6 },
      { at: 1020, size: 5, time: 14 },
    ]
    const service = recorded({ by: 'time', times })
    const batching = { maxBatchSize: 3, maxWait: null }
    // least squares through both halves: 3 ms and 1.5 ms a request
    expect(durations({ arrivals: replay([0, 0, 0, 1005, 1005, 1005]), service, batching })).toEqual([
      (3 * 7.5) / 4.5,
      10,
    ])
  })

  it('are not scaled if all recorded batches have one size', () => {
    const service = recorded({
      by: 'time',
      times: [
        { at: 0, size: 4, time: 3 },
        { at: 9, size: 4, time: 5 },
      ],
    })
    expect(durations({ arrivals: replay([0, 9]), service })).toEqual([3, 5])
  })

  it('are taken in turn if several batches started at one instant', () => {
    const times = [2, 9, 4].map((time) => ({ at: 0, time }))
    const service = recorded({ by: 'time', times })
    expect(durations({ arrivals: replay([0, 0, 0]), service, servers: 3 })).toEqual([2, 9, 4])
  })

  it('may take no time', () => {
    const service = recorded({ by: 'order', times: [0, 0, 1] })
    expect(durations({ arrivals: replay([0, 1, 2]), service })).toEqual([0, 0, 1])
  })

  it('are refused if they run out', () => {
    const given = { arrivals: replay([0, 10, 20]), warmup: { requests: 0 } }
    const inOrder = recorded({ by: 'order', times: [1, 2] })
    expect(() => simulate({ ...given, service: inOrder })).toThrow(ValidationError)
    expect(() => simulate({ ...given, service: inOrder })).toThrow(/^service\.times: has only 2 service times, .* more/)
    const inTime = recorded({
      by: 'time',
      times: [
        { at: 0, time: 1 },
        { at: 10, time: 5 },
      ],
    })
    expect(() => simulate({ ...given, service: inTime })).toThrow(
      /^service\.times: ends at 15 ms, but a batch of this run starts at 20 ms/,
    )
    // a tenth longer is near enough
    const longer = recorded({
      by: 'time',
      times: [
        { at: 0, time: 1 },
        { at: 10, time: 9 },
      ],
    })
    expect(simulate({ ...given, service: longer }).counts.completed).toBe(3)
  })

  it.each([
    ['service.times', 'a non-empty list of service times', 'got []', { by: 'order', times: [] }],
    ['service.times', 'a non-empty list of batches', 'got []', { by: 'time', times: [] }],
    ['service.times', 'a non-empty list of service times', 'got 3', { by: 'order', times: 3 }],
    ['service.times.1', 'a duration of 0 or more', 'got -1', { by: 'order', times: [1, -1] }],
    ['service.times.0.time', 'a duration of 0 or more', 'got nothing', { by: 'time', times: [{ at: 0 }] }],
    ['service.times.0.at', 'a duration of 0 or more', 'got -1', { by: 'time', times: [{ at: -1, time: 1 }] }],
    [
      'service.times.0.size',
      'a whole number of at least 1',
      'got 0',
      { by: 'time', times: [{ at: 0, size: 0, time: 1 }] },
    ],
    ['service.by', "{ by: 'order' } or { by: 'time' }", 'got nothing', { times: [1] }],
    ['service.times', 'only a hash', 'got {', { by: 'order', times: { count: 2000, hash: '00' } }],
  ])('are refused at %s: %s, %s', (path, accepted, got, given) => {
    const { message } = refusal({ arrivals: 1, service: { model: 'recorded', ...given } })
    expect(message.startsWith(path)).toBe(true)
    expect(message).toContain(accepted)
    expect(message).toContain(got)
  })
})
