import { z } from 'zod'
import { cores } from '../machine/cores.js'
import { mergeReplications, type Replication } from '../result/replications.js'
import { type Result, resultOf } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { resolveScenario, type Scenario, type SimulatedScenario, type StoredScenario } from '../scenario/scenario.js'
import { plannedRequests, refuseCheckpoints } from '../scenario/stop.js'
import { abortSignal, MOST_REQUESTS, options, whole } from '../scenario/units.js'
import { refuseEmpty } from '../simulate/simulate.js'
import { sum } from '../statistics/descriptive.js'
import { count } from '../text/number.js'
import { inThisThread, onThreads, type RunTasks } from '../threads/pool.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { AgentPool } from './agents/agent-pool.js'
import { type OnAgents, onAgentsSchema, threadsOrAgents } from './agents/options.js'
import type { Ended, ReplicateTask } from './replicate-task.js'
import { REPLICATE } from './tasks.js'

/** The progress of `replicate`. */
export interface ReplicateProgress {
  /** completed replications */
  done: number
  total: number
  /** how much is done, from 0 to 1 */
  fraction: number
}

/** Options of `replicate`. */
export interface ReplicateOptions {
  /** How many runs, from 1 to 1,000. */
  replications: number
  /**
   * How many runs at a time, each on its own thread. With 1, up to 1,000,000 requests in all are simulated in this thread, which
   * blocks it for some 0.1 s.
   *
   * @default the number of cores, within the container's CPU quota; this thread if it is done before others would have started
   */
  threads?: number | undefined
  /**
   * Runs them on the agents of a Redis, in place of threads: each runs as many at a time as it has cores.
   *
   * @default threads of this process
   * @example { redis: 'redis://10.0.0.5:6379' }
   */
  on?: OnAgents | undefined
  /**
   * Stops the runs and their threads; `replicate` rejects with the signal's reason.
   *
   * @default it cannot be aborted
   */
  signal?: AbortSignal | undefined
  /**
   * Called about ten times a second. Return false to stop early; the Result then covers the completed replications and has
   * the finding `interrupted`.
   *
   * @default no progress is reported
   */
  onProgress?: ((progress: ReplicateProgress) => unknown) | undefined
}

const MOST = 1000
const schema = options({
  replications: whole(1, MOST),
  threads: whole(1, 256).optional(),
  on: onAgentsSchema.optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<ReplicateOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
}).refine(threadsOrAgents.check, threadsOrAgents.params)

/**
 * Simulates a scenario several times in parallel, on threads if the runs are long, each time with other random numbers,
 * and merges the runs.
 * Histograms and counts are added up. Intervals come from the differences between runs, which are independent. Each run
 * has its own warm-up, and becomes one segment of the Result, whose window is all runs end to end. The first run is the
 * one that `simulate` makes. The same scenario and `replications` give the same Result, to the byte, with any number of
 * threads or agents.
 *
 * @throws ValidationError if the scenario or an option is invalid, no request completed, or it is stopped before the
 * first replication completes; MeasureError if Redis or its agents fail
 * @example
 * const scenario = { arrivals: '800/s', service: '1ms', stop: { requests: 20_000 } }
 * const result = await replicate(scenario, { replications: 8 })
 * result.segments.length // 8
 */
export async function replicate(scenario: Scenario | StoredScenario, given: ReplicateOptions): Promise<Result> {
  const checked = schema.safeParse(given)
  if (!checked.success) throwFaults(checked.error, 'replicate', given)
  const { replications, on } = checked.data
  const resolved = resolveScenario(scenario, 'simulate')
  refuseCheckpoints(resolved.stop, 'all replications have the same length; use more of them for more precision')

  refuseUncountable(resolved, replications)

  const agents = on === undefined ? null : new AgentPool(on)
  let reports: (Replication | Ended)[]
  try {
    reports = await runEach(agents?.run ?? onThreadsUnlessShort(resolved, checked.data), resolved, checked.data)
  } finally {
    await agents?.close()
  }
  const completed = reports.filter((report) => 'recording' in report)
  if (completed.length === 0) {
    throw new ValidationError(
      'replicate',
      'was stopped before its first replication completed; there is nothing to report',
    )
  }
  const recording = mergeReplications(completed)
  if (completed.length < replications) recording.findings.push(interruptedFinding(completed.length, replications))
  refuseEmpty(recording)
  return resultOf(recording)
}

/** How many requests this thread may run: they block it for some 0.1 s, less than another takes to start. */
const SHORT = 1_000_000

function onThreadsUnlessShort(scenario: SimulatedScenario, { replications, threads }: ReplicateOptions): RunTasks {
  // 0 if not known
  const requests = replications * plannedRequests(scenario)
  const isShort = requests > 0 && requests <= SHORT
  return isShort && (threads ?? 1) === 1 ? inThisThread : onThreads(threads ?? cores())
}

/** Runs each replication once. */
function runEach(
  inParallel: RunTasks,
  scenario: SimulatedScenario,
  { replications: total, signal, onProgress }: ReplicateOptions,
): Promise<(Replication | Ended)[]> {
  // one argument for all, which is sent once
  const tasks = new Array<ReplicateTask>(total).fill({ scenario })
  return inParallel<ReplicateTask, Replication | Ended>(REPLICATE, tasks, {
    signal,
    onProgress: onProgress && ((fractions, done) => onProgress({ done, total, fraction: sum([...fractions]) / total })),
    stopped: { ended: true },
    describe: (i) => `replication ${i + 1}`,
  })
}

/** Histograms count in 32 bits, and would wrap around. */
function refuseUncountable(scenario: SimulatedScenario, replications: number): void {
  const each = plannedRequests(scenario)
  if (each * replications <= MOST_REQUESTS) return
  throw new ValidationError(
    'replicate.replications',
    `must be at most ${count(Math.floor(MOST_REQUESTS / each))} for runs of ${count(each)} requests: a Result counts up to ${count(MOST_REQUESTS)}`,
  )
}

/** Only a warning: the completed replications are valid. */
function interruptedFinding(over: number, replications: number): Finding {
  return {
    code: 'interrupted',
    severity: 'warning',
    message: `the run was interrupted after ${over} of ${replications} replications`,
    figures: { over, replications },
  }
}
