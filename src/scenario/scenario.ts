import { type Source, show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { type Arrivals, type ArrivalsInput, arrivalsSchema, endsByItself, meanRate } from './arrivals/arrivals.js'
import { lengthMs } from './arrivals/ramps.js'
import { type Batching, batchingOption } from './batching.js'
import { type Budget, checkBudgetClasses, refuseResponseTimes, requireEvents, rulesOf } from './budget.js'
import { countOf, hashLongParts, withLists } from './by-hash.js'
import { type Classes, type ClassesInput, classesSchema, namesOfClasses } from './classes.js'
import { type Good, type GoodInput, goodSchema, refuseSimulated, refuseWithoutEvents } from './good.js'
import { LONGEST_NS, NS_PER_SECOND } from './nanoseconds.js'
import { MOST_SERVERS, MOST_THREADS, queueOption, serversSchema } from './queue.js'
import { largestKnownBatch, type Service, type ServiceInput, serviceSchema } from './service/service.js'
import {
  checkpointsOf,
  type Extent,
  type GivenStop,
  horizonOf,
  type ResolvedExtent,
  type ResolvedStop,
  type Stop,
  stopSchema,
  warmupSchema,
} from './stop.js'
import {
  checkRunnable,
  checkTargets,
  mayHaveEvents,
  type ResolvedTargets,
  type StoredTargets,
  serversOf,
  storeTargets,
  type Target,
  takesOne,
  targetSchemas,
} from './target.js'
import { type Duration, options, type Rate, whole } from './units.js'

/**
 * The schema of a scenario: the single source of its checks and defaults.
 *
 * @internal left out of the declarations, which would write all of it in full
 */
export const scenarioSchema = options({
  arrivals: arrivalsSchema,
  classes: classesSchema.optional(),
  service: serviceSchema.optional(),
  ...targetSchemas,
  batching: batchingOption,
  servers: serversSchema.nullable().optional(),
  queue: queueOption,
  good: goodSchema.optional(),
  stop: stopSchema.optional(),
  warmup: warmupSchema.optional(),
  seed: whole(0).default(1),
})

/**
 * Describes a run, as plain data that can also be read from a file. Required are `arrivals`, and `service` to simulate or
 * one of `handler`, `call` and `http` to measure.
 */
export type Scenario = ScenarioParts & Target

/** A scenario without its target. A `Partial<ScenarioParts>` can be spread over any scenario. */
export interface ScenarioParts {
  /** When requests arrive. A bare rate is a Poisson process. */
  arrivals: Rate | ArrivalsInput
  /**
   * Kinds of requests by name: how often each comes, compared with the others (`weight`, default 1), and its `service` if
   * it differs. The result then has latency and counts of each class, and a budget can limit them: `'checkout.p99'`.
   *
   * A batch of several classes takes the mean, over its requests, of what a batch of its size takes in the class of each:
   * with `affine` services, the mean of their bases plus each request's own `perItem`. Each class draws its variation once
   * for a batch. Stalls of each class are added.
   *
   * @default no classes
   * @example { checkout: { weight: 1, service: '40ms' }, browse: { weight: 4 } }
   */
  classes?: ClassesInput | undefined
  /** The service time of a batch, for a simulation. A bare duration is the same for every batch size. */
  service?: Duration | ServiceInput | undefined
  /**
   * When a batch leaves: when it holds `maxBatchSize` requests (null: no limit), or its oldest request has waited
   * `maxWait` (0: take what is waiting; null: wait for a full batch).
   *
   * @default { maxBatchSize: 1, maxWait: 0 }
   */
  batching?: { maxBatchSize?: number | null | undefined; maxWait?: Duration | null | undefined } | undefined
  /**
   * How many batches can be served at a time; null means no limit. For a handler module it is the number of threads.
   *
   * @default 1; to measure `call` null, to measure `http` `connections * pipelining` or null
   */
  servers?: number | null | undefined
  /**
   * How many requests may wait, and for how long; null means no limit.
   *
   * @default { capacity: null, timeout: null }
   */
  queue?: { capacity?: number | null | undefined; timeout?: Duration | null | undefined } | undefined
  /**
   * The longest times of a good request; the result then has its `goodput`. A request is good if it completes and each of
   * these times is at most its limit. Of a measurement also `first`, the time until the response begins, and `between`, the
   * longest gap between events of the response.
   *
   * @default no goodput
   * @example { latency: '100ms', queueing: '20ms' }
   * @example { latency: '5s', first: '300ms', between: '50ms' }
   */
  good?: GoodInput | undefined
  /**
   * When the run ends, warm-up included: at a fixed length, or as soon as an interval is narrow enough or the verdict on
   * a budget is clear, but at `atMost` at the latest. `atMost` defaults to 20,000,000 requests simulated, 60 s measured.
   *
   * @default { requests: 2_000_000 } simulated, { duration: '10s' } measured; `stages` and `replay` run to their end
   */
  stop?: Stop | undefined
  /**
   * The beginning of the run, which is not reported.
   *
   * @default a tenth of the run, or of its first checkpoint
   */
  warmup?: Extent | undefined
  /**
   * The random seed. The same seed gives the same requests.
   *
   * @default 1
   */
  seed?: number | undefined
}

/** A scenario with its defaults filled in, without its target. Rates are per second, times in milliseconds. */
export interface ResolvedParts {
  arrivals: Arrivals
  /** absent if requests have no classes */
  classes?: Classes | undefined
  service?: Service | undefined
  batching: Batching
  /** null means no limit */
  servers: number | null
  queue: { capacity: number | null; timeout: number | null }
  /** absent if requests are not judged */
  good?: Good | undefined
  stop: ResolvedStop
  warmup: ResolvedExtent
  seed: number
}

/** A scenario with its defaults filled in. */
export type ResolvedScenario = ResolvedParts & ResolvedTargets

/** A scenario as a Result stores it: plain data. */
export type StoredScenario = ResolvedParts & StoredTargets

/** A scenario that can be simulated. Its target, if any, does not run. */
export type SimulatedScenario = StoredScenario & { service: Service; servers: number }

const DEFAULT_STOP = { simulate: { requests: 2_000_000 }, measure: { duration: 10_000 } }
const DEFAULT_AT_MOST = { simulate: { requests: 20_000_000 }, measure: { duration: 60_000 } }

/**
 * Checks a stored scenario, to read it and not to run it.
 *
 * @throws ValidationError naming the field
 */
export function checkStoredScenario(scenario: unknown, name: Source): void {
  const parsed = scenarioSchema.safeParse(withLists(scenario))
  if (!parsed.success) throwFaults(parsed.error, name, scenario)
}

/**
 * Checks a scenario and fills in its defaults.
 *
 * @throws ValidationError with the field, its value and the accepted values
 */
export function resolveScenario(scenario: Scenario | StoredScenario, verb: 'simulate'): SimulatedScenario
export function resolveScenario(scenario: Scenario | StoredScenario, verb: 'simulate' | 'measure'): ResolvedScenario
export function resolveScenario(scenario: Scenario | StoredScenario, verb: 'simulate' | 'measure'): ResolvedScenario {
  const parsed = scenarioSchema.safeParse(scenario)
  if (!parsed.success) throwFaults(parsed.error, '', scenario)
  const { handler, call, http, stop: until, warmup: after, seed, servers: limit, ...given } = parsed.data
  const { arrivals, classes, batching, service, queue, good } = given
  const targets: ResolvedTargets = {
    ...(handler !== undefined && { handler }),
    ...(call !== undefined && { call }),
    ...(http !== undefined && { http }),
  }
  checkTargets(targets)

  if (verb === 'simulate' && service === undefined) {
    throw new ValidationError(
      'service',
      "is required to simulate: how long a batch takes, such as '10ms' or affine({ base, perItem })",
    )
  }
  const most = verb === 'measure' ? serversOf(targets) : 1
  const servers = limit === undefined ? most : limit
  if (servers === null && most !== null) throw unlimitedServers(verb)
  if (verb === 'measure') checkTarget(targets, batching, servers)

  const replayed = arrivals.process === 'replay' ? countOf(arrivals.timestamps) : Number.POSITIVE_INFINITY
  const stop = until === undefined ? defaultStop(verb, arrivals) : bounded(until, verb, arrivals)
  const shortest = 'atMost' in stop ? (checkpointsOf(stop)[0] as ResolvedExtent) : stop
  const warmup = after ?? tenthOf(shortest, replayed)
  checkExtent(shortest, warmup, replayed)
  checkLength(arrivals, horizonOf(stop))
  checkBatching(batching, arrivals, queue.capacity)
  if (service !== undefined) checkService(service, 'service', batching, arrivals)
  for (const [name, { service: own }] of Object.entries(classes ?? {})) {
    if (own !== undefined) checkService(own, `classes.${name}.service`, batching, arrivals)
  }
  if (verb === 'simulate') refuseSimulated(good)
  else refuseWithoutEvents(good, mayHaveEvents(targets))
  if ('budget' in stop) {
    requireGood(stop.budget, good, 'stop.budget')
    if (verb === 'simulate') refuseResponseTimes(stop.budget, 'stop.budget')
    else requireEvents(stop.budget, mayHaveEvents(targets), 'stop.budget')
  }

  // requests of a file are read before they are sent
  if ('budget' in stop && http?.requests === undefined)
    checkBudgetClasses(stop.budget, namesOfClasses(classes), 'stop.budget')

  // always in this order, so that the same scenario gives the same bytes in a Result
  return {
    arrivals,
    ...(classes !== undefined && { classes }),
    ...(service !== undefined && { service }),
    batching,
    servers,
    queue,
    ...(good !== undefined && { good }),
    stop,
    warmup,
    seed,
    // a simulation runs no target, so that its scenario is plain data
    ...(verb === 'simulate' ? storeTargets(targets) : targets),
  }
}

/**
 * Refuses a budget that limits goodput, of all requests or of a class, if the scenario does not say which are good.
 *
 * @param path where the budget is
 */
export function requireGood(budget: Budget, good: Good | undefined, path: string): void {
  if (good !== undefined) return
  const rule = rulesOf(budget).find((each) => 'figure' in each && each.figure === 'goodput')
  if (rule !== undefined) throw noGood(`${path}.${rule.metric}`)
}

/** The error of a limit on goodput, or a wish for it, if the scenario does not say which requests are good. */
export const noGood = (path: string) =>
  new ValidationError(
    path,
    "needs the scenario's good: the longest times of a good request, such as { latency: '100ms' }",
  )

function unlimitedServers(verb: 'simulate' | 'measure'): ValidationError {
  const why =
    verb === 'simulate'
      ? 'a simulation needs a number of servers'
      : 'only call, and http without connections, may have an unlimited number of requests in flight'
  return new ValidationError(
    'servers',
    `must be a whole number of at least 1 and at most ${MOST_SERVERS.toLocaleString('en')}, got null; ${why}`,
  )
}

/** Refuses to measure without a target, with too many threads, and to batch for a target that takes one request at a time. */
function checkTarget(targets: ResolvedTargets, { maxBatchSize }: Batching, servers: number | null): void {
  checkRunnable(targets)
  if (typeof targets.handler === 'string' && servers !== null && servers > MOST_THREADS) {
    throw new ValidationError(
      'servers',
      `must be at most ${MOST_THREADS.toLocaleString('en')} for a handler module, which has a thread for each, got ${servers}`,
    )
  }
  if (takesOne(targets) && maxBatchSize !== 1) {
    const [target, instead] =
      targets.http === undefined
        ? ['call', 'use handler to serve batches']
        : ['http', 'set http: { batch: true } to send a batch as one request']
    throw new ValidationError(
      'batching.maxBatchSize',
      `must be 1 because ${target} takes one request at a time, got ${show(maxBatchSize)}; ${instead}`,
    )
  }
}

/** Finite arrivals run to their end. */
function defaultStop(verb: 'simulate' | 'measure', arrivals: Arrivals): ResolvedExtent {
  return endOf(arrivals) ?? { ...DEFAULT_STOP[verb] }
}

/** Fills in `atMost` of a stop with checkpoints. */
function bounded(stop: GivenStop, verb: 'simulate' | 'measure', arrivals: Arrivals): ResolvedStop {
  if (!('precision' in stop || 'budget' in stop)) return stop
  return { ...stop, atMost: stop.atMost ?? endOf(arrivals) ?? { ...DEFAULT_AT_MOST[verb] } }
}

/** Returns where finite arrivals end; null for infinite ones. */
function endOf(arrivals: Arrivals): ResolvedExtent | null {
  if (!endsByItself(arrivals)) return null
  return arrivals.process === 'replay' ? { requests: countOf(arrivals.timestamps) } : { duration: lengthMs(arrivals) }
}

function tenthOf(stop: ResolvedExtent, replayed: number): ResolvedExtent {
  return 'duration' in stop
    ? { duration: stop.duration / 10 }
    : { requests: Math.floor(Math.min(stop.requests, replayed) / 10) }
}

function checkExtent(stop: ResolvedExtent, warmup: ResolvedExtent, replayed: number): void {
  const whole = {
    requests: 'requests' in stop ? Math.min(stop.requests, replayed) : replayed,
    duration: 'duration' in stop ? stop.duration : Number.POSITIVE_INFINITY,
  }
  const tooLong = 'requests' in warmup ? warmup.requests >= whole.requests : warmup.duration >= whole.duration
  if (tooLong) {
    throw new ValidationError(
      'warmup',
      `must be shorter than the run (${show(stop)}), got ${show(warmup)}; otherwise there is nothing to report`,
    )
  }
}

/** Refuses runs that last longer than whole nanoseconds in a double can represent. */
function checkLength(arrivals: Arrivals, stop: ResolvedExtent): void {
  if (!('requests' in stop) || !('rate' in arrivals)) return
  const rate = meanRate(arrivals) as number
  if ((stop.requests / rate) * NS_PER_SECOND >= LONGEST_NS) {
    throw new ValidationError(
      'stop.requests',
      `${stop.requests} requests at ${rate}/s take longer than 104 days (2^53 ns), the longest run; use fewer`,
    )
  }
}

/** Refuses a policy under which no batch would ever leave. */
export function checkBatching(batching: Batching, arrivals: Arrivals, capacity: number | null): void {
  const { maxBatchSize, maxWait } = batching
  if (maxWait !== null || maxBatchSize === null) return
  const clients = arrivals.process === 'closed' ? arrivals.clients : Number.POSITIVE_INFINITY
  if (clients < maxBatchSize) {
    throw new ValidationError(
      'batching.maxWait',
      `null waits for a batch of ${maxBatchSize}, which ${clients} clients never fill; set a duration`,
    )
  }
  if (capacity !== null && capacity < maxBatchSize) {
    throw new ValidationError(
      'batching.maxWait',
      `null waits for a batch of ${maxBatchSize}, which a queue with capacity ${capacity} never holds; set a duration`,
    )
  }
}

function checkService(service: Service, path: string, batching: Batching, arrivals: Arrivals): void {
  const known = largestKnownBatch(service)
  const largest = Math.min(
    batching.maxBatchSize ?? Number.POSITIVE_INFINITY,
    arrivals.process === 'closed' ? arrivals.clients : Number.POSITIVE_INFINITY,
  )
  if (largest > known) {
    const needed = largest === Number.POSITIVE_INFINITY ? 'have no limit' : `may hold ${largest}`
    throw new ValidationError(
      `${path}.points`,
      `end at a batch of ${known}, but batches ${needed}; add a point or lower batching.maxBatchSize`,
    )
  }
}

/** Converts a scenario to its stored form: plain data, with long lists hashed and secrets redacted. */
export function storeScenario(scenario: ResolvedScenario): StoredScenario {
  const { handler, call, http, ...parts } = scenario
  return hashLongParts({ ...parts, ...storeTargets({ handler, call, http }) })
}
