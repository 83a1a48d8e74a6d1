import type { Budget } from 'throughline'

/** How frames are batched: in the service, and in every simulation and measurement of it. */
export const policy = {
  batching: { maxBatchSize: 16, maxWait: '2ms' },
  servers: 1,
  queue: { capacity: 256, timeout: '1s' },
}

/**
 * The budget of the service, on any machine. A percentile says more, but needs minutes for a verdict on a machine whose
 * speed changes; the maximum is judged as observed.
 */
export const budget: Budget = { max: '5s', errorRate: '< 1%' }
