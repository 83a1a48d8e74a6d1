import { Command } from 'commander'
import { simulateAll } from '../explore/simulate-all.js'
import { resolveScenario } from '../scenario/scenario.js'
import { addRunOptions, EXIT_CODES_OF_BUDGET, type RunFlags, readRunFlags, showRun } from './options/run-options.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './options/scenario-options.js'
import { Interrupted, withProgress } from './output.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `${EXIT_CODES_OF_BUDGET}

Examples:
  $ throughline simulate --arrivals 800/s --base 7.5ms --per-item 0.25ms --max-batch-size 50 --max-wait 5ms
  $ throughline simulate scenario.json --servers 2 --price 1.20
  $ throughline simulate scenario.json --budget 'p99=50ms,throughput>=500/s' --output report.html
  $ throughline simulate scenario.json --servers 2 --json`

export function simulateCommand(terminal: Terminal): Command {
  const command = new Command('simulate').description('run a scenario in virtual time, with a model of the service')
  addScenarioOptions(command, { service: true })
  addRunOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: ScenarioFlags & RunFlags) => {
    const asked = await readRunFlags(command, flags)
    const scenario = resolveScenario(await buildScenario(file, flags, command), 'simulate')
    const [result] = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) =>
      simulateAll([scenario], {
        cache: null,
        signal,
        onProgress: (fraction) => report(fraction, 'simulated'),
      }),
    )
    if (result === undefined || result === null) throw new Interrupted()
    await showRun(terminal, result, asked, file ?? 'simulate')
  })
}
