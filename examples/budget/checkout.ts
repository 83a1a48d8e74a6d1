import { affine, type Budget, lognormal, type Scenario } from 'throughline'

/** What a shop's checkout has to carry, and how long its server takes for it. */
export const checkout: Scenario = {
  arrivals: '400/s',
  service: affine({ base: '4ms', perItem: '1ms', variation: lognormal({ cv: 0.5 }) }),
  batching: { maxBatchSize: 8, maxWait: '2ms' },
}

/** What has been promised of it. */
export const budget: Budget = { p99: '50ms', 'queueing.p95': '20ms', throughput: '>= 390/s', utilization: '< 95%' }
