import { Command } from 'commander'
import { type Capacity, capacity } from '../explore/capacity.js'
import { type Headroom, headroom } from '../explore/tune/headroom.js'
import { renderResult } from '../report/terminal/result-table.js'
import { headroomText } from '../report/terminal/tuned-table.js'
import type { Scenario } from '../scenario/scenario.js'
import { count, rate } from '../text/number.js'
import type { RenderOptions } from '../text/style.js'
import { wrap } from '../text/wrap.js'
import { ValidationError } from '../validation/validation-error.js'
import { addOutputOptions, Interrupted, type OutputFlags, print, printJson, withProgress } from './output.js'
import { addScenarioOptions, buildScenario, loadBudget, parseValue, type ScenarioFlags } from './scenario-options.js'
import { FAILED, type Terminal } from './terminal.js'

const EXAMPLES = `
With --p99, the rate of the arrivals is searched; with --budget, by how much all of them may grow. The exit code is 1 if no
load is sustained within the limit, or the present one breaks the budget.

Examples:
  $ throughline capacity scenario.json --p99 100ms
  $ throughline capacity scenario.json --budget p99=100ms,errorRate=1%
  $ throughline capacity --arrivals 100/s --base 7.5ms --per-item 0.25ms --max-batch-size 50 --p99 50ms --json`

interface CapacityFlags extends ScenarioFlags, OutputFlags {
  p99?: string
  budget?: string
}

export function capacityCommand(terminal: Terminal): Command {
  const command = new Command('capacity').description(
    'find the highest load within a limit on p99 latency, or within a budget',
  )
  addScenarioOptions(command, { service: true })
  command
    .option('--p99 <duration>', 'limit on p99 latency: search the highest rate within it')
    .option('--budget <limits>', 'a JSON file of a budget, or its limits: search by how much the load may grow')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: CapacityFlags) => {
    const { p99, budget, json } = flags
    if (budget !== undefined) {
      if (p99 !== undefined) throw new ValidationError('--p99', 'must be left out with --budget, which can limit p99')
      await printHeadroom(terminal, await buildScenario(file, flags, command), flags)
      return
    }
    if (p99 === undefined) throw new ValidationError('--p99', "is required, or --budget: a limit such as '100ms'")
    const found = capacity(await buildScenario(file, flags, command), { p99: parseValue(p99) as string })
    if (json) printJson(terminal, found)
    else print(terminal, found, (each, options) => render(each, p99, options))
    if (found === null) terminal.exitCode = FAILED
  })
}

/** Prints by how much the load may grow before the budget breaks. */
async function printHeadroom(terminal: Terminal, scenario: Scenario, { budget, json }: CapacityFlags): Promise<void> {
  const limits = await loadBudget(budget)
  const found = await withProgress(terminal, { endsEarly: false }, ({ report, signal }) =>
    headroom(scenario, limits, { signal, onProgress: ({ runs }) => report(0, `${count(runs)} runs`) }),
  )
  if (found === null) throw new Interrupted()
  if (json) printJson(terminal, found)
  else print(terminal, found, renderHeadroom)
  if (found.growth !== null && found.growth < 0) terminal.exitCode = FAILED
  if (found.growth === null && found.low === null) terminal.exitCode = FAILED
}

function renderHeadroom(found: Headroom, { width = 80 }: RenderOptions): string {
  const { growth, low, high } = found.rates
  const rates = [low, high].map((end) => (end === null ? '?' : rate(end)))
  const ends = growth === null ? '' : ` That is a load of ${rate(growth)} (${rates.join(' to ')}).`
  return wrap(`${headroomText(found)}${ends}`, width - 2)
    .map((line) => ` ${line}`)
    .join('\n')
}

function render(found: Capacity | null, p99: string, options: RenderOptions): string {
  if (found === null) return ` No load is sustained with p99 latency within ${p99}.`
  return ` Sustains ${rate(found.rate)} with p99 latency within ${p99}\n\n${renderResult(found.result, options)}`
}
