import { test } from '@jest/globals'
import { affine, assertBudget, simulate } from 'throughline'

test('keeps its latency budget', () => {
  const result = simulate({
    arrivals: '400/s',
    service: affine({ base: '4ms', perItem: '1ms' }),
    batching: { maxBatchSize: 8, maxWait: '2ms' },
  })
  assertBudget(result, { p99: '40ms', 'queueing.p95': '20ms', throughput: '>= 390/s' })
})
