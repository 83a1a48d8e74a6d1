import type { Command } from 'commander'
import { type BudgetCheck, checkBudget } from '../../budget/check.js'
import { headline } from '../../budget/render.js'
import { jsonText, writeText } from '../../files/stored.js'
import { renderJunit } from '../../report/export/junit.js'
import { renderBudgetMarkdown, renderMarkdown } from '../../report/export/markdown.js'
import { renderResult } from '../../report/terminal/result-table.js'
import type { Result } from '../../result/result.js'
import type { Budget } from '../../scenario/budget.js'
import { ValidationError } from '../../validation/validation-error.js'
import { exitCodeOf, renderCheck } from '../check.js'
import {
  addInconclusiveOption,
  addOutputOptions,
  addPriceOption,
  addValidityOption,
  failIfInvalid,
  formatOf,
  type OutputFlags,
  type PriceFlags,
  priceOf,
  print,
  printJson,
  type ValidityFlags,
} from '../output.js'
import { BUDGET_IS, loadBudget } from '../parse-flags.js'
import type { Terminal } from '../terminal.js'

/** Describes the exit codes in the help of commands with `addRunOptions`. */
export const EXIT_CODES_OF_BUDGET = `
With --budget the exit code is 0 if the budget is kept, 1 if it is broken, 3 if the check is inconclusive.`

const FORMATS = ['html', 'md', 'csv', 'hgrm', 'hlog', 'xml', 'json'] as const

/** The flags of a command that runs one scenario: how to check its result, and where to write it. */
export interface RunFlags extends OutputFlags, ValidityFlags, PriceFlags {
  budget?: string
  onInconclusive?: 'fail' | 'pass'
  output?: string
}

export function addRunOptions(command: Command): Command {
  command.option('--budget <limits>', `check the result against ${BUDGET_IS}`)
  addInconclusiveOption(command).option(
    '-o, --output <file>',
    `also write the result to a file: ${FORMATS.map((each) => `.${each}`).join(', ')} (.xml: JUnit, of a budget)`,
  )
  return addOutputOptions(addPriceOption(addValidityOption(command)))
}

/** What the flags of a run ask for. */
interface AskedOfRun {
  flags: RunFlags
  budget: Budget | undefined
  format: (typeof FORMATS)[number] | null
  onInconclusive: 'fail' | 'pass'
  price: number | undefined
}

/**
 * Reads the flags of a run, before it begins.
 *
 * @throws ValidationError if one is invalid, or has no effect
 */
export async function readRunFlags(command: Command, flags: RunFlags): Promise<AskedOfRun> {
  rejectUnused(command, [['onInconclusive', 'budget']])
  const { output, onInconclusive = 'fail' } = flags
  const price = priceOf(flags)
  const format = output === undefined ? null : formatOf(output, FORMATS)
  const budget = flags.budget === undefined ? undefined : await loadBudget(flags.budget)
  if (format === 'xml' && budget === undefined) {
    throw new ValidationError(
      '--output',
      'must have another extension: .xml holds the verdict on a budget; give --budget',
    )
  }
  return { flags, budget, format, onInconclusive, price }
}

/** Refuses flags that have no effect without another; a config may give their defaults. */
export function rejectUnused(command: Command, pairs: readonly (readonly [name: string, other: string])[]): void {
  const longOf = (name: string) => command.options.find((each) => each.attributeName() === name)?.long as string
  for (const [name, other] of pairs) {
    if (command.getOptionValueSource(name) !== 'cli' || command.getOptionValue(other) !== undefined) continue
    throw new ValidationError(longOf(name), `applies to ${longOf(other)} only`)
  }
}

/** Prints the result of a run, checks and writes it, and sets the exit code. */
export async function showRun(terminal: Terminal, result: Result, asked: AskedOfRun, name: string): Promise<void> {
  const { flags, budget, format, onInconclusive, price } = asked
  const check = budget === undefined ? null : checkBudget(result, budget)
  if (flags.json) printJson(terminal, result)
  else print(terminal, result, (each, options) => renderResult(each, { ...options, price }))
  if (check !== null) {
    if (flags.json) terminal.stderr.write(`throughline: ${headline(check)}\n`)
    else print(terminal, check, renderCheck)
    if (terminal.exitCode === 0) terminal.exitCode = exitCodeOf(check.verdict, onInconclusive)
  }
  if (flags.output !== undefined && format !== null) {
    await writeText(flags.output, await textOf(result, format, check, asked, name))
  }
  failIfInvalid(terminal, flags, [result])
}

/** The text of a file with the result. Formats that take long to load are loaded here. */
async function textOf(
  result: Result,
  format: (typeof FORMATS)[number],
  check: BudgetCheck | null,
  { budget, onInconclusive, price }: AskedOfRun,
  name: string,
): Promise<string> {
  switch (format) {
    case 'html': {
      const { renderHtml } = await import('../../report/html/render.js')
      return renderHtml(result, { budget, price })
    }
    case 'json':
      return jsonText(result)
    case 'xml':
      return renderJunit(check as BudgetCheck, { name, onInconclusive })
    case 'md':
      return renderMarkdown(result, { price }) + (check === null ? '' : `\n${renderBudgetMarkdown(check)}`)
    default: {
      const { renderResultsAs } = await import('../report.js')
      return renderResultsAs([{ name, result }], format, price)
    }
  }
}
