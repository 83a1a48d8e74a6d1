import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/index.js'
import { type Budget, budgetSchema, rulesOf } from '../../src/scenario/budget.js'

/** The rules of a budget, in short. */
const read = (budget: Budget) =>
  rulesOf(budget).map(({ metric, relation, limit, unit }) => [metric, relation, limit, unit])

function refusalOf(budget: unknown): string {
  try {
    rulesOf(budget as Budget, [])
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError)
    return (error as Error).message
  }
  throw new Error(`${JSON.stringify(budget)} was not refused`)
}

describe('a budget', () => {
  it.each<[Budget, unknown[]]>([
    [{ p99: '100ms' }, ['p99', '<=', 100, 'ms']],
    [{ p50: 2.5 }, ['p50', '<=', 2.5, 'ms']],
    [{ 'p99.99': '< 1.5s' }, ['p99.99', '<', 1500, 'ms']],
    [{ 'p0.1': '>250us' }, ['p0.1', '>', 0.25, 'ms']],
    [{ 'latency.p95': '<= 20 ms' }, ['p95', '<=', 20, 'ms']],
    [{ 'queueing.p97.5': '≤ 5ms' }, ['queueing.p97.5', '<=', 5, 'ms']],
    [{ 'service.mean': '>= 1ms' }, ['service.mean', '>=', 1, 'ms']],
    [{ 'wait.max': '1m' }, ['wait.max', '<=', 60_000, 'ms']],
    [{ throughput: '500/s' }, ['throughput', '>=', 500, '/s']],
    [{ throughput: '< 30/m' }, ['throughput', '<', 0.5, '/s']],
    [{ throughput: 12 }, ['throughput', '>=', 12, '/s']],
    [{ errorRate: '< 1%' }, ['errorRate', '<', 0.01, 'fraction']],
    [{ errorRate: '< 100%' }, ['errorRate', '<', 1, 'fraction']],
    [{ goodput: 1 }, ['goodput', '>=', 1, 'fraction']],
    [{ errorRate: 0 }, ['errorRate', '<=', 0, 'fraction']],
    [{ rejectionRate: '<= 0.5 %' }, ['rejectionRate', '<=', 0.005, 'fraction']],
    [{ utilization: '< 0.7' }, ['utilization', '<', 0.7, 'fraction']],
    [{ meanBatchSize: '≥8' }, ['meanBatchSize', '>=', 8, 'requests']],
  ])('%j is parsed', (budget, rule) => {
    expect(read(budget)).toEqual([rule])
  })

  it('can be JSON, keeps its order, and ignores undefined limits', () => {
    const budget: Budget = { throughput: '10/s', p99: '100ms', p50: undefined }
    expect(read(budget).map(([metric]) => metric)).toEqual(['throughput', 'p99'])
    expect(rulesOf(JSON.parse(JSON.stringify(budget)))).toEqual(rulesOf(budget))
    // what the schema gives is a budget again, as a stored scenario needs
    expect(budgetSchema.parse(budget)).toEqual(budget)
  })

  it.each<[unknown, RegExp]>([
    [{}, /^budget: must limit at least one metric, got {}; accepted: a percentile .* throughput/],
    [{ p99: undefined }, /^budget: must limit at least one metric/],
    [null, /^budget: must be a budget, such as \{ p99/],
    [[], /^budget: must be a budget/],
    [{ p99: '500/s' }, /^budget\.p99: must be a time: '100ms'.* got "500\/s"/],
    [{ p99: '100' }, /^budget\.p99: must be a time/],
    [{ p99: -1 }, /^budget\.p99: must be a time.* got -1/],
    [{ p99: '= 5ms' }, /^budget\.p99: must be a time/],
    [{ p99: Number.NaN }, /^budget\.p99: must be a limit: .* got NaN/],
    [{ p99: ['1ms'] }, /^budget\.p99: must be a limit/],
    [{ throughput: '10ms' }, /^budget\.throughput: must be a rate/],
    [{ throughput: '10%' }, /^budget\.throughput: must be a rate/],
    [{ errorRate: 5 }, /^budget\.errorRate: must be a fraction from 0 to 1/],
    [{ errorRate: '<1' }, /^budget\.errorRate: must say whether 1 is '1%' or '100%' \(no limit\), got "<1"/],
    [{ rejectionRate: 1 }, /^budget\.rejectionRate: must say whether 1 is '1%' or '100%'/],
    [{ errorRate: '101%' }, /^budget\.errorRate: must be a fraction/],
    [{ errorRate: '1ms' }, /^budget\.errorRate: must be a fraction/],
    [{ meanBatchSize: '8%' }, /^budget\.meanBatchSize: must be a number of requests/],
    [{ p0: 1 }, /^budget\.p0: must be a percentile above p0 and below p100/],
    [{ p100: 1 }, /^budget\.p100: .*; write 'max' for the maximum/],
    [{ 'wait.p100': 1 }, /write 'wait\.max' for the maximum/],
    [{ p101: 1 }, /^budget\.p101: must be a percentile above p0 and below p100/],
    [{ p999: 1 }, /^budget\.p999: .*; write 'p99\.9'/],
    [{ errorrate: 0 }, /^budget\.errorrate: .*did you mean 'errorRate'\?/],
    [{ troughput: 1 }, /did you mean 'throughput'\?/],
    [{ 'queing.p97': 1 }, /did you mean 'queueing\.p97'\?/],
    [{ queueing: 1 }, /did you mean 'queueing\.p95'\?/],
    [{ P99: 1 }, /did you mean 'p99'\?/],
    [{ fast: 1 }, /^budget\.fast: is an unknown budget metric, got 1; accepted: a percentile/],
    [{ 'latency.p99.9.9': 1 }, /is an unknown budget metric/],
    [{ 'latency.throughput': 1 }, /is an unknown budget metric/],
  ])('%j is refused by name', (budget, message) => {
    expect(refusalOf(budget)).toMatch(message)
  })

  it('reports all faults at once', () => {
    expect(refusalOf({ p99: '5/s', p101: 1, mean: 3 }).split('\n')).toHaveLength(2)
  })
})
