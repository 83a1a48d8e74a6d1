import type { Scenario } from '../../../src/scenario/scenario.js'

const scenario: Scenario = {
  arrivals: '500/s',
  handler: './handler.ts',
  service: '0.1ms',
  batching: { maxBatchSize: 4 },
  stop: { duration: '400ms' },
}

export default scenario
