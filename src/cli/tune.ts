import { Command, Option } from 'commander'
import type { TuneOptions, TuneProgress } from '../explore/tune/options.js'
import { tune } from '../explore/tune/tune.js'
import type { Tuned } from '../explore/tune/tuned.js'
import { jsonText, writeText } from '../files/stored.js'
import { renderHtml } from '../report/html/render.js'
import { renderTuned } from '../report/terminal/tuned-table.js'
import { count, plural, time } from '../text/number.js'
import { ValidationError } from '../validation/validation-error.js'
import { addRedisOption, onAgents, type RedisFlags } from './machines/on-agents.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './options/scenario-options.js'
import { addOutputOptions, formatOf, Interrupted, type OutputFlags, print, printJson, withProgress } from './output.js'
import { BUDGET_IS, loadBudget, parsePairs, parseValue } from './parse-flags.js'
import { loadCandidates } from './scenario-file.js'
import { FAILED, type Terminal } from './terminal.js'

const EXAMPLES = `
Candidates are a list in a JSON file, or the default export of a module:
[{ "name": "small", "quality": 0.9, "price": 1.2, "service": "10ms" }, …]. Each has a service, or a handler (a module, which
is calibrated), or a result (the file of a stored result). In JSON, a service time that depends on the batch size is
{ "model": "affine", "base": "15ms", "perItem": "1ms" }.
The exit code is 1 if no setting keeps the budget.

Examples:
  $ throughline tune --arrivals 400/s --base 7.5ms --per-item 0.25ms --budget p99=40ms --price 1.20
  $ throughline tune scenario.ts --candidates models.json --budget budget.json --wishes quality=5,cost=1
  $ throughline tune scenario.ts --candidates models.json --budget 'p99=100ms,errorRate<1%' -o tuned.html`

interface TuneFlags extends ScenarioFlags, OutputFlags, RedisFlags {
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
    'find the model, number of servers and batching that keep a budget, and their cost',
  )
  addScenarioOptions(command, { service: true, handler: true, tuned: true })
  command
    .option('--budget <limits>', `${BUDGET_IS}; required, here or in the config`)
    .option('--candidates <file>', 'file of models to choose from (default: the service or handler of the scenario)')
    .option('--price <n>', 'price of one server for an hour, for candidates without a price')
    .option(
      '--wishes <weights>',
      'weights of quality, cost, p99 and goodput: quality=5,cost=1 (default: quality, then cost, then p99)',
    )
    .option('--least-servers <n>', 'minimum number of servers (default: 1)')
    .option('--most-servers <n>', 'maximum number of servers (default: 16)')
    .option('--most-cost <n>', 'maximum cost of all servers for an hour (default: no limit)')
    .option('--at-most <duration>', "longest time to search: '60s' (default: no limit)")
    .option('--threads <n>', 'number of settings to run at a time (default: the number of cores, if runs are long)')
    .addOption(new Option('-o, --output <file>', 'also write the result of the search to a file: .html or .json'))
  addOutputOptions(addRedisOption(command)).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: TuneFlags) => {
    const { output, json } = flags
    const format = output === undefined ? null : formatOf(output, ['html', 'json'])
    const options = await optionsOf(flags)
    const { maxBatchSize: _sizes, maxWait: _waits, servers, ...rest } = flags
    if (servers !== undefined) {
      throw new ValidationError(
        '--servers',
        'cannot be set, because tune chooses it; use --least-servers and --most-servers',
      )
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
      await writeText(output, format === 'html' ? renderHtml(tuned) : jsonText(tuned))
    }
  })
}

function progressText({ runs, candidate, best }: TuneProgress): string {
  const what = candidate === null ? '' : `, ${candidate}`
  if (best === null) return `${count(runs)} runs${what}`
  const setting = `${best.candidate === null ? '' : `${best.candidate} on `}${plural(best.servers, 'server')}`
  const p99 = best.p99Ms === null ? '' : `, p99 ${time(best.p99Ms)}`
  return `${count(runs)} runs${what}; best: ${setting}${p99}`
}

async function optionsOf(flags: TuneFlags): Promise<TuneOptions> {
  const { budget, candidates, price, wishes, leastServers, mostServers, mostCost, atMost, threads } = flags
  return {
    budget: await loadBudget(budget),
    ...(candidates !== undefined && { candidates: await loadCandidates(candidates) }),
    ...(wishes !== undefined && { wishes: parsePairs(wishes, '--wishes') as TuneOptions['wishes'] }),
    maxBatchSize: parseValues(flags.maxBatchSize) as number[] | undefined,
    maxWait: parseValues(flags.maxWait),
    price: parseValue(price) as number | undefined,
    leastServers: parseValue(leastServers) as number | undefined,
    mostServers: parseValue(mostServers) as number | undefined,
    mostCost: parseValue(mostCost) as number | undefined,
    atMost: parseValue(atMost),
    threads: parseValue(threads) as number | undefined,
    ...onAgents(flags),
  }
}

const parseValues = (text: string | undefined) =>
  text?.split(',').map((each) => parseValue(each.trim()) as number | string)
