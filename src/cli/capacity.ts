import { Command } from 'commander'
import { type Capacity, capacity } from '../explore/capacity.js'
import { renderResult } from '../report/terminal/result-table.js'
import { rate } from '../text/number.js'
import type { RenderOptions } from '../text/style.js'
import { ValidationError } from '../validation/validation-error.js'
import { addOutputOptions, type OutputFlags, print, printJson } from './output.js'
import { addScenarioOptions, buildScenario, parseValue, type ScenarioFlags } from './scenario-options.js'
import { FAILED, type Terminal } from './terminal.js'

const EXAMPLES = `
The exit code is 1 if no load is sustained within the limit.

Examples:
  $ throughline capacity scenario.json --p99 100ms
  $ throughline capacity --arrivals 100/s --base 7.5ms --per-item 0.25ms --max-batch-size 50 --p99 50ms --json`

export function capacityCommand(terminal: Terminal): Command {
  const command = new Command('capacity').description('find the highest load with p99 latency within a limit')
  addScenarioOptions(command, { service: true })
  command.option('--p99 <duration>', 'limit on p99 latency; required, here or in the config')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: ScenarioFlags & OutputFlags & { p99?: string }) => {
    const { p99, json } = flags
    if (p99 === undefined) throw new ValidationError('--p99', "is required: a limit such as '100ms'")
    const found = capacity(await buildScenario(file, flags, command), { p99: parseValue(p99) as string })
    if (json) printJson(terminal, found)
    else print(terminal, found, (each, options) => render(each, p99, options))
    if (found === null) terminal.exitCode = FAILED
  })
}

function render(found: Capacity | null, p99: string, options: RenderOptions): string {
  if (found === null) return ` No load is sustained with p99 latency within ${p99}.`
  return ` Sustains ${rate(found.rate)} with p99 latency within ${p99}\n\n${renderResult(found.result, options)}`
}
