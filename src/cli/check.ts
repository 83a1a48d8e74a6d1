import { Command } from 'commander'
import { type BudgetCheck, checkBudget, type Verdict } from '../budget/check.js'
import { headline, renderBudget } from '../budget/render.js'
import { readBudget, readResult } from '../report/file.js'
import type { Look } from '../text/style.js'
import { addOutputOptions, type OutputFlags, print, printJson } from './output.js'

const EXAMPLES = `
A budget is a JSON file: { "p99": "100ms", "queueing.p95": "20ms", "throughput": ">= 500/s", "errorRate": "< 1%" }
The exit code is 0 where it is kept, 1 where it is broken, 3 where the result does not tell.

Examples:
  $ throughline check result.json --budget budget.json
  $ throughline measure scenario.ts --json > result.json && throughline check result.json --budget budget.json`

const EXIT_CODES: Record<Verdict, number> = { pass: 0, fail: 1, inconclusive: 3 }

export function checkCommand(): Command {
  const command = new Command('check')
    .description('judge a stored result by a budget')
    .argument('<result>', 'the JSON file of a result, as --json prints it')
    .requiredOption('--budget <file>', 'the JSON file of a budget')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string, flags: OutputFlags & { budget: string }) => {
    const [result, budget] = await Promise.all([readResult(file), readBudget(flags.budget)])
    const check = checkBudget(result, budget)
    if (flags.json) printJson(check)
    else print(check, render)
    process.exitCode = EXIT_CODES[check.verdict]
  })
}

const render = (check: BudgetCheck, look: Look) => ` ${headline(check)}\n\n${renderBudget(check, look)}`
