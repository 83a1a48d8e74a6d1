import { type Command, Option } from 'commander'
import type { Scenario, ScenarioParts } from '../scenario/scenario.js'
import type { Targets } from '../scenario/target.js'
import { ValidationError } from '../validation/validation-error.js'
import { scenarioOfConfig } from './config.js'
import { loadScenario } from './scenario-file.js'

/** The flags that make a scenario, or change one from a file, as they are written. */
export interface ScenarioFlags {
  arrivals?: string | undefined
  process?: 'poisson' | 'constant' | undefined
  clients?: string | undefined
  thinkTime?: string | undefined
  service?: string | undefined
  base?: string | undefined
  perItem?: string | undefined
  cv?: string | undefined
  handler?: string | undefined
  url?: string | undefined
  maxBatchSize?: string | undefined
  maxWait?: string | undefined
  servers?: string | undefined
  queueCapacity?: string | undefined
  queueTimeout?: string | undefined
  requests?: string | undefined
  duration?: string | undefined
  warmup?: string | undefined
  seed?: string | undefined
}

/** Adds the flags of a scenario to a command: of the service, of the handler, or of both. */
export function addScenarioOptions(command: Command, { service = false, handler = false }): Command {
  command.argument('[scenario]', 'a JSON file, or a TypeScript or JavaScript module with a default export')
  return addScenarioFlags(command, { service, handler })
}

/** Adds the flags alone, to a command that has arguments of its own. */
export function addScenarioFlags(command: Command, { service = false, handler = false }): Command {
  const add = (flags: string, description: string, conflicts: string[] = []) =>
    command.addOption(new Option(flags, description).conflicts(conflicts))
  add('--arrivals <rate>', "requests a second: '800/s', '30/m'", ['clients'])
  command.addOption(new Option('--process <name>', 'how they come (default: poisson)').choices(['poisson', 'constant']))
  add('--clients <n>', 'closed loop: number of clients, each sending its next request after a response')
  add('--think-time <duration>', 'how long a client thinks before it sends again')
  if (service) {
    add('--service <duration>', "how long a batch takes, whatever its size: '10ms'", ['base', 'perItem'])
    add('--base <duration>', 'how long a batch takes')
    add('--per-item <duration>', '… and how much longer for each request in it')
    add('--cv <n>', 'how much that varies: standard deviation over mean (gamma)')
  }
  if (handler) {
    add('--handler <file>', 'the module that serves batches')
    add(
      '--url <url>',
      "or the server that requests are sent to, over HTTP, with the scenario's method, headers and body",
      ['handler'],
    )
  }
  add('--max-batch-size <n>', "how many requests a batch may hold, or 'none' for no limit (default: 1)")
  add('--max-wait <duration>', "how long a batch waits to fill, or 'none' for full batches only (default: 0)")
  add('--servers <n>', "how many batches are served at a time, or 'none' for no limit (default: 1)")
  add('--queue-capacity <n>', "how many requests may wait, or 'none' (default: no limit)")
  add('--queue-timeout <duration>', "how long a request may wait, or 'none' (default: no limit)")
  add('--requests <n>', 'when to stop: after this many requests', ['duration'])
  add('--duration <duration>', "when to stop: '10s'")
  add('--warmup <extent>', 'requests, or a duration, that are run first and not reported (default: a tenth)')
  add('--seed <n>', 'random seed (default: 1)')
  return command
}

/** The scenario of a file, or else of the config, changed by flags; or one of flags alone. */
export async function buildScenario(
  file: string | undefined,
  flags: ScenarioFlags,
  command: Command,
): Promise<Scenario> {
  return applyFlags(file === undefined ? (scenarioOfConfig(command) ?? {}) : await loadScenario(file), flags)
}

/** A scenario, changed by flags. */
export function applyFlags(given: Partial<Scenario>, flags: ScenarioFlags): Scenario {
  const { handler, url, servers, seed, requests, duration, warmup } = flags
  const { handler: _handler, call: _call, http, ...parts } = given as Partial<ScenarioParts> & Targets
  // a target in the flags replaces that of the file
  const replaces = handler !== undefined || url !== undefined
  const scenario = (replaces ? parts : { ...given }) as Partial<ScenarioParts> & Targets
  setArrivals(scenario, flags)
  setService(scenario, flags)
  const batching = pickDefined({ maxBatchSize: parseLimit(flags.maxBatchSize), maxWait: parseLimit(flags.maxWait) })
  if (batching !== null) scenario.batching = { ...given.batching, ...batching } as NonNullable<Scenario['batching']>
  const queue = pickDefined({ capacity: parseLimit(flags.queueCapacity), timeout: parseLimit(flags.queueTimeout) })
  if (queue !== null) scenario.queue = { ...given.queue, ...queue } as NonNullable<Scenario['queue']>
  if (requests !== undefined) scenario.stop = { requests: parseValue(requests) as number }
  if (duration !== undefined) scenario.stop = { duration: parseValue(duration) as string }
  if (warmup !== undefined) {
    const extent = parseValue(warmup)
    scenario.warmup = typeof extent === 'number' ? { requests: extent } : { duration: warmup }
  }
  if (handler !== undefined) scenario.handler = handler
  // keeps the file's method, headers, body and other options
  if (url !== undefined) scenario.http = { ...http, url } as NonNullable<Targets['http']>
  if (servers !== undefined) scenario.servers = parseLimit(servers) as number | null
  if (seed !== undefined) scenario.seed = parseValue(seed) as number
  // what is missing or of the wrong kind is told by the schema, which knows what is accepted
  return scenario as Scenario
}

function setArrivals(scenario: Partial<ScenarioParts>, { arrivals, process, clients, thinkTime }: ScenarioFlags): void {
  const rate = parseValue(arrivals)
  const given = scenario.arrivals
  const object = typeof given === 'object' && given !== null ? given : null
  if (clients !== undefined || thinkTime !== undefined) {
    const closed: { process: 'closed'; thinkTime?: unknown } =
      object?.process === 'closed' ? object : { process: 'closed' }
    // another mean, which varies as before
    const old = typeof closed.thinkTime === 'object' ? closed.thinkTime : null
    const mean = parseValue(thinkTime)
    const changes = pickDefined({
      clients: parseValue(clients),
      thinkTime: old === null || mean === undefined ? mean : { ...old, mean },
    })
    scenario.arrivals = { ...closed, ...changes } as typeof object & object
    return
  }
  if (process !== undefined) {
    const old = object === null ? given : 'rate' in object ? object.rate : undefined
    scenario.arrivals = { process, rate: (rate ?? old) as string }
  } else if (rate !== undefined) {
    // another rate of the same process
    scenario.arrivals = object !== null && 'rate' in object ? { ...object, rate } : rate
  }
}

function setService(scenario: Partial<ScenarioParts>, { service, base, perItem, cv }: ScenarioFlags): void {
  if (service !== undefined) scenario.service = serviceOf(parseValue(service), scenario.service)
  const changes = pickDefined({
    base: parseValue(base),
    perItem: parseValue(perItem),
    variation: cv === undefined ? undefined : parseVariation(cv),
  })
  if (changes === null) return
  const given = scenario.service
  const old = typeof given === 'object' && given !== null ? given : pickDefined({ base: given })
  if (old !== null && 'model' in old && old.model !== 'affine') {
    throw new ValidationError(
      'service',
      `--base, --per-item and --cv change an affine service; this one is ${old.model}`,
    )
  }
  scenario.service = { model: 'affine', ...old, ...changes } as NonNullable<Scenario['service']>
}

/** A time whatever the size; what a service has besides its mean stays. */
function serviceOf(time: unknown, given: Scenario['service']): NonNullable<Scenario['service']> {
  if (typeof given !== 'object' || given === null) return time as string
  const { variation, stalls, overhead } = given as Record<string, unknown>
  const kept = pickDefined({ variation, stalls, overhead })
  return (kept === null ? time : { model: 'affine', base: time, ...kept }) as NonNullable<Scenario['service']>
}

function parseVariation(cv: string) {
  const number = parseValue(cv)
  return number === 0 ? { distribution: 'none' } : { distribution: 'gamma', cv: number }
}

/** A number where one is written, and else the text as it is, for the schema to read or to refuse. */
export function parseValue(text: string | undefined): number | string | undefined {
  return text !== undefined && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

/** A limit that may be none. */
export function parseLimit(text: string | undefined): number | string | null | undefined {
  return text === 'none' ? null : parseValue(text)
}

/** The properties that are there, or null where none is. */
function pickDefined(properties: Record<string, unknown>): Record<string, unknown> | null {
  const there = Object.entries(properties).filter(([, each]) => each !== undefined)
  return there.length === 0 ? null : Object.fromEntries(there)
}
