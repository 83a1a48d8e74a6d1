import { describe, expect, it } from 'vitest'
import { pack, unpack } from '../../../src/explore/agents/protocol.js'
import { bisect, bracket, type LoadSearch, runSearch } from '../../../src/explore/bisect.js'
import { capacity, headroom, replicate, type Scenario, sweep, tune } from '../../../src/index.js'
import { resolveScenario } from '../../../src/scenario/scenario.js'
import { Engine } from '../../../src/simulate/engine.js'
import { ValidationError } from '../../../src/validation/validation-error.js'

const scenario: Scenario = { arrivals: '50/s', service: '10ms', stop: { requests: 5000 } }
/** No Redis is there. */
const on = { redis: 'redis://127.0.0.1:1' }

describe('the option on', () => {
  it('is checked before anything is sent', async () => {
    const withFunction = { ...scenario, service: () => 5 } as unknown as Scenario
    await expect(sweep(withFunction, { servers: [1] }, { on })).rejects.toThrow(
      /^service: must be a duration .*got a function/,
    )
    await expect(replicate(withFunction, { replications: 2, on })).rejects.toThrow(/^service: /)
    await expect(tune(withFunction, { budget: { p99: '40ms' }, on })).rejects.toThrow(/^service: /)
    await expect(capacity(withFunction, { p99: '40ms' }, { on })).rejects.toThrow(/^service: /)
    await expect(headroom(withFunction, { p99: '40ms' }, { on })).rejects.toThrow(/^service: /)
    await expect(sweep(scenario, { servers: [1] }, { on: { redis: 'nowhere' } })).rejects.toThrow(
      'sweep.on.redis: must be the URL of a Redis, such as redis://host:6379, got "nowhere"',
    )
    await expect(replicate(scenario, { replications: 2, threads: 2, on })).rejects.toThrow(
      'replicate.threads: must be omitted with on, got 2; each agent has threads of its own',
    )
    const measured: Scenario = { arrivals: '50/s', call: async () => {} }
    await expect(sweep(measured, { rate: [50] }, { on })).rejects.toThrow('sweep.on: applies to simulations only')
  })
})

describe('what is sent to agents and back', () => {
  it('arrives as it was', () => {
    const recording = new Engine(resolveScenario(scenario, 'simulate')).run()
    expect(recording.batchSizes).toBeInstanceOf(Map)
    expect(unpack(pack(recording))).toEqual(recording)
  })
})

describe('a search of several loads at a time', () => {
  const searches: [name: string, search: () => LoadSearch][] = [
    ['bisect', () => bisect(1, 2)],
    ['bracket', () => bracket(1, 0.05, 64)],
  ]
  it.each(searches)('%s finds what it finds one at a time', async (_, search) => {
    for (const limit of [0.01, 0.3, 1, 1.234, 1.5, 1.99, 7, 1000]) {
      const run = async (ahead: number) => {
        let rounds = 0
        const found = await runSearch(
          search,
          async (loads) => {
            rounds++
            expect(loads.length).toBeLessThanOrEqual(ahead)
            expect(new Set(loads).size).toBe(loads.length)
            return loads.map((load) => load <= limit)
          },
          ahead,
        )
        return { found, rounds }
      }
      const [one, seven] = [await run(1), await run(7)]
      expect(seven.found).toBe(one.found)
      // seven are all that three steps may ask for
      expect(seven.rounds).toBeLessThanOrEqual(Math.ceil(one.rounds / 3))
    }
  })

  it('does not fail of a load that it would not have asked for', async () => {
    const isFine = (load: number) => {
      if (load > 1.6) throw new ValidationError('arrivals', 'too much')
      return load <= 1.2
    }
    const search = () => bisect(1, 2)
    const several = await runSearch(search, async (loads) => loads.map(isFine), 7)
    expect(several).toBe(await runSearch(search, async (loads) => loads.map(isFine)))
    await expect(
      runSearch(
        () => bisect(1, 4),
        async (loads) => loads.map(isFine),
        7,
      ),
    ).rejects.toThrow('too much')
  })
})
