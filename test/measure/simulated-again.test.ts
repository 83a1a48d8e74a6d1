import { describe, expect, it } from 'vitest'
import { recordedRun } from '../../bench/studies/recorded-run.js'
import { type Observation, runMeasurement } from '../../src/measure/run.js'
import { replay, stages } from '../../src/scenario/arrivals/arrivals.js'
import { resolveScenario, type Scenario } from '../../src/scenario/scenario.js'
import { simulate } from '../../src/simulate/simulate.js'

/** The batches of a simulation in whole nanoseconds: their start, end and requests. */
function simulated(scenario: Scenario) {
  const batches: Pick<Observation, 'requests' | 'startNs' | 'endNs'>[] = []
  simulate(scenario, {
    onEvent: (event) => {
      if (event.type !== 'batch') return
      const { requests, startMs, endMs } = event
      batches.push({ requests, startNs: Math.round(startMs * 1e6), endNs: Math.round(endMs * 1e6) })
    },
  })
  return batches
}

describe('a measured run, simulated again', () => {
  // whatever a machine does to threads is in the times that are recorded, and nothing is left to chance
  it.each(['order', 'time'] as const)('is the same to the nanosecond, with its recorded times by %s', async (by) => {
    const scenario = { batching: { maxBatchSize: 8, maxWait: 0 }, stop: { requests: 4000 }, warmup: { requests: 0 } }
    const handler = new URL('./handlers/numbers.js', import.meta.url)
    // arrivals that end by themselves: the window lasts until the last completion, so that all of the run is observed
    const arrivals = stages([{ rate: '4000/s', duration: '500ms' }])
    const { observations, recording } = await runMeasurement(
      resolveScenario({ ...scenario, handler, arrivals, seed: 3 }, 'measure'),
      {},
      4000,
    )
    // a server is idle from its last completion on, so that what its thread does after that is dispatch
    expect(observations.slice(1).map(({ freeNs }) => freeNs)).toEqual(
      observations.slice(0, -1).map(({ endNs }) => endNs),
    )
    expect(recording.counts.completed).toBeGreaterThan(1800)
    expect(observations.flatMap(({ requests }) => requests)).toEqual([...Array(recording.counts.completed).keys()])
    const again = simulated({
      ...scenario,
      arrivals: replay(observations.flatMap(({ dueNs }) => dueNs.map((ns) => ns / 1e6))),
      service: recordedRun(observations, by),
    })
    expect(again).toEqual(observations.map(({ requests, startNs, endNs }) => ({ requests, startNs, endNs })))
  })
})
