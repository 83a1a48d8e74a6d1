import type { Budget } from 'throughline'

/** How frames are batched: in the service, and as it stands in whatever simulates or measures it. */
export const policy = {
  batching: { maxBatchSize: 16, maxWait: '2ms' },
  servers: 1,
  queue: { capacity: 256, timeout: '1s' },
}

/** What is promised of it: little enough for any machine that has a core for it, and told in seconds. */
export const budget: Budget = { p95: '500ms', errorRate: '< 1%' }
