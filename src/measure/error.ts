import type { Result } from '../result/result.js'

/**
 * A measurement that failed. The message names what was measured; `cause` is its own error where there is one.
 */
export class MeasureError extends Error {
  override readonly name = 'MeasureError'
  /** what was measured all the same, where `throwOnInvalid` refused it */
  readonly result: Result | null

  constructor(message: string, options: ErrorOptions & { result?: Result } = {}) {
    const { result, ...rest } = options
    super(message, rest)
    this.result = result ?? null
  }
}

/**
 * A run that its target has made fail.
 *
 * @param name what messages call it
 */
export function targetFailed(name: string, message: string, cause?: unknown): MeasureError {
  return new MeasureError(`${name}: ${message}`, cause === undefined ? {} : { cause })
}
