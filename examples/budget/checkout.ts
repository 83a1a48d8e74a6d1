import { affine, type Budget, lognormal, type Scenario } from 'throughline'

/** The load of a shop's checkout, and the service time of its server. */
export const checkout: Scenario = {
  arrivals: '400/s',
  service: affine({ base: '4ms', perItem: '1ms', variation: lognormal({ cv: 0.5 }) }),
  batching: { maxBatchSize: 8, maxWait: '2ms' },
}

/** The promised limits. */
export const budget: Budget = { p99: '50ms', 'queueing.p95': '20ms', throughput: '>= 390/s', utilization: '< 95%' }
