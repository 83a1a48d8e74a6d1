import { Command } from 'commander'
import type { AgentsNeeded } from '../../explore/limit/agents-needed.js'
import type { MeasureCapacityOptions } from '../../explore/limit/measure-capacity.js'
import { renderAgentsNeeded } from '../../report/terminal/agents-table.js'
import { count, rate } from '../../text/number.js'
import { ValidationError } from '../../validation/validation-error.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from '../options/scenario-options.js'
import { addOutputOptions, Interrupted, type OutputFlags, print, printJson, withProgress } from '../output.js'
import { parseValue } from '../parse-flags.js'
import { INCONCLUSIVE, type Terminal } from '../terminal.js'

const EXAMPLES = `
Measures one load after another from this machine, up to the load of the arrivals, until requests are no longer sent on time.
Without --url, requests go to a built-in server that answers at once. The exit code is 3 if the number stays unknown.

Examples:
  $ throughline agents --arrivals 50000/s
  $ throughline agents http.json --at-most 30s`

interface AgentsFlags extends ScenarioFlags, OutputFlags {
  atMost?: string
}

export function agentsCommand(terminal: Terminal): Command {
  const command = new Command('agents').description(
    'find how many agents a load needs, from how much this machine can send',
  )
  addScenarioOptions(command, { handler: true })
  command.option('--at-most <duration>', 'how long to measure, all loads together (default: 60s)')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: AgentsFlags) => {
    const { atMost, json, duration, requests } = flags
    const length =
      duration !== undefined ? '--duration' : typeof parseValue(requests) === 'number' ? '--requests' : null
    if (length !== null) throw new ValidationError(length, 'must be omitted; --at-most limits all runs together')
    const scenario = await buildScenario(file, flags, command)
    const { agentsNeeded } = await import('../../explore/limit/agents-needed.js')
    const found: AgentsNeeded = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) => {
      const options: MeasureCapacityOptions = {
        ...(atMost !== undefined && { atMost: parseValue(atMost) as string }),
        signal,
        onProgress: ({ fraction, rate: load, runs }) => report(fraction, `${rate(load)}, run ${count(runs + 1)}`),
      }
      return agentsNeeded(scenario, options)
    })
    if (found.search.tried.length === 0 && terminal.exitCode !== 0) throw new Interrupted()
    if (json) printJson(terminal, found)
    else print(terminal, found, renderAgentsNeeded)
    if (found.agents === null && terminal.exitCode === 0) terminal.exitCode = INCONCLUSIVE
  })
}
