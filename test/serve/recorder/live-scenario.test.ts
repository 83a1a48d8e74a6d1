import { createRecorder, type Recorder, type Result, type Scenario, simulate } from 'throughline'
import { describe, expect, it } from 'vitest'
import { poissonTimes, recordSimulation } from '../record-simulation.js'
import { VirtualClock } from '../virtual-clock.js'

const BATCHING = { maxBatchSize: 8, maxWait: 1.5 }
const timestamps = poissonTimes(12_000, 3)
const scenario = {
  arrivals: { process: 'replay', timestamps },
  service: { model: 'affine', base: 2, perItem: 0.2, variation: { distribution: 'gamma', cv: 0.5 } },
  batching: BATCHING,
  warmup: { requests: 0 },
} satisfies Scenario

function live(): { recorder: Recorder; result: Result } {
  const clock = new VirtualClock()
  const recorder = createRecorder({ clock: clock.read, servers: 1, batching: BATCHING })
  return { recorder, ...recordSimulation(recorder, clock, scenario) }
}

const again = (recorder: Recorder, o: Parameters<Recorder['scenario']>[0], batching: Scenario['batching'] = BATCHING) =>
  simulate({ ...recorder.scenario(o), batching, warmup: { requests: 0 } })

describe('from a live service back to a simulation', () => {
  const { recorder, result } = live()

  it('is the same if the recorded times are served in order', () => {
    const simulated = again(recorder, { service: 'order' })
    expect(simulated.batches).toEqual(result.batches)
    expect(simulated.counts).toEqual(result.counts)
    for (const metric of ['latencyMs', 'waitMs', 'queueingMs', 'batchingMs', 'serviceMs'] as const) {
      expect(simulated[metric].histogram).toBe(result[metric].histogram)
    }
  })

  it.each(['byBatchSize', 'time'] as const)('agrees within its intervals if service times are drawn %s', (service) => {
    const simulated = again(recorder, { service })
    for (const estimate of ['mean', 'p50', 'p90', 'p95'] as const) {
      const { low, high } = result.latencyMs.intervals[estimate]
      expect(simulated.latencyMs[estimate]).toBeGreaterThan((low as number) * 0.97)
      expect(simulated.latencyMs[estimate]).toBeLessThan((high as number) * 1.03)
    }
  })

  it.each([[{ maxBatchSize: 4, maxWait: 1.5 }], [{ maxBatchSize: 32, maxWait: 5 }], [{ maxBatchSize: 8, maxWait: 0 }]])(
    'predicts what another batching would have done: %j',
    (batching) => {
      const truth = simulate({ ...scenario, batching })
      const predicted = again(recorder, {}, batching)
      expect(predicted.batches.meanSize / truth.batches.meanSize).toBeCloseTo(1, 1)
      for (const estimate of ['mean', 'p50', 'p95'] as const) {
        expect(Math.abs(predicted.latencyMs[estimate] / truth.latencyMs[estimate] - 1)).toBeLessThan(0.06)
      }
    },
  )

  it('has arrivals of the recorded rate, if asked for', () => {
    const { arrivals } = recorder.scenario({ arrivals: 'poisson' })
    expect(arrivals).toMatchObject({ process: 'poisson', rate: expect.closeTo(1000, -2) })
    const simulated = simulate({ ...recorder.scenario({ arrivals: 'renewal' }), stop: { requests: 50_000 } })
    expect(simulated.latencyMs.mean / result.latencyMs.mean).toBeCloseTo(1, 0)
  })

  it('refuses batches more than four times as large as those recorded', () => {
    expect(() => again(recorder, {}, { maxBatchSize: 33, maxWait: 5 })).toThrow(
      /end at a batch of 32, but batches may hold 33/,
    )
    const clock = new VirtualClock()
    const single = createRecorder({ clock: clock.read, servers: 1 })
    recordSimulation(single, clock, { ...scenario, batching: {} })
    expect(() => again(single, {}, { maxBatchSize: 2 })).toThrow(/end at a batch of 1, but batches may hold 2/)
  })

  it('keeps the newest requests, as many as `keep`', () => {
    const clock = new VirtualClock()
    const few = createRecorder({ clock: clock.read, servers: 1, batching: BATCHING, keep: 1000 })
    recordSimulation(few, clock, scenario)
    const { arrivals } = few.scenario()
    const kept = (arrivals as { timestamps: number[] }).timestamps
    expect(kept).toHaveLength(1000)
    const first = timestamps.at(-1000) as number
    expect(kept.at(-1)).toBeCloseTo((timestamps.at(-1) as number) - first, 6)
    expect(simulate(few.scenario()).counts.completed).toBeGreaterThan(0)
  })

  it('has dispatch times by what let batches leave, and infers the number of servers', () => {
    const clock = new VirtualClock()
    const recorder = createRecorder({ clock: clock.read, batching: { maxBatchSize: 2, maxWait: 5 } })
    for (let i = 0; i < 100; i++) {
      const at = 20 * i
      clock.set(at)
      recorder.arrived(at)
      clock.set(at + 15)
      recorder.batch(1, Math.max(0, at - 5), at + 5, at + 6, at + 15)
      recorder.served(at)
    }
    const { service, servers, batching, queue } = recorder.scenario()
    expect(service).toMatchObject({
      overhead: { deadline: { mean: expect.closeTo(1, 9) } },
      points: { 1: { mean: expect.closeTo(9, 9) } },
    })
    expect({ servers, batching, queue }).toEqual({
      servers: 1,
      batching: { maxBatchSize: 2, maxWait: 5 },
      queue: { capacity: null, timeout: null },
    })
  })

  it('refuses if too little was recorded, or nothing was kept', () => {
    expect(() => createRecorder().scenario()).toThrow(
      /must have recorded at least 2 requests and 1 batch .* has 0 and 0/,
    )
    expect(() => createRecorder({ keep: 0 }).scenario()).toThrow(/recorder.keep: must be above 0/)
    expect(() => recorder.scenario({ arrivals: 'trend' as 'trace' })).toThrow(/must be 'trace', 'renewal' or 'poisson'/)
  })
})
