import { Command } from 'commander'
import type { OnAgents } from '../explore/agents/options.js'
import { type Capacity, capacity } from '../explore/capacity.js'
import type { MeasureCapacityOptions, MeasuredCapacity } from '../explore/limit/measure-capacity.js'
import { type Headroom, headroom } from '../explore/tune/headroom.js'
import { renderCapacity } from '../report/terminal/capacity-table.js'
import { renderResult } from '../report/terminal/result-table.js'
import { headroomText } from '../report/terminal/tuned-table.js'
import { parseBudget } from '../scenario/budget.js'
import type { Scenario } from '../scenario/scenario.js'
import { hasTarget } from '../scenario/target.js'
import { ratePerSecond } from '../scenario/units.js'
import { count, rate } from '../text/number.js'
import type { RenderOptions } from '../text/style.js'
import { renderParagraph } from '../text/wrap.js'
import { ValidationError } from '../validation/validation-error.js'
import { addRedisOption, onAgents, type RedisFlags } from './machines/on-agents.js'
import { addScenarioOptions, buildScenario, type ScenarioFlags } from './options/scenario-options.js'
import { addOutputOptions, Interrupted, type OutputFlags, print, printJson, withProgress } from './output.js'
import { loadBudget, parseValue } from './parse-flags.js'
import { FAILED, INCONCLUSIVE, type Terminal } from './terminal.js'

const EXAMPLES = `
To simulate: with --p99, the highest rate of the arrivals is searched; with --budget, how much the load may grow. The exit code
is 1 if no load is sustained within the limit, or if the load of the scenario breaks the budget.

With --url, --handler or a scenario with a target and no service, loads are measured: the rate starts at that of the arrivals
(default: 10/s), doubles until the budget breaks, and is then bisected. The exit code is 1 if the load of the arrivals breaks the
budget; without arrivals, it is 1 if every load breaks the budget. It is 3 if that is inconclusive.

Examples:
  $ throughline capacity scenario.json --p99 100ms
  $ throughline capacity scenario.json --budget p99=100ms,errorRate=1%
  $ throughline capacity --arrivals 100/s --base 7.5ms --per-item 0.25ms --max-batch-size 50 --p99 50ms --json
  $ throughline capacity --url http://127.0.0.1:8080/orders --budget p99=200ms`

interface CapacityFlags extends ScenarioFlags, OutputFlags, RedisFlags {
  p99?: string
  budget?: string
  atMost?: string
}

export function capacityCommand(terminal: Terminal): Command {
  const command = new Command('capacity').description(
    'find the highest load within a limit on p99 latency, or within a budget',
  )
  addScenarioOptions(command, { service: true, handler: true })
  command
    .option('--p99 <duration>', 'limit on p99 latency: search the highest rate within it')
    .option('--budget <limits>', 'a JSON file of a budget, or its limits: search how much the load may grow')
    .option('--at-most <duration>', 'how long to measure, all loads together (default: 60s)')
  addOutputOptions(addRedisOption(command)).addHelpText('after', EXAMPLES)
  return command.action(async (file: string | undefined, flags: CapacityFlags) => {
    const { p99, budget, json, atMost } = flags
    if (budget !== undefined && p99 !== undefined) {
      throw new ValidationError('--p99', 'must be omitted with --budget, which can limit p99')
    }
    if (budget === undefined && p99 === undefined) {
      throw new ValidationError('--p99', "is required unless --budget is given: a limit such as '100ms'")
    }
    const scenario = await buildScenario(file, flags, command)
    const onClock = flags.url !== undefined || flags.handler !== undefined
    if (onClock || (hasTarget(scenario) && scenario.service === undefined)) {
      if (flags.redis !== undefined && command.getOptionValueSource('redis') === 'cli')
        throw new ValidationError(
          '--redis',
          'applies to simulations only: loads of a target are measured from this machine',
        )
      await printMeasured(terminal, scenario, flags)
      return
    }
    if (atMost !== undefined)
      throw new ValidationError(
        '--at-most',
        'applies to a target only: --url, --handler, or a scenario with a target and no service',
      )
    if (p99 === undefined) {
      await printHeadroom(terminal, scenario, flags)
      return
    }
    const limit = { p99: parseValue(p99) as string }
    const { on } = onAgents(flags)
    const found = on === undefined ? capacity(scenario, limit) : await capacityOnAgents(terminal, scenario, limit, on)
    if (json) printJson(terminal, found)
    else print(terminal, found, (each, options) => render(each, p99, options))
    if (found === null) terminal.exitCode = FAILED
  })
}

function capacityOnAgents(
  terminal: Terminal,
  scenario: Scenario,
  limit: { p99: string },
  on: OnAgents,
): Promise<Capacity | null> {
  return withProgress(terminal, { endsEarly: false }, ({ report, signal }) =>
    capacity(scenario, limit, { on, signal, onProgress: ({ runs }) => report(0, `${count(runs)} runs`) }),
  )
}

/** The first load if none is given: it overloads hardly any server. */
const FIRST = '10/s'

/** Measures one load after another, and prints the highest that keeps the budget. */
async function printMeasured(terminal: Terminal, given: Scenario, flags: CapacityFlags): Promise<void> {
  const { p99, budget, atMost, json, duration, requests } = flags
  const length = duration !== undefined ? '--duration' : typeof parseValue(requests) === 'number' ? '--requests' : null
  if (length !== null) {
    throw new ValidationError(
      length,
      'must be omitted: a run is as long as its verdict needs; --at-most limits them all',
    )
  }
  const limits = p99 === undefined ? await loadBudget(budget) : parseBudget({ p99: parseValue(p99) }, { file: '--p99' })
  const scenario = { ...given, arrivals: given.arrivals ?? FIRST } as Scenario
  const { measureCapacity } = await import('../explore/limit/measure-capacity.js')
  const found = await withProgress(terminal, { endsEarly: true }, ({ report, signal }) => {
    const options: MeasureCapacityOptions = {
      ...(atMost !== undefined && { atMost: parseValue(atMost) as string }),
      signal,
      onProgress: ({ fraction, rate: load, runs }) => report(fraction, `${rate(load)}, run ${count(runs + 1)}`),
    }
    return measureCapacity(scenario, limits, options)
  })
  if (found.tried.length === 0 && terminal.exitCode !== 0) throw new Interrupted()
  if (json) printJson(terminal, found)
  else print(terminal, found, renderCapacity)
  if (terminal.exitCode === 0) terminal.exitCode = exitCodeOfCapacity(found, rateOf(given.arrivals))
}

/** The exit code of a measured capacity: 0 if the load that is wanted keeps the budget, or any load if that is null. */
export function exitCodeOfCapacity(
  { rate, failed }: Pick<MeasuredCapacity, 'rate' | 'failed'>,
  wanted: number | null,
): number {
  if (rate !== null && (wanted === null || rate >= wanted)) return 0
  return failed !== null && (wanted === null || failed <= wanted) ? FAILED : INCONCLUSIVE
}

/** The rate of arrivals, if they are given. */
function rateOf(arrivals: Scenario['arrivals'] | undefined): number | null {
  if (arrivals === undefined) return null
  return ratePerSecond(typeof arrivals === 'object' && 'rate' in arrivals ? arrivals.rate : arrivals)
}

/** Prints by how much the load may grow before the budget breaks. */
async function printHeadroom(terminal: Terminal, scenario: Scenario, flags: CapacityFlags): Promise<void> {
  const { budget, json } = flags
  const limits = await loadBudget(budget)
  const found = await withProgress(terminal, { endsEarly: false }, ({ report, signal }) =>
    headroom(scenario, limits, {
      ...onAgents(flags),
      signal,
      onProgress: ({ runs }) => report(0, `${count(runs)} runs`),
    }),
  )
  if (found === null) throw new Interrupted()
  if (json) printJson(terminal, found)
  else print(terminal, found, renderHeadroom)
  if (found.growth === null ? found.limit !== null : found.growth < 0) terminal.exitCode = FAILED
}

function renderHeadroom(found: Headroom, { width = 80 }: RenderOptions): string {
  const { growth, low, high } = found.rates
  const rates = [low, high].map((end) => (end === null ? '?' : rate(end)))
  const ends = growth === null ? '' : ` That is a load of ${rate(growth)} (${rates.join(' to ')}).`
  return renderParagraph(`${headroomText(found)}${ends}`, width)
}

function render(found: Capacity | null, p99: string, options: RenderOptions): string {
  if (found === null) return ` No load is sustained with p99 latency within ${p99}.`
  return ` Sustains ${rate(found.rate)} with p99 latency within ${p99}\n\n${renderResult(found.result, options)}`
}
