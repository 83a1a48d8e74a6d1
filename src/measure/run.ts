import { hasRealTimers, real } from '../clock/real.js'
import { cores } from '../machine/cores.js'
import { environment } from '../machine/environment.js'
import type { Environment, Host } from '../result/host.js'
import type { Recording } from '../result/recording.js'
import { checkBudgetClasses } from '../scenario/budget.js'
import { namesOfClasses } from '../scenario/classes.js'
import type { ResolvedScenario } from '../scenario/scenario.js'
import { targetName } from '../scenario/target.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { RunClock } from './clock/clock.js'
import { MeasureError, targetFailed } from './error.js'
import { measureFindings, secondsText } from './findings.js'
import { HostWatch } from './host/host-watch.js'
import { checkMeasurable, checkShard } from './measurable.js'
import { type MeasureOptions, type ResolvedOptions, resolveOptions } from './options.js'
import { type Plan, planInSteps, planOfLoop } from './plan.js'
import { PLACES } from './queue/waiting-room.js'
import { buildRecording, type RunState } from './recording/build-recording.js'
import type { Observation } from './recording/observations.js'
import { SharedMemory } from './recording/shared-memory.js'
import type { Coordination, RunContext } from './run-context.js'
import { prepareRequests, type RequestSource } from './servers/http/requests.js'
import { runInProcess } from './servers/in-process.js'
import { runOnThreads } from './servers/on-threads.js'

export type { Observation }

/** What a run recorded, before it becomes a result. */
export interface Measurement {
  recording: Recording
  environment: Environment
  host: Host
  /** the first failure of a request */
  failure: Error | null
  /** the batches that started in the window, in order, up to the requested number */
  observations: Observation[]
}

/**
 * Runs a scenario on the real clock. Its threads, timers and connections are closed when the promise settles.
 *
 * @param observe how many batches to record individually
 * @throws ValidationError if the scenario cannot be measured
 * @throws MeasureError if its target fails
 */
export async function runMeasurement(
  given: ResolvedScenario,
  givenOptions: MeasureOptions = {},
  observe = 0,
  coordination: Coordination | null = null,
): Promise<Measurement> {
  const measurable = checkMeasurable(given)
  const { handler } = measurable
  // a handler module has a thread for each server; any other target is served on this thread
  const threads = typeof handler === 'string' ? (measurable.servers as number) : 1
  const options = resolveOptions(givenOptions, cores())
  if (options.shard !== null) checkShard(measurable, options.shard)
  throwIfAborted(options.signal)
  if (!hasRealTimers()) {
    throw new MeasureError(
      'timers were already faked when throughline was first imported, and a measurement needs real timers; import throughline before faking timers',
    )
  }
  const requests = await loadRequests(measurable, coordination?.readRows)
  const scenario = withFiles(measurable, requests)
  const plan = await planRun(scenario, options)
  const memory = SharedMemory.allocate(scenario, plan, threads, { observe, classes: requests?.classes ?? null })
  const host = new HostWatch(memory.buffers.host, memory.window(), typeof handler !== 'string')
  const context: RunContext = { scenario, options, plan, memory, host, clock: new RunClock(), coordination, requests }
  const machine = environment()

  const run = typeof handler === 'string' ? runOnThreads(context, handler, threads) : runInProcess(context)
  const { state, checkpoints, endedNs, failure, teardown, exits, findings, connections } = await run
  const { window } = state
  const { earlyEnd } = window
  if (window.startNs === Number.POSITIVE_INFINITY || window.endNs <= window.startNs) {
    throw errorOfEmptyRun(scenario, state, endedNs, failure)
  }
  const recording: Recording = {
    ...buildRecording(scenario, state, endedNs),
    ...(checkpoints !== undefined && { checkpoints }),
    ...(connections !== undefined && { connections }),
    ...(plan.shard !== null && {
      shard: { ...plan.shard, startedAt: new Date(context.clock.startedAtMs).toISOString() },
    }),
  }
  if (recording.counts.completed > 0) {
    const course = { earlyEnd, failure, teardown, exits, servers: threads }
    recording.findings.push(...measureFindings(recording, course), ...findings)
  }
  return {
    recording,
    environment: machine,
    host: host.result(),
    failure,
    observations: collectObservations(memory, threads),
  }
}

/** Creates the error of a run that ended before its window began. */
function errorOfEmptyRun(
  scenario: ResolvedScenario,
  { window }: RunState,
  endedNs: number,
  failure: Error | null,
): MeasureError | ValidationError {
  const after = `after ${secondsText(Math.min(endedNs, window.endNs))}, during the warm-up`
  switch (window.earlyEnd) {
    case 'interrupted':
      return new MeasureError(`the run was interrupted ${after}: there is nothing to report`)
    case 'full': {
      const waiting = PLACES.toLocaleString('en')
      return new MeasureError(
        `${after}, ${waiting} requests were waiting, the maximum: the offered rate far exceeds the capacity of the servers; lower the rate, or add servers`,
      )
    }
    case 'no-server': {
      const message = `${after}, no server was left: ${failure?.message}`
      return targetFailed(targetName(scenario), message, failure)
    }
    default:
      return emptyWindowError()
  }
}

/**
 * Loads the requests of an HTTP scenario; null if they do not differ.
 *
 * @param read reads a file that the scenario names
 * @throws ValidationError naming the row and the column
 */
export async function loadRequests(
  scenario: ResolvedScenario,
  read?: Coordination['readRows'],
): Promise<RequestSource | null> {
  const { http, seed } = scenario
  const requests = http === undefined ? null : await prepareRequests(http, seed, read)
  if (requests !== null) checkClasses(scenario, requests)
  return requests
}

/** Adds to a scenario what is in its files, so that its result says what was run. */
function withFiles(scenario: ResolvedScenario, source: RequestSource | null): ResolvedScenario {
  const { http } = scenario
  if (http === undefined || source === null) return scenario
  const read = <Value>(value: Value) => (typeof value === 'string' ? (source.files.get(value) ?? value) : value)
  const { requests, data } = http
  return {
    ...scenario,
    http: {
      ...http,
      ...(requests !== undefined && { requests: read(requests) }),
      ...(data !== undefined && { data: read(data) }),
    },
  }
}

/** Checks what only the requests themselves say: a run may read them from a file. */
function checkClasses({ classes, stop }: ResolvedScenario, requests: RequestSource): void {
  if (classes !== undefined && requests.classes !== null) {
    throw new ValidationError('classes', 'must be omitted: http.requests give the class of each request')
  }
  const names = requests.classes?.names ?? namesOfClasses(classes)
  if ('budget' in stop) checkBudgetClasses(stop.budget, names, 'stop.budget')
}

async function planRun(scenario: ResolvedScenario, { signal, shard }: ResolvedOptions): Promise<Plan> {
  const { arrivals } = scenario
  if (arrivals.process === 'closed') return planOfLoop({ ...scenario, arrivals }, shard)
  const planning = planInSteps({ ...scenario, arrivals }, shard)
  let step = planning.next()
  for (; !step.done; step = planning.next()) {
    await new Promise((resolve) => real.setImmediate(resolve))
    throwIfAborted(signal)
  }
  const plan = step.value
  if (plan.segments.length > 0 && plan.startNs < plan.endNs) return plan
  throw emptyWindowError()
}

function emptyWindowError(): ValidationError {
  return new ValidationError(
    'stop',
    'leaves an empty window: no time passes between the first request after the warm-up and the end of the run; run longer',
  )
}

function collectObservations(memory: SharedMemory, threads: number): Observation[] {
  const observations = Array.from({ length: threads }, (_, server) => memory.observations(server)?.read() ?? []).flat()
  return observations.sort((a, b) => (a.requests[0] as number) - (b.requests[0] as number))
}
