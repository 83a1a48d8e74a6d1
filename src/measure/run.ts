import { availableParallelism } from 'node:os'
import type { Recording } from '../result/recording.js'
import type { Environment } from '../result/result.js'
import { policyOf } from '../scenario/batching.js'
import { ScenarioError } from '../scenario/error.js'
import type { NormalScenario } from '../scenario/scenario.js'
import { accountOf, booksOf } from './account.js'
import { environment } from './environment.js'
import { handlerFailed, MeasureError } from './error.js'
import { measureFindings, seconds } from './findings.js'
import { locate } from './handler-module.js'
import { Ledger } from './ledger.js'
import { type MeasurableScenario, measurable } from './measurable.js'
import { type Observation, Observations } from './observations.js'
import { type MeasureOptions, type NormalOptions, normaliseOptions } from './options.js'
import { type Plan, planOf } from './plan.js'
import { unreadyMessage } from './prepare.js'
import { PLACES, Ring } from './ring.js'
import type { ServerReport } from './server.js'
import { Start } from './start.js'
import { startThreads, type Threads } from './threads.js'
import { Watch } from './watch.js'
import { Window } from './window.js'
import { layOut, type Wire } from './wire.js'

export type { Observation }

/** What a run gives, before anything is concluded from it. */
export interface Measurement {
  recording: Recording
  environment: Environment
  /** the first failure of a request */
  failure: Error | null
  /** the batches that started in the window, in order, as many of them as were asked for */
  observations: Observation[]
  /** when a request was due and when it was queued: of the newest million */
  sent(number: number): { dueNs: number; queuedNs: number }
}

export interface RunOptions extends MeasureOptions {
  /** how many batches to keep one by one. Default 0. */
  observe?: number
}

/** What the threads have said when they were done. */
interface Reports {
  lateNs: number
  servers: ServerReport[]
}

/**
 * Runs a scenario on the real clock, on threads of its own, which are gone when this returns.
 *
 * @throws ScenarioError where it cannot be measured, MeasureError where its handler cannot run
 */
export async function runMeasurement(given: NormalScenario, options: RunOptions = {}): Promise<Measurement> {
  const { observe = 0, ...rest } = options
  const scenario = measurable(given)
  const { servers, batching } = scenario
  const settings = normaliseOptions(rest, servers, availableParallelism())
  const handler = located(scenario.handler)
  settings.signal?.throwIfAborted()
  const plan = planned(scenario)
  const { maxBatchSize } = policyOf(batching)
  const wire = layOut(plan, servers, maxBatchSize, observe)
  const ledgers = wire.ledgers.map((ledger) => new Ledger(ledger, maxBatchSize, plan.segments.length))
  const books = booksOf(new Window(wire.window), new Ring(wire.ring), ledgers)
  const machine = environment()

  const reports: Reports = { lateNs: 0, servers: [] }
  const watched = { handler: handler.path, start: new Start(wire.start), books, lastNs: plan.lastNs }
  const threads = await startThreads(servers + 1)
  let endedNs: number
  try {
    const work = giveTasks(threads, { scenario, settings, plan, wire, handler }, reports)
    endedNs = await new Watch(watched, settings).until(work)
  } finally {
    await threads.destroy()
  }
  const full = books.window.endNs < plan.endNs
  if (full && books.window.endNs <= plan.startNs) throw fullTooSoon(books.window.endNs)
  const recording = accountOf(scenario, books, endedNs)
  const failure = firstFailure(reports)
  if (recording.counts.completed > 0) {
    const { window } = books
    const course = {
      lateNs: reports.lateNs,
      unsent: window.unsent.count,
      full,
      failure,
      teardown: reports.servers.find(({ teardown }) => teardown !== null)?.teardown ?? null,
    }
    recording.findings.push(...measureFindings(recording, course))
  }
  const { ring } = books
  return {
    recording,
    environment: machine,
    failure,
    observations: observationsIn(wire, maxBatchSize),
    sent: (number) => ({ dueNs: ring.dueNs(number), queuedNs: ring.queuedNs(number) }),
  }
}

function located(handler: string): { url: string; path: string } {
  try {
    return locate(handler)
  } catch (error) {
    throw handlerFailed(handler, (error as Error).message, error)
  }
}

function planned(scenario: MeasurableScenario): Plan {
  const plan = planOf(scenario)
  if (plan.segments.length > 0 && plan.startNs < plan.endNs) return plan
  throw new ScenarioError(
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

interface Given {
  scenario: MeasurableScenario
  settings: NormalOptions
  plan: Plan
  wire: Wire
  handler: { url: string; path: string }
}

/** Gives each thread its task; resolves when all of them are done. */
async function giveTasks(threads: Threads, given: Given, reports: Reports): Promise<void> {
  const { scenario, settings, plan, wire, handler } = given
  const { arrivals, seed, servers } = scenario
  const { idle, spinNs, batchTimeoutMs } = settings
  const policy = policyOf(scenario.batching)

  const generate = async () => {
    const { lateNs } = await threads.generate({ wire, arrivals, seed, stop: plan.stop, servers, spinNs })
    reports.lateNs = lateNs
  }
  const serve = async (server: number) => {
    const task = { wire, server, servers, handler: handler.url, policy, idle, spinNs, batchTimeoutMs }
    const report = await threads.serve(task)
    if (report.unready !== null) throw handlerFailed(handler.path, unreadyMessage(report.unready), report.unready.error)
    reports.servers.push(report)
  }
  const tasks = [generate(), ...Array.from({ length: servers }, (_, server) => serve(server))]
  try {
    await Promise.all(tasks)
  } catch (error) {
    if (error instanceof MeasureError) throw error
    throw handlerFailed(handler.path, `a thread of the run ended: ${(error as Error).message}`, error)
  }
}

function firstFailure({ servers }: Reports): Error | null {
  const failures = servers.flatMap(({ failure }) => failure ?? [])
  return failures.sort((a, b) => a.atNs - b.atNs)[0]?.error ?? null
}

function observationsIn(wire: Wire, maxBatchSize: number): Observation[] {
  const observations = (wire.observations ?? []).flatMap((buffer) => new Observations(buffer, maxBatchSize).read())
  return observations.sort((a, b) => (a.requests[0] as number) - (b.requests[0] as number))
}
