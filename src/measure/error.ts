import { type Counts, countsText } from '../result/recording.js'
import type { Result } from '../result/result.js'
import { type ResolvedTargets, targetName } from '../scenario/target.js'

/**
 * Thrown if a measurement fails, or the agents of a simulation. The message names the target; `cause` is the target's own
 * error, if there is one.
 *
 * @example
 * const call = () => {
 *   throw new Error('no connection')
 * }
 * try {
 *   await measure({ arrivals: '200/s', call, stop: { duration: '200ms' } })
 * } catch (error) {
 *   if (error instanceof MeasureError) console.log(error.cause?.message) // no connection
 * }
 */
export class MeasureError extends Error {
  override readonly name = 'MeasureError'
  /** the invalid result that `throwOnInvalid` rejected; else null */
  readonly result: Result | null

  constructor(message: string, options: ErrorOptions & { result?: Result } = {}) {
    const { result, ...rest } = options
    super(message, rest)
    this.result = result ?? null
  }
}

/**
 * Creates the error of a run that failed because of its target.
 *
 * @param name the name of the target in messages
 */
export function targetFailed(name: string, message: string, cause?: unknown): MeasureError {
  return new MeasureError(`${name}: ${message}`, cause === undefined ? {} : { cause })
}

/** The error of a run in which no request completed. */
export function nothingCompleted(targets: ResolvedTargets, counts: Counts, failure: Error | null): MeasureError {
  const what =
    counts.offered === 0
      ? 'no request was due in the window'
      : `no request due in the window completed: ${countsText(counts)}`
  const hint =
    failure !== null ? `; the first failure: ${failure.message}` : counts.offered === 0 ? '; run for longer' : ''
  return new MeasureError(`${targetName(targets)}: ${what}${hint}`, failure === null ? {} : { cause: failure })
}
