import { expect, it } from 'vitest'
import { sweep } from '../../src/explore/sweep.js'
import { renderSweep } from '../../src/report/sweep-table.js'
import type { Scenario } from '../../src/scenario/scenario.js'
import { affine } from '../../src/scenario/service.js'

const scenario: Scenario = {
  arrivals: '400/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxWait: '20ms' },
  stop: { requests: 20_000 },
}
const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

it('a sweep of one field reads at eighty columns', async () => {
  const text = renderSweep(await sweep(scenario, { maxBatchSize: [1, 4, 16, 64, null] }))
  expect(widest(text)).toBeLessThanOrEqual(80)
  await expect(text).toMatchFileSnapshot('golden/sweep.txt')
})

it('a sweep of two fields reads at eighty columns', async () => {
  const text = renderSweep(await sweep(scenario, { rate: ['60/s', 400], maxBatchSize: [1, 16] }))
  expect(widest(text)).toBeLessThanOrEqual(80)
  await expect(text).toMatchFileSnapshot('golden/sweep-of-two.txt')
})

it('a sweep of all fields reads at eighty columns', async () => {
  const fields = { rate: ['60/s', 400], servers: [1, 2], maxWait: [0, '5ms'], maxBatchSize: [8] }
  const text = renderSweep(await sweep(scenario, fields))
  expect(widest(text)).toBeLessThanOrEqual(80)
  await expect(text).toMatchFileSnapshot('golden/sweep-of-four.txt')
})

it('one point is a table without a plot', async () => {
  const text = renderSweep(await sweep(scenario, { maxBatchSize: [16] }))
  expect(text.split('\n')).toHaveLength(4)
})
