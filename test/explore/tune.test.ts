import { describe, expect, it } from 'vitest'
import { runTrial } from '../../src/explore/tune/trial.js'
import {
  affine,
  byBatchSize,
  type Candidate,
  checkBudget,
  costOf,
  exponential,
  headroom,
  measure,
  replay,
  type Scenario,
  simulate,
  type Tuned,
  type TuneOptions,
  type TuneProgress,
  tune,
} from '../../src/index.js'
import { confirmationText } from '../../src/report/terminal/tuned-table.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { atLength } from '../support/at-length.js'

const scenario: Scenario = {
  arrivals: '400/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  stop: { requests: 4000 },
}
const choices = { maxBatchSize: [1, 4, 8, 16], maxWait: [0, '5ms'] }

const large: Candidate = { name: 'large', quality: 0.95, price: 4, service: affine({ base: '110ms', perItem: '4ms' }) }
const medium: Candidate = { name: 'medium', quality: 0.92, price: 2, service: affine({ base: '38ms', perItem: '3ms' }) }
const small: Candidate = { name: 'small', quality: 0.9, price: 1, service: affine({ base: '9ms', perItem: '0.8ms' }) }
const load: Scenario = { arrivals: '150/s', stop: { requests: 4000 } }
const budget = { p99: '100ms' }

const settingOf = ({ best }: Tuned) => best && { candidate: best.candidate, servers: best.servers, ...best.batching }

describe('tune for goodput', () => {
  const judged = { ...scenario, stop: { requests: 1000 }, good: { latency: '15ms', queueing: '5ms' } }
  const given = { budget: { goodput: '50%' }, mostServers: 4, ...choices }
  const everything = () =>
    [1, 2, 3, 4].flatMap((servers) =>
      choices.maxBatchSize.flatMap((maxBatchSize) =>
        choices.maxWait.map((maxWait) => {
          const result = simulate({ ...judged, servers, batching: { maxBatchSize, maxWait } })
          const kept = checkBudget(result, given.budget).verdict === 'pass'
          return { servers, kept, goodput: result.goodput?.fraction as number }
        }),
      ),
    )

  it('keeps a budget of it on the fewest servers', async () => {
    const { best } = await tune(judged, given)
    expect(best?.servers).toBe(
      Math.min(
        ...everything()
          .filter(({ kept }) => kept)
          .map(({ servers }) => servers),
      ),
    )
    expect(best?.result?.goodput?.fraction).toBeGreaterThan(0.5)
  })

  it.each([0.3, 10])('weighs it against cost as trying everything does, with %d', { tags: 'full' }, async (weight) => {
    const { best, front, nearest } = await tune(judged, { ...given, wishes: { goodput: weight, cost: 1 } })
    const score = (each: { servers: number; goodput: number }) =>
      weight * Math.log(each.goodput) - Math.log(each.servers)
    const scores = everything()
      .filter(({ kept }) => kept)
      .map(score)
    expect(score({ servers: best?.servers as number, goodput: best?.goodput as number })).toBeCloseTo(
      Math.max(...scores),
      9,
    )
    expect(front.every(({ goodput }) => goodput !== null)).toBe(true)
    if (weight === 10) expect(nearest?.sentence).toMatch(/^1 server would keep .* too: p99 is/)
  })
})

describe('tune, of one service', () => {
  const limited = [{ p99: '20ms' }, { p99: '40ms' }, { p99: '14ms', 'queueing.p95': '8ms' }]
  it.each(limited.slice(0, atLength(limited.length)))(
    'finds for %j what trying everything finds',
    { tags: 'at-length' },
    async (limits) => {
      const tuned = await tune(scenario, { budget: limits, mostServers: 6, ...choices })
      let best: { servers: number; p99: number } | null = null
      for (let servers = 1; best === null && servers <= 6; servers++) {
        for (const maxBatchSize of choices.maxBatchSize) {
          for (const maxWait of choices.maxWait) {
            const result = simulate({ ...scenario, servers, batching: { maxBatchSize, maxWait } })
            const { p99 } = result.latencyMs
            if (checkBudget(result, limits).verdict === 'pass' && (best === null || p99 < best.p99))
              best = { servers, p99 }
          }
        }
      }
      expect(best).not.toBeNull()
      expect({ servers: tuned.best?.servers, p99: tuned.best?.p99Ms }).toEqual(best)
      // the settings within the limit, and no more runs than there are settings
      expect(tuned.grid).toBe(6 * 7)
      expect(tuned.runs).toBeLessThan(tuned.grid)
    },
  )

  it('finds the best batching behind worse ones', async () => {
    const varied: Scenario = {
      arrivals: '80/s',
      service: affine({ base: '5ms', perItem: '1.25ms', variation: exponential() }),
      stop: { requests: 500 },
    }
    const [sizes, waits] = [
      [1, 2, 4, 8, 16, 32, 64],
      [0, 1, 2, 5, 10, 20],
    ] as const
    const p99Of = (maxBatchSize: number, maxWait: number) =>
      simulate({ ...varied, batching: { maxBatchSize, maxWait } }).latencyMs.p99
    const everything = sizes.map((size) => waits.map((wait) => p99Of(size, wait)))
    // up to 4 that wait up to 1 ms: every step from there is worse, by one in batch size, in the wait, or in both
    const around = everything.slice(1, 4).flatMap((ofSize) => ofSize.slice(0, 3))
    const least = Math.min(...everything.flat())
    expect(Math.min(...around)).toBe(p99Of(4, 1))
    expect(p99Of(4, 1)).toBeGreaterThan(1.01 * least)

    const tuned = await tune(varied, {
      budget: { p99: '100ms' },
      mostServers: 1,
      maxBatchSize: [...sizes],
      maxWait: [...waits],
    })
    expect(tuned.best?.p99Ms).toBe(least)
  })

  it('confirms what it recommends in a run ten times as long, of other requests', { tags: 'full' }, async () => {
    const tuned = await tune(scenario, { budget: { p99: '40ms' }, ...choices })
    const best = tuned.best as NonNullable<Tuned['best']>
    expect(best).toMatchObject({ confirmed: true, keepsBudget: true, check: { verdict: 'pass' } })
    expect(best.result?.scenario).toMatchObject({
      servers: best.servers,
      batching: best.batching,
      stop: { requests: 40_000 },
    })
    expect(best.result?.scenario?.seed).not.toBe(1)
    expect(checkBudget(best.result as NonNullable<typeof best.result>, { p99: '40ms' }).verdict).toBe('pass')
  })

  it('says how far one server fewer falls short, and by how much the load may grow', { tags: 'full' }, async () => {
    const { best, nearest } = await tune(scenario, { budget: { p99: '14ms' }, mostServers: 6, ...choices })
    expect(best?.servers).toBe(2)
    const withOne = choices.maxBatchSize.flatMap((maxBatchSize) =>
      choices.maxWait.map((maxWait) => simulate({ ...scenario, batching: { maxBatchSize, maxWait } }).latencyMs.p99),
    )
    expect(nearest).toMatchObject({ candidate: null, servers: 1, p99Ms: Math.min(...withOne) })
    expect(nearest?.sentence).toMatch(
      /^1 server would break it: p99 is 17\.\d ms at best, 1\.2\d times its limit; the budget is p99 within 14 ms\.$/,
    )
    expect(best?.headroom?.growth).toBeGreaterThan(0)
  })

  it('says that little idle time is not overload if larger batches sustain more', async () => {
    const confirmed = async (maxBatchSize: number, arrivals: string) => {
      const given = { arrivals, service: affine({ base: '7.5ms', perItem: '0.25ms' }), stop: { requests: 2000 } }
      const options = { budget: { p99: '100ms' }, maxBatchSize: [maxBatchSize], maxWait: [0], mostServers: 1 }
      return confirmationText(await tune(given, options))
    }
    const batchesGrow = /The load may grow by .* Little idle time does not mean overload/
    expect(await confirmed(32, '800/s')).toMatch(batchesGrow)
    expect(await confirmed(1, '60/s')).not.toMatch(batchesGrow)
  })

  it('takes no setting for the fastest that answers only some requests fast', async () => {
    const shedding: Scenario = {
      arrivals: '500/s',
      service: affine({ base: '4ms', perItem: '1ms' }),
      queue: { timeout: '12ms' },
      stop: { requests: 4000 },
    }
    const p99Of = (maxBatchSize: number) => simulate({ ...shedding, batching: { maxBatchSize } }).latencyMs.p99
    expect(p99Of(1)).toBeLessThan(p99Of(16))
    const { best } = await tune(shedding, {
      budget: { errorRate: '<= 70%' },
      maxBatchSize: [1, 16],
      maxWait: [0],
      mostServers: 1,
    })
    // one at a time drops more than half of them
    expect(best?.batching.maxBatchSize).toBe(16)
  })

  it('tries what sheds load, if the budget allows that', async () => {
    const shedding: Scenario = { ...scenario, arrivals: '200/s', queue: { capacity: 2 } }
    const one = { maxBatchSize: [1], maxWait: [0], mostServers: 1 }
    expect((await tune(shedding, { budget: { p50: '1s', errorRate: '<= 60%' }, ...one })).best).not.toBeNull()
    expect((await tune(shedding, { budget: { p50: '1s' }, ...one })).best).toBeNull()
  })

  it.each([
    { meanBatchSize: '>= 6', p99: '60ms' },
    { utilization: '>= 60%', p99: '60ms' },
  ])('finds the batches and waits that a limit from below asks for: %j', async (limits) => {
    const slack: Scenario = {
      arrivals: '300/s',
      service: affine({ base: '8ms', perItem: '0.5ms' }),
      stop: { requests: 4000 },
    }
    const { best } = await tune(slack, {
      budget: limits,
      mostServers: 3,
      maxBatchSize: [1, 2, 8, 32],
      maxWait: [0, 20],
    })
    expect(best).toMatchObject({ confirmed: true, servers: 1, check: { verdict: 'pass' } })
  })

  it('says so if a longer run confirms nothing, and expects nothing of more servers then', async () => {
    // ten requests show no p99
    const short: Scenario = { arrivals: '40/s', service: '5ms', stop: { requests: 1 } }
    const tuned = await tune(short, { budget: { p99: '100ms' }, maxBatchSize: [1], mostServers: 2 })
    expect(tuned.best).toBeNull()
    expect(tuned.sentence).toBe(
      'No setting was confirmed to keep p99 within 100 ms with up to 2 servers: settings that kept it in a search run did not pass a run ten times as long.',
    )
    expect(tuned.nearest).toMatchObject({
      servers: null,
      sentence:
        'The service keeps p99 within 100 ms with 1 server in a search run, but did not pass a run ten times as long.',
    })
  })

  it('does not say that fewer servers break a budget that they keep', async () => {
    const { best, nearest } = await tune(scenario, {
      budget: { p99: '40ms' },
      wishes: { p99: 1 },
      mostServers: 4,
      ...choices,
    })
    expect(best?.servers).toBe(4)
    expect(nearest?.sentence).toMatch(/^3 servers would keep p99 within 40 ms too: p99 is \d/)
  })

  it('follows the wishes among settings that leave more than 1 % of requests unanswered', async () => {
    const { best, sentence } = await tune(
      { arrivals: '200/s', queue: { capacity: 2 }, stop: { requests: 1000 } },
      {
        budget: { p50: '1s', errorRate: '<= 60%' },
        wishes: { cost: 1 },
        candidates: [
          { name: 'good', quality: 2, price: 10, service: '8ms' },
          { name: 'cheap', quality: 1, price: 1, service: '8ms' },
        ],
        ...{ maxBatchSize: [1], mostServers: 2 },
      },
    )
    expect(best).toMatchObject({ candidate: 'cheap', servers: 1, p99Ms: null })
    expect(sentence).toContain('more than 1 % of requests are not answered, p99 of the others is')
  })

  it('names the cost that bounds it', async () => {
    const { sentence } = await tune(scenario, { budget: { p99: '40ms' }, price: 2, mostCost: 1, ...choices })
    expect(sentence).toBe('No setting keeps p99 within 40 ms with up to 16 servers for at most 1 an hour.')
  })

  it('keeps at least leastServers servers', { tags: 'full' }, async () => {
    const { best } = await tune(scenario, { budget: { p99: '40ms' }, leastServers: 3, ...choices })
    expect(best?.servers).toBe(3)
  })

  it('judges arrivals that end by themselves as they are', async () => {
    const times = Array.from({ length: 500 }, (_, i) => i * 5)
    const { best } = await tune({ arrivals: replay(times), service: '8ms' }, { budget: { p99: '9ms' } })
    // one in 5 ms, each taking 8 ms: one server falls behind, two never keep a request waiting
    expect(settingOf({ best } as Tuned)).toEqual({ candidate: null, servers: 2, maxBatchSize: 1, maxWait: 0 })
    expect(best?.result?.latencyMs.max).toBe(8)
  })
})

// constant arrivals and times, so that every answer is worked out by hand
describe('tune, of very many candidates', () => {
  it('finds the best of them in seconds', { tags: 'at-length' }, async () => {
    const times = Array.from({ length: atLength(300) }, (_, i) => 5 + ((i * 37) % 300) / 10)
    const candidates = times.map((service, i) => ({ name: `m${i}`, quality: service, price: 1, service }))
    const short = { arrivals: { process: 'constant' as const, rate: 20 }, stop: { requests: 500 } }
    const { best, runs } = await tune(short, { budget: { p99: '30ms' }, candidates, maxBatchSize: [1], maxWait: [0] })
    // the slowest that takes at most 30 ms is the best
    expect(best?.quality).toBe(Math.max(...times.filter((time) => time <= 30)))
    expect(runs).toBeLessThan(3 * times.length)
  })
})

describe('tune, of candidates', () => {
  // one request in 10 ms: a server that takes 25 ms needs three of its kind, one that takes 8 ms needs one
  const steady: Scenario = { arrivals: { process: 'constant', rate: 100 }, stop: { requests: 1000 } }
  const exact: Candidate = { name: 'exact', quality: 0.9, price: 1, service: '25ms' }
  const quick: Candidate = { name: 'quick', quality: 0.8, price: 2, service: '8ms' }
  const alone = { maxBatchSize: [1], maxWait: [0] }

  it('prefers the best quality, at the lowest cost', async () => {
    const tuned = await tune(steady, { budget: { p99: '30ms' }, candidates: [quick, exact], ...alone })
    expect(settingOf(tuned)).toEqual({ candidate: 'exact', servers: 3, maxBatchSize: 1, maxWait: 0 })
    expect(tuned.best?.cost).toMatchObject({ perHour: 3, perMillion: (3 / 360_000) * 1e6 })
    // 25 of every 30 ms of server time
    expect(tuned.best?.cost.idle).toBeCloseTo(1 - 25 / 30, 3)
    expect(tuned.sentence).toContain('Run exact on 3 servers, one request at a time, for 3 an hour: p99 is 25 ms')
    expect(tuned.sentence).toContain(
      'It has the highest quality of the settings that keep it (0.900), at the lowest cost for that quality.',
    )
    expect(tuned.front.map(({ candidate, servers, p99Ms }) => [candidate, servers, p99Ms])).toEqual([
      ['quick', 1, 8],
      ['exact', 3, 25],
    ])
    expect(tuned.nearest?.sentence).toBe(
      'quick (quality 0.800) would keep p99 within 30 ms with 1 server, at 0.667 times the cost.',
    )
  })

  it.each([
    // 0.9/0.8 is 12.5 % more quality, for 50 % more cost: worth it from a weight of ln 1.5 / ln 1.125 = 3.44 on
    [{ quality: 3.4, cost: 1 }, 'quick'],
    [{ quality: 3.5, cost: 1 }, 'exact'],
    // no more quality than 0.85 is worth anything: ln 1.5 / ln (0.85 / 0.8) = 6.69
    [{ quality: { weight: 6.6, enough: 0.85 }, cost: 1 }, 'quick'],
    [{ quality: { weight: 6.8, enough: 0.85 }, cost: 1 }, 'exact'],
    [{ cost: 1 }, 'quick'],
    [{ p99: 1 }, 'quick'],
    // 8 and 25 ms are both within 30 ms: what is left is quality
    [{ p99: { weight: 1, enough: '30ms' }, quality: 0.1 }, 'exact'],
  ])('weighs %j', async (wishes, name) => {
    const { best } = await tune(steady, { budget: { p99: '30ms' }, candidates: [exact, quick], wishes, ...alone })
    expect(best?.candidate).toBe(name)
  })

  it('gives up a candidate that is too slow after one run, and one that is overloaded without any', async () => {
    const slow: Candidate = { name: 'slow', quality: 1, price: 1, service: '40ms' }
    const { candidates, nearest, best } = await tune(steady, {
      budget: { p99: '30ms' },
      candidates: [slow, exact, quick],
      mostServers: 2,
      ...alone,
    })
    expect(best?.candidate).toBe('quick')
    expect(candidates.map(({ name, runs, cheapest }) => [name, runs, cheapest?.servers])).toEqual([
      ['slow', 0, undefined],
      ['exact', 0, undefined],
      ['quick', 2, 1],
    ])
    expect(candidates[0]?.outcome).toBe('cannot sustain the load with 2 servers; it needs 5 servers or more')
    // the cheapest way to more quality
    expect(nearest).toMatchObject({ candidate: 'exact', servers: 3, p99Ms: 25, costRatio: 1.5 })
    expect(nearest?.sentence).toBe(
      'exact (quality 0.900) would keep p99 within 30 ms with 3 servers, at 1.50 times the cost.',
    )
  })

  it('says what comes nearest if no candidate keeps the budget', async () => {
    const tooSlow = await tune(steady, { budget: { p99: '6ms' }, candidates: [exact, quick], ...alone })
    expect(tooSlow).toMatchObject({ best: null, front: [] })
    expect(tooSlow.sentence).toBe('No setting keeps p99 within 6 ms with up to 16 servers.')
    expect(tooSlow.nearest?.sentence).toBe(
      'quick (quality 0.800) has a p99 of 8 ms without any waiting: no number of servers keeps p99 within 6 ms.',
    )
    const tooFew = await tune(steady, { budget: { p99: '30ms' }, candidates: [exact], mostServers: 2, ...alone })
    expect(tooFew.nearest?.sentence).toBe('exact (quality 0.900) would keep p99 within 30 ms with 3 servers.')
  })

  it('keeps within the cost that it may have', async () => {
    const options = { budget: { p99: '30ms' }, candidates: [exact, quick], ...alone }
    expect(settingOf(await tune(steady, { ...options, mostCost: 2.5 }))).toMatchObject({ candidate: 'quick' })
    expect((await tune(steady, { ...options, mostCost: 1.5 })).best).toBeNull()
  })

  it('does not search a candidate that cannot be better', async () => {
    const worse: Candidate = { name: 'worse', quality: 0.7, price: 3, service: '9ms' }
    const { candidates } = await tune(steady, { budget: { p99: '30ms' }, candidates: [worse, quick], ...alone })
    expect(candidates[0]).toMatchObject({
      runs: 0,
      outcome: 'cannot be better than quick on 1 server in quality, cost or p99: not searched',
    })
  })

  it('finds with batches what it costs to have the better of two models', { tags: 'full' }, async () => {
    const tuned = await tune(load, { budget, candidates: [large, medium, small] })
    // a request alone takes 114 ms
    expect(tuned.candidates[0]).toMatchObject({ cheapest: null, runs: 0 })
    expect(tuned.best?.candidate).toBe('medium')
    const { servers, batching, cost, result } = tuned.best as NonNullable<Tuned['best']>
    expect(costOf(result as NonNullable<typeof result>, { price: 2 })).toEqual(cost)
    // with one server fewer no batching keeps it
    for (const maxBatchSize of [1, 2, 4, 8, 16, 32]) {
      for (const maxWait of [0, 2, 10, 20]) {
        const fewer = simulate({
          ...load,
          service: medium.service,
          servers: servers - 1,
          batching: { maxBatchSize, maxWait },
        } as never)
        expect(checkBudget(fewer, budget).verdict, `${maxBatchSize} ${maxWait}`).not.toBe('pass')
      }
    }
    expect(batching.maxBatchSize).toBeGreaterThan(1)
    const front = tuned.front.map(
      ({ cost, p99Ms, quality }) => [cost.perHour, p99Ms, quality] as [number, number, number],
    )
    for (const [cost, p99, quality] of front) {
      expect(front.some((other) => other[0] < cost && other[1] < p99 && other[2] > quality)).toBe(false)
    }
    expect(tuned.runs).toBeLessThan(tuned.grid / 10)
  })

  it('takes a stored result of one size of batches, and the service of one that was simulated', async () => {
    const simulated = simulate({ ...steady, service: '8ms' })
    const stored = { ...simulated, scenario: { ...simulated.scenario, service: undefined } } as never
    const options = { budget: { p99: '30ms' }, ...alone }
    const fromScenario = await tune(steady, { ...options, candidates: [{ name: 'a', result: simulated }] })
    const fromTimes = await tune(steady, { ...options, candidates: [{ name: 'a', result: stored }] })
    expect(fromScenario.best?.p99Ms).toBe(8)
    expect(fromTimes.best?.p99Ms).toBeCloseTo(8, 6)
    const batched = simulate({ ...load, service: small.service, batching: { maxBatchSize: 8 } } as never)
    const several = { ...batched, scenario: { ...batched.scenario, service: undefined } } as never
    await expect(tune(load, { budget, candidates: [{ name: 'b', result: several }] })).rejects.toThrow(
      'tune.candidates.b.result: holds batches of several sizes',
    )
  })

  it('says the same, on however many threads', { tags: 'at-length' }, async () => {
    const options = {
      budget: { p99: '60ms' },
      candidates: [small],
      mostServers: 4,
      maxBatchSize: [1, 8],
      maxWait: [0, 5],
    }
    const short: Scenario = { ...load, stop: { requests: atLength(10_000, 1000) } }
    expect(await tune(short, { ...options, threads: 2 })).toEqual(await tune(short, { ...options, threads: 1 }))
  })
})

describe('tune, of recorded service times', () => {
  const times = Array.from({ length: 1200 }, (_, i) => 5 + (i % 3))
  const recorded: Scenario = { arrivals: '50/s', stop: { requests: 1000 } }
  const options = { budget: { p99: '60ms' }, maxBatchSize: [1], maxWait: [0], mostServers: 2 }

  it('confirms by the run of the search if they last no longer, and says so', async () => {
    const service = { model: 'recorded' as const, by: 'order' as const, times }
    const { best, sentence } = await tune(recorded, { ...options, candidates: [{ name: 'a', service }] })
    expect(best).toMatchObject({ confirmed: true, isLonger: false, check: { verdict: 'pass' } })
    expect(best?.result?.counts.offered).toBe(900)
    expect(sentence).toMatch(/^Run a on 1 server/)
    const long = await tune(recorded, { ...options, candidates: [{ name: 'a', service: '6ms' }] })
    expect(long.best).toMatchObject({ confirmed: true, isLonger: true })
  })

  it('names the candidate whose times end within a run of the search', async () => {
    const service = { model: 'recorded' as const, by: 'order' as const, times: times.slice(0, 100) }
    await expect(tune(recorded, { ...options, candidates: [{ name: 'a', service }] })).rejects.toThrow(
      'tune.candidates.a: service.times: has only 100 service times',
    )
  })
})

describe('tune, of a handler', () => {
  it('calibrates it', { tags: 'full' }, async () => {
    const handler = new URL('./handlers/affine.js', import.meta.url)
    const tuned = await tune(
      { arrivals: '20/s', stop: { requests: 2000 } },
      {
        budget: { p99: '1s' },
        candidates: [{ name: 'own', handler }],
        maxBatchSize: [1, 4],
        maxWait: [0],
        mostServers: 2,
      },
    )
    expect(tuned.best).toMatchObject({ candidate: 'own', servers: 1, confirmed: true })
    expect(tuned.best?.result?.scenario?.service).toMatchObject({ model: 'byBatchSize' })
  })
})

it('names the figure that breaks the budget, which need not be p99', async () => {
  const judged = { ...scenario, good: { latency: '9ms' } }
  const { best, sentence, nearest } = await tune(judged, { budget: { goodput: '50%' }, mostServers: 6, ...choices })
  const good = ((best?.result?.goodput?.fraction as number) * 100).toPrecision(3)
  expect(sentence).toContain(`${good} % of requests are good, and it keeps goodput of at least 50 %`)
  expect(nearest?.sentence).toMatch(
    /^\d servers? would break it: goodput is [\d.]+ % at best; the budget is goodput of at least 50 %\.$/,
  )
  const waits = await tune(scenario, { budget: { p99: '1s', 'service.mean': '5ms' }, mostServers: 2, ...choices })
  expect(waits.nearest?.sentence).toMatch(/^The service has a service.mean of 7.75 ms without any waiting/)
})

it('says of how many requests a maximum is the longest', async () => {
  const { sentence, best } = await tune(scenario, { budget: { max: '60ms' }, mostServers: 2, ...choices })
  expect(best?.result?.counts.completed).toBe(36_000)
  expect(sentence).toContain('The max is that of 36,000 requests; a longer run can only raise it.')
})

it('observes in a short run what checkBudget observes', () => {
  const run = { ...scenario, batching: { maxBatchSize: 8, maxWait: '2ms' }, good: { latency: '12ms' } } as const
  const shedding = { ...run, queue: { capacity: 4 } }
  const metrics = ['p50', 'p99', 'p99.9', 'mean', 'max', 'queueing.p95', 'service.mean', 'batching.max']
  const figures = {
    throughput: 1,
    goodput: 0.1,
    meanBatchSize: 3,
    utilization: 0.9,
    errorRate: 0.5,
    rejectionRate: 0.5,
  }
  for (const each of [run, shedding]) {
    const resolved = resolveScenario(each, 'simulate')
    const result = simulate(each)
    const budgets = [...metrics.map((metric) => [metric, '30ms']), ...Object.entries(figures)]
    for (const [metric, limit] of budgets) {
      const { nearest, limitRatio } = runTrial({
        scenario: resolved,
        budget: { errorRate: '100%', [metric as string]: limit },
      })
      const rule = checkBudget(result, { [metric as string]: limit, errorRate: metric === 'errorRate' ? 0.5 : '100%' })
        .rules[0]
      // a request that was never answered has no time
      const observed = nearest?.rule.metric === metric ? nearest?.observed : rule?.observed
      const seen = Number.isFinite(observed) ? observed : null
      if (seen === null) expect(rule?.observed, metric).toBeNull()
      else expect(seen, metric).toBeCloseTo(rule?.observed as number, 9)
      expect(limitRatio).toBeGreaterThanOrEqual(0)
    }
  }
})

describe('tune, ended early', () => {
  const candidates = [medium, small]

  it.each([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('rejects with what its onProgress %s', async (_, onProgress) => {
    await expect(tune(load, { budget, candidates, onProgress })).rejects.toThrow('mine')
    await expect(headroom({ ...scenario }, { p99: '40ms' }, { onProgress })).rejects.toThrow('mine')
  })

  it('ends by a promise of false', async () => {
    const tuned = await tune(load, { budget, candidates, onProgress: async () => false })
    expect(tuned.interrupted).toBe('onProgress')
  })

  it('gives the best so far, not confirmed', async () => {
    const seen: TuneProgress[] = []
    const tuned = await tune(load, {
      budget,
      candidates,
      onProgress: (progress) => {
        seen.push(progress)
        return progress.best === null
      },
    })
    expect(seen.at(-1)?.best).toMatchObject({ candidate: 'medium', keepsBudget: true })
    expect(tuned).toMatchObject({ interrupted: 'onProgress', best: { confirmed: false, result: null, headroom: null } })
    expect(tuned.sentence).toContain('no longer run has confirmed it')
    expect(tuned.unsearched).toEqual([
      expect.stringMatching(/^medium: the search ended at \d+ servers$/),
      'small: nothing was run',
    ])
  })

  it('stays confirmed if it is ended after that', { tags: 'full' }, async () => {
    let calls = 0
    const run = (last: number) => {
      calls = 0
      return tune(scenario, { budget: { p99: '40ms' }, mostServers: 1, ...choices, onProgress: () => ++calls < last })
    }
    await run(Number.POSITIVE_INFINITY)
    const { best, sentence, interrupted } = await run(calls)
    expect({ interrupted, confirmed: best?.confirmed }).toEqual({ interrupted: 'onProgress', confirmed: true })
    expect(sentence).toContain('No setting with fewer servers keeps it.')
    expect(sentence).not.toContain('not confirmed')
  })

  it.each([
    ['onProgress', { onProgress: () => false }],
    ['atMost', { atMost: '10ms' }],
  ] as const)('ends while a handler hangs that is calibrated, by %s', async (by, options) => {
    const handler = new URL('../measure/handlers/hangs.js', import.meta.url)
    const tuned = await tune(load, { budget, candidates: [{ name: 'hangs', handler }], ...options })
    expect(tuned).toMatchObject({ best: null, interrupted: by, runs: 0, candidates: [] })
    expect(tuned.sentence).toBe('The search ended before it found a setting that keeps p99 within 100 ms.')
    expect(tuned.unsearched).toEqual(['everything: handlers were still being calibrated'])
  })

  it('rejects with the reason of its signal, in a calibration and on threads', async () => {
    const handler = new URL('../measure/handlers/hangs.js', import.meta.url)
    const abortion = new AbortController()
    const calibrated = tune(load, { budget, candidates: [{ name: 'hangs', handler }], signal: abortion.signal })
    setTimeout(() => abortion.abort('enough'), 50)
    await expect(calibrated).rejects.toBe('enough')

    const running = new AbortController()
    const long: Scenario = { ...scenario, stop: { requests: 5_000_000 } }
    const onThreads = tune(long, { budget: { p99: '40ms' }, ...choices, threads: 2, signal: running.signal })
    setTimeout(() => running.abort('enough'), 200)
    await expect(onThreads).rejects.toBe('enough')
  })

  it('gives nothing if there was nothing', async () => {
    const tuned = await tune(load, { budget, candidates, onProgress: () => false })
    expect(tuned).toMatchObject({ best: null, interrupted: 'onProgress', runs: 0, nearest: null })
    expect(tuned.sentence).toBe('The search ended before it found a setting that keeps p99 within 100 ms.')
  })

  it('says what it did not look at within atMost, and confirms what it found', async () => {
    const tuned = await tune(load, { budget, candidates, atMost: '1us' })
    expect(tuned).toMatchObject({ best: null, interrupted: 'atMost' })
    expect(tuned.unsearched).toEqual(['medium: nothing was run', 'small: nothing was run'])
  })
})

describe('what tune refuses', () => {
  it.each([
    [{}, 'tune.budget: must be a budget'],
    [{ budget: { p98: '1parsec' } }, 'tune.budget.p98: must be a time'],
    [{ budget, mostServers: 0 }, 'tune.mostServers: must be a whole number of at least 1'],
    [{ budget, leastServers: 20 }, 'tune.leastServers: must be at most mostServers, 16'],
    [{ budget, maxBatchSize: [0] }, 'tune.maxBatchSize.0: must be a whole number'],
    [{ budget, maxWait: [] }, 'tune.maxWait: must be a list of one or more durations'],
    [{ budget, servers: 2 }, "'servers' is not an option here"],
    [{ budget, price: 1e308 }, 'tune.price: must be the price of one server for an hour, a number from 1e-30 to 1e+30'],
    [{ budget, price: Number.NaN }, 'tune.price: must be the price of one server for an hour'],
    [{ budget, calibrateAt: { utilization: 2 } }, 'tune.calibrateAt.utilization: must be a number above 0 and below 1'],
    [{ budget, mostCost: 3 }, 'tune.mostCost: needs a price'],
    [{ budget, wishes: { quality: 1 } }, 'tune.wishes.quality: must be omitted if candidates have no quality'],
    [
      { budget, candidates: [{ ...small, quality: undefined }], wishes: { quality: { weight: 2 }, cost: 1 } },
      'tune.wishes.quality: must be omitted if candidates have no quality, got {"weight":2}; or give each one, such as',
    ],
    [{ budget, candidates: [] }, 'tune.candidates: must be a list of one or more candidates'],
    [
      { budget, candidates: [{ ...small, quality: Number.NaN }] },
      'tune.candidates.0.quality: must be a number above 0',
    ],
    [{ budget, candidates: [small, { ...medium, name: 'small' }] }, 'candidates 1 and 2 have the same name'],
    [{ budget, candidates: [small, { ...medium, quality: undefined }] }, "'small' has a quality and 'medium' has none"],
    [
      { budget, candidates: [small, { ...medium, price: undefined }] },
      "tune.candidates.medium.price: is missing: 'small'",
    ],
    [{ budget, candidates: [{ name: 'none' }] }, "candidate 'none' needs one of service, handler, result"],
    [
      { budget, candidates: [small], wishes: {} },
      'tune.wishes: must give quality, cost, p99 or goodput a weight above 0',
    ],
    [
      { budget, candidates: [small], wishes: { goodput: 1 } },
      "tune.wishes.goodput: needs the scenario's good: the longest times of a good request",
    ],
    [{ budget: { goodput: '90%' }, candidates: [small] }, "tune.budget.goodput: needs the scenario's good"],
    [
      { budget, candidates: [small], wishes: { goodput: { weight: 1, enough: '101%' } } },
      'must be a fraction above 0 and at most 1',
    ],
    [{ budget, candidates: [small], wishes: { quality: -1 } }, 'tune.wishes.quality: must be a weight'],
    [
      { budget, candidates: [{ name: 'few', service: byBatchSize({ 1: 2 }) }], maxBatchSize: [8] },
      "the service times of 'few' are known only for batches of up to 1",
    ],
  ])('refuses the options %j', async (options, message) => {
    await expect(tune(load, options as unknown as TuneOptions)).rejects.toThrow(message)
  })

  it.each([
    [null, 'must be an object of arrivals'],
    [undefined, 'must be an object of arrivals'],
    [{ ...scenario, arrivals: null }, 'arrivals: must be a rate above 0'],
  ])('refuses the scenario %j', async (wrong, message) => {
    await expect(tune(wrong as unknown as Scenario, { budget })).rejects.toThrow(message)
  })

  it('names the candidate that cannot be loaded', async () => {
    const candidates = [small, { name: 'gone', quality: 1, price: 1, handler: './no-such-model.js' }]
    await expect(tune(load, { budget, candidates })).rejects.toThrow(/gone.*no-such-model/)
  })

  it('needs a service, a handler or candidates', async () => {
    await expect(tune(load, { budget })).rejects.toThrow('service: is required')
  })
})

describe('costOf', () => {
  it('is arithmetic', () => {
    const result = simulate({
      arrivals: { process: 'constant', rate: 50 },
      service: '10ms',
      servers: 2,
      stop: { requests: 5000 },
    })
    const cost = costOf(result, { price: 1.8 })
    expect(cost.perHour).toBe(3.6)
    // 50 a second are 180,000 an hour
    expect(cost.perMillion).toBeCloseTo(20, 2)
    expect(cost.idle).toBeCloseTo(0.75, 6)
    expect(cost.perServer).toBeCloseTo(25, 2)
    expect(costOf(result)).toEqual({ ...cost, perHour: null, perMillion: null })
  })

  it('has none where servers are not limited', async () => {
    const result = await measure({
      arrivals: '200/s',
      call: () => {},
      stop: { duration: '100ms' },
      warmup: { requests: 0 },
    })
    expect(costOf(result, { price: 1 })).toEqual({ perHour: null, perMillion: null, idle: null, perServer: null })
  })

  it.each([-1, Number.NaN, 1e308, '1' as never])('refuses the price %s', (price) => {
    const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 1000 } })
    expect(() => costOf(result, { price })).toThrow('cost.price: must be the price of one server for an hour')
  })
})
