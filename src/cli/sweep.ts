import { Command, InvalidArgumentError, Option } from 'commander'
import { type SweepFields, sweep } from '../explore/sweep.js'
import { writeText } from '../files/stored.js'
import { renderSweepSvg } from '../report/draw/svg.js'
import { renderSweep } from '../report/terminal/sweep-table.js'
import { wholeName } from '../scenario/fields.js'
import { ValidationError } from '../validation/validation-error.js'
import { addRedisOption, onAgents, type RedisFlags } from './machines/on-agents.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './options/scenario-options.js'
import {
  addOutputOptions,
  addValidityOption,
  failIfInvalid,
  Interrupted,
  type OutputFlags,
  print,
  printJson,
  type ValidityFlags,
  withProgress,
} from './output.js'
import { parseLimit, parseValue } from './parse-flags.js'
import { toStoredSweep } from './stored-sweep.js'
import type { Terminal } from './terminal.js'

const EXAMPLES = `
--max-batch-size, --max-wait, --servers and --arrivals accept lists, as does --vary for any other field. Every combination
runs. With --cache, stored points are not simulated again.

Examples:
  $ throughline sweep --arrivals 800/s --base 7.5ms --per-item 0.25ms --max-batch-size 8,16,32,64 --max-wait 5ms,20ms
  $ throughline sweep scenario.json --vary batching.maxBatchSize=1,8,32 --vary queue.capacity=10,100 --cache .sweeps
  $ throughline sweep scenario.json --vary servers=1,2,4,8 --redis redis://10.0.0.5:6379
  $ throughline sweep scenario.ts --arrivals 400/s,800/s --measure --json`

interface SweepFlags extends ScenarioFlags, OutputFlags, ValidityFlags, RedisFlags {
  vary?: [field: string, values: unknown[]][]
  measure?: boolean
  cache?: string
  svg?: string
}

export function sweepCommand(terminal: Terminal): Command {
  const command = new Command('sweep').description('run a scenario with several values of its fields')
  addScenarioOptions(command, { service: true, handler: true })
  command
    .addOption(
      new Option('--vary <field=values>', 'field and its values: batching.maxBatchSize=1,8,none').argParser(parseVary),
    )
    .option(
      '--measure',
      'measure each point instead of simulating it (default: if the scenario has a target and no service)',
    )
    .option('--svg <file>', 'write a chart of throughput and latency over the varied field')
    .option('--cache <folder>', 'folder that stores simulated points for later sweeps')
  addOutputOptions(addValidityOption(addRedisOption(command))).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: SweepFlags) => {
    const { arrivals, servers, maxWait, maxBatchSize, measure, vary = [], cache, svg } = flags
    const fields = collectFields([
      ['rate', parseList(arrivals, parseValue)],
      ['servers', parseList(servers, parseValue)],
      ['maxWait', parseList(maxWait, parseLimit)],
      ['maxBatchSize', parseList(maxBatchSize, parseLimit)],
      ...vary,
    ])
    if (Object.keys(fields).length === 0) {
      throw new ValidationError(
        'sweep',
        'has no field to vary: give a list, such as --max-batch-size 1,2,4,8 or --vary queue.capacity=10,100',
      )
    }
    const scenario = await buildScenario(
      file,
      {
        ...flags,
        // the first rate determines the arrival process
        arrivals: arrivals?.split(',')[0],
        servers: unlessList(servers),
        maxWait: unlessList(maxWait),
        maxBatchSize: unlessList(maxBatchSize),
      },
      command,
    )
    const points = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) =>
      sweep(scenario, fields, {
        ...(measure && { engine: 'measure' as const }),
        ...(cache !== undefined && { cache }),
        ...onAgents(flags),
        signal,
        onProgress: ({ fraction, done, total }) => report(fraction, `point ${Math.min(done + 1, total)} of ${total}`),
      }),
    )
    if (points.length === 0) throw new Interrupted()
    if (svg !== undefined) await writeText(svg, renderSweepSvg(points))
    if (flags.json) printJson(terminal, toStoredSweep(points))
    else print(terminal, points, renderSweep)
    failIfInvalid(
      terminal,
      flags,
      points.map(({ result }) => result),
    )
  })
}

/** Parses one more `field=value,value`. */
function parseVary(text: string, before: SweepFlags['vary'] = []): SweepFlags['vary'] {
  const [, field, values] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (field === undefined || values === undefined) {
    throw new InvalidArgumentError("It must be a field and its values, such as 'servers=1,2,4'.")
  }
  return [...before, [field.trim(), values.split(',').map((each) => parseLimit(each.trim()))]]
}

/** Collects the fields with lists. A field given twice is an error: its last list would silently win. */
function collectFields(given: [field: string, values: unknown[] | undefined][]): SweepFields {
  const lists = given.filter(([, values]) => values !== undefined)
  const fields = lists.map(([field]) => wholeName(field))
  const twice = fields.find((field, i) => fields.indexOf(field) < i)
  if (twice !== undefined) {
    throw new ValidationError('sweep', `has two lists for '${twice}'; give all values in one list: --vary ${twice}=1,2`)
  }
  return Object.fromEntries(lists)
}

function parseList<T>(text: string | undefined, read: (value: string) => T): T[] | undefined {
  return text?.includes(',') ? text.split(',').map(read) : undefined
}

const unlessList = (text: string | undefined) => (text?.includes(',') ? undefined : text)
