import { describe, expect, it } from 'vitest'
import { affine, checkBudget, exponential, type Result, simulate } from '../../src/index.js'
import type { ClassResult } from '../../src/result/classes.js'

const scenario = {
  arrivals: '80/s',
  service: affine({ base: '5ms', variation: exponential() }),
  classes: { checkout: { weight: 1, service: '20ms' }, browse: { weight: 4 } },
  stop: { requests: 100_000 },
}
const result = simulate(scenario)
const checkout = result.classes?.checkout as ClassResult

describe('a budget of classes', () => {
  it('is judged by the requests of each class alone, as a run of them would be', () => {
    // the same run, as if it had only checkouts
    const alone: Result = {
      ...simulate({
        ...scenario,
        classes: { checkout: { service: '20ms' } },
        arrivals: '1/s',
        stop: { requests: 1000 },
      }),
    }
    expect(checkBudget(alone, { 'checkout.p99': 50 }).rules[0]).toEqual({
      ...checkBudget(alone, { p99: 50 }).rules[0],
      metric: 'checkout.p99',
    })
    const { p99 } = checkout.latencyMs as NonNullable<ClassResult['latencyMs']>
    const over = checkout.segments.reduce((sum, { counts }) => sum + counts.offered, 0)
    expect(over).toBe(checkout.counts.offered)
    const [near, far, browse] = checkBudget(result, {
      'checkout.p99': `${p99 / 2}ms`,
      'checkout.p90': `${3 * p99}ms`,
      'browse.mean': '1s',
    }).rules
    expect(near).toMatchObject({ metric: 'checkout.p99', verdict: 'fail', observed: p99 })
    expect(near?.over?.fraction).toBeGreaterThan(0.01)
    expect(far).toMatchObject({ verdict: 'pass' })
    expect(browse).toMatchObject({ verdict: 'pass', observed: result.classes?.browse?.latencyMs?.mean })
  })

  const limited = simulate({ ...scenario, arrivals: '150/s', queue: { capacity: 4 }, good: { latency: 40 } })

  it('may limit errors, rejections and goodput of a class', () => {
    const own = limited.classes?.checkout as ClassResult
    const rules = checkBudget(limited, {
      'checkout.errorRate': '100%',
      'checkout.rejectionRate': '< 1%',
      'checkout.goodput': '90%',
      'browse.errorRate': '100%',
    }).rules
    expect(rules.map(({ metric, verdict }) => [metric, verdict])).toEqual([
      ['checkout.errorRate', 'pass'],
      ['checkout.rejectionRate', 'fail'],
      ['checkout.goodput', 'fail'],
      ['browse.errorRate', 'pass'],
    ])
    expect(rules[0]?.observed).toBe(own.rates?.error)
    expect(rules[2]).toMatchObject({ observed: own.goodput?.fraction, relation: '>=' })
  })

  it('allows no errors of the classes whose errors it does not limit', () => {
    expect(checkBudget(limited, { 'checkout.errorRate': '100%' }).rules[1]).toMatchObject({
      metric: 'browse.errorRate',
      verdict: 'fail',
      implied: true,
      reason: 'the budget has no limit on browse.errorRate, so no errors are allowed',
    })
    expect(checkBudget(limited, { 'checkout.p99': 1000 }).rules[1]).toMatchObject({
      metric: 'errorRate',
      verdict: 'fail',
    })
    expect(checkBudget(limited, { 'checkout.errorRate': '100%', errorRate: '100%' }).verdict).toBe('pass')
  })

  const rare = { ...scenario, classes: { ...scenario.classes, never: { weight: 1e-6 } }, stop: { requests: 1000 } }

  it('is inconclusive if no request of the class was due', () => {
    expect(checkBudget(simulate(rare), { 'never.p99': '1s' }).rules[0]).toEqual({
      ...{ metric: 'never.p99', relation: '<=', limit: 1000, unit: 'ms', observed: null, interval: null },
      verdict: 'inconclusive',
      reason: "no request of the class 'never' was due in the window; run longer",
    })
  })

  it.each([
    [
      { 'chekout.p99': 1 },
      "budget.chekout.p99: limits the class 'chekout', which no request has (did you mean 'checkout.p99'?); classes: checkout, browse",
    ],
    [{ 'queing.p99': 1 }, "(did you mean 'queueing.p99'?)"],
    [
      { 'checkout.p999': 1 },
      "budget.checkout.p999: must be a percentile above p0 and below p100, got 1; write 'checkout.p99.9'",
    ],
    [{ 'checkout.throughput': 1 }, 'budget.checkout.throughput: is an unknown budget metric'],
    [{ 'checkout.queueing.p99': 1 }, "limits queueing of the class 'checkout': of a class only latency"],
    [{ 'checkout.p99': '1/s' }, 'budget.checkout.p99: must be a time'],
  ])('refuses %j', (budget, message) => {
    expect(() => checkBudget(result, budget as never)).toThrow(message)
  })
})
