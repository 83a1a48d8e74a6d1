import type { Budget } from 'throughline'

/** How frames are batched: in the service, and as it stands in whatever simulates or measures it. */
export const policy = {
  batching: { maxBatchSize: 16, maxWait: '2ms' },
  servers: 1,
  queue: { capacity: 256, timeout: '1s' },
}

/** What is promised of it, as far as any machine keeps it, one that is busy with something else too. */
export const budget: Budget = { p50: '100ms', p99: '1s', errorRate: '< 1%' }
