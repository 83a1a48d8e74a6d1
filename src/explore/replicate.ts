import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { startThread } from '../handler/thread.js'
import { type Replication, together } from '../result/replications.js'
import { type Result, resultOf } from '../result/result.js'
import { ScenarioError, throwFaults } from '../scenario/error.js'
import { type KeptScenario, normalise, type Scenario } from '../scenario/scenario.js'
import { refuseLooked } from '../scenario/stop.js'
import { options, whole } from '../scenario/units.js'
import { refuseEmpty } from '../simulate/simulate.js'
import type { ReplicateReport, ReplicateTask } from './replicate-task.js'

export interface ReplicateProgress {
  /** replications that are over */
  done: number
  total: number
  /** how much is done, from 0 to 1 */
  share: number
}

export interface ReplicateOptions {
  /** How many runs, from 1 to 1,000. */
  replications: number
  /** How many of them at a time, each on a thread of its own. Default: as many as the machine has cores for. */
  threads?: number | undefined
  /** Ends the runs and their threads; `replicate` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Called some ten times a second. */
  onProgress?: ((progress: ReplicateProgress) => void) | undefined
}

const MOST = 1000
const schema = options({
  replications: whole(1, MOST),
  threads: whole(1, 256).optional(),
  signal: z.instanceof(AbortSignal, { error: 'must be an AbortSignal' }).optional(),
  onProgress: z
    .custom<NonNullable<ReplicateOptions['onProgress']>>((value) => typeof value === 'function', {
      error: 'must be a function',
    })
    .optional(),
})

const PROGRESS_MS = 100

/**
 * Simulates a scenario several times at once, on threads, each time with random numbers of its own, and puts the runs
 * together: histograms and counts added up, and intervals from the differences between the runs, which are independent
 * of one another. Each has its own warm-up. The result reads as if they had been run one after another: its window is
 * theirs end to end, and each of its segments is one of them. The first is the very run that `simulate` makes. The same
 * scenario and number give the same Result, to the byte, however many threads there are.
 *
 * @throws ScenarioError where the scenario cannot be run, or no request completed
 */
export async function replicate(scenario: Scenario | KeptScenario, given: ReplicateOptions): Promise<Result> {
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'replicate', given)
  const { replications, signal, onProgress, threads = availableParallelism() } = asked.data
  const normal = normalise(scenario, 'simulate')
  refuseLooked(normal.stop, 'replications are runs of one length, and it is their number that makes them precise')
  signal?.throwIfAborted()

  const shares = new SharedArrayBuffer(8 * replications)
  let done = 0
  const tell = () => {
    const share = new Float64Array(shares).reduce((sum, each) => sum + each, 0) / replications
    onProgress?.({ done, total: replications, share })
  }
  const pool = await startThread<ReplicateTask, ReplicateReport>(
    new URL('./replicate-task.js', import.meta.url),
    'replicateOnce',
    Math.min(threads, replications),
  )
  const timer = onProgress && setInterval(tell, PROGRESS_MS)
  let ended: Promise<void> | null = null
  const end = () => {
    ended ??= pool.destroy()
    return ended
  }
  signal?.addEventListener('abort', end)
  try {
    signal?.throwIfAborted()
    const runs = Array.from({ length: replications }, async (_, replication) => {
      const report = await pool.run({ scenario: normal, replication, shares })
      done++
      return accepted(report)
    })
    const recording = together(await Promise.all(runs))
    tell()
    refuseEmpty(recording)
    return resultOf(recording)
  } catch (error) {
    // a thread that was ended fails its task
    signal?.throwIfAborted()
    throw error
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', end)
    await end()
  }
}

function accepted(report: ReplicateReport): Replication {
  if (!('refused' in report)) return report
  const { path, message } = report.refused
  throw new ScenarioError(path, path === '' ? message : message.slice(path.length + 2))
}
