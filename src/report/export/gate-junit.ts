import { comparisonHeadline } from '../../budget/comparison/render-comparison.js'
import { observedText, ruleText } from '../../budget/render.js'
import { checkIsGate, type GateOutcome, type GateReport } from '../../gate/gate-report.js'
import { checkOptions } from '../check-options.js'
import { gateSides } from '../gate-text.js'
import { type Markup, markup } from '../markup.js'
import type { JunitOptions } from './junit.js'

interface TestCase {
  name: string
  classname: string
  outcome: 'pass' | 'fail' | 'inconclusive' | 'failed' | 'skipped'
  message: string
}

/**
 * Renders a gate as JUnit XML: a test for each compared scenario, and one for each rule of its budget. Scenarios that only one
 * side has are skipped.
 *
 * @throws ValidationError if it is not the report of a gate
 * @example
 * import { readFile } from 'node:fs/promises'
 *
 * // written by `throughline compare --base-ref origin/main -o gate.json`
 * const gate = JSON.parse(await readFile('gate.json', 'utf8'))
 * const xml = renderGateJunit(gate)
 */
export function renderGateJunit(gate: GateReport, options: JunitOptions = {}): string {
  checkOptions(options, 'junit')
  checkIsGate(gate)
  const { name = 'throughline', onInconclusive = 'fail' } = options
  const cases = gate.scenarios.flatMap(casesOf).map((each): TestCase => {
    const skips = each.outcome === 'inconclusive' && onInconclusive === 'pass'
    return skips ? { ...each, outcome: 'skipped' } : each
  })
  const count = (...outcomes: TestCase['outcome'][]) => cases.filter(({ outcome }) => outcomes.includes(outcome)).length
  const totals = markup`tests="${cases.length}" failures="${count('fail', 'inconclusive')}" errors="${count('failed')}"`
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="throughline" ${totals} time="0">
  <testsuite name="${name}" ${totals} skipped="${count('skipped')}" time="0">
    <properties><property name="compared" value="${gateSides(gate)}"/></properties>
${cases.map(renderTestCase)}  </testsuite>
</testsuites>
`.text
}

function casesOf({ name, file, verdict, reason, comparison, confirmation, budget }: GateOutcome): TestCase[] {
  const about = { name, classname: file }
  const decides = confirmation ?? comparison
  if (decides === null && budget === null) {
    return [{ ...about, outcome: verdict === 'pass' ? 'skipped' : verdict, message: reason ?? '' }]
  }
  const compared: TestCase[] = []
  if (decides !== null) {
    const contradicts = confirmation !== null && confirmation.verdict !== 'slower'
    const outcome = contradicts
      ? 'inconclusive'
      : ({ slower: 'fail', same: 'pass', faster: 'pass', inconclusive: 'inconclusive' } as const)[decides.verdict]
    const message = [comparisonHeadline(decides), reason].filter((text) => text !== undefined).join('; ')
    compared.push({ ...about, outcome, message })
  }
  if (verdict === 'failed') compared.push({ ...about, outcome: 'failed', message: reason ?? '' })
  const rules = budget?.rules.map((rule): TestCase => {
    const message = `${ruleText(rule)}: ${rule.verdict}, ${observedText(rule)}`
    return { ...about, name: `${name}: ${ruleText(rule)}`, outcome: rule.verdict, message }
  })
  return [...compared, ...(rules ?? [])]
}

function renderTestCase({ name, classname, outcome, message }: TestCase): Markup {
  const about = markup`name="${name}" classname="${classname}" time="0"`
  if (outcome === 'pass') return markup`    <testcase ${about}/>\n`
  const inner =
    outcome === 'skipped'
      ? markup`<skipped message="${message}"/>`
      : outcome === 'failed'
        ? markup`<error message="${message}" type="failed"/>`
        : markup`<failure message="${message}" type="${outcome}">${message}</failure>`
  return markup`    <testcase ${about}>\n      ${inner}\n    </testcase>\n`
}
