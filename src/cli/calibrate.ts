import { Command, Option } from 'commander'
import { type CalibrateAt, type CalibrateOptions, type Calibration, calibrate } from '../explore/calibrate.js'
import { NS_PER_MS } from '../scenario/nanoseconds.js'
import { meanServiceNs, serviceSchema } from '../scenario/service/service.js'
import { renderFindings } from '../text/findings.js'
import { makeLegible } from '../text/legible.js'
import { count, time } from '../text/number.js'
import type { RenderOptions } from '../text/style.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './options/scenario-options.js'
import { addOutputOptions, type OutputFlags, print, printJson, withProgress } from './output.js'
import { parseValue } from './parse-flags.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
--json prints { "service": … }, a part of a scenario, to stdout, and the findings of the run to stderr.

Examples:
  $ throughline calibrate scenario.ts --utilization 0.7
  $ throughline calibrate --handler ./model.ts --arrivals 100/s --max-batch-size 16 --rate 400/s --json`

interface CalibrateFlags {
  utilization?: string
  rate?: string
  tight?: boolean
  for?: string
}

export function calibrateCommand(terminal: Terminal): Command {
  const command = new Command('calibrate').description('measure service times, as input for simulations')
  addScenarioOptions(command, { handler: true })
  command
    .addOption(new Option('--utilization <fraction>', 'load to measure at, as a fraction of capacity (default: 0.7)'))
    .addOption(new Option('--rate <rate>', 'load to measure at, in requests per second').conflicts('utilization'))
    .addOption(
      new Option('--tight', 'run the bare handler, one batch after another').conflicts(['utilization', 'rate']),
    )
    .option('--for <duration>', 'duration of the measurement (default: 3s)')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: ScenarioFlags & OutputFlags & CalibrateFlags) => {
    const scenario = await buildScenario(file, flags, command)
    const duration = parseValue(flags.for)
    const calibration = await withProgress(terminal, { endsEarly: true }, ({ signal, report }) => {
      const options: CalibrateOptions = {
        signal,
        ...(duration !== undefined && { duration }),
        onProgress: ({ fraction }) => report(fraction, 'observed'),
      }
      return calibrate(scenario, loadOf(flags), options)
    })
    if (flags.json) {
      printJson(terminal, { service: calibration.service })
      for (const { code, message } of calibration.findings) {
        terminal.stderr.write(`throughline: ${code}: ${makeLegible(message)}\n`)
      }
    } else print(terminal, calibration, render)
  })
}

function loadOf({ utilization, rate, tight }: CalibrateFlags): CalibrateAt {
  if (tight) return { tight: true }
  return rate === undefined
    ? { utilization: parseValue(utilization ?? '0.7') as number }
    : { rate: parseValue(rate) as string }
}

/** Renders the mean service time of each observed batch size, and the findings of the run. */
function render({ service, findings }: Calibration, { width = 80, style }: RenderOptions): string {
  const parsed = serviceSchema.parse(service)
  if (parsed.model !== 'byBatchSize') return ` ${JSON.stringify(service)}`
  const meanNs = meanServiceNs(parsed)
  const lines = Object.keys(parsed.points)
    .map(Number)
    .map((size) => ` ${count(size).padStart(9)}  ${time(meanNs(size) / NS_PER_MS)}`)
  const doubts = findings.length === 0 ? [] : ['', renderFindings(findings, width, style)]
  return [' Batch size and mean service time', ...lines, ...doubts].join('\n')
}
