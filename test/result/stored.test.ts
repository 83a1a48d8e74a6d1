import { expect, it } from 'vitest'
import { affine, exponential, percentile, simulate } from '../../src/index.js'
import { percentileOverOffered } from '../../src/result/stored.js'

it('requests that were never answered are slower than any other', () => {
  const service = affine({ base: '10ms', variation: exponential() })
  const result = simulate({ arrivals: '50/s', service, queue: { timeout: '30ms' }, stop: { requests: 50_000 } })
  const { latencyMs, rates } = result
  expect(rates.error).toBeGreaterThan(0.03)
  expect(percentileOverOffered(result, 90)).toBeCloseTo(percentile(latencyMs, 90 / (1 - rates.error)), 9)
  expect(percentileOverOffered(result, 99)).toBeNull()
})
