import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affine,
  type Budget,
  type BudgetMetric,
  checkBudget,
  exponential,
  type Finding,
  type Result,
  replicate,
  type Scenario,
  simulate,
  stages,
  summarizeRuns,
  ValidationError,
} from '../../src/index.js'
import { atLength } from '../support/at-length.js'

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
  const { p99 } = result.latencyMs
  // of M/M/1 at 50 % load, exactly: -20 ms ln(0.01)
  const exact = -20 * Math.log(0.01)

  it('uses the fraction of requests over the limit, not the estimated percentile', () => {
    expect(verdictOf('p99', 1.2 * exact)).toBe('pass')
    expect(verdictOf('p99', p99)).toBe('inconclusive')
    expect(verdictOf('p99', exact)).toBe('inconclusive')
    expect(verdictOf('p99', 0.8 * exact)).toBe('fail')
  })

  it('has the fraction and bounds that cover the true one', () => {
    for (const times of [0.5, 0.8, 0.9]) {
      const { over, interval, reason } = ruleOf(result, { p99: times * exact }, 'p99')
      const fraction = 0.01 ** times
      expect(interval).toBeNull()
      expect(over?.allowed).toBe(0.01)
      expect(over?.fraction).toBeCloseTo(fraction, 2)
      expect(over?.low).toBeLessThan(fraction)
      expect(over?.high).toBeGreaterThan(fraction)
      expect(reason).toMatch(
        /^[\d.]+ % of requests took longer than [\d.]+ ms; 1 % may; 95 % interval [\d.]+ to [\d.]+ %$/,
      )
    }
  })

  it('needs few requests if the limit is far above all latencies', () => {
    const short = simulate({ ...halfBusy, stop: { requests: 1000 } })
    expect(verdictOf('p99', 10 * exact, short)).toBe('pass')
    // 0 of 225 may be chance
    expect(verdictOf('p99', 10 * exact, simulate({ ...halfBusy, stop: { requests: 250 } }))).toBe('inconclusive')
  })

  it('depends on whether the limit itself is allowed', () => {
    expect(verdictOf('p99', `>= ${0.8 * exact}ms`)).toBe('pass')
    expect(verdictOf('p99', `> ${1.2 * exact}ms`)).toBe('fail')
    expect(ruleOf(result, { p99: `< ${exact}ms` }, 'p99').reason).toMatch(
      /% of requests took [\d.]+ ms or longer; 1 % may/,
    )
    expect(ruleOf(result, { p99: `> ${exact}ms` }, 'p99').reason).toMatch(/longer than [\d.]+ ms; more than 1 % must/)
  })

  it('is clear for constant times at the limit itself', () => {
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

  it('on max uses the observed value', () => {
    const { max } = result.serviceMs
    expect(ruleOf(result, { 'service.max': max }, 'service.max')).toMatchObject({ verdict: 'pass', interval: null })
    expect(verdictOf('service.max', max * 0.999999)).toBe('fail')
  })

  it('on the budget is the worst of its rules', () => {
    expect(checkBudget(result, { p99: '150ms', p50: '150ms' }).verdict).toBe('pass')
    expect(checkBudget(result, { p99, p50: '150ms' }).verdict).toBe('inconclusive')
    expect(checkBudget(result, { p99, p50: 1 }).verdict).toBe('fail')
  })

  it('is the same for a result from a file', () => {
    const budget: Budget = { p99, p97: 80, 'queueing.p80': 20, throughput: '49/s', errorRate: '1%', utilization: 0.6 }
    const stored = JSON.parse(JSON.stringify(result))
    expect(checkBudget(stored, budget)).toEqual(checkBudget(result, budget))
    const check = checkBudget(result, budget)
    expect(JSON.parse(JSON.stringify(check))).toEqual(check)
  })

  it('on replications uses the differences between them', async () => {
    const replicated = await replicate({ ...halfBusy, stop: { requests: 25_000 } }, { replications: 4 })
    const { verdict, over } = ruleOf(replicated, { p97: '100ms' }, 'p97')
    expect(verdict).toBe('pass')
    // the exact fraction of requests over 100 ms is exp(-5)
    expect(over?.low).toBeLessThan(Math.exp(-5))
    expect(over?.high).toBeGreaterThan(Math.exp(-5))
    expect(ruleOf(replicated, { p99: exact }, 'p99').reason).toMatch(/replications/)
  })
})

describe('an inconclusive rule', () => {
  const exact99 = result.latencyMs.p99

  it('first advises how long a run would decide, which is never shorter than this one', () => {
    for (const [requests, limit] of [
      [250, '1s'],
      [2000, '110ms'],
      [10_000, '84ms'],
    ] as const) {
      const short = simulate({ ...halfBusy, stop: { requests } })
      const { verdict, reason } = ruleOf(short, { p99: limit }, 'p99')
      expect(verdict).toBe('inconclusive')
      const [, advised, seconds] =
        /^run longer: about ([\d,]+) requests \(([\d,.]+) s\) would decide; /.exec(reason ?? '') ?? []
      const number = Number(advised?.replaceAll(',', ''))
      expect(number).toBeGreaterThan(short.counts.offered)
      expect(Number(seconds?.replaceAll(',', ''))).toBeCloseTo(number / 50, -Math.floor(Math.log10(number / 50)))
      // such a run does decide
      expect(verdictOf('p99', limit, simulate({ ...halfBusy, stop: { requests: Math.round(number / 0.9) } }))).not.toBe(
        'inconclusive',
      )
    }
  })

  it('advises another limit if a longer run is unlikely to decide', () => {
    expect(ruleOf(result, { p99: exact99 }, 'p99').reason).toMatch(
      /^a longer run is unlikely to decide: choose another limit/,
    )
  })

  it('advises how many durations would decide if a limit lies within an interval', () => {
    const { mean, intervals } = result.latencyMs
    const limit = (mean + (intervals.mean.high as number)) / 2
    // half the distance: four times the requests
    expect(ruleOf(result, { mean: limit }, 'mean').reason).toMatch(
      /^run longer: about 3[56789]0,000 requests \(\S+ s\) would decide; the limit lies within the interval/,
    )
    expect(ruleOf(result, { mean }, 'mean').reason).toMatch(/too near to the observed value/)
  })

  it('may be about a metric that the run does not have', () => {
    const unlimited = { ...result, utilization: null }
    expect(ruleOf(unlimited, { utilization: '100%' }, 'utilization')).toMatchObject({
      observed: null,
      verdict: 'inconclusive',
      reason: expect.stringMatching(/servers are not limited/),
    })
    const { rules, verdict, latency } = checkBudget(result.latencyMs, { 'wait.p99': '1h', errorRate: '100%' })
    expect([verdict, latency]).toEqual(['inconclusive', null])
    expect(rules.map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive'])
  })
})

describe('a percentile that is not stored', () => {
  it('of latency is judged like any other', () => {
    const { over, observed } = ruleOf(result, { p97: 80 }, 'p97')
    // of M/M/1 at 50 % load, exactly: -20 ms ln(0.03)
    expect(observed).toBeCloseTo(-20 * Math.log(0.03), -1)
    expect(over).toMatchObject({ allowed: 0.03, fraction: expect.closeTo(Math.exp(-4), 2) })
  })

  it('of a part is bounded by the intervals of its neighbours', () => {
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
    // the longest latency is below the limit, so each part is too
    expect(verdictOf('queueing.p99.9', '1h')).toBe('pass')
    expect(verdictOf('queueing.p99.99', result.latencyMs.max / 1.1)).toBe('inconclusive')
  })
})

describe('errors', () => {
  it('are not allowed unless the budget has a limit on them', () => {
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

  it('include rejections, unless these have their own limit', () => {
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

  it('are judged by the rule of three if there were none', () => {
    const { offered } = result.counts
    expect(verdictOf('errorRate', 0)).toBe('pass')
    expect(verdictOf('errorRate', 3.7 / offered)).toBe('pass')
    expect(verdictOf('errorRate', 3.6 / offered)).toBe('inconclusive')
  })

  it('are judged by their interval if some are allowed', () => {
    const { error } = lossy.rates
    expect(verdictOf('errorRate', error, lossy)).toBe('inconclusive')
    expect(verdictOf('errorRate', error * 1.2, lossy)).toBe('pass')
    expect(verdictOf('errorRate', `< ${80 * error}%`, lossy)).toBe('fail')
  })

  it('do not improve a percentile: an unanswered request is slower than any limit', () => {
    const budget: Budget = { p99: '1h', p90: '1h', errorRate: '20%' }
    expect(ruleOf(lossy, budget, 'p90').verdict).toBe('pass')
    expect(ruleOf(lossy, budget, 'p99')).toMatchObject({
      observed: null,
      verdict: 'fail',
      reason: expect.stringMatching(/ requests were never answered/),
    })
    // nor a percentile with a lower limit
    const below = ruleOf(lossy, { ...budget, p50: '> 1ms' }, 'p50')
    expect(below.observed).toBeLessThan(lossy.latencyMs.p50)
  })
})

describe('findings', () => {
  const short = simulate({ ...halfBusy, stop: { requests: 20_000 } })
  const found = (code: Finding['code'], severity: Finding['severity'] = 'error', of = short): Result => ({
    ...of,
    validity: { valid: severity !== 'error', findings: [{ code, severity, message: '', figures: {} }] },
  })
  const budget = { p99: '200ms' }

  it.each(['event-loop-late', 'machine-unsteady', 'cpu-contention', 'cpu-throttled'] as const)(
    '%s can only have lengthened latency, and stops no pass',
    (code) => {
      expect(ruleOf(found(code), budget, 'p99').verdict).toBe('pass')
      // in the calmest tenth of the run at most 1 % of requests took longer
      const { verdict, reason } = ruleOf(found(code, 'warning'), { p99: '70ms' }, 'p99')
      expect(ruleOf(short, { p99: '70ms' }, 'p99').verdict).toBe('fail')
      expect(verdict).toBe('inconclusive')
      expect(reason).toContain(`run again on a quiet machine: the machine, not the code, may be the cause (${code}); `)
      // a limit that never held still fails
      expect(ruleOf(found(code), { p99: '10ms', p50: '1ms' }, 'p99').verdict).toBe('fail')
      expect(ruleOf(found(code), { mean: '5ms' }, 'mean').verdict).toBe('fail')
      // a lower limit is the other way round
      expect(ruleOf(found(code), { p99: '> 70ms' }, 'p99').verdict).toBe('inconclusive')
    },
  )

  it.each(['cut-off', 'interrupted', 'server-died'] as const)(
    '%s may hide long latencies, and stops no fail',
    (code) => {
      expect(ruleOf(found(code), budget, 'p99')).toMatchObject({
        verdict: 'inconclusive',
        reason: `the run is invalid: ${code}`,
      })
      expect(ruleOf(found(code), { p99: '50ms' }, 'p99').verdict).toBe('fail')
      expect(ruleOf(found(code), { mean: '1ms' }, 'mean').verdict).toBe('fail')
    },
  )

  it('about contradictory figures prevent pass and fail', () => {
    for (const p99 of ['200ms', '50ms']) {
      expect(ruleOf(found('littles-law'), { p99 }, 'p99').verdict).toBe('inconclusive')
    }
  })

  it('with an unknown code prevent pass and fail if they are errors', () => {
    for (const code of ['martian', 'constructor', '__proto__']) {
      const result = found(code as Finding['code'])
      for (const p99 of ['200ms', '50ms']) expect(ruleOf(result, { p99 }, 'p99').verdict).toBe('inconclusive')
      expect(ruleOf(found(code as Finding['code'], 'warning'), { p99: '200ms' }, 'p99').verdict).toBe('pass')
    }
  })

  it('not about latency change nothing', () => {
    for (const code of ['unsteady', 'failures', 'teardown-failed', 'too-few-samples', 'over-an-hour'] as const) {
      expect(ruleOf(found(code, 'warning'), budget, 'p99').verdict).toBe('pass')
      expect(ruleOf(found(code, 'warning'), { p99: '50ms' }, 'p99').verdict).toBe('fail')
    }
  })

  it('do not affect errors, rates and max', () => {
    for (const code of ['littles-law', 'cut-off', 'event-loop-late'] as const) {
      const { rules } = checkBudget(found(code), {
        max: '1h',
        'service.max': '1us',
        throughput: '40/s',
        errorRate: '1%',
      })
      expect(rules.map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'pass', 'pass'])
    }
  })

  it('of a saturated run do not affect its throughput', () => {
    const saturated = simulate({ ...halfBusy, arrivals: '150/s' })
    // 100/s are served; the drain serves the rest
    expect(ruleOf(saturated, { throughput: '120/s' }, 'throughput').verdict).toBe('fail')
    expect(ruleOf(saturated, { throughput: '90/s' }, 'throughput').verdict).toBe('pass')
  })

  it('of a saturated run fail its upper limits on latency, however high', () => {
    const saturated = simulate({ ...halfBusy, arrivals: '150/s' })
    const budget = { p99: '1h', mean: '1h', max: '1h', 'wait.p50': '1h', 'service.max': '1h', p50: '> 1ms' }
    const { verdict, rules } = checkBudget(saturated, budget)
    const reason = 'cannot sustain 150/s; at most 100/s'
    expect(verdict).toBe('fail')
    expect(rules.map((rule) => [rule.metric, rule.verdict, rule.reason])).toEqual([
      ['p99', 'fail', reason],
      ['mean', 'fail', reason],
      ['max', 'fail', reason],
      ['wait.p50', 'fail', reason],
      [
        'service.max',
        'pass',
        expect.stringMatching(/^the maximum of [\d,]+ requests; a longer run can only raise it$/),
      ],
      ['p50', 'inconclusive', 'the run is invalid: saturated'],
      ['errorRate', 'pass', undefined],
    ])
    // unless a slow machine may be the cause
    const [finding] = saturated.validity.findings as [Finding]
    const contended = found('cpu-contention', 'warning', saturated)
    const both = { ...contended, validity: { valid: false, findings: [finding, ...contended.validity.findings] } }
    expect(ruleOf(both, { p99: '1h' }, 'p99')).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining(`may be the cause (cpu-contention); ${reason}`),
    })
  })

  it('about late sending do not matter if requests took too long after sending', () => {
    const fromSend = (fromSendMs: Result['fromSendMs']) => ({ ...found('event-loop-late'), fromSendMs })
    expect(ruleOf(fromSend(short.latencyMs), { p99: '20ms' }, 'p99').verdict).toBe('fail')
    const quick = simulate({ ...halfBusy, arrivals: '1/s' }).serviceMs
    expect(ruleOf(fromSend(quick), { p99: '60ms' }, 'p99').verdict).toBe('inconclusive')
  })
})

describe('a run that ends by itself', () => {
  const staged = simulate({
    arrivals: stages(
      [
        { rate: '80/s', duration: '30s' },
        { rate: '20/s', duration: '30s' },
      ],
      { from: '20/s' },
    ),
    service: affine({ base: '10ms', variation: exponential() }),
  })
  const measured: Result = { ...staged, engine: 'measure' }
  const { p99, mean } = staged.latencyMs

  it('is judged as observed in virtual time', () => {
    expect(checkBudget(staged, { p99, mean, 'queueing.p95': '1s', throughput: '30/s' }).verdict).toBe('pass')
    expect(ruleOf(staged, { p99: 0.999 * p99 }, 'p99')).toMatchObject({
      verdict: 'fail',
      reason: expect.stringMatching(/^1 % of requests took longer than [\d.]+ ms; 1 % may$|^1\.\d % of .*; 1 % may$/),
    })
    expect(verdictOf('mean', 0.999 * mean, staged)).toBe('fail')
  })

  it('is judged by the fraction over the limit on a real clock, with no advice to run longer', () => {
    const { reason } = staged.latencyMs.intervals.p99
    expect(reason).toMatch(/: the arrivals end by themselves, so that the run cannot be longer$/)
    expect(verdictOf('p99', 10 * p99, measured)).toBe('pass')
    expect(verdictOf('p99', p99 / 10, measured)).toBe('fail')
    expect(ruleOf(measured, { p99 }, 'p99')).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringMatching(/^a longer run cannot decide, because the arrivals end by themselves; /),
    })
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
    const { interval, observed } = ruleOf(batched, { [metric]: metric === 'utilization' ? '100%' : 1000 }, metric)
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
  const judged = (run: Result, metric: BudgetMetric, relation: string, limit: number) =>
    ruleOf(run, { [metric]: `${relation} ${limit.toFixed(6)}ms`, errorRate: '100%' }, metric).verdict

  it('a looser limit never fails if a tighter one passes', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(anyRun, metric, limit, limit, fc.constantFrom('<', '<='), (run, metric, a, b, relation) => {
        const [tight, loose] = [Math.min(a, b), Math.max(a, b)].map((each) => judged(run, metric, relation, each))
        expect([tight, loose]).not.toEqual(['pass', 'fail'])
      }),
      { seed: 5, numRuns: atLength(12) },
    )
  })

  it('a rule and its opposite have opposite verdicts', { tags: 'at-length' }, () => {
    const opposite = { pass: 'fail', fail: 'pass', inconclusive: 'inconclusive' }
    fc.assert(
      fc.property(fc.constantFrom(runs[0] as Result, runs[2] as Result), metric, limit, (run, metric, limit) => {
        expect(judged(run, metric, '>', limit)).toBe(opposite[judged(run, metric, '<=', limit)])
        expect(judged(run, metric, '>=', limit)).toBe(opposite[judged(run, metric, '<', limit)])
      }),
      { seed: 5, numRuns: atLength(12) },
    )
  })

  it('a limit and its opposite never both pass', { tags: 'at-length' }, () => {
    fc.assert(
      fc.property(anyRun, metric, limit, (run, metric, limit) => {
        const both = [judged(run, metric, '<=', limit), judged(run, metric, '>', limit)]
        expect(both).not.toEqual(['pass', 'pass'])
      }),
      { seed: 5, numRuns: atLength(12) },
    )
  })
})

describe('an inconsistent result', () => {
  const edited = (edit: (copy: Result) => void): Result => {
    const copy = structuredClone(result)
    edit(copy)
    return copy
  }

  it.each<[string, Result, RegExp]>([
    [
      'another version',
      { ...result, schema: 'throughline/result@2' as Result['schema'] },
      /^result: must be a result with the schema "throughline\/result@1", got "throughline\/result@2"/,
    ],
    ['no result', {} as Result, /^result: must be a result/],
    ['nothing', null as unknown as Result, /^result: must be a result/],
    [
      'a percentile out of order',
      edited((r) => {
        r.latencyMs.p99 = 1
      }),
      /^result\.latencyMs: must have min, p50, .* ascending order/,
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
      /^result\.batches: must have the count and the mean size that follow from sizes/,
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
      /^result\.rates\.error: must be the fraction/,
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
  ])('with %s is rejected, naming the field', (_, of, message) => {
    const check = () => checkBudget(of, { p99: 100 })
    expect(check).toThrow(ValidationError)
    expect(check).toThrow(message)
  })
})

describe('a summary of durations', () => {
  it('is judged by the differences between runs', () => {
    const runs = Array.from({ length: 6 }, (_, run) =>
      Array.from({ length: 500 }, (_, i) => 10 + (i % 10) + 0.01 * run),
    )
    const { verdict, rules } = checkBudget(summarizeRuns(runs), { p50: '20ms', mean: '< 20ms', max: '20ms' })
    expect(rules).toHaveLength(3)
    expect(verdict).toBe('pass')
    expect(checkBudget(summarizeRuns(runs.slice(0, 1)), { p50: '20ms' })).toMatchObject({
      verdict: 'inconclusive',
      rules: [{ reason: expect.stringMatching(/at least 5 runs are needed, and there are 1/) }],
    })
  })
})
