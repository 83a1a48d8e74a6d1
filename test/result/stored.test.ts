import { expect, it } from 'vitest'
import { affine, exponential, percentile, type Result, simulate } from '../../src/index.js'
import { percentileOverOffered, tallyOf } from '../../src/result/stored.js'

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

it('requests that were never answered are slower than any other', () => {
  const service = affine({ base: '10ms', variation: exponential() })
  const result = simulate({ arrivals: '50/s', service, queue: { timeout: '30ms' }, stop: { requests: 50_000 } })
  const { latencyMs, rates } = result
  expect(rates.error).toBeGreaterThan(0.03)
  expect(percentileOverOffered(result, 90)).toBeCloseTo(percentile(latencyMs, 90 / (1 - rates.error)), 9)
  expect(percentileOverOffered(result, 99)).toBeNull()
})
