import type { Result } from '../result/result.js'

/**
 * Thrown if a measurement fails. The message names the target; `cause` is the target's own error, if there is one.
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
