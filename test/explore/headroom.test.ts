import { describe, expect, it } from 'vitest'
import {
  affine,
  checkBudget,
  closed,
  type Headroom,
  headroom,
  replay,
  type Scenario,
  simulate,
  stages,
  tune,
} from '../../src/index.js'
import { headroomText } from '../../src/report/terminal/tuned-table.js'
import { atLength } from '../support/at-length.js'

const scenario: Scenario = {
  arrivals: '200/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxBatchSize: 8, maxWait: '2ms' },
  stop: { requests: 20_000 },
}
const short: Scenario = { ...scenario, stop: { requests: 2500 } }
const budget = { p99: '30ms' }

/** The load at which something changes, bisected between two at which it is so, and not. */
function bisected(isSo: (rate: number) => boolean): number {
  let [low, high] = [200, 1000]
  expect([isSo(low), isSo(high)]).toEqual([true, false])
  while (high / low > 1.002) {
    const middle = Math.sqrt(low * high)
    if (isSo(middle)) low = middle
    else high = middle
  }
  return low
}
const runAt = (rate: number) => simulate({ ...scenario, arrivals: rate })

describe('headroom', () => {
  it('is what bisecting by hand finds', { tags: 'full' }, async () => {
    const room = await headroom(scenario, budget)
    const { growth, low, high } = room?.rates ?? {}
    const observed = bisected((rate) => runAt(rate).latencyMs.p99 <= 30)
    const passed = bisected((rate) => checkBudget(runAt(rate), budget).verdict === 'pass')
    const notFailed = bisected((rate) => checkBudget(runAt(rate), budget).verdict !== 'fail')
    // all are found to 1 %; near its ends a verdict may change more than once
    expect(growth).toBeGreaterThan(observed * 0.985)
    expect(growth).toBeLessThan(observed * 1.015)
    expect(low).toBeGreaterThan(passed * 0.95)
    expect(low).toBeLessThan(passed * 1.05)
    expect(high).toBeGreaterThan(notFailed * 0.95)
    expect(high).toBeLessThan(notFailed * 1.05)
    expect(room?.growth).toBeCloseTo((growth as number) / 200 - 1, 12)
  })

  it('of M/M/1 holds the exact load, where p99 is ln(100) / (mu - lambda)', { tags: 'at-length' }, async () => {
    // a load of 91 %, or of 69 %, where a shorter run tells as much
    const [p99, requests] = [atLength(50, 15), atLength(100_000, 20_000)]
    const exact = 1000 - Math.log(100) / (p99 / 1000)
    const mm1: Scenario = {
      arrivals: '500/s',
      service: affine({ base: '1ms', variation: { distribution: 'exponential' } }),
      stop: { requests },
    }
    const room = await headroom(mm1, { p99 })
    const { growth, low, high } = (room as NonNullable<typeof room>).rates as {
      growth: number
      low: number
      high: number
    }
    expect(low).toBeLessThan(exact)
    expect(high).toBeGreaterThan(exact)
    // near a load of 91 %, p99 moves by 10 % for 1 % of the load, and 100,000 requests tell it to some 20 %
    expect(Math.abs(growth / exact - 1)).toBeLessThan(0.05)
  })

  it('is negative where the budget is broken already', async () => {
    const room = await headroom({ ...short, arrivals: '900/s' }, budget)
    expect(room?.growth).toBeLessThan(0)
    const none = (await headroom(short, { p99: '1ms' })) as Headroom
    expect(none).toMatchObject({ growth: null, limit: 'budget', low: null })
    expect(headroomText(none)).toBe('The budget breaks at any load down to a twentieth of this one.')
  })

  it('ends at what the servers sustain, whatever the budget allows', async () => {
    const room = await headroom(short, { errorRate: '<= 1%' })
    // 8 requests in 9.5 ms
    expect(room?.rates.growth).toBeLessThan(8 / 0.0095)
    expect(room?.rates.growth).toBeGreaterThan(0.9 * (8 / 0.0095))
  })

  it('says whether the budget breaks first, or the servers are saturated', async () => {
    expect((await headroom(short, budget))?.limit).toBe('budget')
    const throughput = await headroom(short, { throughput: '>= 100/s' })
    expect(throughput).toMatchObject({ limit: 'saturation' })
    expect(throughput?.growth).toBeGreaterThan(2)
    expect((await headroom({ ...short, arrivals: '900/s' }, { errorRate: '<= 1%' }))?.limit).toBe('saturation')
  })

  it('has no end if the service takes no time', async () => {
    const instant: Scenario = { arrivals: '10/s', service: affine({}), stop: { requests: 1000 } }
    const endless = (await headroom(instant, budget)) as Headroom
    expect(endless).toMatchObject({ growth: null, limit: null, most: 63, low: 63, high: null })
    expect(headroomText(endless)).toBe('The budget is kept at up to 64 times this load, the highest that was tried.')
    // too few requests to be sure of a p99 at any load
    const unsure = (await headroom({ ...instant, stop: { requests: 100 } }, budget)) as Headroom
    expect(unsure).toMatchObject({ growth: null, limit: null, low: null, high: null })
    expect(headroomText(unsure)).toBe(
      'The observed figures keep the budget at up to 64 times this load, the highest that was tried, but no run is long enough for a pass.',
    )
  })

  it('goes no further than a request a nanosecond', async () => {
    const fast: Scenario = { arrivals: 5e8, service: affine({}), stop: { requests: 1000 } }
    const capped = (await headroom(fast, budget)) as Headroom
    expect(capped).toMatchObject({ growth: null, limit: null, low: 1, high: null, rates: { low: 1e9 } })
    expect(headroomText(capped)).toBe('The budget is kept at up to 2 times this load, the highest that was tried.')
  })

  it('replays faster, and raises all stages', async () => {
    const times = Array.from({ length: 1000 }, (_, i) => i * 10)
    // one in 10 ms, each taking 8 ms: a quarter more, and the queue grows
    const traced = await headroom({ arrivals: replay(times), service: '8ms' }, { p99: '8ms' })
    expect(traced?.growth).toBeGreaterThan(0.23)
    expect(traced?.growth).toBeLessThan(0.251)
    const ramp = stages([{ rate: 100, duration: '20s' }])
    expect((await headroom({ arrivals: ramp, service: '2ms' }, { p99: '20ms' }))?.growth).toBeGreaterThan(1)
  })

  it('ends if it is asked to', async () => {
    expect(await headroom(scenario, budget, { onProgress: ({ runs }) => runs < 3 })).toBeNull()
    const { signal } = { signal: AbortSignal.abort(new Error('no more')) }
    await expect(headroom(scenario, budget, { signal })).rejects.toThrow('no more')
  })

  it('ends during a run that takes long', { tags: 'full' }, async () => {
    const long = { ...scenario, stop: { requests: 200_000_000 } }
    const begun = performance.now()
    const during = () => performance.now() - begun < 1500
    expect(await headroom(long, budget, { onProgress: during })).toBeNull()
    const aborted = headroom(long, budget, { signal: AbortSignal.timeout(1500) })
    await expect(aborted).rejects.toThrow(/timeout/)
    expect(performance.now() - begun).toBeLessThan(30_000)
  })

  it('refuses a closed loop, and a budget that it cannot read', async () => {
    const loop: Scenario = { ...scenario, arrivals: closed({ clients: 10 }) }
    await expect(headroom(loop, budget)).rejects.toThrow('arrivals: must have a rate that can grow')
    await expect(headroom(scenario, {})).rejects.toThrow(/^budget: must/)
  })
})

it('refuses a limit on goodput if nothing says which requests are good', async () => {
  await expect(headroom(scenario, { goodput: '50%' })).rejects.toThrow(
    "budget.goodput: needs the scenario's good: the longest times of a good request",
  )
  const classes = { checkout: {} }
  const limited = { 'checkout.goodput': '50%' } as const
  await expect(headroom({ ...scenario, classes }, limited)).rejects.toThrow(
    'budget.checkout.goodput: needs the scenario',
  )
  await expect(tune({ ...scenario, classes }, { budget: limited })).rejects.toThrow(
    'tune.budget.checkout.goodput: needs',
  )
  expect(() => simulate({ ...scenario, classes, stop: { budget: limited } })).toThrow(
    'stop.budget.checkout.goodput: needs',
  )
})
