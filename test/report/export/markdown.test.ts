import { describe, expect, it } from 'vitest'
import { checkBudget, compareResults, sweep } from '../../../src/index.js'
import {
  renderBudgetMarkdown,
  renderComparisonMarkdown,
  renderMarkdown,
  renderSweepMarkdown,
} from '../../../src/report/export/markdown.js'
import { result } from '../../support/results/example-result.js'

describe('Markdown for a pull request', () => {
  it('of a result', () => expect(renderMarkdown(result)).toMatchFileSnapshot('golden/result.md'))

  it('of a sweep', async () => {
    const scenario = { arrivals: '400/s', service: affine, stop: { requests: 20_000 } }
    const swept = await sweep(scenario, { 'batching.maxBatchSize': [1, 16], servers: [1, 2] })
    await expect(renderSweepMarkdown(swept)).toMatchFileSnapshot('golden/sweep.md')
  })

  it('of a comparison', () =>
    expect(renderComparisonMarkdown(compareResults(result, result))).toMatchFileSnapshot('golden/comparison.md'))

  it('of a budget', () =>
    expect(renderBudgetMarkdown(checkBudget(result, { p99: '1ms', p50: '1s' }))).toMatchFileSnapshot(
      'golden/budget.md',
    ))

  it('has the same number of columns in every row, whatever a label holds', () => {
    const scenario = { ...(result.scenario as object), handler: 'a|b\n<script>`@you`' } as typeof result.scenario
    const text = renderMarkdown({ ...result, engine: 'measure', scenario }, { title: '# | <b>' })
    expect(text).not.toMatch(/(?<!\\)<|@you/)
    for (const table of text
      .trim()
      .split('\n\n')
      .filter((part) => part.startsWith('|'))) {
      const widths = table.split('\n').map((line) => line.replace(/\\\|/g, '').split('|').length)
      expect(new Set(widths).size).toBe(1)
    }
  })
})

const affine = { model: 'affine', base: '7.5ms', perItem: '0.25ms' } as const
