import type { Budget } from 'throughline'

/** How frames are batched: in the service, and as it stands in whatever simulates or measures it. */
export const policy = {
  batching: { maxBatchSize: 16, maxWait: '2ms' },
  servers: 1,
  queue: { capacity: 256, timeout: '1s' },
}

/**
 * What is promised of it, wherever it runs. A percentile says more, and takes minutes to be told on a machine whose speed
 * changes; the most is judged as it was observed.
 */
export const budget: Budget = { max: '5s', errorRate: '< 1%' }
