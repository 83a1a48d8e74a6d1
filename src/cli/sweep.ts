import { Command } from 'commander'
import { type SweepFields, sweep } from '../explore/sweep.js'
import { renderSweep } from '../report/sweep-table.js'
import { ScenarioError } from '../scenario/error.js'
import { addOutputOptions, type OutputFlags, print, printJson, withProgress } from './output.js'
import { addScenarioOptions, limit, type ScenarioFlags, scenarioOf, value } from './scenario-options.js'

const EXAMPLES = `
These take a list, and every combination is run: --max-batch-size, --max-wait, --servers, --arrivals.

Examples:
  $ throughline sweep --arrivals 800/s --base 7.5ms --per-item 0.25ms --max-batch-size 8,16,32,64 --max-wait 5ms,20ms
  $ throughline sweep scenario.ts --arrivals 400/s,800/s --measure --json`

interface SweepFlags extends ScenarioFlags, OutputFlags {
  measure?: boolean
}

export function sweepCommand(): Command {
  const command = new Command('sweep').description('run a scenario at several batch sizes, waits, servers or rates')
  addScenarioOptions(command, { service: true, handler: true })
  command.option('--measure', 'measure each point, instead of simulating it')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: SweepFlags) => {
    const { arrivals, servers, maxWait, maxBatchSize, measure } = flags
    const fields = {
      rate: listOf(arrivals, value),
      servers: listOf(servers, value),
      maxWait: listOf(maxWait, limit),
      maxBatchSize: listOf(maxBatchSize, limit),
    } as SweepFields
    if (Object.values(fields).every((values) => values === undefined)) {
      throw new ScenarioError('sweep', 'nothing to sweep: give a list, such as --max-batch-size 1,2,4,8')
    }
    const scenario = await scenarioOf(file, {
      ...flags,
      // with which process is known from its first rate
      arrivals: arrivals?.split(',')[0],
      servers: unlisted(servers),
      maxWait: unlisted(maxWait),
      maxBatchSize: unlisted(maxBatchSize),
    })
    const engine = measure ? 'measure' : 'simulate'
    const swept = await withProgress(engine, (progress, signal) =>
      sweep(scenario, fields, {
        engine,
        signal,
        onProgress: ({ share, done, total }) => progress.update(share, `point ${done + 1} of ${total}`),
      }),
    )
    if (flags.json) printJson(swept.map(({ point, result }) => ({ ...point, result })))
    else print(swept, renderSweep)
  })
}

function listOf<T>(text: string | undefined, read: (value: string) => T): T[] | undefined {
  return text?.includes(',') ? text.split(',').map(read) : undefined
}

const unlisted = (text: string | undefined) => (text?.includes(',') ? undefined : text)
