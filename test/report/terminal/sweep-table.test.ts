import { expect, it } from 'vitest'
import { sweep } from '../../../src/explore/sweep.js'
import { figuresOfSweep } from '../../../src/report/draw/trade-off-figure.js'
import { renderSweepCsv } from '../../../src/report/export/csv.js'
import { renderSweepMarkdown } from '../../../src/report/export/markdown.js'
import { renderSweep } from '../../../src/report/terminal/sweep-table.js'
import type { Scenario } from '../../../src/scenario/scenario.js'
import { affine } from '../../../src/scenario/service/service.js'

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

it('marks an invalid run, with the reason, and shows errors and rejections', async () => {
  const swept = await sweep({ ...scenario, queue: { capacity: 20 } }, { maxBatchSize: [4, 16, 32] })
  const [, invalid] = swept
  if (invalid === undefined) throw new Error('no point')
  const finding = {
    code: 'event-loop-late',
    severity: 'error',
    message: 'requests were sent late',
    figures: {},
  } as const
  invalid.result.validity = { valid: false, findings: [finding] }
  const text = renderSweep(swept)
  expect(widest(text)).toBeLessThanOrEqual(80)
  expect(text).toMatch(/errors +rejected/)
  expect(text).toMatch(/^ +✗ 16 /m)
  expect(text).not.toMatch(/✗ (4|32) /)
  expect(text).toContain(' ✗ 16 is invalid: event-loop-late: requests were sent late\n')
  const markdown = renderSweepMarkdown(swept)
  expect(markdown).toContain('| errors % | rejected % |')
  expect(markdown).toMatch(/^\| ❌ 16 \|/m)
  expect(markdown).toContain('- ❌ **event-loop-late**: 16 is invalid: requests were sent late')
})

it('treats two spellings of a field as one', async () => {
  const swept = [
    ...(await sweep(scenario, { maxBatchSize: [16, 32] })),
    ...(await sweep({ ...scenario, servers: 2 }, { 'batching.maxBatchSize': [16, 32] })),
  ]
  expect(renderSweep(swept)).not.toContain('none')
  expect(renderSweepCsv(swept).split('\n')[0]).toMatch(/^maxBatchSize,engine,/)
  const figures = figuresOfSweep(swept)
  expect(figures.map(({ field, group }) => [field, group])).toEqual([['batch size', '']])
})
