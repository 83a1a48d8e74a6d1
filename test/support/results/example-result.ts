import { affine, gamma, type Result, simulate } from '../../../src/index.js'

/** A simulated run with waiting, batching and variation. */
export const result: Result = simulate({
  arrivals: '800/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms', variation: gamma({ cv: 0.5 }) }),
  batching: { maxBatchSize: 50, maxWait: '5ms' },
  stop: { requests: 200_000 },
})
