import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareResults } from '../../src/budget/comparison/compare-results.js'
import {
  buildHistoryEntry,
  checkEntry,
  describeMachine,
  type HistoryEntry,
} from '../../src/budget/comparison/history-entry.js'
import { addToHistory, readHistory } from '../../src/history/file.js'
import { buildHistorySeries } from '../../src/history/series.js'
import { renderHistoryHtml } from '../../src/report/html/history.js'
import { renderHistory } from '../../src/report/terminal/history-table.js'
import type { Result } from '../../src/result/result.js'
import { simulate } from '../../src/simulate/simulate.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-history-'))
afterAll(() => rmSync(folder, { recursive: true }))

const run = (seed: number, service = '1ms') =>
  simulate({ arrivals: '500/s', service, stop: { requests: 20_000 }, seed })
/** Makes a simulated run look measured. */
const measured = (result: Result, cpu = 'a CPU'): Result => ({
  ...result,
  engine: 'measure',
  environment: { node: '20.20.2', platform: 'linux x64', cpu, cores: 2, cpuQuota: null, load: 0 },
})
const of = (commit: string | null, name = 'order') => ({ name, commit, at: '2026-01-02T03:04:05.678Z' })
const runs = [1, 2, 3].map((seed) => measured(run(seed)))
const entries = (count: number, more: (i: number) => Partial<HistoryEntry> = () => ({})) =>
  Array.from({ length: count }, (_, i) => ({
    ...buildHistoryEntry(runs[i % 3] as Result, of(`commit${i}`.padEnd(40, '0'))),
    ...more(i),
  }))
const costing = (mean: number): Partial<HistoryEntry> => {
  const all = { mean, p50: mean, p90: mean, p95: mean, p99: mean, 'service.mean': mean }
  return {
    figures: { ...all, throughput: 500, errorRate: 0 },
    intervals: { mean: { low: 0.9 * mean, high: 1.1 * mean } },
  }
}

describe('a history', () => {
  it('keeps the figures of a result, its intervals and its machine', () => {
    const result = measured(run(1))
    const entry = buildHistoryEntry(result, of('abc'))
    expect(entry).toMatchObject({ name: 'order', commit: 'abc', engine: 'measure', valid: true })
    expect(entry.figures).toMatchObject({ mean: result.latencyMs.mean, p99: result.latencyMs.p99, errorRate: 0 })
    expect(entry.intervals.mean).toEqual({
      low: result.latencyMs.intervals.mean.low,
      high: result.latencyMs.intervals.mean.high,
    })
    expect(describeMachine(entry)).toBe('a CPU, 2 cores, linux x64')
    expect(JSON.stringify(entry).length).toBeLessThan(2_000)
  })

  it('is a file of JSON lines that grows', async () => {
    const file = join(folder, 'new/history.jsonl')
    const [a, b, c] = entries(3) as [HistoryEntry, HistoryEntry, HistoryEntry]
    await addToHistory(file, [a])
    await addToHistory(file, [b, c])
    expect(await readHistory(file)).toEqual([a, b, c])
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4)
  })

  it('adds after an incomplete line, and reports that line', async () => {
    const file = join(folder, 'cut.jsonl')
    writeFileSync(file, '{ "schema": "through')
    await addToHistory(file, entries(1))
    await expect(readHistory(file)).rejects.toThrow(/cut\.jsonl:1: is not JSON/)
    writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(1).join('\n'))
    expect(await readHistory(file)).toHaveLength(1)
    writeFileSync(file, `{"figures":${'['.repeat(6000)}${']'.repeat(6000)}}\n`)
    await expect(readHistory(file)).rejects.toThrow(/cut\.jsonl:1: is nested 6001 levels deep; the limit is 100/)
  })

  it.each([
    [{}, /x: must be a history entry with the schema/],
    [{ ...entries(1)[0], figures: {} }, /x\.figures\.mean: must be a number/],
    [{ ...entries(1)[0], valid: 'yes' }, /x\.valid: must be true or false, got "yes"/],
  ])('rejects an invalid entry: %#', (value, message) => {
    expect(() => checkEntry(value, 'x')).toThrow(message)
  })
})

describe('a history as the noise of two results', () => {
  it('gives the same comparison as the results that it was made of', () => {
    const earlier = [1, 2, 3, 4, 5, 6].map((seed) => measured(run(seed)))
    const [base, head] = [measured(run(7)), measured(run(7, '1.3ms'))]
    const kept = earlier.map((result) => buildHistoryEntry(result, of(null)))
    expect(compareResults(base, head, { history: kept })).toEqual(compareResults(base, head, { history: earlier }))
  })

  it('is reported if it is of another load', () => {
    const other = simulate({ arrivals: '300/s', service: '1ms', stop: { requests: 20_000 } })
    const kept = new Array(5).fill(buildHistoryEntry(other, of(null)))
    const { findings } = compareResults(run(1), run(1), { history: kept })
    expect(findings).toMatchObject([
      { code: 'scenarios-differ', message: /the history and base have different scenarios/ },
    ])
  })
})

describe('the series of a history', () => {
  const step = (i: number) => costing(i < 12 ? 10 + 0.01 * (i % 4) : 12 + 0.01 * (i % 4))

  it('has a change where the metric changed, with the means before and after', () => {
    const [series, ...others] = buildHistorySeries(entries(24, step), 'mean')
    expect(others).toEqual([])
    expect(series?.points).toHaveLength(24)
    expect(series?.changes).toEqual([
      {
        at: 12,
        commit: 'commit12'.padEnd(40, '0'),
        before: expect.closeTo(10.015, 3),
        after: expect.closeTo(12.015, 3),
        p: 1 / 500,
      },
    ])
  })

  it('separates machines, scenarios and loads, and leaves out invalid runs', () => {
    const mixed = [
      ...entries(3),
      ...entries(2, () => ({ environment: measured(run(1), 'another CPU').environment })),
      ...entries(2, () => ({ name: 'search' })),
      ...entries(1, () => ({
        scenario: simulate({ arrivals: '9/s', service: '1ms', stop: { requests: 900 } }).scenario,
      })),
      ...entries(4, () => ({ valid: false })),
    ]
    expect(buildHistorySeries(mixed, 'p99').map(({ name, machine, points }) => [name, machine, points.length])).toEqual(
      [
        ['order', 'a CPU, 2 cores, linux x64', 3],
        ['order', 'another CPU, 2 cores, linux x64', 2],
        ['search', 'a CPU, 2 cores, linux x64', 2],
        ['order', 'a CPU, 2 cores, linux x64', 1],
      ],
    )
  })

  it('is a table, and a page with a mark for each run and each change', () => {
    const series = buildHistorySeries(entries(24, step), 'mean')
    const text = renderHistory(series, { width: 80 })
    expect(text).toMatch(/^ order: mean on a CPU, 2 cores, linux x64, the last 20 of 24 runs\n/)
    expect(text).toMatch(/ commit1200 +2026-01-02 +12 ms +10\.8 ms to 13\.2 ms +1\.20 times \(10\.0 ms to 12\.0 ms\)\n/)
    const html = renderHistoryHtml(series)
    expect(html.match(/data-k="mean"/g)).toHaveLength(24)
    expect(html.match(/class="whisker"/g)).toHaveLength(24)
    expect(html).toMatch(/data-k="change" data-i="12" data-before="10\.01/)
    expect(html).toMatch(/Changed at commit1200: 1\.20 times/)
    expect(renderHistoryHtml(buildHistorySeries(entries(3), 'errorRate'))).toMatch(/No change was found in 3 runs/)
  })

  it('escapes names', () => {
    const evil = buildHistorySeries(
      entries(1, () => ({ name: '<b>\u001b[31m' })),
      'mean',
    )
    expect(renderHistoryHtml(evil)).not.toContain('<b>')
    expect(renderHistory(evil)).not.toContain('\u001b')
  })
})
