import { type BudgetCheck, checkIsBudgetCheck, type RuleCheck } from '../../budget/check.js'
import { headline, observedText, ruleText } from '../../budget/render.js'
import { checkOptions } from '../check-options.js'
import { type Markup, markup } from '../markup.js'

/** Options of `renderJunit`. */
export interface JunitOptions {
  /**
   * The name of the test suite, such as the file of the result.
   *
   * @default 'result'
   */
  name?: string | undefined
  /**
   * Whether an inconclusive rule is a failure (`fail`) or a skipped test (`pass`).
   *
   * @default 'fail'
   */
  onInconclusive?: 'fail' | 'pass' | undefined
}

/**
 * Renders a budget check as JUnit XML for continuous integration, with a test for each rule. Test times are 0.
 *
 * @throws ValidationError if it is not a budget check
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const xml = renderJunit(checkBudget(result, { p99: '100ms' }), { name: 'checkout' })
 */
export function renderJunit(check: BudgetCheck, options: JunitOptions = {}): string {
  checkOptions(options, 'junit')
  const { name = 'result', onInconclusive = 'fail' } = options
  checkIsBudgetCheck(check)
  const skips = (rule: RuleCheck) => rule.verdict === 'inconclusive' && onInconclusive === 'pass'
  const skipped = check.rules.filter(skips).length
  const failures = check.rules.filter((rule) => rule.verdict !== 'pass' && !skips(rule)).length
  const totals = markup`tests="${check.rules.length}" failures="${failures}" errors="0"`
  const cases = check.rules.map((rule) => {
    const about = markup`name="${ruleText(rule)}" classname="${name}" time="0"`
    return rule.verdict === 'pass'
      ? markup`    <testcase ${about}/>\n`
      : markup`    <testcase ${about}>\n${outcome(rule, skips(rule), check)}    </testcase>\n`
  })
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="throughline" ${totals} time="0">
  <testsuite name="${name}" ${totals} skipped="${skipped}" time="0">
${cases}  </testsuite>
</testsuites>
`.text
}

function outcome(rule: RuleCheck, skipped: boolean, check: BudgetCheck): Markup {
  const message = `${ruleText(rule)}: ${rule.verdict}, ${observedText(rule)}`
  if (skipped) return markup`      <skipped message="${message}"/>\n`
  const details = [message, rule.reason, headline(check)].filter((text) => text !== undefined).join('\n')
  return markup`      <failure message="${message}" type="${rule.verdict}">${details}</failure>\n`
}
