import { Command } from 'commander'
import { replicate } from '../explore/replicate.js'
import { renderResult } from '../report/terminal/result-table.js'
import { addRedisOption, onAgents, type RedisFlags } from './machines/on-agents.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './options/scenario-options.js'
import {
  addOutputOptions,
  addValidityOption,
  failIfInvalid,
  type OutputFlags,
  print,
  printJson,
  type ValidityFlags,
  withProgress,
} from './output.js'
import { parseValue } from './parse-flags.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
Examples:
  $ throughline replicate scenario.json --replications 20
  $ throughline replicate --arrivals 80/s --service 10ms --requests 100000 --json`

export function replicateCommand(terminal: Terminal): Command {
  const command = new Command('replicate').description(
    'simulate a scenario several times with independent random numbers, and merge the runs',
  )
  addScenarioOptions(command, { service: true })
  command
    .option('--replications <n>', 'number of runs (default: 10)')
    .option('--threads <n>', 'number of threads (default: one for each core, if runs are long)')
  addOutputOptions(addValidityOption(addRedisOption(command))).addHelpText('after', EXAMPLES)
  type Flags = ScenarioFlags & OutputFlags & ValidityFlags & RedisFlags & { replications?: string; threads?: string }
  return command.action(async (file: string | undefined, flags: Flags) => {
    const scenario = await buildScenario(file, flags, command)
    const result = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) =>
      replicate(scenario, {
        replications: parseValue(flags.replications ?? '10') as number,
        threads: parseValue(flags.threads) as number | undefined,
        ...onAgents(flags),
        signal,
        onProgress: ({ fraction, done, total }) => report(fraction, `${done} of ${total} replications`),
      }),
    )
    if (flags.json) printJson(terminal, result)
    else print(terminal, result, renderResult)
    failIfInvalid(terminal, flags, [result])
  })
}
