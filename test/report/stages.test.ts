import { describe, expect, it } from 'vitest'
import { type Result, type StageResult, simulate, stages } from '../../src/index.js'
import { renderHtml, renderMarkdown, renderResult, renderResultsCsv, renderSweepCsv } from '../../src/report/index.js'
import { checkResult } from '../../src/result/check.js'
import { visible } from '../../src/text/style.js'

const result = simulate({
  arrivals: stages([
    { rate: '100/s', duration: '10s' },
    { rate: '500/s', duration: '20s' },
    { rate: '100/s', duration: '10s' },
    { rate: '100/s', duration: '10s' },
  ]),
  service: '4ms',
  queue: { capacity: 20 },
  good: { latency: '30ms' },
  warmup: { duration: '10s' },
  stop: { duration: '40s' },
})
const [, rising, falling] = result.stages as [StageResult, StageResult, StageResult]

describe('reports of stages', () => {
  it('have a row for each, and say which were warm-up or not reached', () => {
    const text = renderResult(result)
    expect(Math.max(...text.split('\n').map(visible))).toBeLessThanOrEqual(90)
    const [headers, units, , ...rows] = text
      .split('\n')
      .slice(text.split('\n').findIndex((line) => / stage /.test(line)))
    expect(headers?.trim().split(/ {2,}/).slice(0, 6)).toEqual([
      'stage',
      'rate',
      'offered',
      'completed',
      'errors',
      'good',
    ])
    expect(units).toMatch(/^ s +\/s +\/s +\/s +% +% +ms/)
    expect(rows[0]).toMatch(/^ 0 to 10 +100 +warm-up +– +– +– +– +– +– +–$/)
    expect(rows[1]).toMatch(/^ 10 to 30 +100 to 500 +\d+ +2\d\d /)
    expect(rows[2]).toMatch(/^ 30 to 40 +500 to 100 /)
    expect(rows[3]).toMatch(/^ 40 to 50 +100 +not reached +–/)
    const markdown = renderMarkdown(result)
    expect(markdown).toContain(
      '| stage s | rate /s | offered /s | completed /s | errors % | good % | p50 ms | p90 ms | p95 ms | p99 ms | max ms |',
    )
    expect(markdown).toContain('| 40 to 50 | 100 | not reached | – |')
    const html = renderHtml(result)
    expect(html).toContain('<h3 id="stages-0">Stages</h3>')
    expect(html).toContain('<tr><th scope="row">30 to 40</th><td>500 to 100</td>')
  })

  it('have none for other arrivals', () => {
    const plain = simulate({ arrivals: '100/s', service: '4ms', stop: { requests: 2000 } })
    expect(renderResult(plain)).not.toMatch(/ stage /)
    expect(renderMarkdown(plain)).not.toContain('| stage')
    expect(renderHtml(plain)).not.toContain('id="stages-0"')
    expect(renderResultsCsv([{ name: 'a', result: plain }])).not.toContain('stage')
  })

  it('of CSV have a line for each stage after that of the run', () => {
    const lines = (csv: string) => csv.split('\n').map((line) => line.split(','))
    const [header = [], whole = [], ...each] = lines(renderResultsCsv([{ name: 'a', result }]))
    const read = (line: string[] | undefined, name: string) => line?.[header.indexOf(name)]
    expect(header.slice(0, 6)).toEqual([
      'name',
      'stage',
      'stageStartMs',
      'stageEndMs',
      'stageFromPerSec',
      'stageToPerSec',
    ])
    expect(whole.slice(0, 3)).toEqual(['a', '', ''])
    expect(each[1]?.slice(0, 6)).toEqual(['a', '2', '10000', '30000', '100', '500'])
    expect(Number(read(each[1], 'p99Ms'))).toBe(rising.latencyMs?.p99)
    expect(Number(read(each[2], 'completedPerSec'))).toBe(falling.throughput?.completed)
    expect(Number(read(each[1], 'errorRate'))).toBeCloseTo(rising.counts.rejected / rising.counts.offered, 12)
    expect(Number(read(each[1], 'goodput'))).toBeCloseTo((rising.counts.good as number) / rising.counts.offered, 12)
    expect([read(each[3], 'requests'), read(each[3], 'errorRate'), read(each[3], 'p99Ms')]).toEqual(['0', '', ''])
    // of a stage alone it is not known
    expect(read(each[1], 'utilization')).toBe('')
    expect(lines(renderSweepCsv([{ point: { servers: 1 }, result }]))[0]?.slice(0, 2)).toEqual(['servers', 'stage'])
  })
})

describe('a stored result whose stages contradict the rest', () => {
  it.each<[string, (of: StageResult[], copy: Result) => void]>([
    ['stages: must add up to the counts of the whole', (of) => void of.splice(2)],
    ['stages.0.startMs: must be the end of the stage before it, or 0', (of) => void of.shift()],
    [
      'stages.1.counts.completed: must equal the number of latencies',
      (of) => Object.assign(of[1]?.counts ?? {}, { completed: 1, rejected: rising.counts.offered - 1, good: 0 }),
    ],
    [
      'stages.1.counts.offered: must be the sum of the other counts',
      (of) => Object.assign(of[1]?.counts ?? {}, { offered: 1 }),
    ],
    [
      'stages.1.throughput.offered: must be counts.offered divided by the seconds of windowMs',
      (of) => Object.assign(of[1]?.throughput ?? {}, { offered: 1 }),
    ],
    [
      'stages.3.throughput: must be null exactly when no part of the stage is in the window',
      (of) => Object.assign(of[3] ?? {}, { throughput: { offered: 0, completed: 0 } }),
    ],
    [
      'stages.1.latencyMs: must have the p50 that its histogram has',
      (of) => Object.assign(of[1]?.latencyMs ?? {}, { p50: (rising.latencyMs?.p50 ?? 0) - 0.1 }),
    ],
    [
      'stages.1.first: must be greater than `last` of the stage before it',
      (of) => Object.assign(of[1] ?? {}, { first: 1 }),
    ],
    [
      'stages: must be absent: the arrivals are not in stages',
      (_, copy) => Object.assign(copy.scenario ?? {}, { arrivals: { process: 'poisson', rate: 1 } }),
    ],
  ])('is refused: %s', (message, change) => {
    const copy = structuredClone(result)
    change(copy.stages as StageResult[], copy)
    expect(() => checkResult(copy)).toThrow(message)
  })
})
