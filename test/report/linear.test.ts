import { describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { renderHtml, renderMarkdown } from '../../src/report/index.js'
import { parseBudget } from '../../src/scenario/budget.js'
import { durationMs, fractionOf, ratePerSecond } from '../../src/scenario/units.js'
import { simulate } from '../../src/simulate/simulate.js'

const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 1000 } })
const spaces = ' '.repeat(60_000)

/** Longer times are not linear: backtracking patterns took from seconds to hours for such texts. */
const SOON_MS = 1000

describe('the time to process a text grows linearly with its length:', () => {
  it.each<[string, () => unknown]>([
    ['a limit of spaces', () => refused(() => parseBudget({ p99: `${spaces}a\nb` }))],
    ['a percentage of spaces', () => refused(() => parseBudget({ errorRate: `1${spaces}x` }))],
    [
      'a percentage of spaces and percents',
      () => refused(() => parseBudget({ errorRate: `1${' %'.repeat(30_000)}x` })),
    ],
    ['a metric', () => refused(() => parseBudget({ ['p9'.repeat(75_000)]: 1 }))],
    ['a duration', () => [durationMs(`1${spaces}x`), durationMs(`${'1'.repeat(60_000)}x`)]],
    ['a rate', () => [ratePerSecond(`1${spaces}/${spaces}x`), ratePerSecond(`${'1.'.repeat(60_000)}x`)]],
    ['a fraction', () => [fractionOf(`1${spaces}%${spaces}x`), fractionOf(`${spaces}1`)]],
    ['a list in the scenario of a page', () => renderHtml(withHandler(`[${spaces}x`))],
    ['many lists in the scenario of a page', () => renderHtml(withHandler('[ 1 '.repeat(20_000)))],
    ['a finding in Markdown', () => renderMarkdown(withFinding(`${spaces}x${spaces}`))],
  ])('%s', (_, read) => {
    const since = performance.now()
    read()
    expect(performance.now() - since).toBeLessThan(SOON_MS)
  })
})

const withHandler = (handler: string) => ({ ...result, scenario: { ...result.scenario, handler } }) as typeof result
const withFinding = (message: string) => ({
  ...result,
  validity: { valid: true, findings: [{ code: 'failures' as const, severity: 'info' as const, message, figures: {} }] },
})
const refused = (read: () => unknown) =>
  expect(read).toThrow(/must be a (time|rate|fraction from 0 to 1|number of requests): |unknown budget metric/)

describe('a budget', () => {
  it.each([
    [{ p99: '100ms\nfoo' }, /^budget\.p99: must be a time/],
    [{ p99: '\n< 100ms \n' }, null],
    [{ errorRate: '1 %' }, null],
    [{ errorRate: '%' }, /^budget\.errorRate: must be a fraction/],
    [{ p99: '<' }, /^budget\.p99: must be a time/],
    [{ p99: '1%' }, /^budget\.p99: must be a time/],
    [Object.assign(Object.create(null), { a: 1n }), /^budget\.a: /],
    [{ p99: nested(6000) }, /^budget\.p99: must be a limit/],
    [{ ['x'.repeat(150_000)]: 1 }, /^budget\.x{57}…: .{1,400}$/],
    [Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, 1])), /… and 979 more$/],
  ])('is checked with a short message: %#', (budget, message) => {
    const read = () => checkBudget(result, budget as never)
    if (message === null) return expect(read).not.toThrow()
    expect(read).toThrow(message)
  })
})

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}
