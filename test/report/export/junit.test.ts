import { describe, expect, it } from 'vitest'
import { checkBudget } from '../../../src/index.js'
import { renderJunit } from '../../../src/report/export/junit.js'
import { result } from '../../support/results/example-result.js'

const interval = result.latencyMs.intervals.p95
const check = checkBudget(result, {
  p50: '1h',
  p90: '1us',
  p95: ((interval.low as number) + (interval.high as number)) / 2,
})

/** Parses elements and their attributes: enough of XML for documents without namespaces and CDATA. */
function elementsOf(xml: string) {
  const open: string[] = []
  const all: { name: string; within: string; attributes: Record<string, string> }[] = []
  const rest = xml.replace(/^<\?xml version="1.0" encoding="UTF-8"\?>\n/, '')
  for (const [, closing, name = '', inside = '', single] of rest.matchAll(
    /<(\/)?([a-z]+)((?: [a-z]+="[^"<]*")*)(\/)?>/g,
  )) {
    if (closing === '/') {
      expect(open.pop()).toBe(name)
      continue
    }
    const attributes = Object.fromEntries([...inside.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, k, v]) => [k, v]))
    all.push({ name, within: open.at(-1) ?? '', attributes })
    if (single === undefined) open.push(name)
  }
  expect(open).toEqual([])
  // nothing that is not escaped is left
  expect(rest.replace(/<\/?[a-z]+(?: [a-z]+="[^"<]*")*\/?>/g, '')).not.toMatch(/[<>"]|&(?!(amp|lt|gt|quot|#39);)/)
  return all
}

describe('a budget as JUnit XML', () => {
  it.each([
    ['fail', 2, 0],
    ['pass', 1, 1],
  ] as const)('has a test for each rule, and an inconclusive one counts as %s', (onInconclusive, failures, skipped) => {
    expect(check.rules.map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'inconclusive', 'pass'])
    const all = elementsOf(renderJunit(check, { name: 'result.json', onInconclusive }))
    const named = (name: string) => all.filter((element) => element.name === name)
    expect(named('testsuites')).toMatchObject([{ within: '', attributes: { tests: '4', failures: `${failures}` } }])
    expect(named('testsuite')).toMatchObject([
      {
        within: 'testsuites',
        attributes: { name: 'result.json', tests: '4', failures: `${failures}`, errors: '0', skipped: `${skipped}` },
      },
    ])
    expect(named('testcase').map(({ attributes }) => attributes.name)).toEqual([
      'p50 &lt;= 3600 s',
      'p90 &lt;= 1 us',
      expect.stringMatching(/^p95 &lt;= [\d.]+ ms$/),
      'errorRate &lt;= 0 %',
    ])
    expect(named('failure').every(({ within }) => within === 'testcase')).toBe(true)
    expect(named('failure')).toHaveLength(failures)
    expect(named('failure')[0]?.attributes).toMatchObject({
      type: 'fail',
      message: expect.stringContaining('observed'),
    })
    expect(named('skipped')).toHaveLength(skipped)
  })

  it('escapes a name', () => {
    const xml = renderJunit(check, { name: '</testsuite><script>"&\u001b[31m' })
    expect(elementsOf(xml).some(({ name }) => name === 'script')).toBe(false)
    expect(xml).not.toContain('\u001b')
  })
})
