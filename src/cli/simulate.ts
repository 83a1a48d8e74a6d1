import { Command } from 'commander'
import { simulateAll } from '../explore/simulate-all.js'
import { renderResult } from '../report/terminal/result-table.js'
import type { Result } from '../result/result.js'
import { resolveScenario } from '../scenario/scenario.js'
import {
  addOutputOptions,
  addPriceOption,
  addValidityOption,
  failIfInvalid,
  Interrupted,
  type OutputFlags,
  type PriceFlags,
  priceOf,
  print,
  printJson,
  type ValidityFlags,
  withProgress,
} from './output.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './scenario-options.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
Examples:
  $ throughline simulate --arrivals 800/s --base 7.5ms --per-item 0.25ms --max-batch-size 50 --max-wait 5ms
  $ throughline simulate scenario.json --servers 2 --price 1.20
  $ throughline simulate scenario.json --servers 2 --json`

export function simulateCommand(terminal: Terminal): Command {
  const command = new Command('simulate').description('run a scenario in virtual time, with a model of the service')
  addScenarioOptions(command, { service: true })
  addOutputOptions(addPriceOption(addValidityOption(command))).addHelpText('after', EXAMPLES)
  return command.action(
    async (file: string | undefined, flags: ScenarioFlags & OutputFlags & ValidityFlags & PriceFlags) => {
      const price = priceOf(flags)
      const scenario = resolveScenario(await buildScenario(file, flags, command), 'simulate')
      const [result] = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) =>
        simulateAll([scenario], {
          cache: null,
          signal,
          onProgress: (fraction) => report(fraction, 'simulated'),
        }),
      )
      if (result === undefined || result === null) throw new Interrupted()
      if (flags.json) printJson(terminal, result)
      else print<Result>(terminal, result, (each, options) => renderResult(each, { ...options, price }))
      failIfInvalid(terminal, flags, [result])
    },
  )
}
