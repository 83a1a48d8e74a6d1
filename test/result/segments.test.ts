import { describe, expect, it } from 'vitest'
import { affine, exponential, replicate, type Scenario, simulate } from '../../src/index.js'

const scenario: Scenario = {
  arrivals: '150/s',
  service: affine({ base: '10ms', perItem: '1ms', variation: exponential() }),
  batching: { maxBatchSize: 4, maxWait: '5ms' },
  servers: 2,
  stop: { requests: 20_000 },
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)

describe('the segments of a run', () => {
  it('hold every batch that started in the window, and how long it was served', () => {
    const { segments, batches, utilization, window } = simulate(scenario)
    expect(segments).toHaveLength(20)
    expect(sum(segments.map((segment) => segment.batches))).toBe(batches.count)
    expect(sum(segments.map((segment) => segment.batched)) / batches.count).toBeCloseTo(batches.meanSize, 12)
    const servingMs = (utilization as number) * 2 * (window.endMs - window.startMs)
    // but for what two servers had under way at either end
    expect(Math.abs(sum(segments.map((segment) => segment.servingMs)) - servingMs)).toBeLessThan(500)
    for (const { startMs, endMs, servingMs } of segments) {
      expect(servingMs / (endMs - startMs)).toBeGreaterThan(0.5)
      expect(servingMs / (endMs - startMs)).toBeLessThan(2)
    }
  })

  it('are the runs, where it is put together of several', async () => {
    const { segments, batches, replications } = await replicate(scenario, { replications: 3 })
    expect(replications).toBe(3)
    expect(segments).toHaveLength(3)
    const [first] = segments
    expect(first?.batches).toBe(simulate(scenario).batches.count)
    expect(sum(segments.map((segment) => segment.batches))).toBe(batches.count)
  })
})
