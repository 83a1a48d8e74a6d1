import { summarizeRuns } from '../result/runs.js'
import type { Summary } from '../result/summary.js'
import { checkList, got, ValidationError } from '../validation/validation-error.js'

interface Samples {
  samples?: readonly number[] | undefined
}

/**
 * The samples of one run: a tinybench task or its result, a result of vitest's `bench`, or the durations themselves.
 */
export type TinybenchRun =
  | readonly number[]
  | Samples
  | { latency: Samples }
  | { state: string }
  | { result?: Samples | { latency: Samples } | { state: string } | undefined }

/**
 * Makes one summary, in milliseconds, of several runs of one tinybench task, for `checkBudget` to judge. Several,
 * because tinybench sorts the samples of a run: what neighbours had to do with one another is lost, and only the
 * differences between runs tell how far off an estimate may be. Five runs or more do well.
 *
 * @throws ValidationError if a run has not been made, or its samples were not retained
 */
export function fromTinybench(runs: readonly TinybenchRun[]): Summary {
  checkList(runs, 'runs', 'runs of a bench')
  return summarizeRuns(runs.map((run, i) => samplesOf(run, `runs[${i}]`)))
}

function samplesOf(run: TinybenchRun, name: string): readonly number[] {
  if (Array.isArray(run)) return run
  const { result = run } = (run ?? {}) as { result?: unknown }
  const { latency = result } = (result ?? {}) as { latency?: unknown }
  const { samples } = (latency ?? {}) as Samples
  if (samples !== undefined && samples.length > 0) return samples
  const isRun = typeof run === 'object' && run !== null && !('then' in run)
  throw new ValidationError(
    name,
    `must hold samples: make the bench with { retainSamples: true } (vitest: benchmark.includeSamples), run it, and take the result after each run${isRun ? '' : `; ${got(run)}`}`,
  )
}
