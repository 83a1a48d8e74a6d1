import fc from 'fast-check'
import { buildRecording } from '../../../src/measure/recording/build-recording.js'
import { replay } from '../../../src/scenario/arrivals/arrivals.js'
import type { ScenarioParts } from '../../../src/scenario/scenario.js'
import { runInVirtualTime } from './virtual-threads.js'

/** Due times in milliseconds, some of them at one instant. */
export const dueTimes = (minLength: number) =>
  fc.array(fc.nat({ max: 5 }), { minLength, maxLength: 60 }).map((gaps) => {
    let at = 0
    return gaps.map((gap) => {
      at += gap
      return at
    })
  })

/** Queues that may reject requests, or let them time out. */
export const queues = fc.record({
  capacity: fc.option(fc.integer({ min: 2, max: 10 })),
  timeout: fc.option(fc.integer({ min: 1, max: 30 })),
})

/** Runs small batches on two servers in virtual time; after a warm-up of three requests, every third may fail. */
export function runOnTwoServers(timestamps: number[], fails: boolean, parts: Partial<ScenarioParts>) {
  const scenario = {
    arrivals: replay(timestamps),
    servers: 2,
    batching: { maxBatchSize: 3, maxWait: 4 },
    stop: { requests: timestamps.length },
    warmup: { requests: 3 },
    ...parts,
  }
  const isFailed = (number: number) => fails && number % 3 === 0
  const run = runInVirtualTime(scenario, {
    service: (size) => (5 + size) * 1e6,
    delay: () => 0,
    fails: isFailed,
    segments: 4,
  })
  return { scenario, isFailed, run, recording: buildRecording(run.scenario, run.state, run.nowNs) }
}
