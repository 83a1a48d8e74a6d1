import type { Result } from '../result/result.js'

/**
 * A measurement that failed. The message names the handler's file; `cause` is the handler's own error where there
 * is one.
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

/** A run that its handler has made fail. */
export function handlerFailed(handler: string, message: string, cause?: unknown): MeasureError {
  return new MeasureError(`handler ${handler}: ${message}`, cause === undefined ? {} : { cause })
}

/** An error that can be sent from thread to thread: only what it says, where not all of it can. */
export function portable(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
  try {
    structuredClone(error)
    return error
  } catch {
    const plain = new Error(error.message)
    plain.stack = error.stack ?? plain.message
    return plain
  }
}
