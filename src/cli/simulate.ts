import { Command } from 'commander'
import { shareOf } from '../explore/share.js'
import { renderResult } from '../report/result-table.js'
import { normalise } from '../scenario/scenario.js'
import { simulate } from '../simulate/simulate.js'
import { count } from '../text/number.js'
import { addOutputOptions, type OutputFlags, print, printJson, withProgress } from './output.js'
import { addScenarioOptions, type ScenarioFlags, scenarioOf } from './scenario-options.js'

const EXAMPLES = `
Examples:
  $ throughline simulate --arrivals 800/s --base 7.5ms --per-item 0.25ms --max-batch-size 50 --max-wait 5ms
  $ throughline simulate scenario.json --servers 2 --json`

export function simulateCommand(): Command {
  const command = new Command('simulate').description('run a scenario in virtual time, with a model of its service')
  addScenarioOptions(command, { service: true })
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: ScenarioFlags & OutputFlags) => {
    const scenario = await scenarioOf(file, flags)
    const { stop } = normalise(scenario, 'simulate')
    const result = await withProgress('simulate', (progress) =>
      simulate(scenario, {
        onProgress: (at) => progress.update(shareOf(stop, at), `${count(at.requests)} requests`),
      }),
    )
    if (flags.json) printJson(result)
    else print(result, renderResult)
  })
}
