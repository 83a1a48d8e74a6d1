import { describe, expect, it } from 'vitest'
import { renderComparison } from '../../src/budget/comparison/render-comparison.js'
import { compareResults, type Scenario, simulate, sweep } from '../../src/index.js'
import { renderResult } from '../../src/report/terminal/result-table.js'
import { renderSweep } from '../../src/report/terminal/sweep-table.js'
import { visible } from '../../src/text/style.js'

const scenario: Scenario = {
  arrivals: '400/s',
  service: { model: 'affine', base: '7.5ms', perItem: '0.25ms', variation: { distribution: 'gamma', cv: 0.5 } },
  batching: { maxBatchSize: 16, maxWait: '5ms' },
  stop: { requests: 50_000 },
}
const result = simulate(scenario)
const swept = await sweep(scenario, { 'batching.maxBatchSize': [1, 8, 32], servers: [1, 2] })
const comparison = compareResults(result, simulate({ ...scenario, service: '12ms' }), { machineNoise: 0 })

describe.each([60, 80, 120])('at %i columns', (width) => {
  it.each([
    ['result', () => renderResult(result, { width })],
    ['sweep', () => renderSweep(swept, { width })],
    ['comparison', () => renderComparison(comparison, { width })],
  ])('a %s fits', async (name, render) => {
    const text = render()
    expect(Math.max(...text.split('\n').map(visible))).toBeLessThanOrEqual(width)
    await expect(`${text}\n`).toMatchFileSnapshot(`golden/widths/${name}-${width}.txt`)
  })
})
