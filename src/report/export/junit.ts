import { type BudgetCheck, checkIsBudgetCheck, type RuleCheck } from '../../budget/check.js'
import { headline, observedText, ruleText } from '../../budget/render.js'
import { checkOptions } from '../given.js'
import { type Markup, markup } from '../markup.js'

export interface JunitOptions {
  /** What is judged, such as the file of a result. */
  name?: string | undefined
  /** A rule that the run does not tell of is a failure, the default, or skipped. */
  onInconclusive?: 'fail' | 'pass' | undefined
}

/**
 * A budget's check as JUnit XML, which continuous integration reads: a test for each rule. Times are 0, for judging
 * takes none.
 *
 * @throws ValidationError if it is not a budget check
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
  const said = `${ruleText(rule)}: ${rule.verdict}, ${observedText(rule)}`
  if (skipped) return markup`      <skipped message="${said}"/>\n`
  const why = [said, rule.reason, headline(check)].filter((text) => text !== undefined).join('\n')
  return markup`      <failure message="${said}" type="${rule.verdict}">${why}</failure>\n`
}
