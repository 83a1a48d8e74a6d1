import { type Command, Option } from 'commander'
import { readTraceAndRequests } from '../../files/requests.js'
import { readText } from '../../files/stored.js'
import { type ReadTraceOptions, readTrace } from '../../files/trace.js'
import { replay } from '../../scenario/arrivals/arrivals.js'
import type { Scenario, ScenarioParts } from '../../scenario/scenario.js'
import type { Targets } from '../../scenario/target.js'
import { count } from '../../text/number.js'
import { ValidationError } from '../../validation/validation-error.js'
import { scenarioOfConfig } from '../config.js'
import { parseLimit, parsePairs, parseValue, withoutUnit } from '../parse-flags.js'
import { loadScenario } from '../scenario-file.js'

/** The flags that make a scenario or change one from a file, as texts. */
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
  method?: string | undefined
  header?: string[] | undefined
  body?: string | undefined
  timeout?: string | undefined
  connections?: string | undefined
  insecure?: boolean | undefined
  http2?: boolean | undefined
  maxRedirects?: string | undefined
  stream?: boolean | undefined
  stages?: string | undefined
  trace?: string | undefined
  traceField?: string | undefined
  traceUnit?: ReadTraceOptions['unit'] | undefined
  traceSort?: boolean | undefined
  speed?: string | undefined
  maxBatchSize?: string | undefined
  maxWait?: string | undefined
  servers?: string | undefined
  queueCapacity?: string | undefined
  queueTimeout?: string | undefined
  good?: string | undefined
  requests?: string | undefined
  duration?: string | undefined
  warmup?: string | undefined
  seed?: string | undefined
}

/** Adds the scenario argument and its flags to a command: those of the service, the handler or both. */
export function addScenarioOptions(command: Command, { service = false, handler = false, tuned = false }): Command {
  command.argument('[scenario]', 'JSON file, or TypeScript or JavaScript module with a default export')
  return addScenarioFlags(command, { service, handler, tuned })
}

/** Adds only the flags, for a command with its own arguments. */
export function addScenarioFlags(command: Command, { service = false, handler = false, tuned = false }): Command {
  const add = (flags: string, description: string, conflicts: string[] = []) =>
    command.addOption(new Option(flags, description).conflicts(conflicts))
  add('--arrivals <rate>', "arrival rate: '800/s', '30/m'", ['clients', 'stages', 'trace'])
  command.addOption(
    new Option('--process <name>', 'arrival process (default: poisson)').choices(['poisson', 'constant']),
  )
  add('--clients <n>', 'closed loop: number of clients, each sending its next request after a response')
  add('--think-time <duration>', 'time between a response and the next request of a client')
  add(
    '--stages <list>',
    "rates that ramp up and down: '0:10s,100:30s,0:10s', each reached at the end of its duration",
    ['clients', 'process', 'trace'],
  )
  add(
    '--trace <file>',
    'replay the times of a CSV or JSON-lines file, counted from the first; with --url also its requests',
    ['clients', 'process'],
  )
  add('--trace-field <name>', 'column of the times: numbers, or ISO times (default: timeMs, or the first column)')
  command.addOption(
    new Option('--trace-unit <unit>', 'unit of times that are numbers (default: ms)').choices([
      'ns',
      'us',
      'ms',
      's',
      'm',
      'h',
    ]),
  )
  add('--trace-sort', 'sort the requests of the trace by their times')
  add('--speed <n>', 'how many times faster to replay the trace (default: 1)')
  if (service) {
    add('--service <duration>', "service time of a batch of any size: '10ms'", ['base', 'perItem'])
    add('--base <duration>', 'service time of a batch, without its items')
    add('--per-item <duration>', 'additional service time for each request in the batch')
    add('--cv <n>', 'coefficient of variation of service time: standard deviation / mean (gamma)')
  }
  if (handler) {
    add('--handler <file>', 'module of the batch handler')
    add('--url <url>', "HTTP server to send requests to, with the scenario's method, headers and body", ['handler'])
    add('--method <name>', 'HTTP method (default: POST with a body, else GET)')
    command.addOption(
      new Option('--header <header>', "HTTP header, such as 'accept: text/plain'; repeatable").argParser(
        (value: string, before: string[] = []) => [...before, value],
      ),
    )
    add('--body <text>', 'body of HTTP requests, or @file')
    add('--timeout <duration>', 'time limit of an HTTP request (default: that of a batch)')
    add('--connections <n>', 'largest number of HTTP connections (default: no limit)')
    add('--max-redirects <n>', 'number of redirects to follow for each request (default: 0)')
    add('--stream', 'find the events of responses that stream, for the gaps between them')
    add('--insecure', 'accept any TLS certificate')
    add('--http2', 'use HTTP/2')
  }
  if (tuned) {
    add('--max-batch-size <list>', 'batch sizes to choose from: 1,8,32 (default: 1,2,4,… up to 256)')
    add('--max-wait <list>', 'waits to choose from: 0,5ms (default: 0, 1, 2, 5, 10 and 20 ms)')
    // only to say which options replace it
    command.addOption(new Option('--servers <n>').hideHelp())
  } else {
    add('--max-batch-size <n>', "largest number of requests in a batch, or 'none' for no limit (default: 1)")
    add('--max-wait <duration>', "longest wait for a batch to fill, or 'none' for full batches only (default: 0)")
    add('--servers <n>', "number of batches served at the same time, or 'none' for no limit (default: 1)")
  }
  add('--queue-capacity <n>', "largest number of waiting requests, or 'none' (default: no limit)")
  add('--queue-timeout <duration>', "longest wait of a request, or 'none' (default: no limit)")
  add('--good <limits>', 'longest times of a good request: latency=100ms,queueing=20ms (default: no goodput)')
  if (handler) command.addOption(requestsOption())
  else add('--requests <n>', 'stop after this many requests', ['duration'])
  add('--duration <duration>', "stop after this time: '10s'")
  add(
    '--warmup <extent>',
    'warm-up at the start that is not reported: number of requests, or duration (default: a tenth of the run)',
  )
  add('--seed <n>', 'random seed (default: 1)')
  return command
}

/** A number of requests, which conflicts with a duration; or a file of them, which does not. */
function requestsOption(): Option {
  const option = new Option(
    '--requests <n|file>',
    'stop after this many requests; or a file of the HTTP requests to send',
  )
  return option.conflicts(['duration']).argParser((value) => {
    // commander has no conflicts that depend on the value
    if (isFile(value)) Object.assign(option, { conflictsWith: [] })
    return value
  })
}

/** Builds the scenario of a command: that of the file, or else of the config, changed by flags. */
export async function buildScenario(
  file: string | undefined,
  flags: ScenarioFlags,
  command: Command,
): Promise<Scenario> {
  return changeScenario(file === undefined ? (scenarioOfConfig(command) ?? {}) : await loadScenario(file), flags)
}

/** Changes a scenario by flags, and reads the files that they name. */
export async function changeScenario(given: Partial<Scenario>, flags: ScenarioFlags): Promise<Scenario> {
  return applyFlags(await withTrace(given, flags), await withBody(flags))
}

async function withBody(flags: ScenarioFlags): Promise<ScenarioFlags> {
  const { body } = flags
  return body?.startsWith('@') ? { ...flags, body: await readText(body.slice(1)) } : flags
}

/** Reads the trace that flags name, with its requests if it has any. */
async function withTrace(given: Partial<Scenario>, flags: ScenarioFlags): Promise<Partial<Scenario>> {
  const { trace, traceField, traceUnit, traceSort, speed, url, requests } = flags
  const { http } = given as Targets
  if (trace === undefined) {
    const alone = Object.entries({ traceField, traceUnit, traceSort, speed }).find(([, value]) => value !== undefined)
    if (alone !== undefined) throw new ValidationError(FLAG_OF[alone[0]] as string, 'applies to --trace only')
    return given
  }
  const options: ReadTraceOptions = {
    field: parseValue(traceField),
    unit: traceUnit,
    sort: traceSort,
    // the first request of an access log is due at once
    shift: true,
  }
  const sendsRequests = (url !== undefined || http !== undefined) && !isFile(requests) && http?.requests === undefined
  const read = sendsRequests ? await readTraceAndRequests(trace, options) : { times: await readTrace(trace, options) }
  const factor = parseValue(speed)
  const arrivals = replay(read.times, factor === undefined ? {} : { speed: factor as number })
  const scenario = { ...given, arrivals } as Partial<Scenario>
  return 'requests' in read
    ? ({ ...scenario, http: { ...http, requests: read.requests } } as Partial<Scenario>)
    : scenario
}

const FLAG_OF: Record<string, string> = {
  traceField: '--trace-field',
  traceUnit: '--trace-unit',
  traceSort: '--trace-sort',
  speed: '--speed',
}

/** Whether `--requests` is a file, and not a number. */
const isFile = (requests: string | undefined): requests is string =>
  requests !== undefined && typeof parseValue(requests) === 'string'

/** Changes a scenario by flags. */
function applyFlags(given: Partial<Scenario>, flags: ScenarioFlags): Scenario {
  const { handler, url, servers, seed, requests, duration, warmup } = flags
  const file = isFile(requests) ? requests : undefined
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
  if (flags.good !== undefined) scenario.good = parsePairs(flags.good, '--good') as NonNullable<Scenario['good']>
  if (requests !== undefined && file === undefined) scenario.stop = { requests: parseValue(requests) as number }
  if (duration !== undefined) scenario.stop = { duration: parseValue(duration) as string }
  if (warmup !== undefined) {
    const extent = parseValue(warmup)
    scenario.warmup = typeof extent === 'number' ? { requests: extent } : { duration: warmup }
  }
  if (handler !== undefined) scenario.handler = handler
  // keeps the file's method, headers, body and other options
  setHttp(scenario, handler === undefined ? http : undefined, file, flags)
  if (servers !== undefined) scenario.servers = parseLimit(servers) as number | null
  if (seed !== undefined) scenario.seed = parseValue(seed) as number
  // the schema reports missing and invalid values
  return scenario as Scenario
}

function setArrivals(
  scenario: Partial<ScenarioParts>,
  { arrivals, process, clients, thinkTime, stages }: ScenarioFlags,
): void {
  if (stages !== undefined) {
    scenario.arrivals = stagesOf(stages)
    return
  }
  const rate = parseValue(arrivals)
  const given = scenario.arrivals
  const object = typeof given === 'object' && given !== null ? given : null
  if (clients !== undefined || thinkTime !== undefined) {
    const closed: { process: 'closed'; thinkTime?: unknown } =
      object?.process === 'closed' ? object : { process: 'closed' }
    // keeps the variation of the file
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
    // keeps the process of the file
    scenario.arrivals = object !== null && 'rate' in object ? { ...object, rate } : rate
  }
}

/** Changes the HTTP target by flags; keeps the other options of the file. */
function setHttp(
  scenario: Partial<ScenarioParts> & Targets,
  given: Targets['http'],
  requests: string | undefined,
  { url, method, header, body, timeout, connections, maxRedirects, stream, insecure, http2 }: ScenarioFlags,
): void {
  const changes = pickDefined({
    url,
    method,
    body,
    requests,
    timeout: parseValue(timeout),
    connections: parseLimit(connections),
    maxRedirects: parseValue(maxRedirects),
    stream,
    http2,
  })
  if (changes === null && header === undefined && insecure === undefined) return
  if (url === undefined && given === undefined) {
    if (requests !== undefined) {
      throw new ValidationError(
        '--requests',
        `must be a whole number, such as 10000, or with --url a file of requests, got '${requests}'`,
      )
    }
    throw new ValidationError(
      '--url',
      'is required with HTTP options: method, header, body, timeout, connections, max-redirects, stream, insecure and http2',
    )
  }
  const headers = header === undefined ? {} : { headers: { ...plainHeaders(given?.headers), ...headersOf(header) } }
  const tls = insecure === undefined ? {} : { tls: { ...given?.tls, rejectUnauthorized: !insecure } }
  scenario.http = { ...given, ...changes, ...headers, ...tls } as NonNullable<Targets['http']>
}

function plainHeaders(headers: unknown): Record<string, unknown> {
  if (typeof headers !== 'function') return (headers ?? {}) as Record<string, unknown>
  throw new ValidationError('--header', 'cannot be added to headers that a function makes')
}

/** Parses `name: value`; a repeated name is sent as several lines. */
function headersOf(header: string[]): Record<string, string | string[]> {
  const all: Record<string, string[]> = {}
  for (const line of header) {
    const [, name, value] = /^([^:]+?)\s*:\s*(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) {
      throw new ValidationError(
        '--header',
        `must be 'name: value', got a string of ${count(line.length)} characters without a name and a colon`,
      )
    }
    all[name] = [...(all[name] ?? []), value]
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, values]) => [name, values.length === 1 ? (values[0] as string) : values]),
  )
}

/** Parses `0:10s,100:30s,0:10s`: rates, and the time in which each is reached. */
function stagesOf(text: string): ScenarioParts['arrivals'] {
  const stages = text.split(',').map((stage) => {
    const [, rate, duration] = /^\s*([^:]+?)\s*:\s*([^:]+?)\s*$/.exec(stage) ?? []
    if (rate === undefined || duration === undefined) {
      throw new ValidationError(
        '--stages',
        `must be a list of rate:duration, such as '0:10s,100:30s,0:10s', got '${stage}'`,
      )
    }
    if (Number(duration) > 0)
      throw new ValidationError('--stages', `the duration of '${stage}' ${withoutUnit(duration)}`)
    return { rate: parseValue(rate) as string, duration: parseValue(duration) as string }
  })
  return { process: 'stages', stages }
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
    throw new ValidationError('service', `must be affine for --base, --per-item and --cv, got ${old.model}`)
  }
  scenario.service = { model: 'affine', ...old, ...changes } as NonNullable<Scenario['service']>
}

/** A service with the same time for every batch size, with the variation, stalls and overhead of the given one. */
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

/** Picks the properties that are not undefined; null if all are. */
function pickDefined(properties: Record<string, unknown>): Record<string, unknown> | null {
  const there = Object.entries(properties).filter(([, each]) => each !== undefined)
  return there.length === 0 ? null : Object.fromEntries(there)
}

/** The options that set a field of a scenario or an argument of a function, by their attribute; the first that was given is the one to name. */
const OPTIONS_OF: Record<string, (keyof ScenarioFlags | 'budget' | 'redis')[]> = {
  arrivals: ['arrivals', 'clients', 'process'],
  'arrivals.rate': ['arrivals'],
  'arrivals.clients': ['clients'],
  'arrivals.thinkTime': ['thinkTime'],
  service: ['service', 'base', 'perItem'],
  'service.base': ['service', 'base'],
  'service.perItem': ['perItem'],
  'service.variation.cv': ['cv'],
  handler: ['handler'],
  http: ['url'],
  'http.url': ['url'],
  'http.headers': ['header'],
  'http.stream': ['stream'],
  'batching.maxBatchSize': ['maxBatchSize'],
  'batching.maxWait': ['maxWait'],
  servers: ['servers'],
  'queue.capacity': ['queueCapacity'],
  'queue.timeout': ['queueTimeout'],
  good: ['good'],
  stop: ['requests', 'duration'],
  'stop.requests': ['requests'],
  'stop.duration': ['duration'],
  warmup: ['warmup'],
  'warmup.requests': ['warmup'],
  'warmup.duration': ['warmup'],
  seed: ['seed'],
  budget: ['budget'],
  'options.agents.redis': ['redis'],
  ...Object.fromEntries(
    ['sweep', 'replicate', 'tune', 'capacity', 'headroom'].flatMap((verb) =>
      [`${verb}.on`, `${verb}.on.redis`].map((path) => [path, ['redis' as const]]),
    ),
  ),
}

/** What to write if a required field is missing and there is no file of a scenario. */
const MISSING: [field: string, instead: string][] = [
  ['arrivals', '--arrivals: is required: a rate such as 800/s; or use --clients, or a file of a scenario'],
  [
    'service',
    '--service: is required: how long a batch takes, such as 10ms; or use --base and --per-item, or a file of a scenario',
  ],
  ['handler', '--handler: is required: the module of a batch handler; or use --url, or a file of a scenario'],
  ['arrivals.clients', '--clients: is required with --think-time: the number of clients'],
  [
    'batching.maxBatchSize',
    "--max-batch-size: is required with --max-wait: the largest number of requests in a batch, such as 32; 'none' for no limit",
  ],
]

/** Rewrites an error of the library for the command line: a field that an option set is called by the option. */
export function nameOptions(message: string, command: Command): string {
  return message
    .split('\n')
    .map((line) => nameOption(line, command))
    .join('\n')
}

function nameOption(line: string, command: Command): string {
  const [, place, text] = /^([\w.]+): (.*)$/.exec(line) ?? []
  if (place === undefined || text === undefined) return line
  const onlyOptions = command.args.length === 0 && scenarioOfConfig(command) === undefined
  const isMissing = text.startsWith('is required') || text.endsWith('got nothing')
  const missing = MISSING.find(([field]) => field === place)
  if (isMissing && missing !== undefined && onlyOptions) return missing[1]
  const isGiven = (attribute: string) => command.getOptionValueSource(attribute) === 'cli'
  for (let field = place; field !== ''; field = field.slice(0, Math.max(0, field.lastIndexOf('.')))) {
    // the arguments of functions are named after them, such as tune.price
    const attributes = OPTIONS_OF[field] ?? [field.slice(field.lastIndexOf('.') + 1)]
    const option = command.options.find((each) =>
      attributes.some((name) => each.attributeName() === name && isGiven(name)),
    )
    const isArgument = OPTIONS_OF[field] !== undefined || /^(options|[a-z]+)\.\w+$/.test(field)
    if (option?.long === undefined || option.long === null || !isArgument) continue
    const rest = place.slice(field.length + 1)
    return `${option.long}: ${rest === '' ? '' : `${rest}: `}${text.replace('null means', "'none' means")}`
  }
  return line
}
