import { describe, expect, it } from 'vitest'
import { type SweepFields, sweep } from '../../src/explore/sweep.js'
import { closed, constant } from '../../src/scenario/arrivals.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { affine } from '../../src/scenario/service.js'
import { simulate } from '../../src/simulate/simulate.js'

const scenario: Scenario = {
  arrivals: '100/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  stop: { requests: 2000 },
}

describe('a sweep', () => {
  it('gives at each point what simulating it alone gives', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 4, null] })
    expect(swept.map(({ point }) => point)).toEqual([{ maxBatchSize: 1 }, { maxBatchSize: 4 }, { maxBatchSize: null }])
    for (const { point, result } of swept) {
      expect(result).toEqual(simulate({ ...scenario, batching: { ...point } }))
    }
  })

  it('faces the very same requests at every point', async () => {
    const swept = await sweep(scenario, { servers: [1, 2, 3] })
    expect(new Set(swept.map(({ result }) => result.throughput.offered)).size).toBe(1)
  })

  it('combines several fields, the last changing fastest', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 2], rate: ['50/s', 100] })
    expect(swept.map(({ point }) => point)).toEqual([
      { rate: '50/s', maxBatchSize: 1 },
      { rate: '50/s', maxBatchSize: 2 },
      { rate: 100, maxBatchSize: 1 },
      { rate: 100, maxBatchSize: 2 },
    ])
  })

  it('changes the rate of a process and leaves its law', async () => {
    const [swept] = await sweep({ ...scenario, arrivals: constant(10) }, { rate: ['50/s'] })
    expect(swept?.result.scenario?.arrivals).toEqual({ process: 'constant', rate: 50 })
  })

  it('keeps what it does not sweep of the batching', async () => {
    const [swept] = await sweep({ ...scenario, batching: { maxBatchSize: 8 } }, { maxWait: ['5ms'] })
    expect(swept?.result.scenario?.batching).toEqual({ maxBatchSize: 8, maxWait: 5 })
  })

  it('tells how far it is', async () => {
    const shares: number[] = []
    await sweep(scenario, { servers: [1, 2] }, { onProgress: ({ share }) => shares.push(share) })
    expect(shares).toEqual([0, 0.5])
  })

  it('ends when it is told to', async () => {
    const abort = new AbortController()
    const swept = sweep(scenario, { servers: [1, 2] }, { signal: abort.signal, onProgress: () => abort.abort() })
    await expect(swept).rejects.toThrow(abort.signal.reason)
  })

  it.each([
    ['a field that cannot be swept', { seed: [1, 2] }, 'sweep.seed: cannot be swept'],
    ['no values', { servers: [] }, 'sweep.servers: must be a list of one or more values'],
    ['a value that no scenario takes', { maxBatchSize: [1, 0] }, 'batching.maxBatchSize'],
  ])('refuses %s, before it runs any point', async (_, fields, message) => {
    const begun: unknown[] = []
    await expect(sweep(scenario, fields as SweepFields, { onProgress: (p) => begun.push(p) })).rejects.toThrow(message)
    expect(begun).toEqual([])
  })

  it('refuses to sweep the rate of what has none', async () => {
    await expect(sweep({ ...scenario, arrivals: closed({ clients: 3 }) }, { rate: [1] })).rejects.toThrow('closed')
  })
})
