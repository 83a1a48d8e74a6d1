import { expect, it } from 'vitest'
import { checkBudget } from '../../src/index.js'
import { renderHtml, renderJunit, renderMarkdown, renderSweepMarkdown, renderSweepSvg } from '../../src/report/index.js'
import { result } from '../support/results/example-result.js'

const check = checkBudget(result, { p50: '1h' })
const swept = [{ point: { servers: 1 }, result }]

it.each<[string, (options: never) => string, unknown, string]>([
  [
    'a misspelt budget',
    (options) => renderHtml(result, options),
    { budgett: {} },
    "report: 'budgett' is not an option",
  ],
  [
    'null',
    (options) => renderHtml(result, options),
    null,
    'report: must be an object of title, budget, price, got null',
  ],
  [
    'a title of a number',
    (options) => renderHtml(result, options),
    { title: 5 },
    'report.title: must be a string, got 5',
  ],
  ['a misspelt title', (options) => renderMarkdown(result, options), { titel: 'x' }, "markdown: 'titel' is not"],
  ['null', (options) => renderSweepMarkdown(swept, options), null, 'markdown: must be an object of title'],
  ['a misspelt title', (options) => renderSweepSvg(swept, options), { titel: 'x' }, "svg: 'titel' is not an option"],
  ['a misspelt verdict', (options) => renderJunit(check, options), { onInconclusiv: 'pass' }, "junit: 'onInconclusiv'"],
  [
    'another verdict',
    (options) => renderJunit(check, options),
    { onInconclusive: 'skip' },
    'junit.onInconclusive: must',
  ],
])('invalid options of a report are rejected: %s', (_, render, options, message) => {
  expect(() => render(options as never)).toThrow(message)
})
