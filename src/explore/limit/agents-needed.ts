import { real } from '../../clock/real.js'
import { type ConnectionLimits, connectionLimits } from '../../machine/connections.js'
import type { Result } from '../../result/result.js'
import type { Arrivals } from '../../scenario/arrivals/arrivals.js'
import { resolveScenario, type Scenario } from '../../scenario/scenario.js'
import type { Targets } from '../../scenario/target.js'
import { options as optionsOf } from '../../scenario/units.js'
import { milliseconds, percent } from '../../text/number.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import type { LoadVerdict } from './judge-load.js'
import {
  findCapacity,
  loadMeasurer,
  type MeasureCapacityOptions,
  type MeasuredCapacity,
  type MeasureLoad,
  searchOptions,
} from './measure-capacity.js'
import { withNoOpServer } from './no-op-server.js'
import type { LoadCause, NextRun } from './search.js'

/** How many agents a load needs, and what that is computed from. */
export interface AgentsNeeded {
  /** the load in requests a second: the highest, if it changes */
  load: number
  /**
   * how many agents send it on time, if each is as fast as this machine and gets at most 70 % of the highest load that this
   * machine sent on time; null if it sent none on time
   */
  agents: number | null
  /** the same, from the lowest load that was too much: the true number is between the two. Null if none was */
  fewest: number | null
  /**
   * what ended the search: this machine was `late`; the `target` was saturated or failed, so that this machine may send
   * more; `time`: it was over before; or `none`: one agent can send the whole load
   */
  limitedBy: 'late' | 'target' | 'time' | 'none'
  /** the part of an agent; null if `agents` is */
  each: {
    /** requests a second */
    rate: number
    /** requests in flight on average, and so connections, at the mean latency of this search */
    inFlight: number
  } | null
  /** how many connections to one address this machine can open: null where the system does not say */
  limits: ConnectionLimits
  /** the loads that were measured, as `measureCapacity` has them: a load passes if it is sent on time and answered */
  search: MeasuredCapacity
}

const schema = optionsOf(searchOptions)

/** The fraction that agents use of what they can send on time: machines slow down, and loads fluctuate. */
const USED = 0.7
/** The first load that is measured. */
const FIRST = 100
/** How many requests show that 5 % of them are late: in a short run, and in a longer one. */
const PROBED = 100
const REQUESTS = 400

/**
 * Computes how many agents a load needs, from what this machine sends: it measures one load after another, up to the whole
 * load, until this machine no longer sends its requests on time. Agents are taken to be as fast as this machine.
 *
 * @param scenario the scenario to send: its arrivals have a rate or stages, and its target is `http`; without a target, the
 * requests go to a server on a thread of this process that answers at once
 * @throws ValidationError if the scenario or an option is invalid
 * @throws MeasureError if no request of the first run completes
 * @example
 * const { agents, each, limitedBy } = await agentsNeeded({ arrivals: '20000/s' }, { atMost: '3s' })
 * console.log(agents, each?.rate, limitedBy)
 */
export async function agentsNeeded(scenario: Scenario, given: MeasureCapacityOptions = {}): Promise<AgentsNeeded> {
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { handler, call, http } = scenario as Targets
  if (handler !== undefined || call !== undefined) {
    throw new ValidationError(
      'agents',
      'send http scenarios only; measure handlers and calls on each machine with shard',
    )
  }
  if (http === undefined) {
    return withNoOpServer((url) => agentsNeeded({ ...scenario, http: { url, method: 'GET' } } as Scenario, given))
  }
  const { stop: _stop, warmup: _warmup, ...rest } = scenario
  const { arrivals } = resolveScenario(rest as Scenario, 'measure')
  const load = highestRate(arrivals)
  const process = 'rate' in arrivals ? arrivals : { process: 'poisson' as const }
  const { atMost, signal, onProgress, ...measuring } = parsed.data
  const search = await findCapacity(retryIfLate(loadMeasurer(rest as Scenario, process, extentsOf, measuring)), {
    from: Math.min(FIRST, load),
    most: load / USED,
    ...{ probed: PROBED, requests: REQUESTS },
    ...{ atMostMs: atMost, judge: judgeSender, signal, onProgress },
    now: real.now,
  })
  return conclude(search, load, http.connections ?? null, connectionLimits())
}

/** Computes the number of agents from the loads that one of them sent. */
export function conclude(
  search: MeasuredCapacity,
  load: number,
  connections: number | null,
  limits: ConnectionLimits,
): AgentsNeeded {
  const { rate, limit, result } = search
  // a connection is in use for the service of its request
  const inFlightOfAll = result === null ? 0 : (load * result.serviceMs.mean) / 1000
  const most = Math.min(limits.ports ?? Number.POSITIVE_INFINITY, limits.files ?? Number.POSITIVE_INFINITY)
  const byConnections = connections === null ? Math.ceil(inFlightOfAll / (USED * most)) : 1
  const agentsAt = (sent: number) => Math.max(1, byConnections, Math.ceil(load / (USED * sent) - ROUNDING))
  const agents = rate === null ? null : agentsAt(rate)
  return {
    load,
    agents,
    fewest: limit === null ? null : agentsAt(limit.rate),
    limitedBy: limitOf(search, load),
    each: agents === null ? null : { rate: load / agents, inFlight: inFlightOfAll / agents },
    limits,
    search,
  }
}

/** A load of exactly 70 % of what was sent is within it. */
const ROUNDING = 1e-9

function limitOf({ rate, limit, ended }: MeasuredCapacity, load: number): AgentsNeeded['limitedBy'] {
  if (limit !== null) {
    if (limit.cause === 'machine') return 'late'
    return limit.cause === 'too-short' ? 'time' : 'target'
  }
  return ended === 'found' && rate !== null && rate * USED >= load * (1 - ROUNDING) ? 'none' : 'time'
}

function highestRate(arrivals: Arrivals): number {
  if ('rate' in arrivals) return arrivals.rate
  if (arrivals.process === 'stages') {
    const highest = Math.max(arrivals.from ?? 0, ...arrivals.stages.map(({ rate }) => rate))
    if (highest > 0) return highest
  }
  throw new ValidationError('arrivals', `must be a process with a rate, or stages; ${arrivals.process} has no rate`)
}

/** Short runs need all of their length: lag is known of requests that were sent. */
const extentsOf = ({ lengthMs }: NextRun): Pick<Scenario, 'stop' | 'warmup'> => ({
  stop: { duration: lengthMs },
  warmup: { duration: lengthMs / 5 },
})

/** Measures a load, and once more if it was late: a short run may fall into a slow moment of the machine. */
const retryIfLate =
  (measure: MeasureLoad): MeasureLoad =>
  async (run, control) => {
    const measured = await measure(run, control)
    const again = run.kind !== 'confirm' && !('error' in measured) && lateness(measured) !== null
    return again ? measure(run, control) : measured
  }

/** The fraction of requests without an answer above which a target may be faster than it would be. */
const ERRORS = 0.01
/** Failures of this machine: it has no port, or no file, for another connection. */
const OWN_FAILURE = /^(EMFILE|ENFILE|EADDRNOTAVAIL|ENOBUFS)\b/

/** Judges whether this machine sent a load on time, and was answered. */
export function judgeSender(result: Result): LoadVerdict {
  const fail = (cause: LoadCause, reason: string): LoadVerdict => ({ verdict: 'fail', cause, reason, check: null })
  const late = lateness(result)
  if (late !== null) return fail('machine', late)
  const own = Object.keys(result.failures ?? {}).find((kind) => OWN_FAILURE.test(kind))
  if (own !== undefined) return fail('machine', `this machine can open no more connections: ${own}`)
  const error = result.validity.findings.find(
    ({ severity, code }) => severity === 'error' && code !== 'event-loop-late',
  )
  if (error !== undefined) {
    return fail(error.code === 'saturated' ? 'saturation' : 'errors', `${error.code}: ${error.message}`)
  }
  if (result.rates.error > ERRORS) return fail('errors', `${percent(result.rates.error)} of requests were not answered`)
  return { verdict: 'pass', cause: null, reason: null, check: null }
}

/** By how much sending late may move the p95 of latency: this time, or this fraction of it if that is longer. */
const MOVED_MS = 2
const MOVED_FRACTION = 0.2

/**
 * Why requests were not sent on time; null if they were. If fewer than 5 % are late, that is no reason: a machine has such
 * moments at any load, and more agents would have them too.
 */
function lateness({ latencyMs, fromSendMs }: Result): string | null {
  if (fromSendMs === null) return null
  const [due, sent] = [latencyMs.p95, fromSendMs.p95]
  if (due - sent <= Math.max(MOVED_MS, MOVED_FRACTION * due)) return null
  return `requests were sent late, which raised p95 latency from ${milliseconds(sent)} to ${milliseconds(due)}`
}
