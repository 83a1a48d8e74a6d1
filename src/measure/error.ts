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

/** An error that can be sent from thread to thread: only what it says, where not all of it can. */
export function portable(thrown: unknown): Error {
  try {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
    structuredClone(error)
    return error
  } catch {
    return plain(thrown)
  }
}

/** What it says, where it can be asked at all: getters and proxies may throw. */
function plain(thrown: unknown): Error {
  try {
    if (!(thrown instanceof Error)) return new Error(String(thrown))
    const error = new Error(String(thrown.message))
    error.stack = String(thrown.stack ?? error.message)
    return error
  } catch {
    return new Error(`a ${typeof thrown} was thrown that cannot be shown`)
  }
}
