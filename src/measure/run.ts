import { availableParallelism } from 'node:os'
import { environment } from '../machine/environment.js'
import type { Host } from '../result/host.js'
import type { Recording } from '../result/recording.js'
import type { Environment } from '../result/result.js'
import { policyOf } from '../scenario/batching.js'
import { ScenarioError } from '../scenario/error.js'
import { throwIfAborted } from '../scenario/realm.js'
import type { NormalScenario } from '../scenario/scenario.js'
import { targetName } from '../scenario/target.js'
import { accountOf } from './account.js'
import { MeasureError, targetFailed } from './error.js'
import { measureFindings, seconds } from './findings.js'
import { HostWatch } from './host.js'
import { runInProcess } from './in-process.js'
import { measurable } from './measurable.js'
import { type Observation, Observations } from './observations.js'
import { runOnThreads } from './on-threads.js'
import { type MeasureOptions, normaliseOptions } from './options.js'
import { type Plan, planOf, planOfLoop } from './plan.js'
import { PLACES } from './ring.js'
import { Window } from './window.js'
import { layOut, type Wire } from './wire.js'

export type { Observation }

/** What a run gives, before anything is concluded from it. */
export interface Measurement {
  recording: Recording
  environment: Environment
  host: Host
  /** the first failure of a request */
  failure: Error | null
  /** the batches that started in the window, in order, as many of them as were asked for */
  observations: Observation[]
  /** when a request was due and when it was queued: of the newest million */
  sent(number: number): { dueNs: number; queuedNs: number }
}

/**
 * Runs a scenario on the real clock. What it has started is gone when this returns.
 *
 * @param observe how many batches to keep one by one
 * @throws ScenarioError where it cannot be measured, MeasureError where its target cannot run
 */
export async function runMeasurement(
  given: NormalScenario,
  options: MeasureOptions = {},
  observe = 0,
): Promise<Measurement> {
  const scenario = measurable(given)
  const { handler } = scenario
  // a module has a thread for each server, and what is served in this process has this one
  const servers = typeof handler === 'string' ? (scenario.servers as number) : 1
  const settings = normaliseOptions(options, servers, availableParallelism())
  throwIfAborted(settings.signal)
  const plan = planned(scenario)
  const policy = policyOf(scenario.batching)
  const wire = layOut(scenario, plan, servers, observe)
  const host = new HostWatch(wire.host, new Window(wire.window), typeof handler !== 'string')
  const layout = { scenario, settings, plan, policy, wire, host }
  const machine = environment()

  const run = typeof handler === 'string' ? runOnThreads(layout, handler, servers) : runInProcess(layout)
  const { books, looks, endedNs, lateNs, failure, teardown, deaths } = await run
  const { window, ring } = books
  const isLoop = scenario.arrivals.process === 'closed'
  const cut = window.endNs < plan.endNs
  // a loop waits for its answers, and never sends more than there are clients
  const full = cut && !window.halted && !window.endsEarly && !isLoop
  const nothing = window.startNs === Number.POSITIVE_INFINITY || window.endNs <= window.startNs
  if (nothing && window.interrupted) {
    throw new MeasureError(
      `the run was interrupted after ${seconds(endedNs)}, in its warm-up: there is nothing to report yet`,
    )
  }
  if (nothing && (cut || isLoop)) {
    if (full) throw fullTooSoon(window.endNs)
    if (!window.halted) throw nothingToReport()
    const said = `after ${seconds(endedNs)}, in the warm-up, no server was left`
    throw targetFailed(targetName(scenario), `${said}: ${failure?.message}`, failure)
  }
  const recording: Recording = { ...accountOf(scenario, books, endedNs), ...(looks !== undefined && { looks }) }
  if (recording.counts.completed > 0) {
    const { interrupted } = window
    const course = { interrupted, lateNs, unsent: window.unsent.count, full, failure, teardown, deaths, servers }
    recording.findings.push(...measureFindings(recording, course))
  }
  return {
    recording,
    environment: machine,
    host: host.result(),
    failure,
    observations: observationsIn(wire, policy.maxBatchSize),
    sent: (number) => ({ dueNs: ring.dueNs(number), queuedNs: ring.queuedNs(number) }),
  }
}

function planned(scenario: NormalScenario): Plan {
  const { arrivals } = scenario
  if (arrivals.process === 'closed') return planOfLoop({ ...scenario, arrivals })
  const plan = planOf({ ...scenario, arrivals })
  if (plan.segments.length > 0 && plan.startNs < plan.endNs) return plan
  throw nothingToReport()
}

function nothingToReport(): ScenarioError {
  return new ScenarioError(
    'stop',
    'leaves nothing to report: no time passes between the first request after the warm-up and the end; run for longer',
  )
}

function fullTooSoon(endNs: number): MeasureError {
  const waiting = PLACES.toLocaleString('en')
  return new MeasureError(
    `after ${seconds(endNs)}, in the warm-up, ${waiting} requests were waiting, as many as may: the servers carry far less than is offered; lower the rate, or add servers`,
  )
}

function observationsIn(wire: Wire, maxBatchSize: number): Observation[] {
  const observations = (wire.observations ?? []).flatMap((buffer) => new Observations(buffer, maxBatchSize).read())
  return observations.sort((a, b) => (a.requests[0] as number) - (b.requests[0] as number))
}
