import { summarizeRuns } from '../result/runs.js'
import type { Summary } from '../result/summary.js'
import { checkList, got, ValidationError } from '../validation/validation-error.js'

interface Samples {
  samples?: readonly number[] | undefined
}

/**
 * The samples of one run: a tinybench task or its result, a result of vitest's `bench`, or durations in milliseconds.
 */
export type TinybenchRun =
  | readonly number[]
  | Samples
  | { latency: Samples }
  | { state: string }
  | { result?: Samples | { latency: Samples } | { state: string } | undefined }

/**
 * Summarizes several runs of one tinybench task, in milliseconds, for `checkBudget`. Give at least five runs: tinybench
 * sorts the samples of a run, which hides their autocorrelation, so the intervals come from the differences between runs.
 *
 * @example
 * import { Bench } from 'tinybench'
 *
 * const runs = []
 * for (let i = 0; i < 5; i++) {
 *   const bench = new Bench({ iterations: 100, time: 0, retainSamples: true })
 *   bench.add('parse', () => JSON.parse('{ "id": 7 }'))
 *   await bench.run()
 *   runs.push(...bench.results)
 * }
 * assertBudget(fromTinybench(runs), { p50: '10ms' })
 *
 * @throws ValidationError if a run was not made, or its samples were not retained
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
    `must hold samples: create the bench with { retainSamples: true } (vitest: benchmark.includeSamples), run it, and take the result after each run${isRun ? '' : `; ${got(run)}`}`,
  )
}
