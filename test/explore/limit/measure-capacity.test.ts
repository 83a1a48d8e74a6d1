import { describe, expect, it } from 'vitest'
import { closed, measureCapacity, type Scenario, stages } from '../../../src/index.js'

const call = async () => {}
const scenario: Scenario = { arrivals: '500/s', call }

describe('measureCapacity', () => {
  it('measures real runs, and never passes a load that its target cannot serve', { tags: 'full' }, async () => {
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 5))
    const found = await measureCapacity(
      { arrivals: '500/s', call: slow, servers: 1 },
      { p95: '50ms' },
      { atMost: '20s', onProgress: ({ runs }) => runs < 4 },
    )
    expect(found.tried[0]).toMatchObject({ rate: 500, kind: 'probe' })
    // 1 server of 5 ms serves at most 200/s
    expect(found.rate ?? 0).toBeLessThan(200)
    expect(found.tried.filter(({ rate, verdict }) => rate > 250 && verdict === 'pass')).toEqual([])
  })

  it.each([
    [{ ...scenario, arrivals: closed({ clients: 2 }) }, { p99: 10 }, {}, /^arrivals: must be a process with a rate/],
    [
      { ...scenario, arrivals: stages([{ rate: 10, duration: '1s' }]) },
      { p99: 10 },
      {},
      /^arrivals: must be a process with a rate/,
    ],
    [{ arrivals: '1/s', service: '1ms' }, { p99: 10 }, {}, /^handler: is required to measure/],
    [scenario, { p99: 10, throughput: '>= 5/s' }, {}, /^budget\.throughput: must be a limit that a higher load breaks/],
    [scenario, { 'checkout.p99': 10 }, {}, /^budget\.checkout\.p99/],
    [scenario, { goodput: '90%' }, {}, /^budget\.goodput: needs the scenario's good/],
    [scenario, {}, {}, /^budget: must limit at least one metric/],
    [scenario, { p99: 10 }, { atMost: 0 }, /^options\.atMost: must be a duration/],
    [scenario, { p99: 10 }, { atmost: 5 }, /'atmost' is not an option here \(did you mean 'atMost'\?\)/],
    [scenario, { p99: 10 }, { onProgress: 5 }, /^options\.onProgress: must be a function/],
  ] as [Scenario, object, object, RegExp][])('refuses %#', async (given, budget, options, message) => {
    await expect(measureCapacity(given, budget, options)).rejects.toThrow(message)
  })

  it('throws if no request of the first load completes', async () => {
    const http = { url: 'http://127.0.0.1:1' }
    await expect(measureCapacity({ arrivals: '50/s', http }, { p99: 10 }, { atMost: '6s' })).rejects.toThrow(
      /^http GET http:\/\/127\.0\.0\.1:1.*no request due in the window completed.*ECONNREFUSED/,
    )
  })
})
