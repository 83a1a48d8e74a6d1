import { Command, Option } from 'commander'
import type { TuneOptions, TuneProgress } from '../explore/tune/options.js'
import { tune } from '../explore/tune/tune.js'
import type { Tuned } from '../explore/tune/tuned.js'
import { writeText } from '../files/stored.js'
import { renderHtml } from '../report/html/render.js'
import { renderTuned } from '../report/terminal/tuned-table.js'
import { count, time } from '../text/number.js'
import { ValidationError } from '../validation/validation-error.js'
import { formatOf } from './format.js'
import { addOutputOptions, Interrupted, type OutputFlags, print, printJson, withProgress } from './output.js'
import { loadCandidates } from './scenario-file.js'
import {
  addScenarioOptions,
  budgetOf,
  buildScenario,
  pairsOf,
  parseValue,
  type ScenarioFlags,
} from './scenario-options.js'
import { FAILED, type Terminal } from './terminal.js'

const EXAMPLES = `
A file of candidates is JSON, or a module with a default export:
[{ "name": "small", "quality": 0.9, "price": 1.2, "service": "10ms" }, ...], each with one of service, handler (a module,
which is calibrated) and result (the file of a stored result). As JSON, a service that depends on the batch size is
{ "model": "affine", "base": "15ms", "perItem": "1ms" }.
The exit code is 1 if no setting keeps the budget.

Examples:
  $ throughline tune --arrivals 400/s --base 7.5ms --per-item 0.25ms --budget p99=40ms --price 1.20
  $ throughline tune scenario.ts --candidates models.json --budget budget.json --wishes quality=5,cost=1
  $ throughline tune scenario.ts --candidates models.json --budget p99=100ms,errorRate=1% -o tuned.html`

interface TuneFlags extends ScenarioFlags, OutputFlags {
  budget?: string
  candidates?: string
  price?: string
  wishes?: string
  leastServers?: string
  mostServers?: string
  mostCost?: string
  atMost?: string
  threads?: string
  output?: string
}

export function tuneCommand(terminal: Terminal): Command {
  const command = new Command('tune').description(
    'find the model, servers and batching that keep a budget, and their cost',
  )
  addScenarioOptions(command, { service: true, handler: true, tuned: true })
  command
    .option('--budget <limits>', 'the JSON file of a budget, or its limits: p99=100ms,errorRate=1%; required')
    .option('--candidates <file>', 'the models to choose from (default: the service or handler of the scenario)')
    .option('--price <n>', 'price of one server for an hour, of candidates without their own')
    .option(
      '--wishes <weights>',
      'what is nice to have: quality=5,cost=1,p99=0.5,goodput=2 (default: quality, then cost, then p99)',
    )
    .option('--least-servers <n>', 'how many servers there must be (default: 1)')
    .option('--most-servers <n>', 'how many servers there may be (default: 16)')
    .option('--most-cost <n>', 'what the servers may cost an hour (default: no limit)')
    .option('--at-most <duration>', "how long to search: '60s' (default: no limit)")
    .option('--threads <n>', 'how many settings are run at a time (default: as many as cores, if runs are long)')
    .addOption(new Option('-o, --output <file>', 'write what was found too: .html or .json'))
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: TuneFlags) => {
    const { output, json } = flags
    const format = output === undefined ? null : formatOf(output, ['html', 'json'])
    const options = await optionsOf(flags)
    const { maxBatchSize: _sizes, maxWait: _waits, servers, ...rest } = flags
    if (servers !== undefined) {
      throw new ValidationError('--servers', 'is what tune chooses; bound it with --least-servers and --most-servers')
    }
    const scenario = await buildScenario(file, rest, command)
    const tuned = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) =>
      tune(scenario, { ...options, signal, onProgress: (at) => report(at.fraction, progressText(at)) }),
    )
    if (tuned.interrupted === 'onProgress' && tuned.best === null) throw new Interrupted()
    // printed first, so that it is there even if the file cannot be written
    if (json) printJson(terminal, tuned)
    else print<Tuned>(terminal, tuned, renderTuned)
    if (tuned.best === null) terminal.exitCode = FAILED
    if (output !== undefined) {
      await writeText(output, format === 'html' ? renderHtml(tuned) : `${JSON.stringify(tuned, null, 2)}\n`)
    }
  })
}

function progressText({ runs, candidate, best }: TuneProgress): string {
  const what = candidate === null ? '' : `, ${candidate}`
  if (best === null) return `${count(runs)} runs${what}`
  const setting = `${best.candidate === null ? '' : `${best.candidate} on `}${count(best.servers)} ${best.servers === 1 ? 'server' : 'servers'}`
  const p99 = best.p99Ms === null ? '' : `, p99 ${time(best.p99Ms)}`
  return `${count(runs)} runs${what}; best: ${setting}${p99}`
}

async function optionsOf(flags: TuneFlags): Promise<TuneOptions> {
  const { budget, candidates, price, wishes, leastServers, mostServers, mostCost, atMost, threads } = flags
  if (budget === undefined) throw new ValidationError('--budget', "is required: a file, or limits such as 'p99=100ms'")
  return {
    budget: await budgetOf(budget),
    ...(candidates !== undefined && { candidates: await loadCandidates(candidates) }),
    ...(wishes !== undefined && { wishes: pairsOf(wishes, '--wishes') as TuneOptions['wishes'] }),
    maxBatchSize: listOf(flags.maxBatchSize) as number[] | undefined,
    maxWait: listOf(flags.maxWait),
    price: parseValue(price) as number | undefined,
    leastServers: parseValue(leastServers) as number | undefined,
    mostServers: parseValue(mostServers) as number | undefined,
    mostCost: parseValue(mostCost) as number | undefined,
    atMost: parseValue(atMost),
    threads: parseValue(threads) as number | undefined,
  }
}

const listOf = (text: string | undefined) => text?.split(',').map((each) => parseValue(each.trim()) as number | string)
