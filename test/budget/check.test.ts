import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affine,
  type Budget,
  type BudgetMetric,
  checkBudget,
  exponential,
  type Result,
  replicate,
  type Scenario,
  ScenarioError,
  simulate,
  summarizeRuns,
} from '../../src/index.js'

const service = affine({ base: '10ms', variation: exponential() })
const halfBusy: Scenario = { arrivals: '50/s', service, stop: { requests: 100_000 } }
const result = simulate(halfBusy)
const lossy = simulate({ ...halfBusy, queue: { timeout: '40ms', capacity: 3 } })

const ruleOf = (of: Result, budget: Budget, metric: string) => {
  const found = checkBudget(of, budget).rules.find((rule) => rule.metric === metric)
  if (found === undefined) throw new Error(`no rule of ${metric}`)
  return found
}
const verdictOf = (metric: BudgetMetric, limit: string | number, of = result) =>
  ruleOf(of, { [metric]: limit }, metric).verdict

describe('a verdict', () => {
  const { low, high } = result.latencyMs.intervals.p99 as { low: number; high: number }
  const { p99 } = result.latencyMs

  it('is by the interval, not by the estimate', () => {
    expect(low).toBeLessThan(p99)
    expect(verdictOf('p99', high)).toBe('pass')
    expect(verdictOf('p99', (p99 + high) / 2)).toBe('inconclusive')
    expect(verdictOf('p99', (p99 + low) / 2)).toBe('inconclusive')
    expect(verdictOf('p99', low)).toBe('inconclusive')
    expect(verdictOf('p99', low - 1e-6)).toBe('fail')
  })

  it('minds whether the limit itself is allowed', () => {
    expect(verdictOf('p99', `< ${high}ms`)).toBe('inconclusive')
    expect(verdictOf('p99', `<= ${high}ms`)).toBe('pass')
    expect(verdictOf('p99', `>= ${low}ms`)).toBe('pass')
    expect(verdictOf('p99', `> ${low}ms`)).toBe('inconclusive')
    expect(verdictOf('p99', `< ${low}ms`)).toBe('fail')
    expect(verdictOf('p99', `> ${high}ms`)).toBe('fail')
  })

  it('of constant times is told at the limit itself', () => {
    const constant = simulate({
      arrivals: { process: 'constant', rate: 50 },
      service: '10ms',
      stop: { requests: 10_000 },
    })
    const budget: Budget = { p99: '10ms', mean: '10ms', 'service.p95': '10ms', 'wait.p50': 0, throughput: '50/s' }
    expect(checkBudget(constant, { ...budget, meanBatchSize: 1, utilization: 0.5 }).verdict).toBe('pass')
    expect(verdictOf('p99', '< 10ms', constant)).toBe('fail')
    expect(verdictOf('throughput', '> 50.1/s', constant)).toBe('fail')
  })

  it('of max is by what was observed', () => {
    const { max } = result.serviceMs
    expect(ruleOf(result, { 'service.max': max }, 'service.max')).toMatchObject({ verdict: 'pass', interval: null })
    expect(verdictOf('service.max', max * 0.999999)).toBe('fail')
  })

  it('of the whole is the gravest', () => {
    expect(checkBudget(result, { p99: high, p50: high }).verdict).toBe('pass')
    expect(checkBudget(result, { p99, p50: high }).verdict).toBe('inconclusive')
    expect(checkBudget(result, { p99, p50: 1 }).verdict).toBe('fail')
  })

  it('is the same of a result from a file', () => {
    const budget: Budget = { p99, p97: 80, 'queueing.p80': 20, throughput: '49/s', errorRate: '1%', utilization: 0.6 }
    const stored = JSON.parse(JSON.stringify(result))
    expect(checkBudget(stored, budget)).toEqual(checkBudget(result, budget))
    const check = checkBudget(result, budget)
    expect(JSON.parse(JSON.stringify(check))).toEqual(check)
  })

  it('of replications is by how far they differ', async () => {
    const replicated = await replicate(halfBusy, { replications: 4 })
    const { verdict, interval } = ruleOf(replicated, { p97: '100ms' }, 'p97')
    expect(verdict).toBe('pass')
    expect(interval?.low).toBeLessThan(interval?.high as number)
  })
})

describe('what is too little to judge', () => {
  it('says how many requests it takes for the percentile', () => {
    const short = simulate({ ...halfBusy, stop: { requests: 2000 } })
    const { verdict, reason } = ruleOf(short, { p99: '1s' }, 'p99')
    expect(verdict).toBe('inconclusive')
    expect(reason).toMatch(/p99 takes 1,500: a window of about [\d,]+ requests \(\d+ s\) would do/)
  })

  it('says how many would tell where the limit lies within the interval', () => {
    const { p99, intervals } = result.latencyMs
    const limit = (p99 + (intervals.p99.high as number)) / 2
    const { reason } = ruleOf(result, { p99: limit }, 'p99')
    // half the way: four times the requests, but for what is in the window
    expect(reason).toMatch(
      /^the limit lies within the interval: were the true value as observed, about 360,000 requests/,
    )
    expect(ruleOf(result, { p99 }, 'p99').reason).toMatch(/too near to what was observed/)
  })

  it('is an invalid run, whatever it shows', () => {
    const saturated = simulate({ ...halfBusy, arrivals: '150/s' })
    const { verdict, rules, findings } = checkBudget(saturated, { p99: '1ms', 'service.max': '1h' })
    expect(verdict).toBe('inconclusive')
    expect(rules.map((rule) => [rule.verdict, rule.reason])).toEqual(
      rules.map(() => ['inconclusive', 'the run is invalid: saturated']),
    )
    expect(findings.map(({ code }) => code)).toEqual(['saturated'])
  })

  it('is a metric that the run has not', () => {
    const unlimited = { ...result, utilization: null }
    expect(ruleOf(unlimited, { utilization: '100%' }, 'utilization')).toMatchObject({
      observed: null,
      verdict: 'inconclusive',
      reason: expect.stringMatching(/servers are not limited/),
    })
    const { rules, verdict, latency } = checkBudget(result.latencyMs, { 'wait.p99': '1h', errorRate: 1 })
    expect([verdict, latency]).toEqual(['inconclusive', null])
    expect(rules.map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive'])
  })
})

describe('a percentile that is not stored', () => {
  it('of latency has an interval of its own', () => {
    const { interval, observed } = ruleOf(result, { p97: 80 }, 'p97')
    // of M/M/1 at 50 % load, exactly: -20 ms ln(0.03)
    const exact = -20 * Math.log(0.03)
    expect(interval?.low).toBeLessThan(exact)
    expect(interval?.high).toBeGreaterThan(exact)
    expect((interval?.high as number) - (interval?.low as number)).toBeLessThan(0.15 * exact)
    expect(observed).toBeCloseTo(exact, -1)
  })

  it('of a part lies between the outer ends of its neighbours', () => {
    const { p95, p99, p999 } = result.queueingMs.intervals
    expect(ruleOf(result, { 'queueing.p97': 80 }, 'queueing.p97').interval).toEqual({
      low: p95.low,
      high: p99.high,
      level: 0.95,
    })
    expect(ruleOf(result, { 'queueing.p99.99': 80 }, 'queueing.p99.99').interval).toEqual({
      low: p999.low,
      high: null,
      level: 0.95,
    })
    expect(verdictOf('queueing.p10', '1h')).toBe('pass')
    expect(verdictOf('queueing.p99.5', '1ms')).toBe('fail')
    expect(verdictOf('queueing.p99.99', '1h')).toBe('inconclusive')
  })
})

describe('errors', () => {
  it('are allowed by no budget that does not say so', () => {
    const { rules, verdict } = checkBudget(lossy, { p50: '1s' })
    expect(verdict).toBe('fail')
    expect(rules.at(-1)).toMatchObject({
      metric: 'errorRate',
      relation: '<=',
      limit: 0,
      observed: lossy.rates.error,
      verdict: 'fail',
      implied: true,
    })
    expect(checkBudget(result, { p50: '1s' }).rules.at(-1)).toMatchObject({ verdict: 'pass', implied: true })
  })

  it('count rejections, unless those have a limit of their own', () => {
    const rejecting = simulate({ ...halfBusy, queue: { capacity: 3 } })
    expect(rejecting.rates.rejection).toBeGreaterThan(0)
    expect(checkBudget(rejecting, { p50: '1s' }).verdict).toBe('fail')
    const { rules, verdict } = checkBudget(rejecting, { p50: '1s', rejectionRate: '20%' })
    expect(verdict).toBe('pass')
    expect(rules.map(({ metric, implied }) => [metric, implied])).toEqual([
      ['p50', undefined],
      ['rejectionRate', undefined],
      ['errorRate', true],
    ])
  })

  it('of which none was seen are judged by the rule of three', () => {
    const { offered } = result.counts
    expect(verdictOf('errorRate', 0)).toBe('pass')
    expect(verdictOf('errorRate', 3.7 / offered)).toBe('pass')
    expect(verdictOf('errorRate', 3.6 / offered)).toBe('inconclusive')
  })

  it('are judged by their interval where some are allowed', () => {
    const { error } = lossy.rates
    expect(verdictOf('errorRate', error, lossy)).toBe('inconclusive')
    expect(verdictOf('errorRate', error * 1.2, lossy)).toBe('pass')
    expect(verdictOf('errorRate', `< ${80 * error}%`, lossy)).toBe('fail')
  })

  it('do not flatter a percentile: a request without an answer is slower than any limit', () => {
    const budget: Budget = { p99: '1h', p90: '1h', errorRate: '20%' }
    expect(ruleOf(lossy, budget, 'p90').verdict).toBe('pass')
    expect(ruleOf(lossy, budget, 'p99')).toMatchObject({
      observed: null,
      verdict: 'fail',
      reason: expect.stringMatching(/ requests were never answered/),
    })
    // nor one with a limit from below
    const below = ruleOf(lossy, { ...budget, p50: '> 1ms' }, 'p50')
    expect(below.observed).toBeLessThan(lossy.latencyMs.p50)
  })
})

describe('rates', () => {
  const batched = simulate({
    arrivals: '500/s',
    service: affine({ base: '5ms', perItem: '1ms' }),
    batching: { maxBatchSize: 16 },
    stop: { requests: 100_000 },
  })

  it.each([
    ['throughput', 500],
    ['utilization', batched.utilization as number],
    ['meanBatchSize', batched.batches.meanSize],
  ] as const)('%s have an interval about what was observed', (metric, near) => {
    const { interval, observed } = ruleOf(batched, { [metric]: metric === 'utilization' ? 1 : 1000 }, metric)
    const [low, high] = [interval?.low as number, interval?.high as number]
    expect(low).toBeLessThan(observed as number)
    expect(high).toBeGreaterThan(observed as number)
    expect(high - low).toBeLessThan(0.05 * near)
    expect(low).toBeLessThanOrEqual(near * 1.01)
    expect(high).toBeGreaterThanOrEqual(near * 0.99)
  })
})

describe('in any run', { timeout: 60_000 }, () => {
  const metrics = [
    'p1',
    'p50',
    'p97',
    'p99',
    'p99.99',
    'mean',
    'max',
    'wait.p99',
    'queueing.p30',
    'service.p95',
  ] as const
  const runs = [result, lossy, simulate({ ...halfBusy, stop: { requests: 3000 } })]
  const anyRun = fc.constantFrom(...runs)
  const metric = fc.constantFrom(...metrics)
  const limit = fc.double({ min: 0, max: 300, noNaN: true })
  const rank = { fail: 0, inconclusive: 1, pass: 2 }
  const judged = (run: Result, metric: BudgetMetric, relation: string, limit: number) =>
    ruleOf(run, { [metric]: `${relation} ${limit.toFixed(6)}ms`, errorRate: 1 }, metric).verdict

  it('a looser limit is never judged worse', () => {
    fc.assert(
      fc.property(anyRun, metric, limit, limit, fc.constantFrom('<', '<='), (run, metric, a, b, relation) => {
        const [tight, loose] = [Math.min(a, b), Math.max(a, b)].map((each) => rank[judged(run, metric, relation, each)])
        expect(loose).toBeGreaterThanOrEqual(tight as number)
      }),
      { seed: 5, numRuns: 12 },
    )
  })

  it('a rule and its opposite are judged oppositely', () => {
    const opposite = { pass: 'fail', fail: 'pass', inconclusive: 'inconclusive' }
    fc.assert(
      fc.property(fc.constantFrom(runs[0] as Result, runs[2] as Result), metric, limit, (run, metric, limit) => {
        expect(judged(run, metric, '>', limit)).toBe(opposite[judged(run, metric, '<=', limit)])
        expect(judged(run, metric, '>=', limit)).toBe(opposite[judged(run, metric, '<', limit)])
      }),
      { seed: 5, numRuns: 12 },
    )
  })

  it('no limit and its opposite both pass', () => {
    fc.assert(
      fc.property(anyRun, metric, limit, (run, metric, limit) => {
        const both = [judged(run, metric, '<=', limit), judged(run, metric, '>', limit)]
        expect(both).not.toEqual(['pass', 'pass'])
      }),
      { seed: 5, numRuns: 12 },
    )
  })
})

describe('a result that cannot be believed', () => {
  const edited = (edit: (copy: Result) => void): Result => {
    const copy = structuredClone(result)
    edit(copy)
    return copy
  }

  it.each<[string, Result, RegExp]>([
    [
      'another version',
      { ...result, schema: 'throughline/result@2' as Result['schema'] },
      /^result: must be a result, with the schema "throughline\/result@1", got "throughline\/result@2"/,
    ],
    ['no result', {} as Result, /^result: must be a result/],
    ['nothing', null as unknown as Result, /^result: must be a result/],
    [
      'a percentile out of order',
      edited((r) => {
        r.latencyMs.p99 = 1
      }),
      /^result\.latencyMs: must have min, p50, .* rising order/,
    ],
    [
      'a percentile of its own',
      edited((r) => {
        r.latencyMs.p99 *= 0.99
      }),
      /latencyMs: must have the p99 that its histogram has/,
    ],
    [
      'a percentile of a part',
      edited((r) => {
        r.serviceMs.p50 *= 1.01
      }),
      /serviceMs: must have the p50 that its histogram has/,
    ],
    [
      'a mean of its own',
      edited((r) => {
        r.latencyMs.mean *= 0.9
      }),
      /latencyMs: must have the mean that its histogram has/,
    ],
    [
      'larger batches',
      edited((r) => {
        r.batches.meanSize += 1
      }),
      /^result\.batches: must have the count and the mean that their sizes have/,
    ],
    [
      'servers that serve more than they can',
      edited((r) => {
        r.utilization = 7
      }),
      /^result\.utilization: must be at most 1/,
    ],
    [
      'no segments',
      edited((r) => {
        r.segments = undefined as unknown as Result['segments']
      }),
      /^result\.segments: must be a list, got nothing/,
    ],
    [
      'counts that do not add up',
      edited((r) => {
        r.counts.failed = 3
      }),
      /^result\.counts\.offered: must be the sum/,
    ],
    [
      'errors explained away',
      edited((r) => {
        r.rates.error = 0.5
      }),
      /^result\.rates\.error: must be the share/,
    ],
    [
      'fewer latencies',
      edited((r) => {
        r.latencyMs.count -= 1
      }),
      /latencyMs: must have as many values as its histogram/,
    ],
    [
      'no histogram',
      edited((r) => {
        r.latencyMs.histogram = 'x'
      }),
      /latencyMs: must have a histogram in the compressed base64/,
    ],
    [
      'an interval turned round',
      edited((r) => {
        r.latencyMs.intervals.p99.low = 1e6
      }),
      /intervals\.p99: must have a low end/,
    ],
    [
      'segments left out',
      edited((r) => {
        r.segments.pop()
      }),
      /^result\.segments: must add up/,
    ],
    [
      'an error made valid',
      edited((r) => {
        r.validity.valid = false
      }),
      /^result\.validity\.valid: must be true/,
    ],
  ])('%s is refused by name', (_, of, message) => {
    const check = () => checkBudget(of, { p99: 100 })
    expect(check).toThrow(ScenarioError)
    expect(check).toThrow(message)
  })
})

describe('durations alone', () => {
  it('are judged by how far runs of them differ', () => {
    const runs = Array.from({ length: 6 }, (_, run) =>
      Array.from({ length: 500 }, (_, i) => 10 + (i % 10) + 0.01 * run),
    )
    const { verdict, rules } = checkBudget(summarizeRuns(runs), { p50: '20ms', mean: '< 20ms', max: '20ms' })
    expect(rules).toHaveLength(3)
    expect(verdict).toBe('pass')
    expect(checkBudget(summarizeRuns(runs.slice(0, 1)), { p50: '20ms' })).toMatchObject({
      verdict: 'inconclusive',
      rules: [{ reason: expect.stringMatching(/5 runs or more, and there are 1/) }],
    })
  })
})
