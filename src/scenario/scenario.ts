import { show, throwFaults, ValidationError } from '../validation/validation-error.js'
import { type Arrivals, type ArrivalsInput, arrivalsSchema, meanRate } from './arrivals/arrivals.js'
import { lengthMs } from './arrivals/ramps.js'
import { type Batching, batchingOption } from './batching.js'
import { countOf, hashLongParts, withLists } from './by-hash.js'
import { queueOption, serversSchema } from './queue.js'
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
  type ResolvedTargets,
  type StoredTargets,
  serversOf,
  storeTargets,
  type Target,
  takesOne,
  targetSchemas,
} from './target.js'
import { type Duration, LONGEST_NS, NS_PER_SECOND, options, type Rate, whole } from './units.js'

/** The one schema of a scenario: its type, its check and its defaults. */
export const scenarioSchema = options({
  arrivals: arrivalsSchema,
  service: serviceSchema.optional(),
  ...targetSchemas,
  batching: batchingOption,
  servers: serversSchema.nullable().optional(),
  queue: queueOption,
  stop: stopSchema.optional(),
  warmup: warmupSchema.optional(),
  seed: whole(0).default(1),
})

/**
 * What is to happen, as plain data that may as well be read from a file. Only `arrivals` and what the verb runs
 * (`service` to simulate; `handler`, `call` or `http` to measure) are required.
 */
export type Scenario = ScenarioParts & Target

/** All of a scenario but its target: what may be spread over one, as a `Partial<ScenarioParts>`. */
export interface ScenarioParts {
  /** When requests come; a rate alone is a Poisson process. */
  arrivals: Rate | ArrivalsInput
  /** How long a server takes for a batch, for a simulation; a duration alone is the same for every size. */
  service?: Duration | ServiceInput | undefined
  /**
   * When a batch leaves. Default: one request at a time. A `maxBatchSize` of null is no limit; a `maxWait` of 0 takes
   * what is there, null waits for a full batch.
   */
  batching?: { maxBatchSize?: number | null | undefined; maxWait?: Duration | null | undefined } | undefined
  /**
   * How many batches can be served at a time: threads, where a module serves them. Default 1; null, no limit, where
   * `call` or `http` is measured.
   */
  servers?: number | null | undefined
  /** How many requests may wait, and for how long. Default: no limit to either. */
  queue?: { capacity?: number | null | undefined; timeout?: Duration | null | undefined } | undefined
  /**
   * When the run ends, warm-up included: at a length, or as soon as an interval is narrow enough or the verdict on a
   * budget clear, and `atMost` then. Default: 2,000,000 requests simulated, 10 s measured; `atMost` 20,000,000
   * requests simulated, 60 s measured.
   */
  stop?: Stop | undefined
  /** What is run first and not reported. Default: a tenth of the run, or of the shortest that it may be. */
  warmup?: Extent | undefined
  /** From which all randomness follows: the same seed gives the same requests. Default 1. */
  seed?: number | undefined
}

/** A scenario with its defaults filled in, but for its target: rates a second, times in milliseconds. */
export interface ResolvedParts {
  arrivals: Arrivals
  service?: Service | undefined
  batching: Batching
  /** null is no limit */
  servers: number | null
  queue: { capacity: number | null; timeout: number | null }
  stop: ResolvedStop
  warmup: ResolvedExtent
  seed: number
}

/** A scenario with its defaults filled in. */
export type ResolvedScenario = ResolvedParts & ResolvedTargets

/** What a Result keeps of it: plain data. */
export type StoredScenario = ResolvedParts & StoredTargets

/** A scenario that can be simulated; its target is not run. */
export type SimulatedScenario = StoredScenario & { service: Service; servers: number }

const DEFAULT_STOP = { simulate: { requests: 2_000_000 }, measure: { duration: 10_000 } }
const DEFAULT_AT_MOST = { simulate: { requests: 20_000_000 }, measure: { duration: 60_000 } }

/**
 * Checks a scenario that a Result has storeScenario, to be read and not to be run.
 *
 * @throws ValidationError naming the field
 */
export function checkKept(scenario: unknown, name: string): void {
  const parsed = scenarioSchema.safeParse(withLists(scenario))
  if (!parsed.success) throwFaults(parsed.error, name, scenario)
}

/**
 * Checks a scenario and fills in its defaults.
 *
 * @throws ValidationError naming the field, what was found there and what is accepted
 */
export function resolveScenario(scenario: Scenario | StoredScenario, verb: 'simulate'): SimulatedScenario
export function resolveScenario(scenario: Scenario | StoredScenario, verb: 'simulate' | 'measure'): ResolvedScenario
export function resolveScenario(scenario: Scenario | StoredScenario, verb: 'simulate' | 'measure'): ResolvedScenario {
  const parsed = scenarioSchema.safeParse(scenario)
  if (!parsed.success) throwFaults(parsed.error, '', scenario)
  const { handler, call, http, stop: until, warmup: after, seed, servers: limit, ...given } = parsed.data
  const { arrivals, batching, service, queue } = given
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
  if (servers === null && most !== null) throw unlimited(verb)
  if (verb === 'measure') checkTarget(targets, batching)

  const replayed = arrivals.process === 'replay' ? countOf(arrivals.timestamps) : Number.POSITIVE_INFINITY
  const stop = until === undefined ? defaultStop(verb, arrivals) : bounded(until, verb, arrivals)
  const shortest = 'atMost' in stop ? (checkpointsOf(stop)[0] as ResolvedExtent) : stop
  const warmup = after ?? tenthOf(shortest, replayed)
  checkExtent(shortest, warmup, replayed)
  checkLength(arrivals, horizonOf(stop))
  checkBatching(batching, arrivals, queue.capacity)
  if (service !== undefined) checkService(service, batching, arrivals)

  // always in this order, so that a scenario in a Result gives the same bytes again
  return {
    arrivals,
    ...(service !== undefined && { service }),
    batching,
    servers,
    queue,
    stop,
    warmup,
    seed,
    // a simulation runs no target, and is plain data
    ...(verb === 'simulate' ? storeTargets(targets) : targets),
  }
}

/** There is no limit to servers where there has to be one. */
function unlimited(verb: 'simulate' | 'measure'): ValidationError {
  const why =
    verb === 'simulate'
      ? 'a simulation needs to know how many servers there are'
      : 'only call, and http without a limit to connections, may have no limit to what is in flight'
  return new ValidationError('servers', `must be a whole number of at least 1 and at most 1,000, got null; ${why}`)
}

/** Refuses to measure nothing, and batches where requests are taken one at a time. */
function checkTarget(targets: ResolvedTargets, { maxBatchSize }: Batching): void {
  checkRunnable(targets)
  if (takesOne(targets) && maxBatchSize !== 1) {
    const instead = targets.http === undefined ? 'use handler to serve batches' : 'http: { batch: true } sends a batch'
    throw new ValidationError(
      'batching.maxBatchSize',
      `must be 1 where ${targets.http === undefined ? 'call' : 'http'} takes one request at a time, got ${show(maxBatchSize)}; ${instead}`,
    )
  }
}

/** Arrivals that end of themselves are run to their end. */
function defaultStop(verb: 'simulate' | 'measure', arrivals: Arrivals): ResolvedExtent {
  return endOf(arrivals) ?? { ...DEFAULT_STOP[verb] }
}

/** A run with checkpoints ends some day. */
function bounded(stop: GivenStop, verb: 'simulate' | 'measure', arrivals: Arrivals): ResolvedStop {
  if (!('precision' in stop || 'budget' in stop)) return stop
  return { ...stop, atMost: stop.atMost ?? endOf(arrivals) ?? { ...DEFAULT_AT_MOST[verb] } }
}

/** Where arrivals end of themselves; null where they go on for ever. */
function endOf(arrivals: Arrivals): ResolvedExtent | null {
  if (arrivals.process === 'replay') return { requests: countOf(arrivals.timestamps) }
  return arrivals.process === 'stages' ? { duration: lengthMs(arrivals) } : null
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
      `${show(warmup)} leaves nothing of the run (${show(stop)}) to report; it must be shorter`,
    )
  }
}

/** Refuses what would run past the longest time that whole nanoseconds can tell. */
function checkLength(arrivals: Arrivals, stop: ResolvedExtent): void {
  if (!('requests' in stop) || !('rate' in arrivals)) return
  const rate = meanRate(arrivals) as number
  if ((stop.requests / rate) * NS_PER_SECOND >= LONGEST_NS) {
    throw new ValidationError(
      'stop.requests',
      `${stop.requests} requests at ${rate}/s take longer than the 104 days (2^53 ns) that a run may last; ask for fewer`,
    )
  }
}

function checkBatching(batching: Batching, arrivals: Arrivals, capacity: number | null): void {
  const { maxBatchSize, maxWait } = batching
  if (maxWait !== null || maxBatchSize === null) return
  const clients = arrivals.process === 'closed' ? arrivals.clients : Number.POSITIVE_INFINITY
  if (clients < maxBatchSize) {
    throw new ValidationError(
      'batching.maxWait',
      `null waits for a batch of ${maxBatchSize}, which ${clients} clients never fill; give a duration`,
    )
  }
  if (capacity !== null && capacity < maxBatchSize) {
    throw new ValidationError(
      'batching.maxWait',
      `null waits for a batch of ${maxBatchSize}, which a queue of ${capacity} never holds; give a duration`,
    )
  }
}

function checkService(service: Service, batching: Batching, arrivals: Arrivals): void {
  const known = largestKnownBatch(service)
  const largest = Math.min(
    batching.maxBatchSize ?? Number.POSITIVE_INFINITY,
    arrivals.process === 'closed' ? arrivals.clients : Number.POSITIVE_INFINITY,
  )
  if (largest > known) {
    const asked = largest === Number.POSITIVE_INFINITY ? 'have no limit' : `may hold ${largest}`
    throw new ValidationError(
      'service.points',
      `end at a batch of ${known}, but batches ${asked}; add a point or lower batching.maxBatchSize`,
    )
  }
}

/** A scenario as a Result keeps it: plain data, with long lists by hash and without secrets. */
export function storeScenario(scenario: ResolvedScenario): StoredScenario {
  const { handler, call, http, ...parts } = scenario
  return hashLongParts({ ...parts, ...storeTargets({ handler, call, http }) })
}
