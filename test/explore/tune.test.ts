import { describe, expect, it } from 'vitest'
import { affine, checkBudget, type Scenario, simulate, type TuneOptions, tune } from '../../src/index.js'

const scenario: Scenario = {
  arrivals: '400/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  stop: { requests: 50_000 },
}
const choices = { maxBatchSize: [1, 4, 8, 16], maxWait: [0, '5ms'] }

describe('tune', () => {
  it.each([{ p99: '40ms' }, { p99: '20ms' }, { p99: '14ms', 'queueing.p95': '8ms' }])(
    'finds for %j what trying everything finds',
    async (budget) => {
      const tuned = await tune(scenario, { budget, mostServers: 6, ...choices })
      let best: { servers: number; p99: number } | null = null
      for (let servers = 1; best === null && servers <= 6; servers++) {
        for (const maxBatchSize of choices.maxBatchSize) {
          for (const maxWait of choices.maxWait) {
            const result = simulate({ ...scenario, servers, batching: { maxBatchSize, maxWait } })
            const { p99 } = result.latencyMs
            if (checkBudget(result, budget).verdict === 'pass' && (best === null || p99 < best.p99))
              best = { servers, p99 }
          }
        }
      }
      expect(best).not.toBeNull()
      expect({ servers: tuned?.servers, p99: tuned?.result.latencyMs.p99 }).toEqual(best)
      expect(tuned?.check.verdict).toBe('pass')
      expect(tuned?.result.scenario).toMatchObject({ servers: tuned?.servers, batching: tuned?.batching })
    },
  )

  it('takes no setting for the fastest that answers only some requests fast', async () => {
    const shedding: Scenario = {
      arrivals: '500/s',
      service: affine({ base: '4ms', perItem: '1ms' }),
      queue: { timeout: '12ms' },
      stop: { requests: 20_000 },
    }
    const p99Of = (maxBatchSize: number) => simulate({ ...shedding, batching: { maxBatchSize } }).latencyMs.p99
    expect(p99Of(1)).toBeLessThan(p99Of(16))
    const tuned = await tune(shedding, {
      budget: { errorRate: '<= 70%' },
      maxBatchSize: [1, 16],
      maxWait: [0],
      mostServers: 1,
    })
    // one at a time drops more than half of them
    expect(tuned?.batching.maxBatchSize).toBe(16)
  })

  it('tries what sheds load, if the budget allows that', async () => {
    const shedding: Scenario = { ...scenario, arrivals: '200/s', queue: { capacity: 2 } }
    const one = { maxBatchSize: [1], maxWait: [0], mostServers: 1 }
    expect(await tune(shedding, { budget: { p50: '1s', errorRate: '<= 60%' }, ...one })).not.toBeNull()
    expect(await tune(shedding, { budget: { p50: '1s' }, ...one })).toBeNull()
  })

  it('gives null where nothing keeps the budget, or it is ended', async () => {
    expect(await tune(scenario, { budget: { p99: '7ms' }, mostServers: 2, ...choices })).toBeNull()
    expect(await tune(scenario, { budget: { p99: '40ms' }, ...choices, onProgress: () => false })).toBeNull()
  })

  it.each([
    [{}, 'tune.budget: must be a budget'],
    [{ budget: { p98: '1parsec' } }, 'tune.budget.p98: must be a time'],
    [{ budget: { p99: 1 }, mostServers: 0 }, 'tune.mostServers: must be a whole number of at least 1'],
    [{ budget: { p99: 1 }, maxBatchSize: [0] }, 'tune.maxBatchSize.0: must be a whole number'],
    [{ budget: { p99: 1 }, servers: 2 }, "'servers' is not an option here"],
  ])('refuses the options %j', async (options, message) => {
    await expect(tune(scenario, options as unknown as TuneOptions)).rejects.toThrow(message)
  })
})
