import { expect, it } from 'vitest'
import { parseCsv } from '../../../src/files/csv.js'
import { sweep } from '../../../src/index.js'
import { renderResultsCsv, renderSweepCsv } from '../../../src/report/export/csv.js'
import { makeLegible } from '../../../src/text/legible.js'
import { result } from '../../support/results/example-result.js'

it('a sweep of any fields is a line a point, in milliseconds and requests a second', async () => {
  const swept = await sweep(
    { arrivals: '100/s', service: '1ms', stop: { requests: 2000 } },
    { 'arrivals.rate': ['50/s', '6000/m'], 'queue.capacity': [10, null] },
  )
  const { records } = parseCsv(renderSweepCsv(swept))
  const [titles, ...rows] = records.map(({ fields }) => fields)
  expect(titles?.slice(0, 4)).toEqual(['arrivals.rate', 'queue.capacity', 'engine', 'offeredPerSec'])
  expect(rows.map((row) => row.slice(0, 3))).toEqual([
    ['50', '10', 'simulate'],
    ['50', '', 'simulate'],
    ['100', '10', 'simulate'],
    ['100', '', 'simulate'],
  ])
  const p99 = titles?.indexOf('p99Ms') as number
  expect(rows.map((row) => Number(row[p99]))).toEqual(swept.map((each) => each.result.latencyMs.p99))
})

it('results are a line each, whatever they are called', () => {
  const name = 'a "quoted", \nname'
  const { records } = parseCsv(renderResultsCsv([{ name, result }]))
  const [titles, row] = records.map(({ fields }) => fields)
  expect(row?.[0]).toBe(name)
  expect(row).toHaveLength(titles?.length as number)
})

it.each(['=HYPERLINK("https://example.com")', '+1+1', '-1+1', '@SUM(1)', '\t=1', '\r=1', '＝1+1', '-'])(
  'the name %j is not a formula in a spreadsheet',
  (name) => {
    const { records } = parseCsv(renderResultsCsv([{ name, result }]))
    // nor does it do anything to a terminal
    expect(records[1]?.fields[0]).toBe(`'${makeLegible(name)}`)
  },
)

it.each(['-5', '+1.5', 'a=1', '5 - 3'])('the name %j is unchanged', (name) => {
  expect(renderResultsCsv([{ name, result }])).toContain(`\n${name},simulate,`)
})
