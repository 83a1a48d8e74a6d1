import { Command } from 'commander'
import { type BudgetCheck, checkBudget, type Verdict } from '../budget/check.js'
import { headline, renderBudget } from '../budget/render.js'
import { jsonText, readResult, writeText } from '../files/stored.js'
import { renderJunit } from '../report/export/junit.js'
import { renderBudgetMarkdown } from '../report/export/markdown.js'
import type { RenderOptions } from '../text/style.js'
import { addInconclusiveOption, addOutputOptions, formatOf, type OutputFlags, print, printJson } from './output.js'
import { BUDGET_IS, loadBudget } from './parse-flags.js'
import { FAILED, INCONCLUSIVE, type Terminal } from './terminal.js'

const EXAMPLES = `
A JSON file of a budget: { "p99": "100ms", "queueing.p95": "20ms", "throughput": ">= 500/s", "errorRate": "< 1%" }
The exit code is 0 if the budget is kept, 1 if it is broken, 3 if the check is inconclusive.

Examples:
  $ throughline check result.json --budget 'p99=100ms,errorRate<1%'
  $ throughline check result.json --budget budget.json --output junit.xml
  $ throughline measure scenario.ts --json > result.json && throughline check result.json --budget budget.json`

interface CheckFlags extends OutputFlags {
  budget?: string
  onInconclusive?: 'fail' | 'pass'
  output?: string
}

export function checkCommand(terminal: Terminal): Command {
  const command = new Command('check')
    .description('check a stored result against a budget')
    .argument('<result>', 'JSON file of a result, as printed by --json')
    .option('--budget <limits>', `${BUDGET_IS}; required, here or in the config`)
  addInconclusiveOption(command).option(
    '-o, --output <file>',
    'also write the verdict to a file: .xml (JUnit), .md or .json',
  )
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string, flags: CheckFlags) => {
    const { budget: limits, onInconclusive = 'fail', output } = flags
    const format = output === undefined ? null : formatOf(output, ['xml', 'md', 'json'])
    const [result, budget] = await Promise.all([readResult(file), loadBudget(limits)])
    const check = checkBudget(result, budget)
    if (output !== undefined) {
      const text =
        format === 'xml'
          ? renderJunit(check, { name: file, onInconclusive })
          : format === 'md'
            ? renderBudgetMarkdown(check)
            : jsonText(check)
      await writeText(output, text)
    }
    if (flags.json) printJson(terminal, check)
    else print(terminal, check, renderCheck)
    terminal.exitCode = exitCodeOf(check.verdict, onInconclusive)
  })
}

/** The exit code of a verdict. */
export function exitCodeOf(verdict: Verdict, onInconclusive: 'fail' | 'pass'): number {
  if (verdict === 'inconclusive') return onInconclusive === 'pass' ? 0 : INCONCLUSIVE
  return verdict === 'pass' ? 0 : FAILED
}

export const renderCheck = (check: BudgetCheck, options: RenderOptions) =>
  ` ${headline(check)}\n\n${renderBudget(check, options)}`
