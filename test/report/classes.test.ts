import { describe, expect, it } from 'vitest'
import { simulate } from '../../src/index.js'
import { renderHtml, renderMarkdown, renderResult, renderResultsCsv, renderSweepCsv } from '../../src/report/index.js'
import { checkResult } from '../../src/result/check.js'
import type { ClassResult } from '../../src/result/classes.js'
import type { Result } from '../../src/result/result.js'

const simulated = simulate({
  arrivals: '80/s',
  service: '5ms',
  classes: { 'check <out>': { weight: 1, service: '20ms' }, browse: { weight: 4 } },
  queue: { capacity: 3 },
  stop: { requests: 20_000 },
})
const checkout = simulated.classes?.['check <out>'] as ClassResult
/** The same, as if its rejected requests had failed. */
const failing = (result: Result): Result => {
  const move = <Value extends { counts: Result['counts'] }>(of: Value): Value => ({
    ...of,
    counts: { ...of.counts, failed: of.counts.rejected, rejected: 0 },
  })
  const classes = Object.entries(result.classes ?? {}).map(([name, each]) => [
    name,
    {
      ...move(each),
      rates: each.rates && { ...each.rates, rejection: 0 },
      segments: each.segments.map(move),
    },
  ])
  return {
    ...move(result),
    rates: { ...result.rates, rejection: 0 },
    failures: { '429': 1, ECONNRESET: result.counts.rejected - 1 },
    segments: result.segments.map(move),
    classes: Object.fromEntries(classes),
  }
}
const failed = failing(simulated)

describe('reports of classes and failures', () => {
  it('have a row for each class, and the failures by kind, the most frequent first', () => {
    expect(checkResult(failed)).toBe(failed)
    const kinds = `${failed.counts.failed - 1} ECONNRESET, 1 429`
    const text = renderResult(failed, { width: 120 })
    expect(text).toContain('classes: 20 % check <out> (20 ms a batch), 80 % browse')
    expect(text).toMatch(/ class +\/s +% +ms/)
    expect(text).toMatch(/ check <out> +15\.\d/)
    expect(text).toContain(`failures     ${kinds}`)
    const markdown = renderMarkdown(failed)
    expect(markdown).toContain('| class | offered /s | errors % | mean ms | p50 ms |')
    expect(markdown).toContain(`| failures | ${kinds} |`)
    const html = renderHtml(failed)
    expect(html).toContain('Latency by class')
    expect(html).toContain('<bdi>check &lt;out&gt;</bdi>')
    expect(html).not.toContain('<out>')
    expect(html).toContain('<bdi>ECONNRESET</bdi>')
  })

  it('of CSV have a line for each class after that of the run', () => {
    const lines = (csv: string) => csv.split('\n').map((line) => line.split(','))
    const [header, whole, first, second] = lines(renderResultsCsv([{ name: 'a', result: simulated }]))
    const column = (name: string) => (header as string[]).indexOf(name)
    expect([whole, first, second].map((line) => line?.slice(0, 2))).toEqual([
      ['a', ''],
      ['a', 'check <out>'],
      ['a', 'browse'],
    ])
    expect(Number(first?.[column('p99Ms')])).toBe(checkout.latencyMs?.p99)
    expect(Number(first?.[column('requests')])).toBe(checkout.counts.offered)
    // utilization is that of the run
    expect(first?.[column('utilization')]).toBe('')
    expect(Number(whole?.[column('utilization')])).toBe(simulated.utilization)
    expect(Number(first?.[column('offeredPerSec')])).toBe(checkout.offeredPerSecond)
    // a class of which no request completed has its errors all the same
    const copy = structuredClone(simulated)
    const { counts } = checkout
    Object.assign(copy.classes?.['check <out>'] as ClassResult, {
      latencyMs: null,
      counts: { ...counts, completed: 0, rejected: counts.offered },
    })
    const rejected = lines(renderResultsCsv([{ name: 'a', result: copy }]))[2]
    expect(['errorRate', 'requests', 'p99Ms'].map((name) => rejected?.[column(name)])).toEqual([
      '1',
      String(counts.offered),
      '',
    ])
    const [swept] = lines(renderSweepCsv([{ point: { servers: 1 }, result: simulated }]))
    expect(swept?.slice(0, 3)).toEqual(['servers', 'class', 'engine'])
    const plain = simulate({ arrivals: '80/s', service: '5ms', stop: { requests: 2000 } })
    expect(lines(renderResultsCsv([{ name: 'a', result: plain }]))[0]).not.toContain('class')
  })
})

describe('a stored result whose classes or failures contradict the rest', () => {
  const spoil = (change: (copy: Result) => void) => {
    const copy = structuredClone(failed)
    change(copy)
    return () => checkResult(copy)
  }
  const browse = (copy: Result) => copy.classes?.browse as ClassResult
  it.each<[string, (copy: Result) => void]>([
    ['failures: must add up to counts.failed', (copy) => Object.assign(copy.failures ?? {}, { new: 1 })],
    ['failedMs.count: must equal counts.failed', (copy) => Object.assign(copy, { failedMs: copy.latencyMs })],
    ['classes: must add up to the counts of the whole', (copy) => void delete copy.classes?.browse],
    [
      'classes.browse.segments: must be as many segments as the whole result has',
      (copy) => void browse(copy).segments.pop(),
    ],
    [
      'classes.browse.segments: must add up to the counts of the class',
      (copy) => {
        const { segments } = browse(copy)
        segments[0] = structuredClone(segments[1] as (typeof segments)[number])
      },
    ],
    ['classes.browse.counts.completed: must equal the number of latencies', (copy) => browse(copy).counts.completed++],
    [
      'classes.browse.rates: must be null exactly when no request was offered',
      (copy) => Object.assign(browse(copy), { rates: null }),
    ],
    [
      'classes.browse.rates.error: must be the fraction of offered',
      (copy) => Object.assign(browse(copy).rates ?? {}, { error: 0.5 }),
    ],
    [
      'classes.browse.offeredPerSecond: must be counts.offered divided by',
      (copy) => Object.assign(browse(copy), { offeredPerSecond: 1 }),
    ],
    [
      'classes.browse.latencyMs: must have as many values as its histogram',
      (copy) => void (browse(copy).latencyMs as { count: number }).count++,
    ],
  ])('is refused: %s', (message, change) => {
    expect(spoil(change)).toThrow(message)
  })
})
