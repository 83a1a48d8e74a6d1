import { expect, it } from 'vitest'
import { affine, exponential, type Result, simulate } from '../../src/index.js'
import { tallyOf } from '../../src/result/stored.js'

it('a stored summary keeps its tally to the bucket and the moment', () => {
  const result = simulate({
    arrivals: '50/s',
    service: affine({ base: '10ms', variation: exponential() }),
    stop: { requests: 100_000 },
  })
  const { latencyMs } = JSON.parse(JSON.stringify(result)) as Result
  const tally = tallyOf(latencyMs)
  expect([tally.count, tally.min / 1e6, tally.max / 1e6]).toEqual([latencyMs.count, latencyMs.min, latencyMs.max])
  expect(tally.mean / 1e6).toBeCloseTo(latencyMs.mean, 9)
  expect(tally.stdDev / 1e6).toBeCloseTo(latencyMs.stdDev, 6)
})
