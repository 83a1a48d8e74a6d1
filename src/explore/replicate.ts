import { z } from 'zod'
import { cores } from '../machine/cores.js'
import { type Replication, together } from '../result/replications.js'
import { type Result, resultOf } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { resolveScenario, type Scenario, type StoredScenario } from '../scenario/scenario.js'
import { refuseCheckpoints } from '../scenario/stop.js'
import { options, whole } from '../scenario/units.js'
import { refuseEmpty } from '../simulate/simulate.js'
import { sum } from '../statistics/descriptive.js'
import { onThreads } from '../threads/pool.js'
import { abortSignal } from '../validation/realm.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import type { Ended, ReplicateTask } from './replicate-task.js'

export interface ReplicateProgress {
  /** replications that are over */
  done: number
  total: number
  /** how much is done, from 0 to 1 */
  fraction: number
}

export interface ReplicateOptions {
  /** How many runs, from 1 to 1,000. */
  replications: number
  /** How many of them at a time, each on a thread of its own. Default: as many as cores, within a container's CPU quota. */
  threads?: number | undefined
  /** Ends the runs and their threads; `replicate` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Called some ten times a second. Returning false ends them early: the Result is of the replications that are over,
   * and says `interrupted`.
   */
  onProgress?: ((progress: ReplicateProgress) => unknown) | undefined
}

const MOST = 1000
const schema = options({
  replications: whole(1, MOST),
  threads: whole(1, 256).optional(),
  signal: abortSignal.optional(),
  onProgress: z
    .custom<NonNullable<ReplicateOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})

/**
 * Simulates a scenario several times at once, on threads, each time with random numbers of its own, and puts the runs
 * together: histograms and counts added up, and intervals from the differences between the runs, which are independent
 * of one another. Each has its own warm-up. The result reads as if they had been run one after another: its window is
 * theirs end to end, and each of its segments is one of them. The first is the very run that `simulate` makes. The same
 * scenario and number give the same Result, to the byte, however many threads there are.
 *
 * @throws ValidationError if the scenario cannot be run, no request completed, or it is ended before one replication is
 * over
 */
export async function replicate(scenario: Scenario | StoredScenario, given: ReplicateOptions): Promise<Result> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'replicate', given)
  const { replications, signal, onProgress, threads = cores() } = asked.data
  const resolved = resolveScenario(scenario, 'simulate')
  refuseCheckpoints(
    resolved.stop,
    'replications are runs of one length, and it is their number that makes them precise',
  )

  const reports = await onThreads<ReplicateTask, Replication | Ended>(
    new URL('./replicate-task.js', import.meta.url),
    'replicateOnce',
    Array.from({ length: replications }, () => ({ scenario: resolved })),
    {
      threads,
      signal,
      onProgress:
        onProgress &&
        ((fractions, done) =>
          onProgress({
            done,
            total: replications,
            fraction: sum([...fractions]) / replications,
          })),
    },
  )
  const over = reports.filter((report) => 'recording' in report)
  if (over.length === 0) {
    throw new ValidationError(
      'replicate',
      'was ended before its first replication was over: there is nothing to report',
    )
  }
  const recording = together(over)
  if (over.length < replications) recording.findings.push(interrupted(over.length, replications))
  refuseEmpty(recording)
  return resultOf(recording)
}

/** Each that is over is whole: what there is holds. */
function interrupted(over: number, replications: number): Finding {
  return {
    code: 'interrupted',
    severity: 'warning',
    message: `it was interrupted after ${over} of ${replications} replications`,
    figures: { over, replications },
  }
}
