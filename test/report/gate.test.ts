import { beforeAll, describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { compare } from '../../src/explore/compare.js'
import type { GateOutcome, GateReport } from '../../src/gate/gate-report.js'
import { renderGateJunit } from '../../src/report/export/gate-junit.js'
import { renderGateMarkdown } from '../../src/report/export/gate-markdown.js'
import { gateHeadline, sensitivityText } from '../../src/report/gate-text.js'
import { renderGateHtml } from '../../src/report/html/gate.js'
import { renderGate } from '../../src/report/terminal/gate-table.js'
import { simulate } from '../../src/simulate/simulate.js'

const scenario = { arrivals: '500/s', service: '1ms', stop: { requests: 1000 } } as const
const gated = (name: string, more: Partial<GateOutcome> = {}): GateOutcome => ({
  ...{ name, file: `${name}.throughline.ts`, in: 'both', verdict: 'pass' },
  ...{ comparison: null, confirmation: null, detectable: null, budget: null, ...more },
})
let same: GateOutcome
let slower: GateOutcome
let over: GateOutcome
let gate: GateReport
beforeAll(async () => {
  const sides = (service: string) => ({ ...scenario, base: {}, head: { service } })
  const detectable = { pairs: 8, changes: { mean: 0.1234, 'service.mean': 0.056 } }
  same = gated('same', { comparison: await compare(sides('1ms')), detectable })
  const comparison = await compare(sides('1.5ms'))
  slower = gated('slower', { verdict: 'fail', comparison, confirmation: comparison })
  over = gated('over', { verdict: 'fail', budget: checkBudget(simulate(scenario), { p99: '1ms' }) })
  gate = {
    ...{ schema: 'throughline/gate@1', verdict: 'fail', scenarios: [same, slower, over], notes: ['a note'] },
    base: { ref: 'main', commit: 'a'.repeat(40), dependencies: 'linked' },
    head: { commit: 'b'.repeat(40), branch: 'faster', changes: 0 },
    environment: { node: '20.20.2', platform: 'linux x64', cpu: 'a CPU', cores: 2, load: 0 },
  }
})
const of = (verdict: GateReport['verdict'], ...scenarios: GateOutcome[]) => ({ ...gate, verdict, scenarios })

describe('the headline of a gate', () => {
  it('names the scenarios that are slower, over budget, inconclusive or failed', () => {
    expect(gateHeadline(gate)).toBe('Slower than main: slower; over budget: over')
    expect(gateHeadline(of('fail', over))).toBe('Over budget: over')
    expect(gateHeadline(of('inconclusive', { ...same, verdict: 'inconclusive' }))).toBe('Inconclusive: same')
    expect(gateHeadline(of('failed', gated('x', { verdict: 'failed' })))).toBe('Cannot be run: x')
    expect(gateHeadline(of('failed', slower, over, gated('x', { verdict: 'failed' })))).toBe(
      'Slower than main: slower; over budget: over; cannot be run: x',
    )
    expect(gateHeadline(of('inconclusive', gated('x', { in: 'head' })))).toBe('Nothing was compared with main')
    expect(gateHeadline(of('pass', same))).toBe('Not slower than main')
    expect(gateHeadline(of('pass', same, same))).toBe('None of 2 scenarios is slower than main')
  })

  it('is followed by the detectable changes', () => {
    expect(sensitivityText(of('pass', same))).toBe(
      'Can detect changes of 5.6 % or more in service time (in 95 of 100 comparisons, estimated from the spread of the pairs).',
    )
    expect(sensitivityText(of('pass', slower))).toBeNull()
    const two = of('pass', same, { ...same, name: 'b', detectable: { pairs: 8, changes: { p99: 0.31 } } })
    expect(sensitivityText(two)).toMatch(/^Can detect changes of 5\.6 % \(same\) to 31 % \(b\) or more \(in 95 of/)
    expect(sensitivityText(of('pass', same, same))).toMatch(/changes of 5\.6 % or more in each scenario/)
  })
})

describe('a gate', () => {
  it('is a table in a terminal', () => {
    const text = renderGate(gate, { width: 120 })
    expect(text).toMatch(/^ Slower than main: slower; over budget: over\n/)
    expect(text).toMatch(/ same +mean +.* 1\.00 +1\.00 to 1\.00 +5\.6 % +same\n/)
    expect(text).toMatch(/ over +broken +over budget\n/)
    expect(text).toMatch(/over: Budget broken: .* \(p99\)/)
    expect(text).toMatch(/base aaaaaaaaaa \(main\), head bbbbbbbbbb \(faster\)/)
    for (const line of renderGate(gate, { width: 80 }).split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('is Markdown, with all metrics folded', () => {
    const text = renderGateMarkdown(gate)
    expect(text).toMatch(/^### ❌ Slower than main: slower; over budget: over\n/)
    expect(text).toMatch(/\| same \| ✅\u00a0same \| mean \| /)
    expect(text).toMatch(/<details><summary>❌ slower: head is slower: mean .*<\/summary>\n\n\| metric \|/)
    expect(text).toMatch(/\n\nSecond comparison: head is slower: mean .*\n\n\| metric \|/)
    expect(text).toMatch(/\nCompared by throughline: base aaaaaaaaaa \(main\)/)
    expect(text.match(/^<\/details>$/gm)).toHaveLength(3)
  })

  it('is JUnit, with a test for each comparison and each rule', () => {
    const text = renderGateJunit(of('fail', ...gate.scenarios, gated('new', { in: 'head', reason: 'only in head' })))
    expect(text).toMatch(/<testsuite name="throughline" tests="5" failures="2" errors="0" skipped="1" time="0">/)
    expect(text).toMatch(/<testcase name="same" classname="same\.throughline\.ts" time="0"\/>/)
    expect(text).toMatch(/<failure message="over|<failure message="p99 &lt;= 1 ms: fail/)
    const open = {
      ...same,
      verdict: 'inconclusive' as const,
      comparison: { ...same.comparison, verdict: 'inconclusive' },
    }
    const inconclusive = of('inconclusive', open as GateOutcome)
    expect(renderGateJunit(inconclusive)).toMatch(/failures="1"/)
    expect(renderGateJunit(inconclusive, { onInconclusive: 'pass' })).toMatch(/failures="0" .* skipped="1"/)
  })

  it('is a page, with the charts of every comparison', () => {
    const text = renderGateHtml(gate)
    expect(text.match(/class="whisker"/g)?.length).toBeGreaterThan(14)
    expect(new Set(text.match(/ id="[^"]*"/g)).size).toBe(text.match(/ id="[^"]*"/g)?.length)
  })

  it('escapes the names of scenarios', () => {
    const evil = of('pass', { ...same, name: '<b>|`x`\u001b[31m' })
    const texts = [renderGateMarkdown(evil), renderGateHtml(evil), renderGateJunit(evil)]
    for (const text of texts) expect(text).not.toContain('<b>|')
    for (const text of [...texts, renderGate(evil)]) expect(text).not.toContain('\u001b')
  })

  it('is rejected if it is not a gate', () => {
    for (const render of [renderGate, renderGateMarkdown, renderGateJunit, renderGateHtml]) {
      expect(() => render({} as GateReport)).toThrow(/gate: must be a gate with the schema "throughline\/gate@1"/)
    }
  })
})
