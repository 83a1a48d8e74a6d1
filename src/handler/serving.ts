import { setTimer } from '../clock/timer.js'
import type { HandlerContext } from '../scenario/handler.js'
import { isError } from '../validation/realm.js'

/** What a handler gets beside one batch; most never ask for the signal, which is then never made. */
export class BatchContext implements HandlerContext<unknown> {
  readonly state: unknown
  #controller: AbortController | undefined

  constructor(state: unknown) {
    this.state = state
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  static abort(context: BatchContext, reason: Error): void {
    context.#controller ??= new AbortController()
    context.#controller.abort(reason)
  }
}

export function isPromise(outputs: unknown): outputs is PromiseLike<readonly unknown[]> {
  return typeof (outputs as { then?: unknown } | null | undefined)?.then === 'function'
}

/** A thenable that is no promise may settle with another one, throw, or settle twice: as `await` takes it. */
export const awaited = <Value>(value: PromiseLike<Value>): PromiseLike<Value> =>
  value instanceof Promise ? value : Promise.resolve(value)

/** What becomes of a promise that is late: its requests fail, or the run is over. */
export const ABANDONED = Symbol('the run is over')

/** The error of a batch that took longer than `batchTimeout`. */
export class BatchTimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`run took longer than ${timeoutMs} ms (batchTimeout)`)
  }
}

/**
 * Awaits a batch's outputs, for as long as a batch may take, or the run lasts. A late promise may still settle some
 * day; nobody listens then.
 */
export function settle(
  outputs: PromiseLike<readonly unknown[]>,
  context: BatchContext,
  timeoutMs: number,
  leftMs: number,
): Promise<readonly unknown[] | typeof ABANDONED> {
  return new Promise((resolve, reject) => {
    const late = () => {
      const over = leftMs < timeoutMs
      const reason = over ? new Error('the run is over') : new BatchTimeoutError(timeoutMs)
      BatchContext.abort(context, reason)
      if (over) resolve(ABANDONED)
      else reject(reason)
    }
    const timer = setTimer(late, Math.min(timeoutMs, Math.max(0, leftMs)), { real: true })
    awaited(outputs).then(
      (value) => {
        timer.clear()
        resolve(value)
      },
      (error: unknown) => {
        timer.clear()
        reject(error)
      },
    )
  })
}

/**
 * Checks that a batch's outputs are one a request, and are there: a promise of one would count as served at once.
 *
 * @throws TypeError saying what they are
 */
export function checkOutputs(outputs: unknown, size: number): asserts outputs is readonly unknown[] {
  if (!Array.isArray(outputs)) {
    throw new TypeError(`run must return an array of outputs, one a request; it returned ${kindOf(outputs)}`)
  }
  if (outputs.length !== size) {
    throw new TypeError(`run must return one output a request; it returned ${outputs.length} for a batch of ${size}`)
  }
  for (let i = 0; i < size; i++) {
    const output: unknown = outputs[i]
    if (typeof output === 'object' && output !== null && isPromise(output)) refusePromises(outputs)
  }
}

function refusePromises(outputs: readonly unknown[]): never {
  // that their batch has failed is told: what else becomes of them must not end the process
  for (const output of outputs) if (isPromise(output)) Promise.resolve(output).catch(() => {})
  throw new TypeError('run must return outputs, not promises of them; await them first: Promise.all(outputs)')
}

/**
 * Counts the outputs of a batch that are failures, and marks them.
 *
 * @throws TypeError if there is not one output a request
 */
export function failuresIn(outputs: unknown, size: number, failed: Uint8Array): number {
  checkOutputs(outputs, size)
  let failures = 0
  for (let i = 0; i < size; i++) {
    const failure = isError(outputs[i])
    failed[i] = failure ? 1 : 0
    if (failure) failures++
  }
  return failures
}

const kindOf = (value: unknown) =>
  value === undefined
    ? 'nothing'
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
